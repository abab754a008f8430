"""Replicate's signed webhooks. Source: replicate.com/docs, "Verify webhooks".

HMAC-SHA256 over `webhook-id.webhook-timestamp.body` with the decoded part of `whsec_…`; one of several `v1`
signatures has to match.
"""

from __future__ import annotations

import asyncio
import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import structlog
from pydantic import SecretStr

from shared.providers.callbacks.base import is_recent, job_id, lower_names, object_of
from shared.providers.exchange import ProviderClient, Reply
from shared.providers.replicate import BASE_URL
from shared.providers.tools import ProviderTools

log = structlog.get_logger()

FETCH_EVERY: Final = timedelta(minutes=1)
_PREFIX: Final = "whsec_"
_MOST_SIGNATURES: Final = 16


class ReplicateCallbacks:
    """Verifies with `secret`, or without one with those of the accounts of `keys`.

    Those are fetched once, when first needed; what could not be fetched is tried again after a minute.
    Raises ValueError for a secret that is not `whsec_` and base64.
    """

    def __init__(
        self,
        tools: ProviderTools,
        keys: Sequence[SecretStr],
        base_url: str | None = None,
        secret: SecretStr | None = None,
    ) -> None:
        base = (base_url or BASE_URL).rstrip("/").removesuffix("/v1")
        self._url = f"{base}/v1/webhooks/default/secret"
        self._known: set[bytes] = set()
        self._without: list[ProviderClient] = []
        if secret is not None:
            self._known.add(secret_bytes(secret.get_secret_value()))
        else:
            self._without = [ProviderClient(tools, base, key) for key in keys]
        self._tried: datetime | None = None
        self._fetching = asyncio.Lock()

    async def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str | None:
        """The id of the prediction that a genuine message holds."""
        named = lower_names(headers)
        message_id, timestamp = named.get("webhook-id", ""), named.get("webhook-timestamp", "")
        signatures = _signatures(named.get("webhook-signature", ""))
        if not (message_id and signatures and is_recent(timestamp, now)):
            return None
        signed = f"{message_id}.{timestamp}.".encode() + body
        if not self._matches(signed, signatures):
            await self._fetch(now)
            if not self._matches(signed, signatures):
                return None
        return job_id(object_of(body).get("id"))

    def _matches(self, signed: bytes, signatures: Sequence[bytes]) -> bool:
        expected = [b64encode(hmac.digest(secret, signed, sha256)) for secret in self._known]
        return any(hmac.compare_digest(one, other) for one in expected for other in signatures)

    async def _fetch(self, now: datetime) -> None:
        """Asks for the secrets that are not known yet."""
        async with self._fetching:
            if not self._without or (self._tried is not None and now - self._tried < FETCH_EVERY):
                return
            self._tried = now
            waiting, self._without = self._without, []
            for client in waiting:
                secret = await self._ask(client)
                if secret is None:
                    self._without.append(client)
                else:
                    self._known.add(secret)

    async def _ask(self, client: ProviderClient) -> bytes | None:
        reply = await client.call("GET", self._url, client.limits.poll)
        key = reply.object().get("key") if isinstance(reply, Reply) and reply.accepted else None
        try:
            return secret_bytes(str(key))
        except ValueError:
            status = reply.status if isinstance(reply, Reply) else None
            log.warning("callback secret not fetched", provider="replicate", status=status)
            return None


def secret_bytes(secret: str) -> bytes:
    """The key in a `whsec_…` secret. Raises ValueError."""
    try:
        raw = b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("a webhook secret is whsec_ and base64") from error
    if not secret.startswith(_PREFIX) or not raw:
        raise ValueError("a webhook secret is whsec_ and base64")
    return raw


def _signatures(header: str) -> tuple[bytes, ...]:
    """The `v1` signatures of `v1,<base64> v1,<base64>`."""
    pairs = (part.partition(",") for part in header.split()[:_MOST_SIGNATURES])
    return tuple(value.encode() for version, _, value in pairs if version == "v1" and value)
