"""What `hatchery bench chat` and its load generator say to each other: a JSON line for each phase."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Gateway(BaseModel):
    """Where chat completions are answered in OpenAI's form. `url` ends before `/chat/completions`."""

    url: str
    key: str
    model: str


class ChatPlan(BaseModel):
    """One phase: so many clients, each asking again as soon as it has its answer."""

    gateway: Gateway
    stream: bool
    concurrency: int
    seconds: float
    warm_up_seconds: float
    """Before them; answers to requests that begin in this time are not counted."""


class ChatLoad(BaseModel):
    """What the clients saw; times are of the counted requests, in milliseconds."""

    sent: int = 0
    """All requests, those of the warm-up too."""
    seconds: float = 0
    whole_ms: list[float] = Field(default_factory=list)
    first_ms: list[float] = Field(default_factory=list)
    """Until the first piece of the answer's text, when streamed."""
    failed: int = 0
    problems: list[str] = Field(default_factory=list)
    """The first few answers that were not as they should be."""
