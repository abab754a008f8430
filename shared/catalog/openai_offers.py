"""What the OpenAI-style dialect offers: public ids of the form vendor/model, each for some credits."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

DEFAULT_CREDIT_USD: Final = "0.0100"


class OpenAiOffer(BaseModel):
    """One entry of `GET /api/v1/models`. Its category is the kind of the model behind it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    """The catalog's own id of what is sold."""
    display_name: str = Field(min_length=1)
    owned_by: str = Field(min_length=1)
    """Who is named as the owner: any word, usually the provider of the first route."""
    capabilities: tuple[str, ...] = Field(min_length=1)
    credits: int = Field(ge=1, le=1_000_000, strict=True)
    """For each chat, each request for embeddings, each image."""
