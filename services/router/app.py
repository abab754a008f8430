"""The router: consumes `task.queued` and `attempt.failed`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.router.handlers import RouterHandlers
from services.router.overdue import OverdueWatch
from shared.bus.topology import ROUTER_QUEUE
from shared.route_health import RouteHealth
from shared.runtime import Platform
from shared.tasks.lifecycle import Role
from shared.tasks.service import TaskService, task_tools


@asynccontextmanager
async def build(platform: Platform) -> AsyncIterator[TaskService]:
    """The router with everything it needs."""
    tools = task_tools(platform, Role.ROUTER)
    health = RouteHealth(platform.database, platform.clock, platform.catalog)
    handlers = RouterHandlers(tools, platform.catalog, health, platform.clock, platform.killpoints)
    yield TaskService(
        platform,
        Role.ROUTER,
        tools,
        handlers.routes(),
        queues=[ROUTER_QUEUE],
        background=[OverdueWatch(tools).run],
    )
