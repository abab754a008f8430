"""The official Python client against the running stack."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from openai.types import ImagesResponse
from PIL import Image
from pydantic import BaseModel

from shared.accounts.key import new_key
from tests.harness.client import Customer
from tests.harness.eventually import eventually
from tests.harness.rules import rule
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack

CHAT, PICTURE, VECTORS = "openai/gpt-5", "google/nano-banana-pro", "openai/text-embedding-3-small"
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}


class Hen(BaseModel):
    name: str
    eggs: int


def asking(prompt: str) -> Any:
    return [{"role": "system", "content": "be brief"}, {"role": "user", "content": prompt}]


def a_png(side: int = 64) -> bytes:
    held = io.BytesIO()
    Image.new("RGB", (side, side), "orange").save(held, "PNG")
    return held.getvalue()


async def settled(stack: Stack, task_id: str) -> int:
    """What a task cost in nano-USD, once it is completed."""
    await eventually(lambda: _is_completed(stack, task_id))
    return (await stack.stored(task_id)).cost_nano


async def _is_completed(stack: Stack, task_id: str) -> bool:
    return (await stack.stored(task_id)).state == "completed"


async def finished(client: AsyncOpenAI, task_id: str, path: str = "/tasks") -> ImagesResponse:
    """The task's metadata, read like any answer about images, once it is final."""
    async with asyncio.timeout(60):
        while True:
            task = await client.get(f"{path}/{task_id}", cast_to=ImagesResponse)
            if task.status in ("completed", "failed"):
                return task
            await asyncio.sleep(0.05)


async def test_it_lists_models(client: AsyncOpenAI) -> None:
    models = {model.id: model async for model in client.models.list()}

    assert list(models) == [
        "openai/gpt-5",
        "google/gemini-2.5-flash",
        "google/nano-banana-pro",
        "google/nano-banana",
        "openai/text-embedding-3-small",
    ]
    assert models[CHAT].model_dump(exclude_none=True) == {
        "id": "openai/gpt-5",
        "object": "model",
        "owned_by": "openrouter",
        "display_name": "GPT-5",
        "category": "chat",
        "capabilities": ["chat", "reasoning"],
        "credit_cost": 3,
    }


async def test_it_chats(client: AsyncOpenAI, stack: Stack) -> None:
    completion = await client.chat.completions.create(model=CHAT, messages=asking("a hen"))

    [choice] = completion.choices
    assert (choice.finish_reason, choice.message.role) == ("stop", "assistant")
    assert (choice.message.content or "").startswith("About a hen")
    assert completion.model == CHAT
    assert completion.id.startswith("chatcmpl-")
    usage = completion.usage
    assert usage is not None
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens > 0
    assert await settled(stack, completion.id) == 30_000_000
    task = await stack.stored(completion.id)
    assert task.tokens is not None
    assert (task.tokens.output_tokens, task.tokens.estimated) == (usage.completion_tokens, False)
    assert (task.request.prompt, task.public_model, task.model) == ("", CHAT, "gpt-5")


async def test_it_chats_in_a_stream(client: AsyncOpenAI, stack: Stack) -> None:
    whole = await client.chat.completions.create(model=CHAT, messages=asking("a streamed hen"))
    stream = await client.chat.completions.create(
        model=CHAT,
        messages=asking("a streamed hen"),
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]

    *pieces, last, counted = chunks
    assert pieces[0].choices[0].delta.role == "assistant"
    assert all(piece.choices[0].delta.role is None for piece in pieces[1:])
    assert len(pieces) > 3
    text = "".join(piece.choices[0].delta.content or "" for piece in pieces)
    assert text == whole.choices[0].message.content
    assert last.choices[0].finish_reason == "stop"
    assert (counted.choices, counted.usage) == ([], whole.usage)
    assert {chunk.id for chunk in chunks} == {chunks[0].id}
    assert await settled(stack, chunks[0].id) == 30_000_000


async def test_it_calls_tools_and_is_given_their_results(client: AsyncOpenAI) -> None:
    messages = asking("use the tool weather")
    first = await client.chat.completions.create(
        model=CHAT, messages=messages, tools=[WEATHER], tool_choice="required"
    )
    [choice] = first.choices
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls
    [call] = choice.message.tool_calls
    assert call.type == "function"
    assert call.function.name == "weather"

    answer: Any = {"role": "tool", "tool_call_id": call.id, "content": '{"degrees": 21}'}
    spoken: Any = choice.message.model_dump(exclude_none=True)
    second = await client.chat.completions.create(
        model=CHAT, messages=[*messages, spoken, answer], tools=[WEATHER], tool_choice="none"
    )
    assert second.choices[0].message.content


async def test_tools_are_called_in_a_stream(client: AsyncOpenAI) -> None:
    async with client.chat.completions.stream(
        model=CHAT, messages=asking("use the tool weather"), tools=[WEATHER]
    ) as stream:
        completion = await stream.get_final_completion()

    [call] = completion.choices[0].message.tool_calls or []
    assert call.function.name == "weather"
    assert isinstance(call.function.parsed_arguments, dict)


