"""Reading what fal's queue answers. Source: fal.ai/docs, "Queue API"."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Final

from shared.providers.base import Done, Failed, Output, Running
from shared.providers.errors import ErrorClass, classify
from shared.providers.exchange import NoReply, Reply
from shared.providers.fal_errors import (
    STATED,
    completed_facts,
    message_of,
    submit_failure,
    text_of,
    verdict,
)
from shared.providers.messages import sanitise
from shared.providers.metering import counted
from shared.providers.outputs import find_outputs

# Tuples, since what an answer holds in place of a word may not be hashable.
_PENDING: Final = ("IN_QUEUE", "IN_PROGRESS")
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_OUTPUTS: Final = ("videos", "video", "images", "image")
_BILLABLE_UNITS: Final = "x-fal-billable-units"
_KEEP_ASKING: Final = frozenset({401, 403, 404, 408, 409, 425, 429})


@dataclass(frozen=True, slots=True)
class Submitted:
    """A job the queue took, with the addresses it named (unverified)."""

    request_id: str
    urls: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Completed:
    """The queue is done with the job. fal has no state for failure: `error` or the result tells."""

    error: str | None = None
    error_type: str | None = None

    def failure(self) -> Failed | None:
        """What the status alone says, for when the result says nothing better."""
        if self.error is None and self.error_type is None:
            return None
        facts = completed_facts(self.error, self.error_type)
        row = classify(STATED, facts)
        return Failed(row.error_class if row else ErrorClass.UNKNOWN, sanitise(facts.text))


def read_submit(reply: Reply | NoReply) -> Submitted | Failed:
    """A 2xx without a usable `request_id` is ambiguous: something may be running."""
    if isinstance(reply, NoReply):
        return reply.failed_submit()
    if not reply.accepted:
        return submit_failure(reply)
    body = reply.object()
    request_id = body.get("request_id")
    if not (isinstance(request_id, str) and _REQUEST_ID.fullmatch(request_id)):
        return Failed(ErrorClass.SUBMIT_AMBIGUOUS, "The provider's answer names no job.")
    return Submitted(request_id, {name: body.get(f"{name}_url") for name in ("status", "response", "cancel")})


def read_status(reply: Reply | NoReply) -> Running | Completed:
    """`GET …/status`: only a 200 or 202 with a known word says anything."""
    if isinstance(reply, NoReply):
        return Running(note=reply.reason)
    if reply.status not in (200, 202):
        return Running(note=f"the status request was answered {reply.status}")
    body = reply.object()
    word = body.get("status")
    if word == "COMPLETED":
        return Completed(text_of(body.get("error")), text_of(body.get("error_type")))
    if word in _PENDING:
        position = body.get("queue_position")
        return Running(queue_position=position if type(position) is int else None)
    return Running(note=f"unknown status {sanitise(str(word))!r}")


def read_result(reply: Reply | NoReply, completed: Completed) -> Running | Done | Failed:
    """`GET …/requests/{id}` after COMPLETED.

    Final: a model output, a structured error, or anything unusable when the status already named an error.
    Not final: trouble on the way to a result that may be there, such as 401, 404, 429 and plain 5xx.
    """
    if isinstance(reply, NoReply):
        return Running(note=reply.reason)
    answer = _read_result(reply, completed)
    if isinstance(answer, Running):
        return answer
    return replace(answer, metered=counted(reply.headers.get(_BILLABLE_UNITS)))


def _read_result(reply: Reply, completed: Completed) -> Running | Done | Failed:
    if reply.accepted:
        return _read_output(reply, completed)
    if _still_running(reply.object()):
        return Running(note="the result is not ready")
    if stated := verdict(reply):
        return stated
    failure = completed.failure()
    if failure is None or reply.status in _KEEP_ASKING:
        return Running(note=f"the result request was answered {reply.status}")
    return failure


def _read_output(reply: Reply, completed: Completed) -> Running | Done | Failed:
    value = reply.json()
    if not isinstance(value, dict):
        return completed.failure() or Running(note="the result is not a JSON object")
    outputs = find_outputs({name: value[name] for name in _OUTPUTS if name in value})
    if outputs:
        kept = _without_flagged(outputs, value.get("has_nsfw_concepts"))
        return (
            Done(kept)
            if kept
            else Failed(ErrorClass.POLICY_REFUSAL, "The model's filter blocked the output.")
        )
    if value.get("status") in _PENDING or _still_running(value):
        return Running(note="the result is not ready")
    nothing = Failed(ErrorClass.NO_OUTPUT, "The model finished without an output.")
    return verdict(reply) or completed.failure() or nothing


def _without_flagged(outputs: tuple[Output, ...], flags: object) -> tuple[Output, ...]:
    """Drops the pictures that the model's own filter has blacked out (`has_nsfw_concepts`, one flag each)."""
    if not isinstance(flags, list) or not any(flag is True for flag in flags):
        return outputs
    if all(flag is True for flag in flags):
        return ()
    if len(flags) != len(outputs):
        return outputs
    return tuple(output for output, flag in zip(outputs, flags, strict=True) if flag is not True)


def _still_running(body: dict[str, Any]) -> bool:
    return "still in progress" in message_of(body).lower()
