"""What a route's provider charges us, as an operator states it for providers that do not tell."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.catalog.amounts import Usd


class _Cost(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class OutputCost(_Cost):
    """USD per image, or per second of video, by resolution where that matters."""

    per: Literal["image", "second"]
    usd: Usd
    by_resolution: dict[str, Usd] = Field(default_factory=dict)


class RequestCost(_Cost):
    """USD per attempt that the provider took on, whatever came of it."""

    per: Literal["request"]
    usd: Usd


class MeteredCost(_Cost):
    """USD per unit that the provider says it counted: fal's billable units, Replicate's seconds of
    prediction.
    """

    per: Literal["metered"]
    usd: Usd


class TokenCost(_Cost):
    """USD per million tokens, of text and embeddings."""

    per: Literal["token"]
    usd_per_million_input: Usd
    usd_per_million_output: Usd = "0"
    usd_per_million_cached_input: Usd | None = None
    """Left out: as any other input."""


RouteCost = Annotated[OutputCost | RequestCost | MeteredCost | TokenCost, Field(discriminator="per")]
