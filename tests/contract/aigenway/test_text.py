"""Text and embeddings: answered at once, and told again."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import orjson
import pytest

from tests.contract.aigenway.client import EMBEDDING, TEXT, AigenwayCustomer
from tests.harness.eventually import eventually
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack

SCHEMA = {
    "type": "OBJECT",
    "properties": {"name": {"type": "STRING"}, "eggs": {"type": "INTEGER"}},
    "required": ["name", "eggs"],
}
WEATHER = {
    "name": "get_weather",
    "description": "The weather of a place",
    "parameters": {"type": "OBJECT", "properties": {"place": {"type": "STRING"}}, "required": ["place"]},
}


async def test_a_text_is_answered_in_the_request_charged_by_tokens_and_told_again(
    stack: Stack, customer: AigenwayCustomer
) -> None:
    answer = await customer.generate(TEXT, params={"prompt": "why is the sky blue", "temperature": 0.4})

    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == ["task_id", "status", "result"]
    assert body["status"] == "SUCCEEDED"
    result = body["result"]
    assert list(result) == ["text", "finish_reason", "model", "usage", "files"]
    assert result["text"]
    assert (result["finish_reason"], result["model"], result["files"]) == ("STOP", "gemini-2.5-flash", [])
    usage = result["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]

    task = await customer.finished(body["task_id"])
    assert (task["id"], task["status"], task["mode"]) == (body["task_id"], "SUCCEEDED", "SYNC")
    assert task["result"] == result
    assert (await customer.http.get(f"/v1/tasks/{body['task_id']}/result")).json() == body
    nano = -(-(usage["input_tokens"] * 300_000_000 + usage["output_tokens"] * 2_500_000_000) // 1_000_000)
    assert (await stack.stored(body["task_id"])).cost_nano == nano


async def test_a_limit_cuts_the_answer_off(customer: AigenwayCustomer) -> None:
    answer = await customer.generate(TEXT, params={"prompt": "tell me more", "max_output_tokens": 5})

    assert answer.json()["result"]["finish_reason"] == "MAX_TOKENS"
    assert answer.json()["result"]["usage"]["output_tokens"] <= 5


async def test_messages_win_over_the_prompt(simulator: Simulator, customer: AigenwayCustomer) -> None:
    said = f"from the messages {uuid.uuid4().hex}"
    messages = [{"role": "system", "content": "be brief"}, {"role": "user", "content": said}]

    answer = await customer.generate(TEXT, params={"prompt": "unheard", "messages": messages})

    assert answer.status_code == 200
    (job,) = await simulator.jobs(said)
    assert "unheard" not in orjson.dumps(job["input"]).decode()


@pytest.mark.parametrize(
    "params",
    [
        {"response_mime_type": "application/json", "response_schema": SCHEMA},
        {"response_schema": SCHEMA},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "hen", "schema": SCHEMA}}},
        {"response_format": {"type": "json_schema", "json_schema": SCHEMA}},
        {"response_format": {"type": "json_schema", "schema": SCHEMA}},
    ],
    ids=["gemini", "schema alone", "openai", "directly under json_schema", "directly under the format"],
)
async def test_json_follows_its_schema_in_every_form(
    customer: AigenwayCustomer, params: dict[str, Any]
) -> None:
    answer = await customer.generate(TEXT, params={"prompt": "a hen", **params})

    assert answer.status_code == 200, answer.text
    made = orjson.loads(answer.json()["result"]["text"])
    assert isinstance(made["name"], str)
    assert isinstance(made["eggs"], int)


@pytest.mark.parametrize(
    "tools",
    [
        [{"function_declarations": [WEATHER]}],
        [{"functionDeclarations": [WEATHER]}],
        [{"type": "function", "function": WEATHER}],
    ],
    ids=["gemini", "gemini in camel case", "openai"],
)
async def test_calls_of_functions_come_in_both_places(
    customer: AigenwayCustomer, tools: list[dict[str, Any]]
) -> None:
    params = {"prompt": "use the tool get_weather", "tools": tools, "tool_choice": "required"}

    body = (await customer.generate(TEXT, params=params)).json()

    (call,) = body["result"]["meta"]["tool_calls"]
    assert (call["type"], call["function"]["name"]) == ("function", "get_weather")
    assert isinstance(orjson.loads(call["function"]["arguments"])["place"], str)
    assert body["meta"] == body["result"]["meta"]
    assert (await customer.finished(body["task_id"]))["meta"] == body["meta"]


@pytest.mark.parametrize(
    ("params", "vectors"),
    [
        ({"inputs": ["first", "second"], "task_type": "RETRIEVAL_DOCUMENT"}, 2),
        ({"input": ["first", "second"]}, 2),
        ({"input": "first"}, 1),
        ({"inputs": ["this"], "input": ["not", "these"]}, 1),
    ],
)
async def test_embeddings_come_one_per_input(
    customer: AigenwayCustomer, params: dict[str, Any], vectors: int
) -> None:
    answer = await customer.generate(EMBEDDING, params=params)

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert list(body) == ["task_id", "status", "result", "meta"]
    embeddings = body["meta"]["embeddings"]
    assert [len(vector) for vector in embeddings] == [768] * vectors
    assert body["result"]["meta"] == body["meta"]
    assert body["result"]["usage"]["output_tokens"] == 0
    assert (await customer.finished(body["task_id"]))["meta"] == body["meta"]


async def test_vectors_can_be_shorter(customer: AigenwayCustomer) -> None:
    params = {"input": "first", "output_dimensionality": 64}

    body = (await customer.generate(EMBEDDING, params=params)).json()

    assert len(body["meta"]["embeddings"][0]) == 64


async def test_a_repeated_key_gives_the_same_answer_and_one_charge(
    stack: Stack, customer: AigenwayCustomer
) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    first = await customer.generate(TEXT, headers, params={"prompt": "an egg"})

    async def repeated() -> httpx.Response | None:
        answer = await customer.generate(TEXT, headers, params={"prompt": "an egg"})
        return answer if answer.status_code == 200 else None

    second = await eventually(repeated)

    assert second.content == first.content
    tasks = await stack.database["tasks"].count_documents({"account_id": customer.account_id})
    assert tasks == 1


@pytest.mark.parametrize(
    ("then", "status", "code"),
    [
        ({"fault": "http_500"}, 503, "provider_unavailable"),
        ({"fault": "caller_fault"}, 422, "invalid_parameters"),
        ({"fault": "refusal"}, 502, "task_failed"),
    ],
)
async def test_a_failed_text_is_an_error_and_costs_nothing(
    stack: Stack,
    simulator: Simulator,
    customer: AigenwayCustomer,
    then: dict[str, Any],
    status: int,
    code: str,
) -> None:
    prompt = f"a bad egg {uuid.uuid4().hex}"
    await simulator.rules({"provider": "*", "when": {"prompt_contains": prompt}, "then": then})

    answer = await customer.generate(TEXT, params={"prompt": prompt})

    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["code"] == code
    task = await customer.finished(error["details"]["task_id"])
    assert (task["status"], task["error_code"], task["result"]) == ("FAILED", code, None)
    assert (await stack.ledger().balances([customer.account_id]))[customer.account_id].held == 0


async def test_what_is_said_is_not_stored(stack: Stack, customer: AigenwayCustomer) -> None:
    secret = f"my secret {uuid.uuid4().hex}"

    body = (await customer.generate(TEXT, params={"prompt": secret})).json()

    document = await stack.database["tasks"].find_one({"_id": body["task_id"]})
    assert secret not in str({name: value for name, value in document.items() if name != "result"})
