"""Reading what Replicate answers. Source: replicate.com/docs, "HTTP API" and "Prediction lifecycle"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from shared.providers.base import Done, Failed, Running
from shared.providers.errors import ErrorClass, ErrorRow, classify
from shared.providers.exchange import NoReply, Reply
from shared.providers.messages import sanitise
from shared.providers.metering import counted
from shared.providers.outputs import find_outputs
from shared.providers.replicate_errors import read_facts

# Tuples, since what an answer holds in place of a word may not be hashable.
_RUNNING: Final = ("starting", "processing", "queued")
_OVER: Final = ("failed", "canceled", "aborted")
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


def read_submit(reply: Reply | NoReply, rows: Sequence[ErrorRow]) -> str | Failed:
    """The id of the prediction. A 2xx without one is ambiguous: something may be running."""
    if isinstance(reply, NoReply):
        return reply.failed_submit()
    if not reply.accepted:
        return _failure(reply, rows)
    prediction_id = reply.object().get("id")
    if isinstance(prediction_id, str) and _ID.fullmatch(prediction_id):
        return prediction_id
    return Failed(ErrorClass.SUBMIT_AMBIGUOUS, "The provider's answer names no prediction.")


def read_prediction(reply: Reply | NoReply, rows: Sequence[ErrorRow]) -> Running | Done | Failed:
    """`GET /v1/predictions/{id}`: only a 2xx with a known status says anything."""
    if isinstance(reply, NoReply):
        return Running(note=reply.reason)
    if not reply.accepted:
        return Running(note=f"the prediction request was answered {reply.status}")
    body = reply.object()
    status = body.get("status")
    if status in _RUNNING:
        return Running()
    if status == "succeeded":
        outputs = find_outputs(body.get("output"))
        return Done(outputs, metered=_predict_seconds(body)) if outputs else _failure(reply, rows)
    if status in _OVER:
        return _failure(reply, rows)
    return Running(note=f"unknown status {sanitise(str(status))!r}")


def _failure(reply: Reply, rows: Sequence[ErrorRow]) -> Failed:
    facts = read_facts(reply)
    row = classify(rows, facts)
    failed = reply.failed(row.error_class if row else ErrorClass.UNKNOWN, facts.text)
    return replace(failed, metered=_predict_seconds(reply.object()))


def _predict_seconds(body: Mapping[str, Any]) -> Decimal | None:
    """`metrics.predict_time`: models without a price of their own are paid by it, failed predictions too."""
    metrics = body.get("metrics")
    return counted(metrics.get("predict_time")) if isinstance(metrics, dict) else None
