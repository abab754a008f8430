"""Tasks, money and offers as Aigenway tells of them. Pure.

Source: the platform's page "Task lifecycle". Forms that it does not show are our own: those of failed tasks,
`/result`, balance, methods and prices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import accumulate, pairwise
from typing import Any, Final

import orjson

from services.api.dialects.aigenway.answers import with_meta
from services.api.dialects.aigenway.prices import Priced
from services.api.dialects.aigenway.targets import Target
from services.api.dialects.eggapi.mapping import status_of as plain_status_of
from shared.aigenway import CURRENCY, ended_at, failure_code, result_of, time_text, units_text
from shared.catalog.aigenway_offers import Dimension, Pricing
from shared.catalog.prices import TokenPrice
from shared.ledger.block import Balance
from shared.money import nano_from_usd
from shared.providers.capabilities import Kind
from shared.tasks.lifecycle import FINAL, State
from shared.tasks.model import PriceItem, Task

_STATUSES: Final = {"pending": "PENDING", "processing": "PROCESSING"}
_FINAL: Final = {
    State.COMPLETED: "SUCCEEDED",
    State.FAILED: "FAILED",
    State.CANCELLED: "CANCELLED",
}
_TEXT: Final = frozenset({Kind.CHAT, Kind.EMBEDDING})


def status_of(task: Task) -> str:
    """In capitals, as polling tells it."""
    return _FINAL.get(task.state) or _STATUSES[plain_status_of(task)]


def queued_body(task: Task) -> bytes:
    """The answer to a generation that goes on."""
    return orjson.dumps({"task_id": task.id, "status": "queued"})


def task_body(task: Task, public_url: str) -> dict[str, Any]:
    """The answer to a poll."""
    result = _result(task, public_url)
    body = {
        "id": task.id,
        "status": status_of(task),
        "mode": task.mode.upper(),
        "started_at": None if task.started_at is None else time_text(task.started_at),
        "finished_at": time_text(ended_at(task)) if task.state in FINAL else None,
        "result": result,
    }
    return with_meta(body | _failure(task), result)


def result_body(task: Task, public_url: str) -> dict[str, Any]:
    """The answer to `/result`: as that of a generation which is over at once."""
    result = _result(task, public_url)
    body = {"task_id": task.id, "status": status_of(task), "result": result}
    return with_meta(body | _failure(task), result)


def _result(task: Task, public_url: str) -> dict[str, Any] | None:
    return result_of(task, public_url) if task.state is State.COMPLETED else None


def _failure(task: Task) -> dict[str, Any]:
    if task.state not in (State.FAILED, State.CANCELLED):
        return {}
    message = task.failure.message if task.failure is not None else "The task failed"
    return {"error_code": failure_code(task.failure), "error_message": message}


def estimate_body(target: Target, priced: Priced, balance: Balance) -> dict[str, Any]:
    """`estimated_amount` is what a generation would hold: the most that it can cost, discounts taken off.

    It is what the items add up to; `items` is ours.
    """
    items = _items(priced.quote.items)
    discount = -sum(amount for _, amount in items if amount < 0)
    return {
        **target.names,
        "estimated_amount": units_text(priced.quote.hold_nano),
        "discount_amount": str(discount),
        "currency": CURRENCY,
        "bundle": priced.bundle,
        "balance_sufficient": balance.available >= priced.quote.hold_nano,
        "items": [{"text": item.text, "units": item.units, "amount": str(amount)} for item, amount in items],
    }


def _items(items: Sequence[PriceItem]) -> list[tuple[PriceItem, int]]:
    """Each with its amount in this dialect's units, such that they add up to their rounded sum."""
    sums = list(accumulate((item.amount_nano for item in items), initial=0))
    units = [int(units_text(nano)) for nano in sums]
    return [(item, after - before) for item, (before, after) in zip(items, pairwise(units), strict=True)]


def balance_body(balance: Balance) -> dict[str, Any]:
    return {
        "balance": units_text(balance.available + balance.held),
        "held": units_text(balance.held),
        "available": units_text(balance.available),
        "currency": CURRENCY,
        **({"owed": units_text(balance.owed)} if balance.owed else {}),
    }


def method_body(target: Target) -> dict[str, Any]:
    """One item of `GET /v1/methods`."""
    return {
        **target.names,
        "modes": ["SYNC"] if target.table.kind in _TEXT else ["ASYNC"],
        "params_schema": target.table.schema(),
        "pricing_type": target.offer.pricing.value,
    }


def price_items(target: Target, now: datetime) -> Iterator[dict[str, Any]]:
    """Items of `GET /v1/prices`; of tokens what a million of each kind costs."""
    for bundle, usd in _prices(target, now):
        yield {
            **target.names,
            "pricing_type": target.offer.pricing.value,
            "bundle": bundle,
            "amount": units_text(nano_from_usd(usd)),
            "currency": CURRENCY,
        }


def _prices(target: Target, now: datetime) -> Iterator[tuple[Mapping[str, Any], str]]:
    price = target.entry.price_at(now)
    if target.offer.pricing is Pricing.PER_TOKEN and isinstance(price, TokenPrice):
        kinds = {
            "input": price.usd_per_million_input,
            "cached_input": price.usd_per_million_cached_input,
            "output": price.usd_per_million_output,
        }
        for kind, usd in kinds.items():
            if usd is not None:
                yield {"tokens": kind, "per": 1_000_000}, usd
    for one in target.offer.prices_at(now):
        for bundle in one.bundles(target.offer.dimensions):
            yield {name: _shown(name, word) for name, word in bundle.items()}, one.usd


def _shown(name: str, word: str) -> str | int:
    """As a request writes it: durations are numbers."""
    return int(word) if name == Dimension.DURATION.value and word.isdigit() else word
