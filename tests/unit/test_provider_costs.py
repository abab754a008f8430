"""An attempt costs what its provider says, else what the catalog states of its route."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shared.catalog.costs import MeteredCost, OutputCost, RequestCost, RouteCost, TokenCost
from shared.catalog.model import Catalog, ModelEntry, ProviderEntry, Route
from shared.catalog.prices import TokenPrice
from shared.provider_costs import ProviderCost, Work, cost_of, with_stated_cost
from shared.providers.capabilities import Kind
from shared.tasks.model import Attempt, TaskRequest, Tokens
from tests.unit.building import a_task, attempt

IMAGE = OutputCost(per="image", usd="0.04", by_resolution={"4K": "0.08"})
SECOND = OutputCost(per="second", usd="0.1")
REQUEST = RequestCost(per="request", usd="0.01")
METERED = MeteredCost(per="metered", usd="0.000725")
TOKEN = TokenCost(
    per="token",
    usd_per_million_input="2",
    usd_per_million_output="8",
    usd_per_million_cached_input="0.5",
)
USED = Tokens(input_tokens=1_000, output_tokens=10, cached_input_tokens=400)
TASK = TaskRequest(prompt="a hen")


@pytest.mark.parametrize(
    ("stated", "request_", "work", "nano"),
    [
        (IMAGE, TASK, Work(taken=True, outputs=3), 120_000_000),
        (IMAGE, TaskRequest(prompt="", resolution="4K"), Work(taken=True, outputs=1), 80_000_000),
        (IMAGE, TASK, Work(taken=True), 0),
        (SECOND, TaskRequest(prompt="", duration_seconds=8), Work(taken=True, outputs=1), 800_000_000),
        (SECOND, TASK, Work(taken=True, outputs=1), None),
        (REQUEST, TASK, Work(taken=True), 10_000_000),
        (REQUEST, TASK, Work(), 0),
        (METERED, TASK, Work(taken=True, metered=Decimal("2.4")), 1_740_000),
        (METERED, TASK, Work(taken=True, metered=Decimal("0.0000006")), 0),
        (METERED, TASK, Work(taken=True, metered=Decimal("0.0000007")), 1),
        (METERED, TASK, Work(taken=True, outputs=1), None),
        (TOKEN, TASK, Work(taken=True, tokens=USED), 1_480_000),
        (TOKEN, TASK, Work(taken=True), None),
        (None, TASK, Work(taken=True, outputs=1), None),
    ],
)
def test_what_the_catalog_states_is_counted_by_what_came(
    stated: RouteCost | None, request_: TaskRequest, work: Work, nano: int | None
) -> None:
    expected = None if nano is None else ProviderCost(nano, "catalog")
    assert cost_of(None, stated, request_, work) == expected
    assert cost_of(5, stated, request_, work) == ProviderCost(5, "provider")


def catalog(cost: RouteCost | None) -> Catalog:
    price = TokenPrice(per="token", usd_per_million_input="3", usd_per_million_output="9")
    route = Route(provider="openai", generate="gpt", cost=cost)
    model = ModelEntry(kind=Kind.CHAT, price=price, chain=(route,))
    return Catalog(providers={"openai": ProviderEntry()}, models={"gpt": model})


def priced(cost: RouteCost | None, *attempts: Attempt) -> list[tuple[int | None, str | None]]:
    task = a_task(model="gpt", attempts=attempts)
    found = with_stated_cost(catalog(cost), task, attempts, USED)
    return [(one.cost_nano, one.cost_source) for one in found]


def test_an_answered_text_costs_its_tokens_on_the_route_that_answered() -> None:
    failed, answered = attempt("openai:gpt"), attempt("openai:gpt", number=2)
    assert priced(TOKEN, failed, answered) == [(None, None), (1_480_000, "catalog")]


def test_what_the_provider_said_of_a_text_stays() -> None:
    assert priced(TOKEN, attempt("openai:gpt", cost_nano=7, cost_source="provider")) == [(7, "provider")]


def test_without_a_statement_a_text_costs_nobody_knows_what() -> None:
    assert priced(None, attempt("openai:gpt")) == [(None, None)]
    assert priced(TOKEN, attempt("openai:gone")) == [(None, None)]
    assert priced(TOKEN) == []
