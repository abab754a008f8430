"""One sentence for each way in which a field can be wrong, with the fix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from pydantic import BaseModel

from shared.catalog.aigenway_offers import Aigenway, AigenwayOffer, BundleChange, BundlePrice, BundleStep
from shared.catalog.model import (
    BreakerSettings,
    Catalog,
    Limits,
    ModelEntry,
    PollSchedule,
    ProviderEntry,
    Route,
    When,
)
from shared.catalog.openai_offers import CreditChange, OpenAiOffer
from shared.catalog.prices import (
    ImagePrice,
    ImageStep,
    PriceChange,
    TokenPrice,
    TokenStep,
    VideoPrice,
    VideoStep,
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in the catalog: where, and what to do."""

    path: tuple[int | str, ...]
    message: str


_ENTRIES: Final[tuple[type[BaseModel], ...]] = (
    Aigenway,
    AigenwayOffer,
    BreakerSettings,
    BundleChange,
    BundlePrice,
    BundleStep,
    Catalog,
    CreditChange,
    ImagePrice,
    ImageStep,
    Limits,
    ModelEntry,
    OpenAiOffer,
    PollSchedule,
    PriceChange,
    ProviderEntry,
    Route,
    TokenPrice,
    TokenStep,
    VideoPrice,
    VideoStep,
    When,
)
FIELDS: Final = sorted({field for entry in _ENTRIES for field in entry.model_fields})
"""Every word that can stand for a field."""
_PER: Final = "`per: image`, `per: second` (video) or `per: token` (chat and embedding)"


def shape_problems(errors: list[Any]) -> Iterator[Problem]:
    """What pydantic found, in our words."""
    for error in errors:
        path = _written_path(error["loc"])
        if error["type"] == "too_short":
            # An item that is wrong is not counted; it has a sentence of its own.
            if not any(_inside(other["loc"], error["loc"]) for other in errors):
                yield Problem(path, "it is empty; add at least one")
        elif error["type"] == "union_tag_invalid":
            yield Problem((*path, "per"), f"write {_PER}")
        elif error["type"] == "union_tag_not_found":
            yield Problem(path, f"`per` is missing: write {_PER}")
        elif error["type"] == "missing":
            yield Problem(path, "this field is missing; add it")
        elif error["type"] == "string_type":
            yield Problem(path, 'it should be text; put it in quotes, such as "0.0100" or "16:9"')
        elif error["type"] == "extra_forbidden":
            yield Problem(path, _unknown_field(str(path[-1])))
        else:
            yield Problem(path, _sentence(error["msg"]))


def _inside(path: tuple[int | str, ...], outer: tuple[int | str, ...]) -> bool:
    return len(path) > len(outer) and path[: len(outer)] == outer


def _written_path(steps: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Without the word for the kind of price, which is no step in the file."""
    if steps and steps[0] == "models" and "price" in steps[2:]:
        place = steps.index("price", 2)
        return (*steps[: place + 1], *steps[place + 2 :])
    return steps


def _unknown_field(name: str) -> str:
    near = get_close_matches(name, FIELDS, n=1)
    return "there is no such field; " + (f"did you mean {near[0]!r}?" if near else "remove it")


def _sentence(message: str) -> str:
    message = message.removeprefix("Value error, ").removeprefix("Input ")
    return f"it {message}" if message.startswith("should ") else message
