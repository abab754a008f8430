"""Signatures of callbacks, each after its provider's documentation, and the keys that verify them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class WebhookKeys:
    """What the providers sign with; made at start and gone with the process."""

    fal: Ed25519PrivateKey
    replicate: bytes
    kie: str

    @staticmethod
    def generate() -> WebhookKeys:
        return WebhookKeys(
            Ed25519PrivateKey.generate(),
            secrets.token_bytes(24),
            base64.b64encode(secrets.token_bytes(24)).decode(),
        )

    def fal_jwks(self) -> dict[str, Any]:
        """`{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": base64url}]}`, the fal queue's own key set."""
        x = base64.urlsafe_b64encode(self.fal.public_key().public_bytes_raw()).decode().rstrip("=")
        return {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x}]}

    def replicate_secret(self) -> str:
        """`whsec_` and the key in base64."""
        return f"whsec_{base64.b64encode(self.replicate).decode()}"


def sign_for_fal(keys: WebhookKeys, body: bytes, request_id: str, now: int) -> dict[str, str]:
    """ED25519 over request id, user id, time and the body's digest, a line each; in hexadecimal."""
    user_id = "simulated-user"
    lines = (request_id, user_id, str(now), hashlib.sha256(body).hexdigest())
    return {
        "X-Fal-Webhook-Request-Id": request_id,
        "X-Fal-Webhook-User-Id": user_id,
        "X-Fal-Webhook-Timestamp": str(now),
        "X-Fal-Webhook-Signature": keys.fal.sign("\n".join(lines).encode()).hex(),
    }


def sign_for_replicate(keys: WebhookKeys, body: bytes, message_id: str, now: int) -> dict[str, str]:
    """HMAC-SHA256 over `{id}.{time}.{body}`, as Svix signs."""
    signed = f"{message_id}.{now}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,{_hmac(keys.replicate, signed)}",
    }


def sign_for_kie(keys: WebhookKeys, task_id: str, now: int) -> dict[str, str]:
    """HMAC-SHA256 over `{taskId}.{time}`: the body is not signed."""
    signed = f"{task_id}.{now}".encode()
    return {"X-Webhook-Timestamp": str(now), "X-Webhook-Signature": _hmac(keys.kie.encode(), signed)}


def _hmac(key: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
