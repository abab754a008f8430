"""Signatures of one delivery: Standard Webhooks on all, and beside it EggAPI's or Aigenway's. No I/O.

During a rotation several secrets are valid. The standard header has a signature by each; the dialects'
headers have room for one, which is by the newest.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook


class StandardSigner:
    """`secrets` are texts as the customer was shown them, `whsec_` and base64, the newest first."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._hooks = [Webhook(secret) for secret in secrets]

    def headers(self, delivery_id: str, body: bytes, at: datetime) -> dict[str, str]:
        """The headers of an attempt made at this time."""
        # The package takes the clock reading of any datetime for UTC, whatever its zone.
        utc, text = at.astimezone(UTC), body.decode()
        return {
            "webhook-id": delivery_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(hook.sign(delivery_id, utc, text) for hook in self._hooks),
        }


class Signer:
    """Signs with an account's webhook secrets.

    EggAPI's signature takes the whole text as its key (Webhooks, "Verifying signatures"); Standard Webhooks
    takes the bytes that the base64 stands for.
    """

    def __init__(self, *secrets: str) -> None:
        self._key = secrets[0].encode()
        self._standard = StandardSigner(secrets)

    def headers(self, delivery_id: str, body: bytes, at: datetime) -> dict[str, str]:
        """The headers of an attempt made at this time."""
        timestamp = str(int(at.timestamp()))
        digest = hmac.digest(self._key, f"{timestamp}.".encode() + body, "sha256").hex()
        return {
            "X-EggAPI-Timestamp": timestamp,
            "X-EggAPI-Signature": f"sha256={digest}",
            **self._standard.headers(delivery_id, body, at),
        }


class AigenwaySigner:
    """Signs with the webhook secrets of one API key.

    Aigenway's signature takes the body alone (Webhooks, "Verifying signatures").
    """

    def __init__(self, *secrets: str) -> None:
        self._key = secrets[0].encode()
        self._standard = StandardSigner(secrets)

    def headers(
        self, event: str, task_id: str, delivery_id: str, body: bytes, at: datetime
    ) -> dict[str, str]:
        """The headers of an attempt made at this time."""
        return {
            "User-Agent": "aiagg-webhook/1.0",
            "X-Aggregator-Event": event,
            "X-Aggregator-Task-Id": task_id,
            "X-Aggregator-Signature": f"sha256={hmac.digest(self._key, body, 'sha256').hex()}",
            **self._standard.headers(delivery_id, body, at),
        }
