"""Our tasks and answers in the words of OpenAI's clients."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest

from services.api.dialects.openai.chat_mapping import Chunks, answer_length, estimated, usage_body
from services.api.dialects.openai.embedding_mapping import encoded
from services.api.dialects.openai.image_mapping import task_body
from shared.providers.errors import ErrorClass
from shared.tasks.lifecycle import State
from shared.tasks.model import ProviderJobRecord, TaskFailure, Tokens
from tests.unit.building import NOON, a_task, attempt

ID = "img_01k6x0v7w3h2m9q4x1b8c5d7ef"
NOTHING = {"url": None, "b64_json": None}


def url(key: str) -> str:
    return f"https://files.example.org/{key}"


def told(state: State, **fields: Any) -> dict[str, Any]:
    return task_body(a_task(state, _id=ID, public_model="google/nano-banana", **fields), url)


@pytest.mark.parametrize(
    ("state", "fields", "status", "data"),
    [
        (State.QUEUED, {"units": 2}, "pending", [NOTHING] * 2),
        (State.RUNNING, {"attempts": (attempt(),)}, "processing", [NOTHING]),
        (State.GENERATED, {"attempts": (attempt(),), "outputs": 1}, "processing", [NOTHING]),
        (State.COMPLETED, {"outputs": 1}, "completed", [{**NOTHING, "url": url(f"images/{ID}/0.png")}]),
        (State.FAILED, {}, "failed", []),
        (State.CANCELLED, {}, "failed", []),
    ],
)
def test_a_task_shows_one_item_for_each_image_that_may_come(
    state: State, fields: dict[str, Any], status: str, data: list[Any]
) -> None:
    assert told(state, **fields) == {
        "created": int(NOON.timestamp()),
        "data": data,
        "task_id": ID,
        "provider_task_id": None,
        "status": status,
        "model": "google/nano-banana",
    }


@pytest.mark.parametrize(
    ("error_class", "code"),
    [
        (ErrorClass.POLICY_REFUSAL, "content_policy_violation"),
        (ErrorClass.CALLER_FAULT, "invalid_request_error"),
        (ErrorClass.PROVIDER_NOT_CONFIGURED, "provider_not_configured"),
        (ErrorClass.CANCELLED, "task_cancelled"),
        (ErrorClass.DEADLINE, "provider_error"),
        (ErrorClass.TRANSIENT, "provider_error"),
    ],
)
def test_a_failed_task_says_why(error_class: ErrorClass, code: str) -> None:
    failure = TaskFailure(error_class=error_class, message="no").model_dump()

    assert told(State.FAILED, failure=failure)["error"] == {"message": "no", "type": code, "code": code}


def test_a_providers_own_id_is_told_only_of_those_that_customers_may_know() -> None:
    tried = attempt("fal:banana").model_copy(update={"provider_job": ProviderJobRecord(ids=("job-1",))})
    task = a_task(State.RUNNING, attempts=(tried,))

    assert task_body(task, url)["provider_task_id"] is None
    assert task_body(task, url, {"fal"})["provider_task_id"] == "job-1"


def test_only_the_first_chunk_tells_the_role() -> None:
    chunks = Chunks(a_task(), include_usage=False)
    made = [chunks.piece({"content": "a"}), chunks.piece({"content": "b"}), chunks.end("stop")]

    assert [chunk["choices"][0]["delta"] for chunk in made] == [
        {"role": "assistant", "content": "a"},
        {"content": "b"},
        {},
    ]
    assert [chunk["choices"][0]["finish_reason"] for chunk in made] == [None, None, "stop"]
    assert all("usage" not in chunk for chunk in made)


def test_an_empty_answer_is_one_chunk_with_role_and_end() -> None:
    [choice] = Chunks(a_task(), include_usage=True).end("content_filter")["choices"]

    assert choice["delta"] == {"role": "assistant", "content": ""}
    assert choice["finish_reason"] == "content_filter"


def test_estimates_count_four_characters_a_token_and_say_so() -> None:
    assert estimated(9, 0) == Tokens(input_tokens=3, output_tokens=0, estimated=True)
    assert answer_length({"content": "four", "tool_calls": [{"function": {"arguments": "{}"}}]}) == 6
    assert usage_body(estimated(4, 4), 1)["completion_tokens_details"] == {"reasoning_tokens": 1}


def test_vectors_are_packed_as_little_endian_floats() -> None:
    assert base64.b64decode(encoded((1.0, -2.5))) == struct.pack("<2f", 1.0, -2.5)
