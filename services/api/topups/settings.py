"""Settings of top-ups by card."""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel, Field, SecretStr


class StripeSettings(BaseModel):
    """How to reach Stripe, and what may be paid through it."""

    secret_key: SecretStr | None = None
    """None: there are no top-ups by card."""
    webhook_secrets: list[SecretStr] = Field(default_factory=list)
    """What Stripe signs its events with; several while one replaces another."""
    base_url: str | None = None
    """Another address than Stripe's own, such as the simulator's."""
    return_url: str | None = None
    """Where the payment page leads back to when a request does not say; the public address otherwise."""
    minimum_usd: Decimal = Field(default=Decimal(5), ge=Decimal("0.5"), decimal_places=2)
    maximum_usd: Decimal = Field(default=Decimal(10_000), le=Decimal("999999.99"), decimal_places=2)
    """Of one top-up."""

    @property
    def key(self) -> SecretStr | None:
        """An empty variable is as good as none."""
        return self.secret_key if self.secret_key and self.secret_key.get_secret_value() else None
