"""What an attempt costs us: as the provider says, else as the catalog states it. Pure; nano-USD."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from shared.catalog.costs import MeteredCost, OutputCost, RequestCost, RouteCost, TokenCost
from shared.catalog.model import Catalog
from shared.money import nano_from_usd
from shared.tasks.model import Attempt, CostSource, Task, TaskRequest, Tokens

_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Work:
    """What an attempt has come to at its provider."""

    taken: bool = False
    """The provider took it on."""
    outputs: int = 0
    metered: Decimal | None = None
    """What the provider says it counted, in its own unit."""
    tokens: Tokens | None = None


@dataclass(frozen=True, slots=True)
class ProviderCost:
    """`source` says who stated it."""

    nano: int
    source: CostSource


def route_cost(catalog: Catalog, model_id: str, route_name: str) -> RouteCost | None:
    """What the catalog states of a route; None also for one that is not in it any more."""
    model = catalog.models.get(model_id)
    chain = model.chain if model is not None else ()
    return next((route.cost for route in chain if route.name == route_name), None)


def cost_of(
    told_nano: int | None, stated: RouteCost | None, request: TaskRequest, work: Work
) -> ProviderCost | None:
    """None: nobody knows."""
    if told_nano is not None:
        return ProviderCost(told_nano, "provider")
    nano = None if stated is None else _stated_nano(stated, request, work)
    return None if nano is None else ProviderCost(nano, "catalog")


def _stated_nano(stated: RouteCost, request: TaskRequest, work: Work) -> int | None:
    match stated:
        case OutputCost():
            usd = stated.by_resolution.get(request.resolution or "", stated.usd)
            seconds = 1 if stated.per == "image" else request.duration_seconds
            return None if seconds is None else nano_from_usd(usd) * seconds * work.outputs
        case RequestCost():
            return nano_from_usd(stated.usd) if work.taken else 0
        case MeteredCost():
            return None if work.metered is None else _rounded(work.metered * nano_from_usd(stated.usd))
        case TokenCost():
            return None if work.tokens is None else _token_nano(stated, work.tokens)


def _token_nano(stated: TokenCost, tokens: Tokens) -> int:
    cached = max(0, min(tokens.cached_input_tokens, tokens.input_tokens))
    total = (
        (tokens.input_tokens - cached) * nano_from_usd(stated.usd_per_million_input)
        + cached * nano_from_usd(stated.usd_per_million_cached_input or stated.usd_per_million_input)
        + tokens.output_tokens * nano_from_usd(stated.usd_per_million_output)
    )
    return _rounded(Decimal(total) / _MILLION)


def _rounded(nano: Decimal) -> int:
    return int(nano.to_integral_value(ROUND_HALF_UP))


def with_stated_cost(
    catalog: Catalog, task: Task, attempts: Sequence[Attempt], tokens: Tokens | None
) -> tuple[Attempt, ...]:
    """The attempts of an answered text call; the last one gave the answer, and its cost is filled in."""
    if not attempts:
        return ()
    *earlier, last = attempts
    stated = route_cost(catalog, task.model, last.route)
    cost = cost_of(last.cost_nano, stated, task.request, Work(taken=True, tokens=tokens))
    if cost is None:
        return tuple(attempts)
    return (*earlier, last.model_copy(update={"cost_nano": cost.nano, "cost_source": cost.source}))
