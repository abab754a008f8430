"""Named points at which a fault test can end the process as `kill -9` would."""

from __future__ import annotations

import os
import signal
from typing import Final

POINTS: Final = (
    "api.before_block",
    "api.between_block_and_tasks",
    "api.after_tasks",
    "api.after_publish",
    "api.coupon_between_chains",
    "api.coupon_before_release",
    "api.coupon_after_uses",
    "api.text_after_hold",
    "api.text_in_stream",
    "api.text_before_generated",
    "router.before_move",
    "router.after_move",
    "worker.after_claim",
    "worker.after_call",
    "worker.while_polling",
    "worker.after_download",
    "worker.after_upload",
    "worker.after_move",
    "billing.after_block",
    "billing.after_move",
    "billing.between_fold_steps",
    "payments.topup_kept",
    "payments.decided",
    "payments.credited",
    "payments.code_claimed",
    "notifier.after_fan_out",
    "notifier.after_claim",
    "notifier.after_post",
    "notifier.after_record",
    "sweeper.in_batch",
    "auditor.in_batch",
)


class UnknownKillPoint(ValueError):
    """The setting HATCHERY_KILL_POINT names a point that does not exist."""


class KillPoints:
    """At most one armed point; with none armed, reaching one costs a comparison."""

    def __init__(self, armed: str | None = None) -> None:
        if armed is not None and armed not in POINTS:
            raise UnknownKillPoint(f"HATCHERY_KILL_POINT={armed!r}: choose one of {', '.join(POINTS)}")
        self._armed = armed

    def reach(self, point: str) -> None:
        if point == self._armed:
            os.kill(os.getpid(), signal.SIGKILL)
