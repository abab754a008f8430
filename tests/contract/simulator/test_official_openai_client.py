from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI
from pydantic import BaseModel

from tests.contract.simulator.callers import jobs, put_rules, set_fault

_CHAT = "gpt-4.1-mini"
_WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer", "maximum": 5}},
            "required": ["city", "days"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}


class Hen(BaseModel):
    name: str
    eggs: int
    friends: list[str]


@pytest.fixture
async def client(sim: httpx.AsyncClient) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{sim.base_url}/openai/v1", api_key="test", max_retries=0) as made:
        yield made


def _asking(prompt: str) -> Any:
    return [{"role": "system", "content": "be brief"}, {"role": "user", "content": prompt}]


async def test_it_chats(sim: httpx.AsyncClient, client: AsyncOpenAI) -> None:
    raw = await client.chat.completions.with_raw_response.create(model=_CHAT, messages=_asking("a hen"))
    completion = raw.parse()
    [choice] = completion.choices
    assert (choice.finish_reason, choice.message.role) == ("stop", "assistant")
    assert (choice.message.content or "").startswith("About a hen")
    usage = completion.usage
    assert usage is not None
    assert usage.completion_tokens == 40
    assert usage.total_tokens == usage.prompt_tokens + 40
    [job] = await jobs(sim, provider="openai")
    assert (job["model"], job["prompt"], job["state"]) == (_CHAT, "a hen", "succeeded")
    assert raw.headers["x-request-id"] == job["job_id"]


async def test_the_same_prompt_has_the_same_answer(client: AsyncOpenAI) -> None:
    said = [
        (await client.chat.completions.create(model=_CHAT, messages=_asking(prompt)))
        .choices[0]
        .message.content
        for prompt in ("a hen", "a hen", "a fox")
    ]
    assert said[0] == said[1] != said[2]


@pytest.mark.parametrize(("limit", "finish"), [(7, "length"), (90, "stop")])
async def test_an_answer_is_as_long_as_asked_for(client: AsyncOpenAI, limit: int, finish: str) -> None:
    completion = await client.chat.completions.create(
        model=_CHAT, messages=_asking("a hen"), max_completion_tokens=limit
    )
    [choice] = completion.choices
    assert choice.finish_reason == finish
    assert len((choice.message.content or "").split()) == limit
    assert completion.usage is not None
    assert completion.usage.completion_tokens == limit


@pytest.mark.parametrize(
    ("prompt", "choice", "calls"),
    [
        ("use a tool", "auto", 1),
        ("the weather, please", "auto", 1),
        ("good morning", "auto", 0),
        ("good morning", "required", 1),
        ("good morning", {"type": "function", "function": {"name": "weather"}}, 1),
        ("the weather, please", "none", 0),
    ],
)
async def test_it_calls_functions(client: AsyncOpenAI, prompt: str, choice: Any, calls: int) -> None:
    completion = await client.chat.completions.create(
        model=_CHAT, messages=_asking(prompt), tools=[_WEATHER], tool_choice=choice
    )
    message = completion.choices[0].message
    found = message.tool_calls or []
    assert len(found) == calls
    assert completion.choices[0].finish_reason == ("tool_calls" if calls else "stop")
    for call in found:
        assert call.type == "function"
        assert call.function.name == "weather"
        arguments = json.loads(call.function.arguments)
        assert isinstance(arguments["city"], str)
        assert arguments["days"] <= 5


async def test_results_of_functions_are_answered_in_words(client: AsyncOpenAI) -> None:
    first = await client.chat.completions.create(
        model=_CHAT, messages=_asking("use a tool"), tools=[_WEATHER]
    )
    [call] = first.choices[0].message.tool_calls or []
    history = [
        *_asking("use a tool"),
        first.choices[0].message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "sunny"},
    ]
    second = await client.chat.completions.create(model=_CHAT, messages=history, tools=[_WEATHER])
    assert second.choices[0].finish_reason == "stop"
    assert second.choices[0].message.content


async def test_it_parses_structured_output(client: AsyncOpenAI) -> None:
    completion = await client.chat.completions.parse(
        model=_CHAT, messages=_asking("a hen"), response_format=Hen
    )
    hen = completion.choices[0].message.parsed
    assert isinstance(hen, Hen)
    assert hen.friends


