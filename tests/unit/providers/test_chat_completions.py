from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.providers.base import ChatDelta, ChatDone, ChatEnd, ChatRequest, TokenUsage
from shared.providers.chat_completions import (
    ChunkFault,
    ChunkReader,
    chat_body,
    cost_nano,
    finish_reason,
    read_completion,
    read_usage,
    stated_error,
    streamed,
)

HELLO = ({"role": "user", "content": "hello"},)


def chunk(delta: dict[str, Any] | None = None, reason: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": reason}
    return orjson.dumps({"object": "chat.completion.chunk", "choices": [choice], **more})


def test_the_routes_options_win_over_the_callers_parameters() -> None:
    request = ChatRequest("m", HELLO, {"temperature": 1, "seed": 7}, {"temperature": 0})
    assert chat_body(request) == {"model": "m", "messages": [*HELLO], "temperature": 0, "seed": 7}


def test_a_stream_is_asked_to_count_its_tokens() -> None:
    assert streamed({"model": "m"}) == {
        "model": "m",
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_a_whole_answer_keeps_what_openais_message_has() -> None:
    calls = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    message = {"role": "assistant", "content": None, "tool_calls": calls, "refusal": None, "reasoning": "hm"}
    body = {
        "choices": [{"message": message, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 4},
    }
    assert read_completion(body) == ChatDone(
        {"role": "assistant", "content": None, "tool_calls": calls}, "tool_calls", TokenUsage(9, 4)
    )


def test_a_models_refusal_is_an_answer_and_no_error() -> None:
    message = {"role": "assistant", "content": None, "refusal": "I cannot help with that."}
    done = read_completion({"choices": [{"message": message, "finish_reason": "stop"}]})
    assert done is not None
    assert done.message["refusal"] == "I cannot help with that."


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"choices": []},
        {"choices": "x"},
        {"choices": [None]},
        {"choices": [{"message": "hi"}]},
    ],
)
def test_what_holds_no_message_is_no_answer(body: dict[str, Any]) -> None:
    assert read_completion(body) is None


def test_usage_tells_cached_and_reasoning_tokens_and_the_cost() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "prompt_tokens_details": {"cached_tokens": 64},
        "completion_tokens_details": {"reasoning_tokens": 32},
        "cost": 0.00014175,
    }
    assert read_usage(usage) == TokenUsage(100, 50, 64, 32, 141_750)


@pytest.mark.parametrize("usage", [None, {}, [], {"prompt_tokens": "9"}, {"prompt_tokens": True}])
def test_usage_that_counts_nothing_is_no_usage(usage: object) -> None:
    assert read_usage(usage) is None


@pytest.mark.parametrize(
    ("cost", "nano"),
    [
        (0, 0),
        (1, 1_000_000_000),
        (0.1, 100_000_000),
        (0.039, 39_000_000),
        (1e-9, 1),
        (0.0000000015, 2),
        (0.29, 290_000_000),
    ],
)
def test_a_cost_in_usd_is_read_by_its_digits(cost: float, nano: int) -> None:
    assert cost_nano({"cost": cost}) == nano


@pytest.mark.parametrize("cost", [None, True, "0.1", -0.1, float("inf"), float("nan")])
def test_what_is_no_amount_is_no_cost(cost: object) -> None:
    assert cost_nano({"cost": cost}) is None


@given(st.integers(0, 10**15))
def test_a_cost_of_up_to_nine_decimals_survives_the_way_over_json(nano: int) -> None:
    cost = orjson.loads(str(Decimal(nano).scaleb(-9)))
    assert cost_nano({"cost": cost}) == nano


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("tool_calls", "tool_calls"),
        ("content_filter", "content_filter"),
        ("end_turn", "stop"),
        (None, "stop"),
        (["stop"], "stop"),
    ],
)
def test_a_finish_reason_is_one_of_four_words(word: object, expected: str) -> None:
    assert finish_reason(word) == expected


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"choices": []}, None),
        ({"error": None, "choices": [{"error": None, "finish_reason": "stop"}]}, None),
        ({"error": {"code": 502}}, {"code": 502}),
        ({"error": "overloaded"}, {"message": "overloaded"}),
        ({"choices": [{"error": {"code": 429}}]}, {"code": 429}),
        ({"choices": [{"finish_reason": "error"}]}, {}),
    ],
)
def test_an_error_is_found_wherever_it_stands(body: dict[str, Any], error: object) -> None:
    assert stated_error(body) == error


def test_chunks_give_their_deltas_and_the_end_gives_reason_and_usage() -> None:
    reader = ChunkReader()
    assert reader.read(chunk({"role": "assistant", "content": ""}, usage=None)) == ChatDelta(
        {"role": "assistant", "content": ""}
    )
    assert reader.read(chunk({"content": "Hi"})) == ChatDelta({"content": "Hi"})
    assert reader.end() is None
    assert reader.read(chunk(reason="length")) is None
    assert not reader.complete
    assert reader.read(b'{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":1}}') is None
    assert reader.complete
    assert reader.end() == ChatEnd("length", TokenUsage(9, 1))


def test_the_role_is_told_once_however_often_the_provider_tells_it() -> None:
    reader = ChunkReader()
    pieces = [reader.read(chunk({"role": "assistant", "content": text})) for text in ("A", " hen")]
    assert pieces == [ChatDelta({"role": "assistant", "content": "A"}), ChatDelta({"content": " hen"})]
    assert reader.read(chunk({"role": "assistant"}, "stop")) is None


def test_the_last_chunk_may_carry_text_reason_and_usage_at_once() -> None:
    reader = ChunkReader()
    last = chunk({"content": "!"}, "stop", usage={"prompt_tokens": 2, "completion_tokens": 1, "cost": 0.1})
    assert reader.read(last) == ChatDelta({"content": "!"})
    assert reader.end() == ChatEnd("stop", TokenUsage(2, 1, cost_nano=100_000_000))


def test_pieces_of_tool_calls_keep_their_index() -> None:
    calls = [{"index": 1, "function": {"arguments": '{"a'}}]
    assert ChunkReader().read(chunk({"content": None, "tool_calls": calls, "reasoning": "hm"})) == ChatDelta(
        {"tool_calls": calls}
    )


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[]",
        b"{}",
        b'{"choices":{}}',
        b'{"choices":[1]}',
        b'{"choices":[{}]}',
        b'{"choices":[{"delta":"x"}]}',
        b"\xff",
    ],
)
def test_a_malformed_chunk_is_told_apart(data: bytes) -> None:
    assert ChunkReader().read(data) is ChunkFault.MALFORMED


@pytest.mark.parametrize(
    "data",
    [b'{"error":{"message":"x"}}', chunk({"content": ""}, "error"), chunk(error={"code": 502})],
)
def test_a_chunk_that_tells_of_a_failure_is_told_apart(data: bytes) -> None:
    assert ChunkReader().read(data) is ChunkFault.STATED_ERROR
