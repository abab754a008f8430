from __future__ import annotations

import io

import httpx
import pytest
from PIL import Image

from tests.contract.simulator.callers import Fal, Replicate, colours, picture

_BACKGROUND = (0, 51, 102)


@pytest.mark.parametrize(
    ("ratio", "resolution", "size"),
    [
        (None, None, (1024, 1024)),
        ("1:1", "2K", (2048, 2048)),
        ("16:9", "1K", (1344, 768)),
        ("9:16", "1K", (768, 1344)),
        ("16:9", "2K", (2688, 1536)),
        ("21:9", "4K", (6144, 2688)),
        ("1:8", "1K", (384, 3072)),
    ],
)
async def test_a_picture_has_the_size_that_was_asked_for(
    sim: httpx.AsyncClient, fal: Fal, ratio: str | None, resolution: str | None, size: tuple[int, int]
) -> None:
    result = (await fal.finish(aspect_ratio=ratio, resolution=resolution)).json()
    [image] = result["images"]
    assert (image["width"], image["height"]) == size
    drawn = await picture(sim, image["url"])
    assert drawn.size == size
    assert drawn.getpixel((size[0] - 1, size[1] - 1)) == _BACKGROUND


async def test_the_size_of_the_file_is_told_truly(sim: httpx.AsyncClient, fal: Fal) -> None:
    [image] = (await fal.finish()).json()["images"]
    assert image["file_size"] == len((await sim.get(image["url"])).content)
    assert image["content_type"] == "image/png"


async def test_the_prompt_and_the_size_are_drawn_on_the_picture(sim: httpx.AsyncClient, fal: Fal) -> None:
    [short] = (await fal.finish(prompt="a")).json()["images"]
    [long] = (await fal.finish(prompt="a hen in space " * 20)).json()["images"]

    async def white(url: str) -> int:
        counts = (await picture(sim, url)).getcolors() or []
        return sum(count for count, colour in counts if colour == (255, 255, 255))

    assert 0 < await white(short["url"]) < await white(long["url"])
    assert (255, 204, 0) in colours(await picture(sim, short["url"]))


async def test_four_pictures_of_one_job_differ(sim: httpx.AsyncClient, fal: Fal) -> None:
    images = (await fal.finish(num_images=4)).json()["images"]
    assert len({(await sim.get(image["url"])).content for image in images}) == 4


async def test_providers_draw_their_names(sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate) -> None:
    [of_fal] = (await fal.finish()).json()["images"]
    of_replicate = (await replicate_api.finish())["output"]
    assert (await sim.get(of_fal["url"])).content != (await sim.get(of_replicate)).content


async def test_an_input_picture_of_any_size_can_be_had(sim: httpx.AsyncClient) -> None:
    response = await sim.get("/_sim/image/64x32.png", params={"label": "hen"})
    assert response.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(response.content)) as image:
        assert image.size == (64, 32)
        image.load()
    assert (await sim.get("/_sim/image/0x32.png")).status_code == 400
    assert (await sim.get("/_sim/image/9000x32.png")).status_code == 400


async def test_an_unknown_file_is_not_found(sim: httpx.AsyncClient) -> None:
    assert (await sim.get("/files/nothing.png")).status_code == 404
