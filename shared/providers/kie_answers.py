"""Reading what kie.ai answers. Source: docs.kie.ai, "Create task" and "Get task details"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import orjson

from shared.providers.base import Done, Failed, Output, Running
from shared.providers.errors import ErrorClass, ErrorRow, classify
from shared.providers.exchange import NoReply, Reply
from shared.providers.kie_errors import data_of, read_facts, status_of
from shared.providers.messages import sanitise
from shared.providers.outputs import find_outputs

CREDIT_NANO: Final = 5_000_000
"""One credit is $0.005."""

# Tuples, since what an answer holds in place of a word may not be hashable.
_RUNNING: Final = ("waiting", "queuing", "generating")
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_MOST_CREDITS: Final = 1_000_000
_CREDIT_FIELDS: Final = ("consumeCredits", "creditsConsumed")


def read_submit(reply: Reply | NoReply, rows: Sequence[ErrorRow]) -> str | Failed:
    """The id of the task. A success without one is ambiguous: something may be running."""
    if isinstance(reply, NoReply):
        return reply.failed_submit()
    if not 200 <= status_of(reply) < 300:
        return _failure(reply, rows)
    task_id = data_of(reply).get("taskId")
    if isinstance(task_id, str) and _ID.fullmatch(task_id):
        return task_id
    return Failed(ErrorClass.SUBMIT_AMBIGUOUS, "The provider's answer names no task.")


def read_record(reply: Reply | NoReply, rows: Sequence[ErrorRow]) -> Running | Done | Failed:
    """`GET …/recordInfo`: only a known state says anything; a failed task is told inside code 200."""
    if isinstance(reply, NoReply):
        return Running(note=reply.reason)
    if not reply.accepted:
        return Running(note=f"the record request was answered {reply.status}")
    data = data_of(reply)
    state = data.get("state")
    if state == "fail":
        return _failure(reply, rows)
    if status_of(reply) != reply.status:
        return Running(note=f"the record request was answered with code {status_of(reply)}")
    if state in _RUNNING:
        return Running()
    if state == "success":
        outputs = _outputs(data.get("resultJson"))
        return Done(outputs, _cost_nano(data)) if outputs else _failure(reply, rows)
    return Running(note=f"unknown state {sanitise(str(state))!r}")


def _outputs(result: object) -> tuple[Output, ...]:
    """`resultJson` is a JSON string; its `resultUrls` are the outputs, other addresses in it are not."""
    if isinstance(result, str):
        try:
            result = orjson.loads(result)
        except orjson.JSONDecodeError:
            return ()
    if isinstance(result, dict) and "resultUrls" in result:
        result = result["resultUrls"]
    return find_outputs(result)


def _cost_nano(data: dict[str, Any]) -> int | None:
    for name in _CREDIT_FIELDS:
        charged = data.get(name)
        if (
            isinstance(charged, int | float)
            and not isinstance(charged, bool)
            and 0 <= charged <= _MOST_CREDITS
        ):
            return int((Decimal(str(charged)) * CREDIT_NANO).to_integral_value())
    return None


def _failure(reply: Reply, rows: Sequence[ErrorRow]) -> Failed:
    facts = read_facts(reply)
    row = classify(rows, facts)
    failed = reply.failed(row.error_class if row else ErrorClass.UNKNOWN, facts.text)
    return replace(failed, cost_nano=_cost_nano(data_of(reply)))
