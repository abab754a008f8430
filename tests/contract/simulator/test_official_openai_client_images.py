from __future__ import annotations

import base64
import io
from collections.abc import AsyncIterator
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI
from openai.types import ImagesResponse
from PIL import Image

from tests.contract.simulator.callers import jobs, set_fault

_MODEL = "gpt-image-1.5"


@pytest.fixture
async def client(sim: httpx.AsyncClient) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{sim.base_url}/openai/v1", api_key="test", max_retries=0) as made:
        yield made


def _pictures(response: ImagesResponse) -> list[Image.Image]:
    made = []
    for item in response.data or []:
        with Image.open(io.BytesIO(base64.b64decode(item.b64_json or ""))) as image:
            image.load()
            made.append(image)
    return made


async def test_it_generates_pictures(sim: httpx.AsyncClient, client: AsyncOpenAI) -> None:
    response = await client.images.generate(
        model=_MODEL, prompt="a hen", n=2, size="1536x1024", quality="medium"
    )
    pictures = _pictures(response)
    assert [(picture.format, picture.size) for picture in pictures] == [("PNG", (1536, 1024))] * 2
    assert (response.size, response.quality, response.output_format) == ("1536x1024", "medium", "png")
    assert response.usage is not None
    assert response.usage.output_tokens == 2 * 1584
    [job] = await jobs(sim)
    assert (job["prompt"], job["state"], job["input"]["n"]) == ("a hen", "succeeded", 2)


@pytest.mark.parametrize("file_format", ["jpeg", "webp"])
async def test_it_draws_in_other_formats(client: AsyncOpenAI, file_format: Any) -> None:
    response = await client.images.generate(model=_MODEL, prompt="a hen", output_format=file_format)
    [picture] = _pictures(response)
    assert (picture.format, picture.size) == (file_format.upper(), (1024, 1024))


async def test_an_edit_shows_its_inputs(sim: httpx.AsyncClient, client: AsyncOpenAI) -> None:
    source = Image.new("RGB", (40, 40), (255, 0, 0))
    out = io.BytesIO()
    source.save(out, "PNG")
    files = [("one.png", out.getvalue(), "image/png"), ("two.png", out.getvalue(), "image/png")]
    response = await client.images.edit(model=_MODEL, image=files, prompt="123", n=1)
    [picture] = _pictures(response)
    colours = picture.convert("RGB").getcolors(maxcolors=256)
    assert colours is not None
    assert (255, 0, 0) in {colour for _, colour in colours}
    assert response.usage is not None
    assert response.usage.input_tokens_details.image_tokens == 2 * 323
    [job] = await jobs(sim)
    assert job["prompt"] == "123"
    assert job["input"]["image[]"] == f"two.png ({len(out.getvalue())} bytes)"


async def test_an_input_that_is_no_image_is_refused(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await client.images.edit(model=_MODEL, image=("one.png", b"hen", "image/png"), prompt="a hen")
    assert caught.value.code == "invalid_image_file"


async def test_gpt_image_models_take_no_response_format(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await client.images.generate(model=_MODEL, prompt="a hen", response_format="b64_json")
    assert (caught.value.code, caught.value.param) == ("unknown_parameter", "response_format")


@pytest.mark.parametrize(
    "values", [{"n": 11}, {"size": "9999x1"}, {"quality": "best"}, {"prompt": ""}, {"output_format": "gif"}]
)
async def test_a_wrong_request_is_refused(client: AsyncOpenAI, values: dict[str, Any]) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await client.images.generate(**{"model": _MODEL, "prompt": "a hen", **values})
    assert caught.value.param == next(iter(values))


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        ("http_429", openai.RateLimitError, "rate_limit_exceeded"),
        ("quota", openai.RateLimitError, "insufficient_quota"),
        ("credential", openai.AuthenticationError, "invalid_api_key"),
        ("model_gone", openai.NotFoundError, "model_not_found"),
        ("refusal", openai.BadRequestError, "moderation_blocked"),
    ],
)
async def test_it_raises_its_own_error(
    sim: httpx.AsyncClient, client: AsyncOpenAI, fault: str, error: type[openai.APIStatusError], code: str
) -> None:
    await set_fault(sim, fault)
    with pytest.raises(error) as caught:
        await client.images.generate(model=_MODEL, prompt="a hen")
    assert caught.value.code == code


async def test_a_refused_picture_says_so_in_its_type(sim: httpx.AsyncClient, client: AsyncOpenAI) -> None:
    await set_fault(sim, "refusal", at="result")
    with pytest.raises(openai.BadRequestError) as caught:
        await client.images.generate(model=_MODEL, prompt="a hen")
    assert caught.value.type == "image_generation_user_error"
    assert [job["state"] for job in await jobs(sim)] == ["failed"]


@pytest.mark.parametrize(
    ("fault", "count"), [("fewer_outputs", 2), ("empty_output", 0), ("no_media_generated", 0)]
)
async def test_fewer_pictures_come_than_were_asked_for(
    sim: httpx.AsyncClient, client: AsyncOpenAI, fault: str, count: int
) -> None:
    await set_fault(sim, fault)
    response = await client.images.generate(model=_MODEL, prompt="a hen", n=3)
    assert len(response.data or []) == count


async def test_a_picture_can_be_an_error_page(sim: httpx.AsyncClient, client: AsyncOpenAI) -> None:
    await set_fault(sim, "output_html")
    response = await client.images.generate(model=_MODEL, prompt="a hen")
    [item] = response.data or []
    assert base64.b64decode(item.b64_json or "").startswith(b"<!doctype html>")
