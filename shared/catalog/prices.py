"""Prices of models, as an operator writes them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.catalog.amounts import Usd
from shared.catalog.changes import Instant

Above = Annotated[int, Field(ge=1, le=1_000_000_000, strict=True)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Rate(_Entry):
    """USD per unit, by resolution where that matters."""

    usd: Usd
    by_resolution: dict[str, Usd] = Field(default_factory=dict)

    def of_quality(self, quality: str | None) -> Rate:
        """The rate of this quality."""
        return self

    def at(self, resolution: str | None) -> str:
        """In USD; `usd` for a resolution without a price of its own, and for none."""
        return self.by_resolution.get(resolution or "", self.usd)


class ImageRate(Rate):
    """USD per image, by quality and resolution where they matter."""

    by_quality: dict[str, Rate] = Field(default_factory=dict)
    """Of low, medium or high; other requests cost what stands beside it."""

    def of_quality(self, quality: str | None) -> Rate:
        return self.by_quality.get(quality or "", self)


class ImageStep(ImageRate):
    """What each image beyond the first so many of one request costs."""

    above: Above


class VideoStep(Rate):
    """What each second beyond the first so many of one request costs."""

    above: Above


class ImagePrice(ImageRate):
    """USD per image."""

    per: Literal["image"]
    steps: tuple[ImageStep, ...] = ()
    minimum_usd: Usd = "0"
    """What a request that delivered something costs at least."""


class VideoPrice(Rate):
    """USD per second of video."""

    per: Literal["second"]
    steps: tuple[VideoStep, ...] = ()
    minimum_usd: Usd = "0"


class TokenRate(_Entry):
    """USD per million tokens."""

    usd_per_million_input: Usd
    usd_per_million_output: Usd | None = None
    """Not of embeddings, which have no output tokens."""
    usd_per_million_cached_input: Usd | None = None
    """Left out: as any other input."""


class TokenStep(TokenRate):
    """What all tokens of a request cost that has more than so many input tokens."""

    above: Above


class TokenPrice(TokenRate):
    """USD per million tokens, of text and embeddings."""

    per: Literal["token"]
    steps: tuple[TokenStep, ...] = ()
    minimum_usd: Usd = "0"


Price = Annotated[ImagePrice | VideoPrice | TokenPrice, Field(discriminator="per")]


class PriceChange(_Entry):
    """A new price, from a moment on."""

    effective_at: Instant
    price: Price
