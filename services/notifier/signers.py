"""The signatures of deliveries. Secrets are kept for a few seconds, so that a busy account costs no query per
delivery."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

from services.notifier.delivery import Delivery
from services.notifier.kept import Kept
from services.notifier.signing import AigenwaySigner, Signer
from shared.webhooks.secrets import WebhookSecrets

AIGENWAY: Final = "aigenway"


class AccountSecrets(Protocol):
    async def webhook_secrets(self, account_id: str) -> WebhookSecrets: ...


class KeySecrets(Protocol):
    async def webhook_secrets(self, key_id: str) -> WebhookSecrets | None: ...


class Signers:
    """Signs callbacks with the secrets of the account or, for Aigenway, with those of the API key."""

    def __init__(
        self, accounts: AccountSecrets, keys: KeySecrets, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._accounts = accounts
        self._keys = keys
        self._kept: Kept[tuple[str, str | None], WebhookSecrets] = Kept(self._read, monotonic)

    async def headers(self, delivery: Delivery, at: datetime) -> dict[str, str]:
        """The headers of an attempt made at this time. Raises UnknownAccount."""
        if delivery.dialect == AIGENWAY:
            secrets = await self._kept.get((delivery.account_id, delivery.key_id))
            return AigenwaySigner(*secrets.valid_at(at)).headers(
                delivery.event, delivery.task_id or "", delivery.id, delivery.body, at
            )
        secrets = await self._kept.get((delivery.account_id, None))
        return Signer(*secrets.valid_at(at)).headers(delivery.id, delivery.body, at)

    async def _read(self, whose: tuple[str, str | None]) -> WebhookSecrets:
        account_id, key_id = whose
        # Keys of earlier versions have no secret of their own.
        own = await self._keys.webhook_secrets(key_id) if key_id is not None else None
        return own or await self._accounts.webhook_secrets(account_id)
