"""Signatures of one delivery: EggAPI's together with Standard Webhooks, or Aigenway's. No I/O."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime

from standardwebhooks import Webhook


class Signer:
    """Signs with one account's webhook secret, the text that the customer was shown: `whsec_` and base64.

    EggAPI's signature takes the whole text as its key (Webhooks, "Verifying signatures"); Standard Webhooks
    takes the bytes that the base64 stands for.
    """

    def __init__(self, secret: str) -> None:
        self._key = secret.encode()
        self._standard = Webhook(secret)

    def headers(self, delivery_id: str, body: bytes, at: datetime) -> dict[str, str]:
        """The headers of an attempt made at this time."""
        timestamp = str(int(at.timestamp()))
        digest = hmac.digest(self._key, f"{timestamp}.".encode() + body, "sha256").hex()
        # The package takes the clock reading of any datetime for UTC, whatever its zone.
        signature = self._standard.sign(delivery_id, at.astimezone(UTC), body.decode())
        return {
            "X-EggAPI-Timestamp": timestamp,
            "X-EggAPI-Signature": f"sha256={digest}",
            "webhook-id": delivery_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": signature,
        }


class AigenwaySigner:
    """Signs with the webhook secret of one API key: the body alone (Webhooks, "Verifying signatures")."""

    def __init__(self, secret: str) -> None:
        self._key = secret.encode()

    def headers(self, event: str, task_id: str, body: bytes) -> dict[str, str]:
        """The headers of an attempt, whenever it is made."""
        return {
            "User-Agent": "aiagg-webhook/1.0",
            "X-Aggregator-Event": event,
            "X-Aggregator-Task-Id": task_id,
            "X-Aggregator-Signature": f"sha256={hmac.digest(self._key, body, 'sha256').hex()}",
        }