async def test_it_answers_in_open_json(client: AsyncOpenAI) -> None:
    completion = await client.chat.completions.create(
        model=_CHAT, messages=_asking("a hen as json"), response_format={"type": "json_object"}
    )
    assert list(json.loads(completion.choices[0].message.content or "")) == ["answer"]


@pytest.mark.parametrize("encoding", ["float", "base64"])
async def test_it_embeds(client: AsyncOpenAI, encoding: Any) -> None:
    made = await client.embeddings.create(
        model="text-embedding-3-small",
        input=["a hen", "a fox", "a hen"],
        dimensions=64,
        encoding_format=encoding,
    )
    vectors = [item.embedding for item in made.data]
    if encoding == "base64":
        # The client decodes only what it encoded by itself.
        assert all(len(str(vector)) == 344 for vector in vectors)
    else:
        assert sum(value * value for value in vectors[0]) == pytest.approx(1, abs=1e-4)
    assert [item.index for item in made.data] == [0, 1, 2]
    assert vectors[0] == vectors[2] != vectors[1]
    assert made.usage.prompt_tokens == made.usage.total_tokens == 6


async def test_both_encodings_hold_the_same_vector(client: AsyncOpenAI) -> None:
    model = "text-embedding-3-large"
    # Left alone, the client asks for base64 and decodes it.
    decoded = await client.embeddings.create(model=model, input="a hen")
    plain = await client.embeddings.create(model=model, input="a hen", encoding_format="float")
    assert len(plain.data[0].embedding) == 3072
    assert decoded.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-6)


async def test_it_lists_models(client: AsyncOpenAI) -> None:
    listed = [model.id async for model in client.models.list()]
    assert _CHAT in listed
    assert (await client.models.retrieve(_CHAT)).id == _CHAT


@pytest.mark.parametrize(
    ("fault", "error", "status", "code"),
    [
        ("http_500", openai.InternalServerError, 500, None),
        ("job_fails", openai.InternalServerError, 500, None),
        ("http_429", openai.RateLimitError, 429, "rate_limit_exceeded"),
        ("quota", openai.RateLimitError, 429, "insufficient_quota"),
        ("credential", openai.AuthenticationError, 401, "invalid_api_key"),
        ("model_gone", openai.NotFoundError, 404, "model_not_found"),
        ("caller_fault", openai.BadRequestError, 400, "invalid_value"),
        ("context_length", openai.BadRequestError, 400, "context_length_exceeded"),
        ("refusal", openai.BadRequestError, 400, "moderation_blocked"),
    ],
)
async def test_it_raises_its_own_error(
    sim: httpx.AsyncClient,
    client: AsyncOpenAI,
    fault: str,
    error: type[openai.APIStatusError],
    status: int,
    code: str | None,
) -> None:
    await set_fault(sim, fault)
    with pytest.raises(error) as chatting:
        await client.chat.completions.create(model=_CHAT, messages=_asking("a hen"))
    with pytest.raises(error) as embedding:
        await client.embeddings.create(model="text-embedding-3-small", input="a hen")
    for caught in (chatting.value, embedding.value):
        assert (caught.status_code, caught.code) == (status, code)
        assert caught.request_id
    taken = 2 if fault in ("job_fails", "refusal") else 0
    assert [job["state"] for job in await jobs(sim)] == ["failed"] * taken


async def test_an_exhausted_quota_differs_from_a_rate_limit_by_its_type(
    sim: httpx.AsyncClient, client: AsyncOpenAI
) -> None:
    await set_fault(sim, "quota")
    with pytest.raises(openai.RateLimitError) as caught:
        await client.chat.completions.create(model=_CHAT, messages=_asking("a hen"))
    assert caught.value.type == "insufficient_quota"


@pytest.mark.parametrize(
    ("fault", "error"),
    [("reset", openai.APIConnectionError), ("timeout", openai.APITimeoutError), ("bad_json", ValueError)],
)
async def test_an_answer_can_get_lost(
    sim: httpx.AsyncClient, client: AsyncOpenAI, fault: str, error: type[Exception]
) -> None:
    await set_fault(sim, fault)
    with pytest.raises(error):
        await client.with_options(timeout=0.5).chat.completions.create(model=_CHAT, messages=_asking("a hen"))
    assert len(await jobs(sim)) == 1


