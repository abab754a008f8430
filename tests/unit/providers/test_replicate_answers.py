from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.providers.base import Done, Failed, Output, Running
from shared.providers.errors import ErrorClass
from shared.providers.exchange import NoReply, Reply
from shared.providers.refusals import compile_patterns
from shared.providers.replicate_answers import read_prediction, read_submit
from shared.providers.replicate_errors import ROWS, rows
from tests.unit.providers.replies import HTML, LOST, UNSENT, reply


def prediction(status: str, **fields: Any) -> Reply:
    return reply(200, {"id": "p1", "status": status, "output": None, "error": None, **fields})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(201, {"status": "starting"}), ErrorClass.SUBMIT_AMBIGUOUS),
        (reply(201, {"id": "a/b"}), ErrorClass.SUBMIT_AMBIGUOUS),
        (reply(201, b"{broken"), ErrorClass.SUBMIT_AMBIGUOUS),
        (LOST, ErrorClass.SUBMIT_AMBIGUOUS),
        (UNSENT, ErrorClass.TRANSIENT),
        (reply(500, {"title": "Internal server error", "status": 500}), ErrorClass.SUBMIT_AMBIGUOUS),
        (reply(502, HTML), ErrorClass.SUBMIT_AMBIGUOUS),
        (reply(401, {"detail": "Unauthenticated"}), ErrorClass.CREDENTIAL),
        (reply(402, {"title": "Insufficient credit", "detail": "x"}), ErrorClass.QUOTA),
        (reply(404, {"detail": "not found"}), ErrorClass.MODEL_GONE),
        (reply(422, {"title": "Input validation failed", "detail": "- prompt"}), ErrorClass.CALLER_FAULT),
        (reply(422, {"title": "Invalid version or not permitted", "detail": "x"}), ErrorClass.MODEL_GONE),
        (reply(429, {"detail": "Request was throttled."}), ErrorClass.RATE_LIMIT),
        (reply(418, {}), ErrorClass.UNKNOWN),
    ],
)
def test_a_failed_submission_is_classified_by_its_answer(
    answer: Reply | NoReply, expected: ErrorClass
) -> None:
    result = read_submit(answer, ROWS)
    assert isinstance(result, Failed)
    assert result.error_class is expected


def test_an_accepted_submission_gives_the_id() -> None:
    assert read_submit(reply(201, {"id": "ufawqhfynnddngldkgtslldrkq", "status": "starting"}), ROWS) == (
        "ufawqhfynnddngldkgtslldrkq"
    )


def test_the_delay_of_a_throttled_submission_is_read_from_the_text() -> None:
    result = read_submit(
        reply(429, {"detail": "Request was throttled. Your rate limit resets in ~30s."}), ROWS
    )
    assert isinstance(result, Failed)
    assert result.retry_after == timedelta(seconds=30)


@pytest.mark.parametrize(
    "answer",
    [
        prediction("starting"),
        prediction("processing"),
        prediction("warming"),
        reply(200, {}),
        reply(200, b"{broken"),
        reply(200, HTML),
        reply(401, {}),
        reply(404, {}),
        reply(429, {}),
        reply(500, {}),
        reply(502, HTML),
        LOST,
        UNSENT,
    ],
)
def test_anything_unclear_means_keep_polling(answer: Reply | NoReply) -> None:
    assert isinstance(read_prediction(answer, ROWS), Running)


def test_an_unknown_status_word_is_named_in_the_note() -> None:
    assert read_prediction(prediction("warming"), ROWS) == Running(note="unknown status 'warming'")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (prediction("failed", error="NSFW content detected. Try another prompt."), ErrorClass.POLICY_REFUSAL),
        (prediction("failed", error="The input was flagged as sensitive. (E005)"), ErrorClass.POLICY_REFUSAL),
        (prediction("failed", error="violates our content policy"), ErrorClass.POLICY_REFUSAL),
        (prediction("failed", error="Input validation error: prompt is too long"), ErrorClass.CALLER_FAULT),
        (prediction("failed", error="CUDA out of memory (E1001)"), ErrorClass.TRANSIENT),
        (prediction("failed"), ErrorClass.TRANSIENT),
        (prediction("failed", error={"code": 1}), ErrorClass.TRANSIENT),
        (prediction("succeeded", output=[]), ErrorClass.NO_OUTPUT),
        (prediction("succeeded"), ErrorClass.NO_OUTPUT),
        (prediction("succeeded", output="I cannot draw this."), ErrorClass.NO_OUTPUT),
        (prediction("succeeded", data_removed=True), ErrorClass.TRANSIENT),
    ],
)
def test_a_failed_prediction_is_classified_by_its_text(answer: Reply, expected: ErrorClass) -> None:
    result = read_prediction(answer, ROWS)
    assert isinstance(result, Failed)
    assert result.error_class is expected


def test_aborted_may_be_tried_again_and_canceled_may_not() -> None:
    aborted, canceled = (read_prediction(prediction(word), ROWS) for word in ("aborted", "canceled"))
    assert isinstance(aborted, Failed)
    assert isinstance(canceled, Failed)
    assert aborted.error_class is ErrorClass.TRANSIENT
    assert canceled.error_class is ErrorClass.CANCELLED


def test_the_patterns_of_refusals_can_be_replaced() -> None:
    answer = prediction("failed", error="computer says no")
    result = read_prediction(answer, rows(compile_patterns(["computer says no"])))
    assert isinstance(result, Failed)
    assert result.error_class is ErrorClass.POLICY_REFUSAL


@pytest.mark.parametrize(
    "output",
    [
        "https://f/1",
        ["https://f/1"],
        {"image": "https://f/1"},
        {"images": [{"url": "https://f/1"}]},
        [{"url": "https://f/1"}],
    ],
)
def test_an_output_may_be_a_string_a_list_or_an_object(output: object) -> None:
    assert read_prediction(prediction("succeeded", output=output), ROWS) == Done((Output("https://f/1"),))


@pytest.mark.parametrize("word", [None, True, 7, [], ["succeeded"], {}, {"status": "success"}])
def test_a_state_that_is_no_word_means_keep_polling(word: object) -> None:
    assert isinstance(read_prediction(reply(200, {"status": word}), ROWS), Running)
