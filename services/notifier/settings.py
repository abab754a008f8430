"""Settings of the notifier."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from services.notifier.pace import Limits
from services.notifier.sender import LONGEST_SEND
from shared.settings import Settings


class NotifierSettings(Settings):
    """How much one notifier sends at a time."""

    notifier_concurrency: int = Field(default=64, ge=4)
    """Webhooks on their way at a time, one host's at most a quarter of them. Those that have waited for their
    receiver for a second count no more, up to seven times as many."""
    notifier_lease_seconds: float = Field(default=30, gt=LONGEST_SEND.total_seconds())
    """How long a delivery stays with a notifier that has fallen silent."""

    @property
    def limits(self) -> Limits:
        return Limits.of(self.notifier_concurrency)

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.notifier_lease_seconds)
