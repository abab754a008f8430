"""The catalog: providers, models, prices and route chains, as an operator writes them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from shared.catalog.aigenway_offers import Aigenway
from shared.catalog.amounts import Usd
from shared.catalog.changes import latest
from shared.catalog.costs import RouteCost
from shared.catalog.openai_offers import DEFAULT_CREDIT_USD, OpenAiOffer
from shared.catalog.prices import Price, PriceChange
from shared.providers.capabilities import Kind

Seconds = Annotated[float, Field(gt=0, le=7 * 24 * 3600)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PollSchedule(_Entry):
    """When to ask a provider about a job: at once, then at intervals that grow with its age."""

    first_seconds: Seconds = 0.05
    factor: float = Field(default=0.2, gt=0, le=2)
    """The interval is the job's age times this, between `first_seconds` and `most_seconds`."""
    most_seconds: Seconds = 5.0


class Limits(_Entry):
    """What a provider may be asked, by all workers together; None is no limit."""

    concurrency: int | None = Field(default=None, ge=1)
    """Attempts in hand at a time."""
    requests_per_second: float | None = Field(default=None, gt=0)
    """Calls of any sort: submissions, polls, cancellations."""


class BreakerSettings(_Entry):
    """When a route that keeps failing is left alone."""

    failures: int = Field(default=10, ge=1)
    """Failures without a success between them that open the breaker…"""
    window_seconds: Seconds = 60
    """…if they came within this time."""
    rest_seconds: Seconds = 15
    """How long it stays open before one task may try; doubled each time that fails, up to `most_seconds`."""
    most_seconds: Seconds = 600


class ProviderEntry(_Entry):
    """A provider that routes may name."""

    poll: PollSchedule = PollSchedule()
    limits: Limits = Limits()
    breaker: BreakerSettings = BreakerSettings()
    reveal: bool = False
    """Whether customers may read this provider's name in error messages."""


class When(_Entry):
    """For which requests a route is meant; what is left out does not matter."""

    edit: bool | None = None
    """True: only requests with input images; false: only those without."""
    resolutions: tuple[str, ...] = ()
    """Only these, such as 4K; empty: any. A request that names none fits."""
    ratios: tuple[str, ...] = ()
    """Only these aspect ratios; empty: any. A request that names none fits."""


class Route(_Entry):
    """One way to make a model's output: which upstream model of which provider."""

    provider: str
    generate: str
    edit: str | None = None
    """The upstream model that takes input images, often the same; None: this route cannot."""
    priority: int | None = Field(default=None, ge=1, le=1000, strict=True)
    """Lower ones are tried first; left out: its place in the chain, counted from 1."""
    weight: int = Field(default=1, ge=1, le=1000, strict=True)
    """How often it comes first among routes of the same priority."""
    when: When = When()
    options: dict[str, Any] = Field(default_factory=dict)
    """Sent along with every job, in the provider's own field names."""
    soft_deadline_seconds: Seconds = 240
    """After this long an attempt is given up for the next route."""
    cost: RouteCost | None = None
    """What the provider charges us, where it does not tell."""

    @property
    def name(self) -> str:
        """Identifies the route within the model's chain and across restarts."""
        return f"{self.provider}:{self.generate}"


class ModelEntry(_Entry):
    """What a client may ask for."""

    kind: Kind
    price: Price
    changes: tuple[PriceChange, ...] = ()
    """Prices to come, in the order of their times."""
    deadline_seconds: Seconds = 900
    max_attempts: int = Field(default=8, ge=1, le=100)
    fallback_on_refusal: bool = False
    """Whether other routes may try after a policy refusal."""
    fallback_on_no_output: bool = False
    """Whether other routes may try after a second attempt without output."""
    chain: tuple[Route, ...] = Field(min_length=1)

    def price_at(self, now: datetime) -> Price:
        """With the changes that count already."""
        change = latest(self.changes, now)
        return self.price if change is None else change.price

    @property
    def deadline(self) -> timedelta:
        return timedelta(seconds=self.deadline_seconds)

    @property
    def priorities(self) -> tuple[int, ...]:
        """Of each route of the chain: as written, or its place counted from 1."""
        return tuple(
            number if route.priority is None else route.priority for number, route in enumerate(self.chain, 1)
        )


class Catalog(_Entry):
    """Everything together. Model ids are public; upstream ids stand in the routes."""

    providers: dict[str, ProviderEntry]
    models: dict[str, ModelEntry]
    eggapi: tuple[str, ...] | None = None
    """The models of the EggAPI dialect; left out: every image and video model."""
    credit_usd: Usd = DEFAULT_CREDIT_USD
    """What a credit of the OpenAI-style dialect costs."""
    openai: dict[str, OpenAiOffer] = Field(default_factory=dict)
    """By the ids that its clients use."""
    aigenway: Aigenway = Aigenway()
    """What the Aigenway dialect offers."""

    @property
    def sold_by_eggapi(self) -> tuple[str, ...]:
        """The ids of its models."""
        if self.eggapi is not None:
            return self.eggapi
        return tuple(name for name, model in self.models.items() if model.kind in (Kind.IMAGE, Kind.VIDEO))

    @property
    def revealed(self) -> frozenset[str]:
        """The providers whose names customers may read."""
        return frozenset(name for name, entry in self.providers.items() if entry.reveal)
