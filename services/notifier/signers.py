"""Each account's signer, kept for half a minute so that a busy account costs no query per delivery."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from services.notifier.signing import Signer
from shared.accounts.account import Accounts

KEPT_FOR = timedelta(seconds=30)
_MOST_KEPT = 10_000


class Signers:
    """Signers by account."""

    def __init__(self, accounts: Accounts, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._accounts = accounts
        self._monotonic = monotonic
        self._kept: dict[str, tuple[float, Signer]] = {}

    async def of(self, account_id: str) -> Signer:
        """Raises UnknownAccount."""
        kept = self._kept.get(account_id)
        if kept is not None and kept[0] > self._monotonic():
            return kept[1]
        signer = Signer(await self._accounts.webhook_secret(account_id))
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[account_id] = (self._monotonic() + KEPT_FOR.total_seconds(), signer)
        return signer
