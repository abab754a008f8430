"""What an offer of the OpenAI-style dialect can get wrong. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from shared.catalog.model import Catalog
from shared.catalog.problems import Problem
from shared.catalog.words import MODEL_ID, either
from shared.money import nano_from_usd
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
