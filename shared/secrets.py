"""Secrets at rest: AES-256-GCM under a key that only settings know."""

from __future__ import annotations

import base64
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


def new_webhook_secret() -> str:
    """`whsec_` and 24 random bytes in base64."""
    return "whsec_" + base64.b64encode(os.urandom(24)).decode()


class BadSecretsKey(ValueError):
    """HATCHERY_SECRETS_KEY must be 32 bytes in base64: `openssl rand -base64 32` makes one."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class SecretBox:
    """Seals and opens short texts. `context` binds a sealed text to its place, such as the account's id."""

    def __init__(self, key_base64: str) -> None:
        try:
            key = base64.b64decode(key_base64, validate=True)
        except ValueError as error:
            raise BadSecretsKey from error
        if len(key) != 32:
            raise BadSecretsKey
        self._cipher = AESGCM(key)

    def seal(self, text: str, context: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text.encode(), context.encode())

    def open(self, sealed: bytes, context: str) -> str:
        nonce, body = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        return self._cipher.decrypt(nonce, body, context.encode()).decode()
