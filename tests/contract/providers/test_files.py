"""Files that are not what they are said to be, found out by the bytes; and who gets to see the key."""

from __future__ import annotations

import pytest

from shared.images import NotAnImage, check_image
from shared.providers.base import Done, Failed
from shared.providers.errors import ErrorClass
from tests.contract.providers.makers import ANSWERS_AT_ONCE, Maker, each
from tests.contract.providers.simulator import (
    KEY,
    Simulator,
    accept,
    fetched,
    finish,
    made,
    media_at,
    outcome,
)
from tests.contract.providers.strangers import Stranger, listening

_NO_ADDRESS = dict.fromkeys(ANSWERS_AT_ONCE, "its answer holds the bytes: there is no file to miss")


@each(but=_NO_ADDRESS)
async def test_a_file_that_is_gone_is_found_out(sim: Simulator, maker: Maker) -> None:
    await sim.rule(maker.provider, fault="output_404")
    done = await made(sim.media(maker.provider), maker.request())
    assert (await fetched(done.outputs[0]))[0] == 404


@each()
async def test_a_page_in_place_of_a_picture_is_found_out(sim: Simulator, maker: Maker) -> None:
    await sim.rule(maker.provider, fault="output_html")
    done = await made(sim.media(maker.provider), maker.request())
    with pytest.raises(NotAnImage):
        check_image((await fetched(done.outputs[0]))[1])


@each()
async def test_an_empty_file_is_found_out(sim: Simulator, maker: Maker) -> None:
    await sim.rule(maker.provider, fault="output_empty")
    result = await outcome(sim.media(maker.provider), maker.request())
    if maker.jobs:
        assert isinstance(result, Done)
        assert await fetched(result.outputs[0]) == (200, b"")
    else:
        assert isinstance(result, Failed)
        assert result.error_class is ErrorClass.NO_OUTPUT


@each()
async def test_the_true_type_of_a_file_is_in_its_bytes(sim: Simulator, maker: Maker) -> None:
    await sim.rule(maker.provider, fault="output_wrong_type")
    done = await made(sim.media(maker.provider), maker.request())
    assert done.outputs[0].content_type in (None, "image/png")
    assert check_image((await fetched(done.outputs[0]))[1]).content_type == "image/jpeg"


@each()
async def test_a_picture_smaller_than_asked_is_measured(sim: Simulator, maker: Maker) -> None:
    provider, request = sim.media(maker.provider), maker.request(aspect_ratio="16:9")
    usual = check_image((await fetched((await made(provider, request)).outputs[0]))[1])
    await sim.rule(maker.provider, fault="output_other_size")
    small = check_image((await fetched((await made(provider, request)).outputs[0]))[1])
    assert (small.width, small.height) == (usual.width // 2, usual.height // 2)


@each()
async def test_the_host_of_an_input_picture_never_sees_the_key(sim: Simulator, maker: Maker) -> None:
    async with sim.session.get(sim.picture()) as response:
        picture = await response.read()
    async with listening(Stranger(picture, "image/png")) as stranger:
        request = maker.request(image_urls=(f"http://{stranger.host}/picture.png",))
        assert isinstance(await outcome(sim.media(maker.provider), request), Done)
    assert stranger.calls
    assert not any(KEY in told for call in stranger.calls for told in call)


@each(but=_NO_ADDRESS)
async def test_the_adapter_itself_never_calls_the_file_host(sim: Simulator, maker: Maker) -> None:
    provider = sim.media(maker.provider)
    await sim.rule(maker.provider, fault="output_internal")
    done = await finish(provider, await accept(provider, maker.request()))
    assert isinstance(done, Done)
    # An adapter that fetched this address would have failed: nothing answers there.
    assert done.outputs[0].url == "http://169.254.169.254/latest/meta-data"


@each()
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_the_key_does_not_follow_a_redirect(sim: Simulator, maker: Maker, status: int) -> None:
    async with listening(Stranger()) as target:
        elsewhere = {"Location": f"http://{target.host}/elsewhere"}
        async with listening(Stranger(status=status, headers=elsewhere)) as provider_host:
            provider = media_at(sim.session, maker.provider, f"http://{provider_host.host}")
            assert isinstance(await provider.submit(maker.request()), Failed)
        assert KEY in provider_host.calls[0][2]
    assert target.calls == []
