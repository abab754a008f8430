"""What a catalog of the right shape can still get wrong. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from shared.catalog.aigenway_checks import aigenway_problems
from shared.catalog.model import Catalog, ModelEntry, ProviderEntry
from shared.catalog.openai_offer_checks import openai_offer_problems
from shared.catalog.price_checks import model_price_problems
from shared.catalog.problems import Problem
from shared.catalog.route_checks import route_problems
from shared.catalog.words import MODEL_ID, either
from shared.providers.capabilities import TABLE, Kind

PROVIDERS: Final = tuple(dict.fromkeys(provider for provider, _, _ in TABLE))


def problems_of(catalog: Catalog) -> Iterator[Problem]:
    """Everything that would fail, or do nothing, once requests come."""
    for name, provider in catalog.providers.items():
        yield from _provider_problems(name, provider)
    for model_id, model in catalog.models.items():
        yield from _model_problems(model_id, model)
        for number, route in enumerate(model.chain):
            path = ("models", model_id, "chain", number)
            yield from route_problems(path, route, model, sorted(catalog.providers))
        yield from _chain_problems(model_id, model)
    yield from _eggapi_problems(catalog)
    yield from openai_offer_problems(catalog)
    yield from aigenway_problems(catalog)


def _eggapi_problems(catalog: Catalog) -> Iterator[Problem]:
    makers = [name for name, model in catalog.models.items() if model.kind in (Kind.IMAGE, Kind.VIDEO)]
    for number, name in enumerate(catalog.sold_by_eggapi):
        if name not in makers:
            yield Problem(("eggapi", number), f"{name!r} is no image or video model; use {either(makers)}")


def _provider_problems(name: str, provider: ProviderEntry) -> Iterator[Problem]:
    path = ("providers", name)
    if name not in PROVIDERS:
        yield Problem(path, f"there is no such provider; use {either(PROVIDERS)}")
    if provider.poll.first_seconds > provider.poll.most_seconds:
        yield Problem((*path, "poll"), "first_seconds is more than most_seconds; swap them")
    if provider.breaker.rest_seconds > provider.breaker.most_seconds:
        yield Problem((*path, "breaker"), "rest_seconds is more than most_seconds; swap them")


def _model_problems(model_id: str, model: ModelEntry) -> Iterator[Problem]:
    path = ("models", model_id)
    if not MODEL_ID.fullmatch(model_id):
        yield Problem(path, "an id has letters, digits and . _ : / - only, at most 100; rename it")
    yield from model_price_problems(path, model)


def _chain_problems(model_id: str, model: ModelEntry) -> Iterator[Problem]:
    first: dict[str, int] = {}
    alone = {priority for priority, routes in Counter(model.priorities).items() if routes == 1}
    for number, (route, priority) in enumerate(zip(model.chain, model.priorities, strict=True), 1):
        path = ("models", model_id, "chain", number - 1)
        if route.name in first:
            yield Problem(path, f"the same route as number {first[route.name]} ({route.name}); remove one")
        first.setdefault(route.name, number)
        if "weight" in route.model_fields_set and priority in alone:
            yield Problem(
                (*path, "weight"),
                f"it has no effect, as no other route has priority {priority}; "
                "give both the same `priority`, or remove `weight`",
            )
