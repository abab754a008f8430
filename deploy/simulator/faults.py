"""What a rule can make a provider do wrong."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, model_validator


class Fault(StrEnum):
    """The names a rule uses in `then.fault`."""

    # The submission is refused and no job exists.
    HTTP_500 = "http_500"
    HTTP_429 = "http_429"
    QUOTA = "quota"
    CREDENTIAL = "credential"
    MODEL_GONE = "model_gone"
    # The job exists, but the caller does not learn of it.
    TIMEOUT = "timeout"
    RESET = "reset"
    BAD_JSON = "bad_json"
    # The job exists and ends badly, or never.
    CALLER_FAULT = "caller_fault"
    JOB_FAILS = "job_fails"
    REFUSAL = "refusal"
    NO_MEDIA_GENERATED = "no_media_generated"
    NSFW = "nsfw"
    ABORTED = "aborted"
    USER_DEADLINE = "user_deadline"
    DATA_REMOVED = "data_removed"
    LATE = "late"
    NEVER_FINISHES = "never_finishes"
    EMPTY_OUTPUT = "empty_output"
    FEWER_OUTPUTS = "fewer_outputs"
    SHORTER_VIDEO = "shorter_video"
    CONTEXT_LENGTH = "context_length"
    CONTENT_FILTER = "content_filter"
    ERROR_IN_200 = "error_in_200"
    # The answer is a stream that goes wrong on its way.
    SLOW_FIRST_TOKEN = "slow_first_token"  # noqa: S105 - a fault, no password
    CUT_STREAM = "cut_stream"
    STALL = "stall"
    MALFORMED_CHUNK = "malformed_chunk"
    MISSING_END = "missing_end"
    # The job is fine; asking for it is not.
    POLL_500 = "poll_500"
    UNKNOWN_STATUS = "unknown_status"
    FOREIGN_URL = "foreign_url"
    # The job is fine; its files are not.
    OUTPUT_404 = "output_404"
    OUTPUT_HTML = "output_html"
    OUTPUT_SLOW = "output_slow"
    OUTPUT_EMPTY = "output_empty"
    OUTPUT_HUGE = "output_huge"
    OUTPUT_REDIRECT = "output_redirect"
    OUTPUT_INTERNAL = "output_internal"
    OUTPUT_WRONG_TYPE = "output_wrong_type"
    OUTPUT_OTHER_SIZE = "output_other_size"


_PLACES: dict[Fault, tuple[str, ...]] = {
    Fault.BAD_JSON: ("submit", "poll"),
    Fault.CALLER_FAULT: ("submit", "result"),
    Fault.REFUSAL: ("submit", "result"),
}

_LARGEST_FILE = 2**31


class Then(BaseModel):
    """The `then` of a rule.

    `status`: HTTP status of a refused submission in place of the fault's own. `retry_after`: seconds, sent as
    `Retry-After`. `count`: how many polls go wrong (`poll_500`, `unknown_status`, `bad_json` at `poll`).
    `host`: `host[:port]` that `foreign_url` puts into the returned addresses. `at`: where the fault strikes
    when it can strike in two places (`bad_json`: `submit` or `poll`; `caller_fault`: `submit` or `result`).

    `message`: what a `refusal` or a `caller_fault` says in place of its own words; a refusal of a text or
    image model that answers at once has none.

    Of `http_429`: `http_date` sends the delay as a date; `in_text` tells it in the message only. Of files:
    `content_type` is what they are served as, `video` makes the job one for a video or for pictures whatever
    its model, `file_bytes` pads a video to that length. Of callbacks: `callback` false sends none,
    `callback_forged` signs with a key that is not published.

    Of streams: `count` is how many chunks come before they go wrong, `delay_ms` what `slow_first_token`
    waits. `refusal` of a text model strikes the request (`submit`) or its answer (`result`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    fault: Fault | None = None
    status: StrictInt | None = Field(default=None, ge=400, le=599)
    retry_after: float | None = Field(default=None, ge=0)
    count: StrictInt = Field(default=3, ge=1)
    host: str = Field(default="queue.elsewhere.example", min_length=1)
    at: Literal["submit", "poll", "result"] | None = None
    http_date: bool = False
    in_text: bool = False
    content_type: str | None = Field(default=None, pattern=r"^[\w.+-]+/[\w.+-]+$")
    video: bool | None = None
    file_bytes: StrictInt = Field(default=0, ge=0, le=_LARGEST_FILE)
    message: str | None = Field(default=None, min_length=1)
    callback: bool = True
    callback_forged: bool = False
    delay_ms: StrictInt = Field(default=1000, ge=0)

    @model_validator(mode="after")
    def _place_exists(self) -> Then:
        if self.at is not None and self.at not in _PLACES.get(self.fault or Fault.RESET, ()):
            raise ValueError(f"at {self.at!r} has no meaning for fault {self.fault}")
        return self

    def strikes(self, fault: Fault, at: str | None = None) -> bool:
        """Whether this is `fault`; with `at`, whether it strikes there (the first place is the default)."""
        if self.fault is not fault:
            return False
        return at is None or (self.at or _PLACES[fault][0]) == at
