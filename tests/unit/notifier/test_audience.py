"""Who else hears of final tasks, and how often that is asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from services.notifier.audience import Audience
from services.notifier.kept import KEPT_FOR
from shared.tasks.lifecycle import State
from shared.webhooks.listeners import Listener
from tests.unit.building import a_task

LISTENER = Listener("whe_1", "https://hooks.example.org/", ())
CALLBACK = "https://callback.example.org/"


class Book:
    """The endpoints that there are, and which accounts were looked up."""

    def __init__(self, **listeners: Sequence[Listener]) -> None:
        self.listeners = listeners
        self.asked: list[set[str]] = []

    async def of(self, account_ids: Collection[str]) -> Mapping[str, Sequence[Listener]]:
        self.asked.append(set(account_ids))
        return {one: self.listeners[one] for one in account_ids if one in self.listeners}


class Watch:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def audience_over(book: Any, watch: Watch) -> Audience:
    return Audience(book, watch)


def told(account: str, callback: str | None = CALLBACK) -> Any:
    return a_task(State.COMPLETED, account_id=account, callback_url=callback)


async def test_that_an_account_has_no_endpoints_is_asked_once_in_a_while() -> None:
    book, watch = Book(acc_1=[LISTENER]), Watch()
    audience = audience_over(book, watch)

    for _ in range(3):
        assert await audience.of([told("acc_1"), told("acc_2")]) == {"acc_1": [LISTENER]}
    assert book.asked == [{"acc_1", "acc_2"}, {"acc_1"}, {"acc_1"}]

    book.listeners["acc_2"] = [LISTENER]
    watch.seconds = KEPT_FOR.total_seconds()
    assert set(await audience.of([told("acc_2")])) == {"acc_2"}


async def test_a_task_without_a_callback_is_always_asked_for() -> None:
    book = Book()
    audience = audience_over(book, Watch())
    await audience.of([told("acc_1")])
    book.listeners["acc_1"] = [LISTENER]

    assert await audience.of([told("acc_1", callback=None)]) == {"acc_1": [LISTENER]}
