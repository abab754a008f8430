"""Who else hears of a final task: the endpoints of its account."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from services.notifier.kept import KEPT_FOR
from shared.tasks.model import Task
from shared.webhooks.listeners import Listener, Listeners

_MOST_KNOWN: Final = 10_000


class Audience:
    """Remembers for a few seconds that an account has no endpoints, so that callbacks cost no query for them.

    A task without a callback is here because its account has some: for it they are always looked up.
    """

    def __init__(self, listeners: Listeners, monotonic: Callable[[], float]) -> None:
        self._listeners = listeners
        self._monotonic = monotonic
        self._silent_until: dict[str, float] = {}

    async def of(self, tasks: Sequence[Task]) -> Mapping[str, Sequence[Listener]]:
        """The enabled endpoints by account; none for accounts without."""
        now = self._monotonic()
        asked = {
            task.account_id
            for task in tasks
            if not task.callback_url or self._silent_until.get(task.account_id, now) <= now
        }
        found = await self._listeners.of(asked)
        if len(self._silent_until) >= _MOST_KNOWN:
            self._silent_until.clear()
        silent_until = now + KEPT_FOR.total_seconds()
        self._silent_until |= dict.fromkeys(asked - found.keys(), silent_until)
        return found
