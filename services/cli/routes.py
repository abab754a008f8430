"""`hatchery route explain`: where a request would go now, and why."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from services.cli.context import AsJson, StateDir, act, show_json
from shared.catalog.model import Catalog
from shared.clock import Clock
from shared.errors import HatcheryError
from shared.route_health import RouteHealth
from shared.routing.explain import RouteView, explain, first_ready
from shared.runtime import Platform
from shared.tasks.model import TaskRequest

route_app = typer.Typer(help="Routes: which provider makes what.", no_args_is_help=True)


class UnknownModel(HatcheryError):
    """There is no such model in the catalog."""


@route_app.command("explain")
def explain_routes(
    model: Annotated[str, typer.Argument(help="A model id of the catalog.")],
    resolution: Annotated[str | None, typer.Option(help="Such as 4k or 1080p.")] = None,
    ratio: Annotated[str | None, typer.Option(help="An aspect ratio, such as 16:9.")] = None,
    edit: Annotated[bool, typer.Option("--edit", help="With input images.")] = False,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> None:
    """The chain as a request would meet it now: which routes are in or out, and why.

    It reads what all services share: the keys of the workers, rests and breakers.
    """
    request = request_like(resolution, ratio, edit)
    views, now = act(state_dir, lambda platform: _views(platform, model, request))
    if json:
        show_json(report(views, now))
        return
    print_views(views, now)


def request_like(resolution: str | None, ratio: str | None, edit: bool) -> TaskRequest:
    """A request with nothing but what routes ask about."""
    known = {word.lower(): word for word in ("1K", "2K", "4K")}
    return TaskRequest(
        prompt="",
        resolution=known.get(resolution.lower(), resolution) if resolution else None,
        aspect_ratio=ratio,
        image_urls=("https://image.example/",) if edit else (),
    )


async def _views(platform: Platform, model_id: str, request: TaskRequest) -> tuple[list[RouteView], datetime]:
    health = RouteHealth(platform.database, platform.clock, platform.catalog)
    return await explained(health, platform.catalog, model_id, request, platform.clock)


async def explained(
    health: RouteHealth, catalog: Catalog, model_id: str, request: TaskRequest, clock: Clock
) -> tuple[list[RouteView], datetime]:
    """Every route of the model, and the moment this holds for. Raises UnknownModel."""
    model = catalog.models.get(model_id)
    if model is None:
        raise UnknownModel(
            f"There is no model {model_id} in the catalog; there are {', '.join(catalog.models)}."
        )
    known, now = await health.snapshot(), clock.now()
    return explain(request, model, known, now), now


def report(views: list[RouteView], now: datetime) -> dict[str, Any]:
    """The same for programs."""
    taken = first_ready(views, now)
    return {
        "takes": taken.route.name if taken is not None else None,
        "routes": [
            {
                "route": view.route.name,
                "provider": view.route.provider,
                "upstream_model": view.upstream_model,
                "priority": view.priority,
                "weight": view.route.weight,
                "keys": view.keys,
                "eligible": view.eligible,
                "ready": view.ready_at is not None and view.ready_at <= now,
                "ready_at": view.ready_at.isoformat() if view.ready_at is not None else None,
                "breaker": view.breaker.value,
                "why": list(view.why),
            }
            for view in views
        ],
    }


def print_views(views: list[RouteView], now: datetime) -> None:
    """A table and what follows from it."""
    console, taken = Console(), first_ready(views, now)
    table = Table("", "priority", "weight")
    for column in ("route", "keys", "breaker", "state", "why"):
        table.add_column(column, overflow="fold")
    for view in views:
        table.add_row(
            "→" if view is taken else "",
            str(view.priority),
            str(view.route.weight),
            view.route.name,
            str(view.keys),
            view.breaker.value,
            _state(view, now),
            "; ".join(view.why),
        )
    console.print(table)
    console.print(_conclusion(views, taken), highlight=False)


def _state(view: RouteView, now: datetime) -> str:
    if view.ready_at is None:
        return "out"
    if view.ready_at <= now:
        return "in"
    return f"in {(view.ready_at - now).total_seconds():.0f} s"


def _conclusion(views: list[RouteView], taken: RouteView | None) -> str:
    if taken is not None:
        return f"A request goes to {taken.route.name} now."
    times = [view.ready_at for view in views if view.ready_at is not None]
    if times:
        return f"A request waits until {min(times):%H:%M:%S} UTC."
    return "A request is rejected: no route can take it."
