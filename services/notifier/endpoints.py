"""Endpoints as attempts see them: where to, signed with what, and whether now."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.notifier.kept import Kept
from services.notifier.sender import LONGEST_SEND
from shared.mongo import Database
from shared.secrets import SecretBox
from shared.webhooks.secrets import SECRET_FIELDS, WebhookSecrets, opened

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
        self._kept: Kept[str, Target | None] = Kept(self._read, monotonic)

    async def find(self, endpoint_id: str) -> Target | None:
        """None for one that was deleted. Raises cryptography's InvalidTag for unreadable secrets."""
        return await self._kept.get(endpoint_id)

    async def _read(self, endpoint_id: str) -> Target | None:
        document = await self._endpoints.find_one({"_id": endpoint_id}, _FIELDS)
        if document is None:
            return None
        secrets = opened(document, self._secrets, endpoint_id)
        return Target(document["url"], document["enabled"], secrets, document.get("rests_until"))

    def forget(self, endpoint_id: str) -> None:
        """It may have changed."""
        self._kept.forget(endpoint_id)

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
