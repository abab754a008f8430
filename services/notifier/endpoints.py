"""Endpoints as attempts see them: where to, signed with what, and whether now."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.notifier.sender import LONGEST_SEND
from shared.mongo import Database
from shared.secrets import SecretBox
from shared.webhooks.secrets import SECRET_FIELDS, WebhookSecrets, opened

KEPT_FOR: Final = timedelta(seconds=5)
"""Changes, rotations and disabling hold for all attempts after this time."""
_MOST_KEPT: Final = 10_000
_PROBE: Final = LONGEST_SEND * 2
_FIELDS: Final = {**SECRET_FIELDS, "url": 1, "enabled": 1, "rests_until": 1}


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint as it was a moment ago."""

    url: str
    enabled: bool
    secrets: WebhookSecrets
    rests_until: datetime | None
    """Set while it fails; once that time has come, one attempt may try whether it has recovered."""


class EndpointBook:
    """Reads endpoints and keeps them for a few seconds."""

    def __init__(
        self, database: Database, secrets: SecretBox, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._endpoints = database["webhook_endpoints"]
        self._secrets = secrets
        self._monotonic = monotonic
        self._kept: dict[str, tuple[float, Target | None]] = {}

    async def find(self, endpoint_id: str) -> Target | None:
        """None for one that was deleted. Raises cryptography's InvalidTag for unreadable secrets."""
        kept = self._kept.get(endpoint_id)
        if kept is not None and kept[0] > self._monotonic():
            return kept[1]
        document = await self._endpoints.find_one({"_id": endpoint_id}, _FIELDS)
        target = None
        if document is not None:
            secrets = opened(document, self._secrets, endpoint_id)
            target = Target(document["url"], document["enabled"], secrets, document.get("rests_until"))
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[endpoint_id] = (self._monotonic() + KEPT_FOR.total_seconds(), target)
        return target

    def forget(self, endpoint_id: str) -> None:
        """It may have changed."""
        self._kept.pop(endpoint_id, None)

    async def take_probe(self, endpoint_id: str, at: datetime) -> datetime | None:
        """Try a resting endpoint: None for yes, or until when to wait for another's attempt."""
        until = at + _PROBE
        result = await self._endpoints.update_one(
            {"_id": endpoint_id, "rests_until": {"$lte": at}}, {"$set": {"rests_until": until}}
        )
        self.forget(endpoint_id)
        if result.modified_count:
            return None
        target = await self.find(endpoint_id)
        # Without a time it has just recovered.
        return target.rests_until if target is not None else None
