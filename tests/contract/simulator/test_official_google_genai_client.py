from __future__ import annotations

import io
import math
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from google.genai import errors, types
from PIL import Image
from pydantic import BaseModel

from tests.contract.simulator.callers import jobs, set_fault
from tests.contract.simulator.genai_caller import Client, genai_client

_TEXT = "gemini-2.5-flash"
_IMAGE = "gemini-3.1-flash-image"


class Hen(BaseModel):
    name: str
    eggs: int
    friends: list[str]


@pytest.fixture
async def client(sim: httpx.AsyncClient) -> AsyncIterator[Client]:
    async with genai_client(sim) as made:
        yield made


def _parts(response: types.GenerateContentResponse) -> list[types.Part]:
    [candidate] = response.candidates or []
    return (candidate.content.parts if candidate.content else None) or []


def _pictures(response: types.GenerateContentResponse) -> list[Image.Image]:
    made = []
    for part in _parts(response):
        if part.inline_data is not None and part.inline_data.data is not None:
            assert part.inline_data.mime_type == "image/png"
            with Image.open(io.BytesIO(part.inline_data.data)) as image:
                made.append(image.convert("RGB"))
    return made


def _picture_config(**config: Any) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(
        response_modalities=["IMAGE"], image_config=types.ImageConfig(**config) if config else None
    )


async def test_it_writes(sim: httpx.AsyncClient, client: Client) -> None:
    response = await client.models.generate_content(model=_TEXT, contents="a hen")
    assert (response.text or "").startswith("About a hen")
    [candidate] = response.candidates or []
    assert candidate.finish_reason is types.FinishReason.STOP
    usage = response.usage_metadata
    assert usage is not None
    assert (usage.candidates_token_count, usage.total_token_count) == (40, 42)
    assert response.model_version == _TEXT
    [job] = await jobs(sim, provider="gemini")
    assert (job["job_id"], job["model"]) == (response.response_id, _TEXT)
    assert (job["prompt"], job["state"]) == ("a hen", "succeeded")


async def test_an_answer_is_as_long_as_asked_for(client: Client) -> None:
    response = await client.models.generate_content(
        model=_TEXT, contents="a hen", config=types.GenerateContentConfig(max_output_tokens=6)
    )
    [candidate] = response.candidates or []
    assert candidate.finish_reason is types.FinishReason.MAX_TOKENS
    assert len((response.text or "").split()) == 6


@pytest.mark.parametrize(
    ("config", "size"),
    [
        ({}, (1024, 1024)),
        ({"aspect_ratio": "16:9"}, (1344, 768)),
        ({"aspect_ratio": "16:9", "image_size": "2K"}, (2688, 1536)),
        ({"aspect_ratio": "1:4", "image_size": "512"}, (256, 1024)),
        ({"image_size": "4K"}, (4096, 4096)),
    ],
)
async def test_it_draws(client: Client, config: dict[str, str], size: tuple[int, int]) -> None:
    response = await client.models.generate_content(
        model=_IMAGE, contents="a hen", config=_picture_config(**config)
    )
    assert [picture.size for picture in _pictures(response)] == [size]
    assert response.text is None
    usage = response.usage_metadata
    assert usage is not None
    assert usage.candidates_token_count == 1290


@pytest.mark.parametrize(
    ("modalities", "pictures", "texts"),
    [(None, 1, True), (["TEXT", "IMAGE"], 1, True), (["IMAGE"], 1, False), (["TEXT"], 0, True)],
)
async def test_an_image_model_answers_in_the_modalities_asked_for(
    client: Client, modalities: list[str] | None, pictures: int, texts: bool
) -> None:
    config = types.GenerateContentConfig(response_modalities=modalities)
    response = await client.models.generate_content(model=_IMAGE, contents="a hen", config=config)
    assert len(_pictures(response)) == pictures
    assert any(part.text for part in _parts(response)) is texts


