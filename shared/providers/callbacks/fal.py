"""fal's signed webhooks. Source: fal.ai/docs, "Webhooks", section "Verifying".

ED25519 over request id, user id, timestamp and the hexadecimal SHA-256 of the body, joined by line feeds. Any
key of fal's published set may have signed.
"""

from __future__ import annotations

import asyncio
import binascii
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import aiohttp
import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from shared.errors import HatcheryError
from shared.http.reading import read_capped
from shared.providers.callbacks.base import is_recent, job_id, lower_names, object_of

log = structlog.get_logger()

JWKS_URL: Final = "https://rest.alpha.fal.ai/.well-known/jwks.json"
KEYS_LIVE: Final = timedelta(hours=24)
FETCH_EVERY: Final = timedelta(minutes=1)
"""No more often, so that forged messages cannot make us ask."""

_FETCH_LIMIT: Final = timedelta(seconds=10)
_MOST_BYTES: Final = 256 * 1024
_KEY_BYTES: Final = 32
_SIGNED_HEADERS: Final = tuple(f"x-fal-webhook-{name}" for name in ("request-id", "user-id", "timestamp"))


class FalCallbacks:
    """Verifies with the keys published at `jwks_url`, which are fetched when first needed."""

    def __init__(self, session: aiohttp.ClientSession, jwks_url: str = JWKS_URL) -> None:
        self._session = session
        self._url = jwks_url
        self._keys: tuple[Ed25519PublicKey, ...] = ()
        self._fetched: datetime | None = None
        self._tried: datetime | None = None
        self._fetching = asyncio.Lock()

    async def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str | None:
        """The `request_id` of a genuine message."""
        named = lower_names(headers)
        parts = [named.get(name, "") for name in _SIGNED_HEADERS]
        if not all(parts) or not is_recent(parts[-1], now):
            return None
        try:
            signature = bytes.fromhex(named.get("x-fal-webhook-signature", ""))
        except ValueError:
            return None
        message = "\n".join((*parts, sha256(body).hexdigest())).encode()
        if not await self._signed(signature, message, now):
            return None
        return job_id(object_of(body).get("request_id"))

    async def _signed(self, signature: bytes, message: bytes, now: datetime) -> bool:
        if self._fetched is not None and now - self._fetched >= KEYS_LIVE:
            self._keys = ()
        if _matches(self._keys, signature, message):
            return True
        async with self._fetching:
            # The keys may have come while this message waited for its turn.
            if self._tried is None or now - self._tried >= FETCH_EVERY:
                self._tried = now
                await self._fetch(now)
        return _matches(self._keys, signature, message)

    async def _fetch(self, now: datetime) -> None:
        timeout = aiohttp.ClientTimeout(total=_FETCH_LIMIT.total_seconds())
        try:
            async with self._session.get(self._url, timeout=timeout, allow_redirects=False) as response:
                body = await read_capped(response, _MOST_BYTES, _FETCH_LIMIT)
        except (aiohttp.ClientError, HatcheryError, OSError, TimeoutError) as error:
            log.warning("callback keys not fetched", provider="fal", reason=type(error).__name__)
            return
        keys = tuple(_read_keys(object_of(body)))
        if response.status != 200 or not keys:
            log.warning("callback keys not usable", provider="fal", status=response.status)
            return
        self._keys, self._fetched = keys, now


def _read_keys(jwks: dict[str, Any]) -> Iterator[Ed25519PublicKey]:
    """The ED25519 keys of a JSON Web Key Set; others are passed over."""
    listed = jwks.get("keys")
    for item in listed if isinstance(listed, list) else ():
        encoded = item.get("x") if isinstance(item, dict) else None
        if not isinstance(encoded, str):
            continue
        try:
            raw = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        except (binascii.Error, ValueError):
            continue
        if len(raw) == _KEY_BYTES:
            yield Ed25519PublicKey.from_public_bytes(raw)


def _matches(keys: tuple[Ed25519PublicKey, ...], signature: bytes, message: bytes) -> bool:
    return any(_is_signature(key, signature, message) for key in keys)


def _is_signature(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True