@pytest.mark.parametrize("model", [CHAT, "google/gemini-2.5-flash"])
async def test_it_parses_structured_output(client: AsyncOpenAI, model: str) -> None:
    completion = await client.chat.completions.parse(
        model=model, messages=asking("a hen"), response_format=Hen
    )

    assert isinstance(completion.choices[0].message.parsed, Hen)


async def test_it_makes_images(client: AsyncOpenAI, customer: Customer, stack: Stack) -> None:
    made = await client.images.generate(
        model=PICTURE, prompt="a hen on a bicycle", size="1536x1024", n=2, response_format="b64_json"
    )

    facts = made.model_dump()
    assert [(item.url, item.b64_json) for item in made.data or []] == [(None, None)] * 2
    assert (facts["status"], facts["provider_task_id"], facts["model"]) == ("pending", None, PICTURE)
    task_id = facts["task_id"]
    done = await finished(client, task_id)
    urls = [item.url or "" for item in done.data or []]
    assert urls == [f"{stack.api_url}/images/{task_id}/{number}.png" for number in range(2)]
    for url in urls:
        assert Image.open(io.BytesIO((await customer.http.get(url)).content)).format == "PNG"
    assert await settled(stack, task_id) == 160_000_000
    request = (await stack.stored(task_id)).request
    assert (request.aspect_ratio, request.resolution) == ("3:2", "1K")


async def test_it_edits_images(
    client: AsyncOpenAI, customer: Customer, stack: Stack, simulator: Simulator
) -> None:
    pictures = [("one.png", a_png(), "image/png"), ("two.png", a_png(96), "image/png")]
    made = await client.images.edit(model=PICTURE, image=pictures, prompt="as watercolours, both", n=1)

    task_id = made.model_dump()["task_id"]
    done = await finished(client, task_id, "/images/generations")
    assert done.model_dump()["status"] == "completed"
    task = await stack.stored(task_id)
    assert task.kind == "image_edit"
    assert task.request.image_urls == tuple(f"{stack.api_url}/inputs/{task_id}/{n}.png" for n in range(2))
    [job] = await simulator.jobs("as watercolours, both")
    assert job["input"]["image_urls"] == list(task.request.image_urls)
    kept = await customer.http.get(task.request.image_urls[1])
    assert kept.content == pictures[1][1]
    assert await settled(stack, task_id) == 80_000_000


async def test_it_edits_one_image(client: AsyncOpenAI) -> None:
    made = await client.images.edit(model=PICTURE, image=io.BytesIO(a_png()), prompt="rounder")

    assert (await finished(client, made.model_dump()["task_id"])).model_dump()["status"] == "completed"


async def test_a_refused_image_tells_why(client: AsyncOpenAI, simulator: Simulator) -> None:
    await simulator.rules(rule("*", "an indecent hen", "refusal"))
    made = await client.images.generate(model=PICTURE, prompt="an indecent hen")

    done = (await finished(client, made.model_dump()["task_id"])).model_dump()
    assert (done["status"], done["data"]) == ("failed", [])
    assert done["error"]["type"] == done["error"]["code"] == "content_policy_violation"


async def test_it_embeds(client: AsyncOpenAI, stack: Stack) -> None:
    asked = ["a hen", "an egg"]
    # By itself the client asks for base64 and decodes it.
    packed = await client.embeddings.create(model=VECTORS, input=asked, dimensions=16)
    plain = await client.embeddings.create(model=VECTORS, input=asked, dimensions=16, encoding_format="float")

    assert [item.index for item in packed.data] == [0, 1]
    for one, other in zip(packed.data, plain.data, strict=True):
        assert len(one.embedding) == 16
        assert one.embedding == pytest.approx(other.embedding, abs=1e-6)
    assert packed.usage.total_tokens == packed.usage.prompt_tokens > 0
    assert packed.model == VECTORS


async def test_a_wrong_key_is_an_authentication_error(stack: Stack) -> None:
    async with AsyncOpenAI(base_url=f"{stack.api_url}/api/v1", api_key=new_key()) as stranger:
        with pytest.raises(openai.AuthenticationError) as caught:
            await stranger.models.list()

    assert caught.value.code == "invalid_api_key"


async def test_no_credits_are_a_status_error_that_is_not_tried_again(stack: Stack) -> None:
    async with (
        await stack.customer("0.0200") as poor,
        AsyncOpenAI(base_url=f"{stack.api_url}/api/v1", api_key=poor.key) as client,
    ):
        with pytest.raises(openai.APIStatusError) as caught:
            await client.chat.completions.create(model=CHAT, messages=asking("a hen"))

        assert (caught.value.status_code, caught.value.code) == (402, "insufficient_credits")
        assert caught.value.request_id


async def test_an_unknown_model_is_a_not_found_error(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        await client.chat.completions.create(model="openai/gpt-0", messages=asking("a hen"))

    assert (caught.value.code, caught.value.type) == ("model_not_available",) * 2
