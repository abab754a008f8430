"""Settings of billing."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from shared.settings import Settings


class BillingSettings(Settings):
    """How often the auditor works."""

    audit_every_seconds: float = Field(default=15, gt=0)

    @property
    def audit_every(self) -> timedelta:
        return timedelta(seconds=self.audit_every_seconds)
