from __future__ import annotations

import io

import httpx
import pytest
from PIL import Image

from tests.contract.simulator.callers import Fal, Replicate, picture, set_fault
from tests.contract.simulator.kie_caller import Kie, result_urls


@pytest.fixture
def urls(fal: Fal, replicate_api: Replicate, kie: Kie) -> _Urls:
    return _Urls(fal, replicate_api, kie)


class _Urls:
    """The file of one finished job at each provider."""

    def __init__(self, fal: Fal, replicate_api: Replicate, kie: Kie) -> None:
        self._fal, self._replicate, self._kie = fal, replicate_api, kie

    async def __call__(self) -> list[str]:
        [image] = (await self._fal.finish()).json()["images"]
        [of_kie] = result_urls(await self._kie.finish())
        return [image["url"], (await self._replicate.finish())["output"], of_kie]


async def test_a_file_can_be_empty(sim: httpx.AsyncClient, urls: _Urls) -> None:
    await set_fault(sim, "output_empty")
    for url in await urls():
        response = await sim.get(url)
        assert (response.status_code, response.content) == (200, b"")
        assert response.headers["content-type"] == "image/png"


async def test_a_file_can_be_a_redirect_to_another_part_of_this_machine(
    sim: httpx.AsyncClient, urls: _Urls
) -> None:
    await set_fault(sim, "output_redirect")
    for url in await urls():
        response = await sim.get(url)
        assert response.status_code == 302
        assert str(response.next_request and response.next_request.url) == f"{sim.base_url}/_sim/health"


async def test_a_file_can_lie_in_a_network_that_is_not_the_providers(
    sim: httpx.AsyncClient, urls: _Urls
) -> None:
    await set_fault(sim, "output_internal")
    assert set(await urls()) == {"http://169.254.169.254/latest/meta-data"}


async def test_a_file_can_be_larger_than_any_limit(sim: httpx.AsyncClient, urls: _Urls) -> None:
    await set_fault(sim, "output_huge")
    for url in await urls():
        received = 0
        async with sim.stream("GET", url) as response:
            assert response.headers["content-length"] == "300000000"
            async for chunk in response.aiter_raw():
                received += len(chunk)
                if received > 2_000_000:
                    break
        assert received > 2_000_000


async def test_a_file_can_be_a_jpeg_that_is_called_a_png(sim: httpx.AsyncClient, urls: _Urls) -> None:
    await set_fault(sim, "output_wrong_type")
    for url in await urls():
        response = await sim.get(url)
        assert (url[-4:], response.headers["content-type"]) == (".png", "image/png")
        with Image.open(io.BytesIO(response.content)) as image:
            assert (image.format, image.size) == ("JPEG", (1024, 1024))


async def test_a_file_can_have_half_the_size_that_was_asked_for(sim: httpx.AsyncClient, urls: _Urls) -> None:
    await set_fault(sim, "output_other_size")
    for url in await urls():
        assert (await picture(sim, url)).size == (512, 512)


@pytest.mark.parametrize("fault", ["output_404", "data_removed"])
async def test_a_file_can_be_gone(sim: httpx.AsyncClient, fal: Fal, kie: Kie, fault: str) -> None:
    await set_fault(sim, fault)
    [image] = (await fal.finish()).json()["images"]
    [of_kie] = result_urls(await kie.finish())
    assert [(await sim.get(url)).status_code for url in (image["url"], of_kie)] == [404, 404]


async def test_a_rule_sets_the_type_that_a_file_is_served_as(sim: httpx.AsyncClient, urls: _Urls) -> None:
    await set_fault(sim, "output_html", content_type="text/html")
    for url in await urls():
        response = await sim.get(url)
        assert response.headers["content-type"] == "text/html"
        assert response.text.startswith("<!doctype html>")


async def test_fal_marks_an_unsafe_picture_and_blackens_it(sim: httpx.AsyncClient, fal: Fal) -> None:
    await set_fault(sim, "nsfw")
    result = (await fal.finish(num_images=2)).json()
    assert result["has_nsfw_concepts"] == [True, True]
    for image in result["images"]:
        drawn = await picture(sim, image["url"])
        assert (drawn.size, drawn.getextrema()) == ((1024, 1024), ((0, 0),) * 3)
