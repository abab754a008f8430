"""Settings of the api."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, Field

from services.api.body import BodyLimits
from services.api.topups.settings import StripeSettings
from shared.http.ranges import IPNetwork
from shared.http_limits import HttpLimits
from shared.settings import Settings


def _a_network(text: str) -> str:
    ip_network(text)
    return text


class ApiSettings(Settings):
    """What clients may ask of one api process, or of all of them where that is said."""

    requests_per_minute: int = Field(default=6000, ge=0)
    """Of a key without a limit of its own, over all processes; they may come at once. 0: no limit."""
    account_requests_per_minute: int = Field(default=0, ge=0)
    """Of all keys of an account together, over all processes. 0: no limit."""
    refusals_per_second: int = Field(default=100, ge=1)
    """Requests without a valid key that one address may make before it is told to wait."""
    trusted_proxies: list[Annotated[str, AfterValidator(_a_network)]] = Field(default_factory=list)
    """Networks whose `X-Forwarded-For` is believed; without them a client's address is the connection's."""

    max_body_bytes: int = Field(default=1024 * 1024, ge=1024)
    """A larger JSON body is refused."""
    max_form_bytes: int = Field(default=64 * 1024 * 1024, ge=1024)
    """A larger multipart body is refused."""
    max_connections: int = Field(default=5000, ge=1)
    """Open connections; more are closed at once. Two file descriptors should be there for each."""
    slow_client_seconds: float = Field(default=20, gt=0)
    """How long a request's head may take, a body may pause, and a response may go unread."""

    stripe: StripeSettings = Field(default_factory=StripeSettings)
    """Top-ups by card."""

    @property
    def proxies(self) -> tuple[IPNetwork, ...]:
        return tuple(ip_network(network) for network in self.trusted_proxies)

    @property
    def body_limits(self) -> BodyLimits:
        return BodyLimits(self.max_body_bytes, self.max_form_bytes)

    @property
    def http_limits(self) -> HttpLimits:
        return HttpLimits(self.max_connections, self.slow_client_seconds)
