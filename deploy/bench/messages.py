"""What the bench and its load generator say to each other: JSON lines over the generator's pipes."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Customer(BaseModel):
    """An account of the bench's own, by its key."""

    account_id: str
    api_key: str


class LoadPlan(BaseModel):
    """One phase of load. Written to the generator's standard input before anything else."""

    api_url: str
    mongo_url: str
    database: str
    hot: Customer
    others: list[Customer]
    model: str = "nanobanana"
    tasks: int
    concurrency: int
    """Tasks in flight: a client sends its next one when the last one is final."""
    poll_every: int
    """Every how many tasks the client polls `GET /v1/tasks/{id}` to the end itself."""
    webhook_url: str | None = None
    limit_seconds: float
    """After this the phase ends, and what is not final counts as failed."""


class Sent(BaseModel):
    """An accepted task and when its request began, in Unix seconds."""

    task_id: str
    started_at: float


class LoadResult(BaseModel):
    """What the clients saw."""

    seconds: float
    """From the first request to the last final task."""
    sent: list[Sent] = Field(default_factory=list)
    submit_ms: list[float] = Field(default_factory=list)
    seen_ms: list[float] = Field(default_factory=list)
    """Submit to completed, for the tasks that were polled."""
    failed: int = 0
    problems: list[str] = Field(default_factory=list)
    """The first few answers and states that were not as they should be."""
    own_queries: int = 0
    """What the generator itself asked MongoDB."""
    own_documents: int = 0


class Report(BaseModel):
    """A line of the generator's standard output: ready, then progress, then the result."""

    ready: bool = False
    finished: int = 0
    result: LoadResult | None = None
