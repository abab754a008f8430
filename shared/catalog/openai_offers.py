"""What the OpenAI-style dialect offers: public ids of the form vendor/model, each for some credits."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from shared.catalog.changes import Instant, latest

DEFAULT_CREDIT_USD: Final = "0.0100"
Credits = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]


class CreditChange(BaseModel):
    """Another number of credits, from a moment on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    effective_at: Instant
    credits: Credits


class OpenAiOffer(BaseModel):
    """One entry of `GET /api/v1/models`. Its category is the kind of the model behind it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    """The catalog's own id of what is sold."""
    display_name: str = Field(min_length=1)
    owned_by: str = Field(min_length=1)
    """Who is named as the owner: any word, usually the provider of the first route."""
    capabilities: tuple[str, ...] = Field(min_length=1)
    credits: Credits
    """For each chat, each request for embeddings, each image."""
    changes: tuple[CreditChange, ...] = ()
    """In the order of their times."""

    def credits_at(self, now: datetime) -> int:
        """With the changes that count already."""
        change = latest(self.changes, now)
        return self.credits if change is None else change.credits
