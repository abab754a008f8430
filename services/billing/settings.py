"""Settings of billing."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from shared.settings import Settings


class BillingSettings(Settings):
    """How often the loops beside settling work."""

    audit_every_seconds: float = Field(default=15, gt=0)
    interrupted_after_seconds: float = Field(default=30, gt=0)
    """A hold this old whose task does not exist belongs to a submit that was cut off."""

    thresholds_every_seconds: float = Field(default=2, gt=0)
    """How often accounts' thresholds are held against their chains."""

    @property
    def thresholds_every(self) -> timedelta:
        return timedelta(seconds=self.thresholds_every_seconds)

    @property
    def audit_every(self) -> timedelta:
        return timedelta(seconds=self.audit_every_seconds)

    @property
    def interrupted_after(self) -> timedelta:
        return timedelta(seconds=self.interrupted_after_seconds)