async def test_the_client_waits_out_a_limit(sim: httpx.AsyncClient, client: AsyncOpenAI) -> None:
    await put_rules(sim, {"times": 1, "then": {"fault": "http_429", "retry_after": 0.05}})
    patient = client.with_options(max_retries=1)
    completion = await patient.chat.completions.create(model=_CHAT, messages=_asking("a hen"))
    assert completion.choices[0].finish_reason == "stop"


@pytest.mark.parametrize(
    ("then", "sent"),
    [
        ({"retry_after": 2.5}, {"retry-after": "3", "retry-after-ms": "2500"}),
        ({}, {"retry-after": None, "retry-after-ms": None}),
    ],
)
async def test_a_limit_names_its_delay_in_headers(
    sim: httpx.AsyncClient, client: AsyncOpenAI, then: dict[str, Any], sent: dict[str, str | None]
) -> None:
    await set_fault(sim, "http_429", **then)
    with pytest.raises(openai.RateLimitError) as caught:
        await client.chat.completions.create(model=_CHAT, messages=_asking("a hen"))
    assert {name: caught.value.response.headers.get(name) for name in sent} == sent


async def test_a_limit_can_name_a_date(sim: httpx.AsyncClient, client: AsyncOpenAI) -> None:
    await set_fault(sim, "http_429", retry_after=30, http_date=True)
    with pytest.raises(openai.RateLimitError) as caught:
        await client.chat.completions.create(model=_CHAT, messages=_asking("a hen"))
    assert caught.value.response.headers["retry-after"].endswith(" GMT")
    assert "retry-after-ms" not in caught.value.response.headers


async def test_the_model_can_refuse_in_its_own_words(sim: httpx.AsyncClient, client: AsyncOpenAI) -> None:
    await set_fault(sim, "refusal", at="result")
    completion = await client.chat.completions.parse(
        model=_CHAT, messages=_asking("a hen"), response_format=Hen
    )
    message = completion.choices[0].message
    assert (message.content, message.parsed) == (None, None)
    assert (message.refusal or "").startswith("I'm sorry")


async def test_an_answer_can_be_filtered(sim: httpx.AsyncClient, client: AsyncOpenAI) -> None:
    await set_fault(sim, "content_filter")
    completion = await client.chat.completions.create(model=_CHAT, messages=_asking("a hen"))
    assert completion.choices[0].finish_reason == "content_filter"
    with pytest.raises(openai.ContentFilterFinishReasonError):
        await client.chat.completions.parse(model=_CHAT, messages=_asking("a hen"), response_format=Hen)


async def test_an_answer_can_be_empty(sim: httpx.AsyncClient, client: AsyncOpenAI) -> None:
    await set_fault(sim, "empty_output")
    completion = await client.chat.completions.create(model=_CHAT, messages=_asking("a hen"))
    assert completion.choices[0].message.content == ""


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("model", {"model": ""}),
        ("messages", {"messages": []}),
        ("messages[0].role", {"messages": [{"role": "hen", "content": "x"}]}),
        ("max_tokens", {"max_tokens": 0}),
        ("n", {"n": 2}),
        ("response_format.type", {"response_format": {"type": "xml"}}),
        ("tool_choice", {"tool_choice": {"type": "function", "function": {"name": "nobody"}}}),
    ],
)
async def test_a_wrong_request_is_refused_by_the_name_of_its_field(
    sim: httpx.AsyncClient, client: AsyncOpenAI, field: str, body: dict[str, Any]
) -> None:
    sent: dict[str, Any] = {"model": _CHAT, "messages": _asking("a hen"), **body}
    with pytest.raises(openai.BadRequestError) as caught:
        await client.chat.completions.create(**sent)
    assert caught.value.param == field
    assert await jobs(sim) == []


async def test_a_caller_without_a_key_is_refused(sim: httpx.AsyncClient) -> None:
    response = await sim.post("/openai/v1/chat/completions", json={})
    assert response.status_code == 401
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert response.headers["x-request-id"].startswith("req_")
