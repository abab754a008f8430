"""What the Aigenway dialect's part of a catalog can get wrong. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from shared.catalog.aigenway_offers import AigenwayOffer, BundlePrice, Dimension, Pricing
from shared.catalog.aigenway_parameters import Table
from shared.catalog.aigenway_tables import TABLES
from shared.catalog.model import Catalog, ModelEntry
from shared.catalog.price_checks import Path, change_problems, step_problems
from shared.catalog.problems import Problem
from shared.catalog.words import either
from shared.providers.capabilities import Kind

_OFFER_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,60}(/[A-Za-z0-9_.-]{1,60}){2}")
_PRICINGS: Final = {
    Kind.IMAGE: (Pricing.PER_IMAGE, Pricing.PER_REQUEST),
    Kind.VIDEO: (Pricing.PER_SECOND, Pricing.PER_REQUEST),
    Kind.CHAT: (Pricing.PER_TOKEN, Pricing.PER_REQUEST),
    Kind.EMBEDDING: (Pricing.PER_TOKEN, Pricing.PER_REQUEST),
}


def aigenway_problems(catalog: Catalog) -> Iterator[Problem]:
    """Offers that no request could be made of, and prices that no request could ask for."""
    for offer_id, offer in catalog.aigenway.offers.items():
        path: Path = ("aigenway", "offers", offer_id)
        if not _OFFER_ID.fullmatch(offer_id):
            yield Problem(path, "write it as provider/model/method")
        model, table = catalog.models.get(offer.model), TABLES.get(offer.parameters)
        if model is None:
            yield Problem(
                (*path, "model"),
                f"{offer.model!r} is not under `models`; add it there or use {either(catalog.models)}",
            )
        if table is None:
            yield Problem(
                (*path, "parameters"), f"there is no table {offer.parameters!r}; use {either(TABLES)}"
            )
        if model is not None and table is not None:
            yield from _offer_problems(path, offer, model, table)


def _offer_problems(path: Path, offer: AigenwayOffer, model: ModelEntry, table: Table) -> Iterator[Problem]:
    if model.kind is not table.kind:
        yield Problem(
            (*path, "parameters"),
            f"{offer.model!r} is of kind {model.kind}, this table is for {table.kind}; use another",
        )
        return
    if table.edits and all(route.edit is None for route in model.chain):
        yield Problem((*path, "model"), f"no route of {offer.model!r} takes input images; add an `edit`")
    if offer.pricing not in _PRICINGS[model.kind]:
        yield Problem(
            (*path, "pricing"), f"of kind {model.kind} it is {either(_PRICINGS[model.kind])}; change it"
        )
    if offer.pricing is Pricing.PER_TOKEN:
        if offer.prices or offer.dimensions or offer.changes:
            yield Problem(
                path, "PER_TOKEN takes the model's own price; remove prices, dimensions and changes"
            )
        return
    if not offer.prices:
        yield Problem(path, "without prices nothing can be asked for; add at least one")
    for dimension in offer.dimensions:
        if table.of_dimension(dimension) is None:
            yield Problem(
                (*path, "dimensions"), f"the table {offer.parameters!r} has no {dimension}; remove it"
            )
    yield from _price_problems(path, offer, offer.prices, table)
    yield from change_problems(path, offer.changes)
    for number, change in enumerate(offer.changes):
        yield from _price_problems((*path, "changes", number), offer, change.prices, table)


def _price_problems(
    path: Path, offer: AigenwayOffer, prices: Sequence[BundlePrice], table: Table
) -> Iterator[Problem]:
    seen: dict[tuple[tuple[str, str], ...], int] = {}
    for number, price in enumerate(prices):
        here = (*path, "prices", number)
        yield from step_problems(here, [step.above for step in price.steps])
        if price.steps and offer.pricing is Pricing.PER_REQUEST:
            yield Problem((*here, "steps"), "a request is one unit; remove the steps")
        for dimension in Dimension:
            yield from _word_problems(here, offer, price, table, dimension)
        for bundle in price.bundles(offer.dimensions):
            key = tuple(bundle.items())
            if key in seen:
                words = " ".join(bundle.values()) or "everything"
                yield Problem(here, f"{words} has a price already, in number {seen[key] + 1}; remove one")
                break
            seen[key] = number


def _word_problems(
    path: Path, offer: AigenwayOffer, price: BundlePrice, table: Table, dimension: Dimension
) -> Iterator[Problem]:
    words = price.words(dimension)
    if dimension not in offer.dimensions:
        if words:
            yield Problem(
                (*path, dimension.value), "it is not among the dimensions; add it there or remove it"
            )
        return
    if not words:
        yield Problem(path, f"{dimension.value} is missing, one of the dimensions; add it")
    parameter = table.of_dimension(dimension)
    allowed = [str(word) for word in parameter.allowed] if parameter is not None else []
    for word in words:
        if parameter is not None and word not in allowed:
            yield Problem((*path, dimension.value), f"nobody can ask for {word!r}; use {either(allowed)}")
