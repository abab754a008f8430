"""Billing: consumes `task.generated` and `task.rejected`, and audits all the time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.billing.audit import Auditor
from services.billing.coupon_uses import CouponSweeper
from services.billing.payments import Payments
from services.billing.settings import BillingSettings
from services.billing.settle import Settlement
from services.billing.thresholds import ThresholdWatcher
from shared.account_events import AccountEvents
from shared.bus.events import EventType
from shared.bus.listener import Listener
from shared.bus.topology import BILLING_QUEUE
from shared.ledger.chain import Ledger
from shared.ledger.usage import UsageFold
from shared.runtime import Platform
from shared.settings import read_settings
from shared.tasks.lifecycle import Role
from shared.tasks.service import TaskService, task_tools


@asynccontextmanager
async def build(platform: Platform) -> AsyncIterator[TaskService]:
    """Billing with everything it needs."""
    settings = read_settings(BillingSettings)
    tools = task_tools(platform, Role.BILLING)
    ledger = Ledger(platform.database, platform.clock)
    settlement = Settlement(tools, ledger, platform.clock, platform.killpoints)
    auditor = Auditor(
        platform.database,
        tools,
        ledger,
        UsageFold(platform.database, ledger, platform.killpoints),
        platform.clock,
        platform.killpoints,
        settings.audit_every,
        settings.interrupted_after,
    )
    coupons = CouponSweeper(
        platform.database, ledger, platform.clock, settings.audit_every, settings.interrupted_after
    )
    payments = Payments(platform.database, ledger, platform.clock, platform.killpoints)
    doorbell = Listener(
        platform.settings.amqp_url, platform.process_name, [EventType.PAYMENT_RECEIVED], payments.ring
    )
    watcher = ThresholdWatcher(
        platform.database,
        ledger,
        AccountEvents(platform.database),
        platform.clock,
        settings.thresholds_every,
    )
    yield TaskService(
        platform,
        Role.BILLING,
        tools,
        settlement.routes(),
        queues=[BILLING_QUEUE],
        background=[auditor.run, coupons.run, payments.run, doorbell.run, watcher.run],
    )
