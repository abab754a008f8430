"""What each provider, and each family of its models, can do: data for the catalog's check and the routing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final


class Kind(StrEnum):
    """What a model makes."""

    IMAGE = "image"
    VIDEO = "video"
    CHAT = "chat"
    EMBEDDING = "embedding"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an upstream model takes."""

    kinds: frozenset[Kind]
    edit: bool = False
    """Whether it takes input images."""
    most_per_call: int = 1
    """Outputs of one call; for more, the adapter makes several calls that settle as one attempt."""
    resolutions: frozenset[str] = frozenset()
    """Those it can be asked for; empty: it takes no resolution and makes its default."""
    ratios: frozenset[str] = frozenset()
    """Those it can be asked for; empty: any, or its own."""
    hints: bool = False
    """Whether it can call back when a job is over."""


_IMAGE, _VIDEO, _CHAT, _EMBEDDING = (frozenset({kind}) for kind in Kind)
_SIZES: Final = frozenset({"1K", "2K", "4K"})
_RATIOS: Final = frozenset({"1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"})
_LONG_RATIOS: Final = _RATIOS | {"1:4", "4:1", "1:8", "8:1"}

TABLE: Final[tuple[tuple[str, str, Capabilities], ...]] = (
    ("gemini", "*-2.5-flash-image*", Capabilities(_IMAGE | _CHAT, edit=True, ratios=_RATIOS)),
    (
        "gemini",
        "*-3.1-flash-image*",
        Capabilities(_IMAGE | _CHAT, edit=True, resolutions=_SIZES | {"512"}, ratios=_LONG_RATIOS),
    ),
    (
        "gemini",
        "*image*",
        Capabilities(_IMAGE | _CHAT, edit=True, resolutions=_SIZES, ratios=_LONG_RATIOS),
    ),
    ("gemini", "*embedding*", Capabilities(_EMBEDDING)),
    ("gemini", "*", Capabilities(_CHAT)),
    ("openai", "*image*", Capabilities(_IMAGE, edit=True, most_per_call=10)),
    ("openai", "*embedding*", Capabilities(_EMBEDDING)),
    ("openai", "*", Capabilities(_CHAT)),
    (
        "openrouter",
        "*image*",
        Capabilities(_IMAGE | _CHAT, edit=True, resolutions=_SIZES, ratios=_LONG_RATIOS),
    ),
    ("openrouter", "*embedding*", Capabilities(_EMBEDDING)),
    ("openrouter", "*", Capabilities(_CHAT | _IMAGE, edit=True)),
    (
        "fal",
        "fal-ai/nano-banana*",
        Capabilities(_IMAGE, edit=True, most_per_call=4, resolutions=_SIZES, hints=True),
    ),
    ("fal", "*", Capabilities(_IMAGE | _VIDEO, edit=True, most_per_call=4, hints=True)),
    ("replicate", "*", Capabilities(_IMAGE | _VIDEO, edit=True, hints=True)),
    ("kie", "*", Capabilities(_IMAGE | _VIDEO, edit=True, hints=True)),
)
"""Provider, pattern of upstream models, capabilities; the first match counts."""


@lru_cache(maxsize=4096)
def capabilities_of(provider: str, upstream_model: str) -> Capabilities | None:
    """What an upstream model can do; None for an unknown provider."""
    return next(
        (
            found
            for name, pattern, found in TABLE
            if name == provider and fnmatchcase(upstream_model, pattern)
        ),
        None,
    )
