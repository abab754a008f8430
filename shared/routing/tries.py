"""What a task's attempts leave to try. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from shared.catalog.model import ModelEntry
from shared.providers.errors import FINAL_FOR_THE_TASK, ErrorClass
from shared.tasks.model import Attempt

TRIES_PER_ROUTE: Final[Mapping[ErrorClass, int]] = {
    ErrorClass.RATE_LIMIT: 5,
    ErrorClass.NO_OUTPUT: 2,
    ErrorClass.SUBMIT_AMBIGUOUS: 2,
}
"""How many attempts on one route may end so before it is left alone; one of every other class."""

OF_THE_KEY: Final = frozenset({ErrorClass.QUOTA, ErrorClass.CREDENTIAL})
"""These speak of the key: as many attempts together as the provider has keys."""


class Tries:
    """The attempts of one task, counted by route and by how they ended."""

    def __init__(self, attempts: Sequence[Attempt]) -> None:
        self._attempts = attempts
        self._last_on = {attempt.route: attempt for attempt in attempts}
        self._counts = Counter((attempt.route, _class_of(attempt)) for attempt in attempts)

    @property
    def last(self) -> Attempt | None:
        return self._attempts[-1] if self._attempts else None

    def used_up(self, route: str, keys: int) -> bool:
        """Whether the task must not take this route again."""
        if route not in self._last_on:
            return False
        of_keys = sum(self._counts[route, error_class] for error_class in OF_THE_KEY)
        return (of_keys > 0 and of_keys >= keys) or any(
            self._counts[route, error_class] >= TRIES_PER_ROUTE.get(error_class, 1)
            for error_class in ErrorClass
            if error_class not in OF_THE_KEY
        )

    def rank(self, route: str) -> int:
        """0 for a route that owes a retry at once, then untried ones, then the others."""
        last = self._last_on.get(route)
        if last is None:
            return 1
        return 0 if last.error_class is ErrorClass.NO_OUTPUT else 2

    def final(self, model: ModelEntry | None) -> Attempt | None:
        """The last attempt, if it ends the task whatever routes are left."""
        last = self.last
        if last is None or last.error_class is None:
            return None
        if last.error_class is ErrorClass.POLICY_REFUSAL:
            return None if model is not None and model.fallback_on_refusal else last
        if last.error_class is ErrorClass.NO_OUTPUT:
            again = sum(_class_of(attempt) is ErrorClass.NO_OUTPUT for attempt in self._attempts) > 1
            return last if again and not (model is not None and model.fallback_on_no_output) else None
        return last if last.error_class in FINAL_FOR_THE_TASK else None


def _class_of(attempt: Attempt) -> ErrorClass:
    return attempt.error_class or ErrorClass.UNKNOWN
