"""What an offer of the OpenAI-style dialect can get wrong. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from shared.catalog.amounts import MOST_USD
from shared.catalog.model import Catalog
from shared.catalog.openai_offers import OpenAiOffer
from shared.catalog.price_checks import Path, change_problems
from shared.catalog.problems import Problem
from shared.catalog.words import MODEL_ID, either
from shared.money import NANO_PER_USD, nano_from_usd
from shared.providers.capabilities import Kind

_OFFERED = (Kind.CHAT, Kind.IMAGE, Kind.EMBEDDING)


def openai_offer_problems(catalog: Catalog) -> Iterator[Problem]:
    """Offers of nothing, and of what this dialect has no endpoint for."""
    if catalog.openai and nano_from_usd(catalog.credit_usd) == 0:
        yield Problem(("credit_usd",), "a credit costs something; raise it")
    for public_id, offer in catalog.openai.items():
        path = ("openai", public_id)
        if not MODEL_ID.fullmatch(public_id):
            yield Problem(path, "an id has letters, digits and . _ : / - only, at most 100; rename it")
        yield from change_problems(path, offer.changes)
        yield from _amount_problems(path, offer, nano_from_usd(catalog.credit_usd))
        model = catalog.models.get(offer.model)
        if model is None:
            yield Problem(
                (*path, "model"),
                f"{offer.model!r} is not under `models`; add it there or use {either(catalog.models)}",
            )
        elif model.kind not in _OFFERED:
            yield Problem(
                (*path, "model"), f"{offer.model!r} is of kind {model.kind}; offer {either(_OFFERED)} only"
            )


def _amount_problems(path: Path, offer: OpenAiOffer, credit_nano: int) -> Iterator[Problem]:
    written = [((*path, "credits"), offer.credits)]
    written += [
        ((*path, "changes", place, "credits"), change.credits) for place, change in enumerate(offer.changes)
    ]
    for here, number in written:
        if number * credit_nano > MOST_USD * NANO_PER_USD:
            yield Problem(here, f"so many cost more than {MOST_USD} USD; lower it or credit_usd")
