from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import AsyncIterator

import httpx
import pytest
from aiohttp import web
from PIL import Image

from tests.contract.simulator.callers import Fal, Replicate, colours, picture

_RED = (255, 0, 0)
_GREY = (153, 153, 153)
_EDIT = "fal-ai/nano-banana/edit"


def _png(colour: tuple[int, int, int]) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 200), colour).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
async def host() -> AsyncIterator[str]:
    """A host on loopback with one good picture, one text and one address that fails."""

    async def good(_: web.Request) -> web.Response:
        return web.Response(body=_png(_RED), content_type="image/png")

    async def text(_: web.Request) -> web.Response:
        return web.Response(text="no picture")

    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(10)
        return web.Response()

    app = web.Application()
    app.add_routes([web.get("/good.png", good), web.get("/text.png", text), web.get("/slow.png", slow)])
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_an_edit_shows_its_input_images(sim: httpx.AsyncClient, fal: Fal, host: str) -> None:
    data = f"data:image/png;base64,{base64.b64encode(_png((0, 255, 0))).decode()}"
    result = await fal.finish(_EDIT, image_urls=[f"{host}/good.png", data])
    [image] = result.json()["images"]
    assert {_RED, (0, 255, 0)} <= colours(await picture(sim, image["url"]))


async def test_an_edit_on_replicate_shows_its_input_image(
    sim: httpx.AsyncClient, replicate_api: Replicate, host: str
) -> None:
    prediction = await replicate_api.finish(image_input=[f"{host}/good.png"])
    assert _RED in colours(await picture(sim, prediction["output"]))


@pytest.mark.parametrize(
    "url", ["https://images.example/hen.png", "http://10.1.2.3/hen.png", "http://127.0.0.1:9/hen.png", "hen"]
)
async def test_an_image_that_is_elsewhere_or_unreachable_becomes_a_grey_stand_in(
    sim: httpx.AsyncClient, fal: Fal, url: str
) -> None:
    [image] = (await fal.finish(_EDIT, image_urls=[url])).json()["images"]
    assert _GREY in colours(await picture(sim, image["url"]))


async def test_a_slow_host_becomes_a_grey_stand_in_after_two_seconds(
    sim: httpx.AsyncClient, fal: Fal, host: str
) -> None:
    accepted = (await fal.submit(_EDIT, image_urls=[f"{host}/slow.png"])).json()
    assert (await fal.get(accepted["status_url"])).json()["status"] == "IN_PROGRESS"
    await asyncio.sleep(2.2)
    assert (await fal.get(accepted["status_url"])).json()["status"] == "COMPLETED"


@pytest.mark.parametrize(
    ("path", "kind"), [("gone.png", "file_download_error"), ("text.png", "image_load_error")]
)
async def test_fal_names_the_input_image_it_cannot_use(fal: Fal, host: str, path: str, kind: str) -> None:
    result = await fal.finish(_EDIT, image_urls=[f"{host}/good.png", f"{host}/{path}"])
    assert result.status_code == 422
    [detail] = result.json()["detail"]
    assert detail["type"] == kind
    assert detail["loc"] == ["body", "image_urls", 1]
    assert result.headers["x-fal-retryable"] == "false"


@pytest.mark.parametrize("path", ["gone.png", "text.png"])
async def test_replicate_fails_with_an_input_validation_error(
    replicate_api: Replicate, host: str, path: str
) -> None:
    prediction = await replicate_api.finish(image_input=[f"{host}/{path}"])
    assert prediction["status"] == "failed"
    assert prediction["error"].startswith("Input validation error:")
