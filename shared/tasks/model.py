"""A task as it stands in MongoDB: one document, read whole, changed only by guarded moves."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.bus.events import Event, EventType
from shared.providers.errors import ErrorClass
from shared.tasks.lifecycle import LIFECYCLE, State

Mode = Literal["async", "sync"]
CostSource = Literal["provider", "catalog"]
"""Who states what an attempt costs us."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class TaskRequest(_Part):
    """What the client asked for, in our own words."""

    prompt: str
    negative_prompt: str | None = None
    aspect_ratio: str | None = None
    num_outputs: int = 1
    resolution: str | None = None
    image_urls: tuple[str, ...] = ()
    duration_seconds: int | None = None
    """Of a video."""
    quality: str | None = None
    """low, medium or high, of models that can be asked for one; so are the next two."""
    background: str | None = None
    mask_url: str | None = None
    """Of a PNG that is transparent where the first input image may be changed."""


class TokenPrices(_Part):
    """Nano-USD per million tokens."""

    input_nano: int
    output_nano: int
    cached_input_nano: int


class UnitStep(_Part):
    """The price of each unit beyond so many in one request."""

    above: int
    unit_nano: int
    tiers: dict[str, int] = Field(default_factory=dict)
    """Of sizes below the one asked for, as in the quote."""


class TokenStep(_Part):
    """The prices of all tokens of a request that has more than so many input tokens."""

    above: int
    prices: TokenPrices


class Discount(_Part):
    """Exactly one of `percent` (whole, 1 to 100) and `fixed_nano` is set."""

    source: Literal["account", "coupon"]
    code: str | None = None
    """Of a coupon."""
    percent: int | None = None
    fixed_nano: int | None = None


class PriceItem(_Part):
    """One line of how a price comes about. Their amounts add up to the hold; discounts are negative."""

    text: str
    units: int = 1
    amount_nano: int


class Quote(_Part):
    """The price snapshot taken at submit, in nano-USD. `hold_nano` is the most the task may cost."""

    unit: str
    unit_nano: int
    units: int
    hold_nano: int
    tiers: dict[str, int] = Field(default_factory=dict)
    """Unit prices of the sizes below the one asked for, where smaller ones cost less."""
    steps: tuple[UnitStep, ...] = ()
    """Prices of further units, in rising order of `above`; the first units cost `unit_nano`."""
    token_prices: TokenPrices | None = None
    """Of text that is paid by what it took."""
    token_steps: tuple[TokenStep, ...] = ()
    """In rising order of `above`, of as many input tokens as there may be."""
    minimum_nano: int = 0
    """What a request that delivered something costs at least, before discounts."""
    discounts: tuple[Discount, ...] = ()
    """Taken off what was delivered, in this order."""
    items: tuple[PriceItem, ...] = ()
    """How the hold comes about."""


class ProviderJobRecord(_Part):
    """The provider's own ids and addresses for an attempt."""

    ids: tuple[str, ...]
    urls: dict[str, str] = Field(default_factory=dict)


class Attempt(_Part):
    """One try on one route."""

    number: int
    route: str
    provider: str
    key_id: str | None = None
    """Which of the provider's keys made the call."""
    upstream_model: str
    options: dict[str, Any] = Field(default_factory=dict)
    dispatched_at: datetime
    soft_deadline_at: datetime
    """When the attempt is given up for the next route."""
    submitted_at: datetime | None = None
    ended_at: datetime | None = None
    provider_job: ProviderJobRecord | None = None
    error_class: ErrorClass | None = None
    error_message: str | None = None
    retry_at: datetime | None = None
    orphan_suspect: bool = False
    """The provider may have taken a job that nobody collects: our cost, never the customer's."""
    unaccounted: int = 0
    """How many such jobs there may be."""
    cost_nano: int | None = None
    """What the provider charges us; None: not known."""
    cost_source: CostSource | None = None
    late: str | None = None
    """What became of a job that was given up: finished, failed, cancelled."""
    late_cost_nano: int | None = None
    """What the provider charged us for that job."""
    late_cost_source: CostSource | None = None


class OutputFile(_Part):
    """One stored file. `key` is its path in the bucket and in its public address."""

    key: str
    content_type: str
    size: int
    width: int | None = None
    """In pixels, of an image; so is the height."""
    height: int | None = None
    duration_ms: int | None = None
    """Of a video, as its file says; None when it does not say it."""


class Tokens(_Part):
    """What a text task took, as the provider measured it or as we estimate it."""

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0
    estimated: bool = False


class TaskFailure(_Part):
    """Why a task was rejected; the message is fit for the customer."""

    error_class: ErrorClass
    message: str


class Waiting(_Part):
    """Why nothing happens for the moment."""

    until: datetime
    reason: str
    """An error class, or the state of a breaker."""


class KeyClaim(_Part):
    """The client's Idempotency-Key. What was answered is stored beside it and read by the api alone."""

    key: str


class StateChange(_Part):
    state: State
    at: datetime


class Task(_Part):
    """One task. `version` grows by one with every move."""

    id: str = Field(alias="_id")
    account_id: str
    key_id: str
    dialect: str
    mode: Mode = "async"
    """`sync`: the api itself carries it out, while its client waits."""
    kind: str
    model: str
    public_model: str | None = None
    """What the client called the model, where that is not our own id."""
    dialect_fields: dict[str, Any] = Field(default_factory=dict)
    """What only the client's dialect has words for, to be told again."""
    request: TaskRequest
    quote: Quote
    coupon: str | None = None
    """The code whose use it has taken."""
    callback_url: str | None = None
    request_id: str | None = None
    state: State
    version: int
    wake_at: datetime | None = None
    owner: str | None = None
    """The worker that holds the lease."""
    provider: str | None = None
    """Of the current attempt."""
    idempotency: KeyClaim | None = None
    cancel_requested_at: datetime | None = None
    """The client wants no more of it."""
    waiting: Waiting | None = None
    """Set while every route rests."""
    attempts: tuple[Attempt, ...] = ()
    outputs: tuple[OutputFile, ...] = ()
    tokens: Tokens | None = None
    result: bytes | None = None
    """What a text call gave, as JSON in the dialect's form, where the dialect tells it again."""
    cost_nano: int = 0
    failure: TaskFailure | None = None
    faults: int = 0
    """How often in a row a handler has failed on this task alone."""
    history: tuple[StateChange, ...] = ()
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    deadline_at: datetime

    @property
    def attempt(self) -> Attempt:
        """The current attempt."""
        return self.attempts[-1]

    @property
    def attempt_path(self) -> str:
        """Where the current attempt stands in the document."""
        return f"attempts.{len(self.attempts) - 1}"


def announcement(task_id: str, state: State, provider: str | None) -> Event | None:
    """The event that tells of a task's arrival in a state, if any does."""
    event_type = LIFECYCLE[state].announced_by
    if event_type is None:
        return None
    topic = provider if event_type is EventType.ATTEMPT_DISPATCHED else None
    return Event(event_type, (task_id,), topic)