async def test_an_edit_shows_its_inputs(client: Client) -> None:
    out = io.BytesIO()
    Image.new("RGB", (40, 40), (255, 0, 0)).save(out, "PNG")
    contents: Any = [types.Part.from_bytes(data=out.getvalue(), mime_type="image/png"), "make it blue"]
    response = await client.models.generate_content(model=_IMAGE, contents=contents, config=_picture_config())
    [picture] = _pictures(response)
    colours = picture.getcolors(maxcolors=256)
    assert colours is not None
    assert (255, 0, 0) in {colour for _, colour in colours}


async def test_an_input_that_is_no_image_is_refused(client: Client) -> None:
    contents: Any = [types.Part.from_bytes(data=b"hen", mime_type="image/png"), "make it blue"]
    with pytest.raises(errors.ClientError, match="Unable to process input image"):
        await client.models.generate_content(model=_IMAGE, contents=contents)


@pytest.mark.parametrize(
    ("prompt", "mode", "calls"),
    [
        ("use a tool", types.FunctionCallingConfigMode.AUTO, 1),
        ("the weather, please", types.FunctionCallingConfigMode.AUTO, 1),
        ("good morning", types.FunctionCallingConfigMode.AUTO, 0),
        ("good morning", types.FunctionCallingConfigMode.ANY, 1),
        ("the weather, please", types.FunctionCallingConfigMode.NONE, 0),
    ],
)
async def test_it_calls_functions(
    client: Client, prompt: str, mode: types.FunctionCallingConfigMode, calls: int
) -> None:
    city, days = types.Schema(type=types.Type.STRING), types.Schema(type=types.Type.INTEGER, maximum=5)
    schema = types.Schema(type=types.Type.OBJECT, properties={"city": city, "days": days}, required=["city"])
    weather = types.FunctionDeclaration(name="weather", description="of a city", parameters=schema)
    config = types.GenerateContentConfig(
        tools=[types.Tool(function_declarations=[weather])],
        tool_config=types.ToolConfig(function_calling_config=types.FunctionCallingConfig(mode=mode)),
    )
    response = await client.models.generate_content(model=_TEXT, contents=prompt, config=config)
    found = response.function_calls or []
    assert [call.name for call in found] == ["weather"] * calls
    for call in found:
        assert call.args is not None
        assert isinstance(call.args["city"], str)
        assert call.args["days"] <= 5


async def test_it_answers_what_a_python_function_returned(client: Client) -> None:
    asked: list[str] = []

    def weather(city: str) -> str:
        """The weather of a city."""
        asked.append(city)
        return "sunny"

    config = types.GenerateContentConfig(tools=[weather])
    response = await client.models.generate_content(model=_TEXT, contents="the weather", config=config)
    assert len(asked) == 1
    assert (response.text or "").startswith("About the weather")


@pytest.mark.parametrize(
    "config", [{"response_schema": Hen}, {"response_json_schema": Hen.model_json_schema()}]
)
async def test_it_parses_structured_output(client: Client, config: dict[str, Any]) -> None:
    response = await client.models.generate_content(
        model=_TEXT,
        contents="a hen",
        config=types.GenerateContentConfig(response_mime_type="application/json", **config),
    )
    assert Hen.model_validate_json(response.text or "").friends
    if "response_schema" in config:
        assert isinstance(response.parsed, Hen)


async def test_it_embeds(sim: httpx.AsyncClient, client: Client) -> None:
    contents: Any = ["a hen", "a fox", "a hen"]
    made = await client.models.embed_content(
        model="gemini-embedding-001",
        contents=contents,
        config=types.EmbedContentConfig(
            output_dimensionality=64, task_type="RETRIEVAL_DOCUMENT", title="farm"
        ),
    )
    vectors = [item.values or [] for item in made.embeddings or []]
    assert [len(vector) for vector in vectors] == [64] * 3
    assert vectors[0] == vectors[2] != vectors[1]
    assert math.hypot(*vectors[0]) == pytest.approx(1, abs=1e-4)
    assert [job["prompt"] for job in await jobs(sim)] == ["a hen\na fox\na hen"]


