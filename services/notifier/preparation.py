"""Before an attempt: where to, under which headers, and whether now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog
from cryptography.exceptions import InvalidTag

from services.notifier.delivery import Delivery
from services.notifier.endpoints import EndpointBook
from services.notifier.signers import Signers
from services.notifier.signing import StandardSigner
from shared.accounts.account import UnknownAccount

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ready:
    """Post it."""

    url: str
    headers: Mapping[str, str]
    probe: bool = False
    """It tries whether an endpoint that rests has recovered."""


@dataclass(frozen=True, slots=True)
class Rest:
    """The endpoint is left alone until then."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Hopeless:
    """There is nowhere to post it to; `reason` is an attempt's error."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unsigned:
    """Its secret is not there or not readable, which may change."""


Preparation = Ready | Rest | Hopeless | Unsigned


class Preparations:
    """Looks up what attempts need."""

    def __init__(self, signers: Signers, endpoints: EndpointBook) -> None:
        self._signers = signers
        self._endpoints = endpoints

    async def prepare(self, delivery: Delivery, at: datetime) -> Preparation:
        """For an attempt made at this time. Raises what the database raises."""
        try:
            if delivery.endpoint_id is not None:
                return await self._for_endpoint(delivery, delivery.endpoint_id, at)
            return Ready(delivery.url, await self._signers.headers(delivery, at))
        except UnknownAccount:
            return Unsigned()
        except InvalidTag:
            log.error(
                "webhook secret not readable",
                account_id=delivery.account_id,
                key_id=delivery.key_id,
                endpoint_id=delivery.endpoint_id,
            )
            return Unsigned()

    async def _for_endpoint(self, delivery: Delivery, endpoint_id: str, at: datetime) -> Preparation:
        target = await self._endpoints.find(endpoint_id)
        if target is None:
            return Hopeless("endpoint deleted")
        if not target.enabled:
            return Hopeless("endpoint disabled")
        probe = False
        if target.rests_until is not None:
            if target.rests_until > at:
                return Rest(target.rests_until)
            until = await self._endpoints.take_probe(endpoint_id, at)
            if until is not None:
                return Rest(until)
            probe = True
        headers = StandardSigner(target.secrets.valid_at(at)).headers(delivery.id, delivery.body, at)
        return Ready(target.url, headers, probe)
