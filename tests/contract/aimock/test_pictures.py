"""OpenAI's pictures and embeddings and fal's queue, as another project plays them."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest

from shared.providers.base import (
    Accepted,
    Done,
    EmbeddingDone,
    EmbeddingRequest,
    Failed,
    GenerationRequest,
    Output,
    Running,
)
from shared.providers.capabilities import Kind
from shared.providers.errors import ErrorClass
from tests.contract.aimock.mock import PICTURE, Mock
from tests.contract.providers.embedders import EMBEDDERS

_DOT = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
    b"\x00\x00\x00\x0bIDATx\x9cc\xf8\xff\xff?\x00\x05\xfe\x02\xfe\xa75\x81\x84\x00\x00\x00\x00IEND\xaeB`\x82"
)
_SOURCE = f"data:image/png;base64,{b64encode(_DOT).decode()}"


def picture(prompt: str, **values: Any) -> GenerationRequest:
    return GenerationRequest("gpt-image-1.5", prompt, aspect_ratio="16:9", **values)


def queued(prompt: str, **values: Any) -> GenerationRequest:
    return GenerationRequest("fal-ai/nano-banana", prompt, aspect_ratio="16:9", **values)


@pytest.mark.parametrize(("prompt", "count"), [("one picture", 1), ("two pictures", 2)])
@pytest.mark.parametrize("sources", [(), (_SOURCE,), (_SOURCE, _SOURCE)], ids=["new", "edit", "edit-two"])
async def test_openai_pictures_come_as_bytes(
    aimock: Mock, prompt: str, count: int, sources: tuple[str, ...]
) -> None:
    async with aimock.adapter("openai") as provider:
        done = await provider.submit(picture(prompt, num_outputs=count, image_urls=sources))
    assert isinstance(done, Done)
    assert [output.data for output in done.outputs] == [PICTURE] * count


async def test_openai_pictures_may_come_as_an_address(aimock: Mock) -> None:
    async with aimock.adapter("openai") as provider:
        done = await provider.submit(picture("an address"))
    assert isinstance(done, Done)
    assert [output.url for output in done.outputs] == ["https://files.example/hen.png"]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [("no picture", ErrorClass.NO_OUTPUT), ("a blocked picture", ErrorClass.POLICY_REFUSAL)],
)
async def test_openai_pictures_that_do_not_come_are_sorted(
    aimock: Mock, prompt: str, expected: ErrorClass
) -> None:
    async with aimock.adapter("openai") as provider:
        failed = await provider.submit(picture(prompt))
    assert isinstance(failed, Failed)
    assert failed.error_class is expected


@pytest.mark.parametrize(
    ("name", "trouble", "expected"),
    [
        ("openai", "drop", ErrorClass.TRANSIENT),
        ("openai", "malformed", ErrorClass.SUBMIT_AMBIGUOUS),
        ("openai", "disconnect", ErrorClass.SUBMIT_AMBIGUOUS),
        ("openai", "ratelimit", ErrorClass.RATE_LIMIT),
        ("fal", "drop", ErrorClass.SUBMIT_AMBIGUOUS),
        ("fal", "malformed", ErrorClass.SUBMIT_AMBIGUOUS),
        ("fal", "disconnect", ErrorClass.SUBMIT_AMBIGUOUS),
        ("fal", "ratelimit", ErrorClass.RATE_LIMIT),
    ],
)
async def test_trouble_at_submit_is_sorted(
    aimock: Mock, name: str, trouble: str, expected: ErrorClass
) -> None:
    headers: Any = {f"x-aimock-chaos-{trouble}": "1"}
    request = picture("one picture") if name == "openai" else queued("a queued picture")
    async with aimock.adapter(name, **headers) as provider:
        failed = await provider.submit(request)
    assert isinstance(failed, Failed)
    assert failed.error_class is expected


@pytest.mark.parametrize("name", ["openai", "openrouter"])
async def test_every_text_has_its_vector(aimock: Mock, name: str) -> None:
    (embedder,) = (embedder for embedder in EMBEDDERS if embedder.provider == name)
    async with aimock.adapter(name) as provider:
        done = await provider.embed(EmbeddingRequest(embedder.model, ("a hen", "and a hen again")))
    assert isinstance(done, EmbeddingDone)
    assert done.vectors == ((0.25, -0.5, 0.125),) * 2


async def test_a_job_goes_through_fals_queue(aimock: Mock) -> None:
    async with aimock.adapter("fal") as provider:
        accepted = await provider.submit(queued("a queued picture"))
        assert isinstance(accepted, Accepted)
        states = [await provider.poll(accepted.job) for _ in range(3)]
    assert [type(state) for state in states] == [Running, Running, Done]
    assert [state.note for state in states[:2]] == [None, None]
    assert states[0].queue_position is not None
    assert states[2].outputs == (Output(url="https://files.example/hen.png", content_type="image/png"),)


async def test_fals_own_addresses_are_not_followed_to_another_host(aimock: Mock) -> None:
    async with aimock.adapter("fal") as provider:
        accepted = await provider.submit(queued("a queued picture"))
    assert isinstance(accepted, Accepted)
    assert all(url.startswith(f"{aimock.url}/fal/fal-ai/nano-banana/") for url in accepted.job.urls.values())


async def test_a_video_and_a_sub_path_go_through_fals_queue(aimock: Mock) -> None:
    request = GenerationRequest("fal-ai/veo3/fast", "a queued video", kind=Kind.VIDEO, duration_seconds=8)
    async with aimock.adapter("fal") as provider:
        accepted = await provider.submit(request)
        assert isinstance(accepted, Accepted)
        done = [await provider.poll(accepted.job) for _ in range(3)][-1]
    assert isinstance(done, Done)
    assert [output.url for output in done.outputs] == ["https://files.example/hen.mp4"]


async def test_a_black_picture_of_fal_is_a_refusal(aimock: Mock) -> None:
    async with aimock.adapter("fal") as provider:
        accepted = await provider.submit(queued("a black picture"))
        assert isinstance(accepted, Accepted)
        failed = [await provider.poll(accepted.job) for _ in range(3)][-1]
    assert isinstance(failed, Failed)
    assert failed.error_class is ErrorClass.POLICY_REFUSAL


async def test_fals_queue_is_asked_to_stop_and_a_state_unknown_to_us_is_no_end(aimock: Mock) -> None:
    async with aimock.adapter("fal") as provider:
        accepted = await provider.submit(queued("a queued picture"))
        assert isinstance(accepted, Accepted)
        await provider.cancel(accepted.job)
        state = await provider.poll(accepted.job)
    assert isinstance(state, Running)
    assert state.note is not None
    assert "CANCELLED" in state.note


async def test_a_rate_limit_of_fals_queue_tells_the_delay(aimock: Mock) -> None:
    async with aimock.adapter("fal") as provider:
        failed = await provider.submit(queued("a hen for 429"))
    assert failed == Failed(ErrorClass.RATE_LIMIT, failed.message, timedelta(seconds=5))
