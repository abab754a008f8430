"""Who is asking: bearer keys, looked up at most once in a while."""

from __future__ import annotations

import time
from collections.abc import Sequence

from fastapi import Request

from services.api.errors import AccountSuspended, Unauthorized
from shared.accounts.key import KeyOwner, Keys, well_formed
from shared.clock import Clock

CACHE_SECONDS = 10.0
"""A revocation holds after this time even if its event is lost."""
MOST_CACHED = 50_000


class Authenticator:
    """Checks keys. Known ones are remembered for a moment and forgotten when revoked."""

    def __init__(self, keys: Keys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self._known: dict[bytes, tuple[float, KeyOwner]] = {}
        self._revocations = 0

    async def __call__(self, request: Request) -> KeyOwner:
        """The owner of the request's key. Raises Unauthorized and AccountSuspended."""
        header = request.headers.get("authorization")
        if not header:
            raise Unauthorized("Missing Authorization header")
        scheme, _, key = header.partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise Unauthorized("Invalid Authorization format, expected 'Bearer <token>'")
        owner = await self._find(key.strip())
        if owner is None or (owner.expires_at is not None and owner.expires_at <= self._clock.now()):
            raise Unauthorized
        if owner.suspended:
            raise AccountSuspended
        return owner

    async def _find(self, key: str) -> KeyOwner | None:
        if not well_formed(key):
            return None
        digest, now = self._keys.digest(key), time.monotonic()
        known = self._known.get(digest)
        if known is not None and now - known[0] < CACHE_SECONDS:
            return known[1]
        revocations = self._revocations
        owner = await self._keys.find(key)
        if owner is not None and revocations != self._revocations:
            # It may be this key's revocation that came while we read.
            owner = await self._keys.find(key)
        if owner is None:
            self._known.pop(digest, None)
            return None
        if len(self._known) >= MOST_CACHED:
            self._known.clear()
        self._known[digest] = (now, owner)
        return owner

    def forget(self, key_ids: Sequence[str]) -> None:
        """These keys were revoked."""
        self._revocations += 1
        revoked = set(key_ids)
        self._known = {
            digest: known for digest, known in self._known.items() if known[1].key_id not in revoked
        }