_ERRORS = [
    ("http_500", errors.ServerError, 500, "INTERNAL"),
    ("job_fails", errors.ServerError, 500, "INTERNAL"),
    ("http_429", errors.ClientError, 429, "RESOURCE_EXHAUSTED"),
    ("quota", errors.ClientError, 429, "RESOURCE_EXHAUSTED"),
    ("credential", errors.ClientError, 400, "INVALID_ARGUMENT"),
    ("model_gone", errors.ClientError, 404, "NOT_FOUND"),
    ("caller_fault", errors.ClientError, 400, "INVALID_ARGUMENT"),
    ("context_length", errors.ClientError, 400, "INVALID_ARGUMENT"),
]


@pytest.mark.parametrize(("fault", "error", "code", "status"), _ERRORS)
async def test_it_raises_its_own_error(
    sim: httpx.AsyncClient,
    client: Client,
    fault: str,
    error: type[errors.APIError],
    code: int,
    status: str,
) -> None:
    await set_fault(sim, fault)
    with pytest.raises(error) as writing:
        await client.models.generate_content(model=_TEXT, contents="a hen")
    with pytest.raises(error) as streaming:
        await anext(await client.models.generate_content_stream(model=_TEXT, contents="a hen"))
    with pytest.raises(error) as embedding:
        await client.models.embed_content(model="gemini-embedding-001", contents="a hen")
    for caught in (writing.value, streaming.value, embedding.value):
        assert (caught.code, caught.status) == (code, status)
    assert len(await jobs(sim)) == (3 if fault == "job_fails" else 0)


async def test_a_prompt_can_be_blocked(sim: httpx.AsyncClient, client: Client) -> None:
    await set_fault(sim, "refusal")
    for model in (_TEXT, _IMAGE):
        response = await client.models.generate_content(model=model, contents="a hen")
        assert response.candidates is None
        assert response.prompt_feedback is not None
        assert response.prompt_feedback.block_reason is types.BlockedReason.PROHIBITED_CONTENT
    assert [job["state"] for job in await jobs(sim)] == ["failed", "failed"]


@pytest.mark.parametrize(
    ("then", "of_text", "of_image"),
    [
        ({"fault": "refusal", "at": "result"}, "SAFETY", "IMAGE_SAFETY"),
        ({"fault": "content_filter"}, "SAFETY", "IMAGE_SAFETY"),
        ({"fault": "no_media_generated"}, "STOP", "NO_IMAGE"),
        ({"fault": "empty_output"}, "STOP", "NO_IMAGE"),
    ],
)
async def test_an_answer_can_end_badly(
    sim: httpx.AsyncClient,
    client: Client,
    then: dict[str, str],
    of_text: str,
    of_image: str,
) -> None:
    await set_fault(sim, **then)
    for model, reason in ((_TEXT, of_text), (_IMAGE, of_image)):
        response = await client.models.generate_content(model=model, contents="a hen")
        [candidate] = response.candidates or []
        assert candidate.finish_reason is types.FinishReason(reason)
        assert _pictures(response) == []


async def test_a_picture_can_be_an_error_page(sim: httpx.AsyncClient, client: Client) -> None:
    await set_fault(sim, "output_html")
    response = await client.models.generate_content(model=_IMAGE, contents="a hen", config=_picture_config())
    [part] = _parts(response)
    assert part.inline_data is not None
    assert (part.inline_data.data or b"").startswith(b"<!doctype html>")


@pytest.mark.parametrize("config", [{"aspect_ratio": "7:9"}, {"image_size": "3K"}])
async def test_a_wrong_size_is_refused(client: Client, config: dict[str, str]) -> None:
    with pytest.raises(errors.ClientError) as caught:
        await client.models.generate_content(model=_IMAGE, contents="a hen", config=_picture_config(**config))
    assert caught.value.status == "INVALID_ARGUMENT"
