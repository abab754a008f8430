from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.http import EgressPolicy, guarded_session, read_capped
from shared.images import NotAnImage, check_image
from shared.providers.base import Done, Failed, GenerationRequest, Output, Running
from shared.providers.errors import ErrorClass
from tests.contract.providers.simulator import EDIT_MODELS, MODELS, Simulator, accept, finish

LOCAL = EgressPolicy(allow_http=True, allow_loopback=True, ports=None)
both = pytest.mark.parametrize("name", ["fal", "replicate"])


def request_for(name: str, **values: Any) -> GenerationRequest:
    return GenerationRequest(MODELS[name], "a hen in space", **values)


async def fetch(output: Output) -> tuple[int, bytes]:
    assert output.url is not None
    async with guarded_session(LOCAL) as session, session.get(output.url, allow_redirects=False) as response:
        return response.status, await read_capped(response, 20_000_000, timedelta(seconds=10))


@both
async def test_every_image_asked_for_is_delivered_as_a_picture(sim: Simulator, name: str) -> None:
    provider = sim.provider(name)
    job = await accept(
        provider, request_for(name, num_outputs=3, aspect_ratio="16:9", negative_prompt="text")
    )
    done = await finish(provider, job)
    assert isinstance(done, Done)
    assert len(done.outputs) == 3
    for output in done.outputs:
        status, data = await fetch(output)
        picture = check_image(data)
        assert (status, picture.content_type) == (200, "image/png")
        assert picture.width > picture.height


@both
async def test_an_image_is_edited_by_its_address(sim: Simulator, name: str) -> None:
    provider = sim.provider(name)
    first = await finish(provider, await accept(provider, request_for(name)))
    assert isinstance(first, Done)
    source = first.outputs[0].url
    assert source is not None
    edit = GenerationRequest(EDIT_MODELS[name], "now at night", image_urls=(source,))
    assert isinstance(await finish(provider, await accept(provider, edit)), Done)


@pytest.mark.parametrize(
    ("name", "then", "expected"),
    [
        ("fal", {"fault": "http_500"}, ErrorClass.TRANSIENT),
        ("replicate", {"fault": "http_500"}, ErrorClass.SUBMIT_AMBIGUOUS),
        ("fal", {"fault": "http_429"}, ErrorClass.RATE_LIMIT),
        ("replicate", {"fault": "http_429"}, ErrorClass.RATE_LIMIT),
        ("fal", {"fault": "quota"}, ErrorClass.QUOTA),
        ("replicate", {"fault": "quota"}, ErrorClass.QUOTA),
        ("fal", {"fault": "credential"}, ErrorClass.CREDENTIAL),
        ("replicate", {"fault": "credential"}, ErrorClass.CREDENTIAL),
        ("fal", {"fault": "model_gone"}, ErrorClass.MODEL_GONE),
        ("replicate", {"fault": "model_gone"}, ErrorClass.MODEL_GONE),
        ("fal", {"fault": "caller_fault"}, ErrorClass.CALLER_FAULT),
        ("replicate", {"fault": "caller_fault"}, ErrorClass.CALLER_FAULT),
        ("fal", {"fault": "timeout"}, ErrorClass.SUBMIT_AMBIGUOUS),
        ("replicate", {"fault": "timeout"}, ErrorClass.SUBMIT_AMBIGUOUS),
        ("fal", {"fault": "reset"}, ErrorClass.SUBMIT_AMBIGUOUS),
        ("replicate", {"fault": "reset"}, ErrorClass.SUBMIT_AMBIGUOUS),
        ("fal", {"fault": "bad_json"}, ErrorClass.SUBMIT_AMBIGUOUS),
        ("replicate", {"fault": "bad_json"}, ErrorClass.SUBMIT_AMBIGUOUS),
    ],
)
async def test_a_submission_that_goes_wrong_is_classified(
    sim: Simulator, name: str, then: dict[str, Any], expected: ErrorClass
) -> None:
    await sim.rule(name, **then)
    result = await sim.provider(name, timedelta(seconds=0.5)).submit(request_for(name))
    assert isinstance(result, Failed)
    assert result.error_class is expected


@both
async def test_a_rate_limit_says_how_long_to_wait(sim: Simulator, name: str) -> None:
    await sim.rule(name, fault="http_429", retry_after=3)
    result = await sim.provider(name).submit(request_for(name))
    assert isinstance(result, Failed)
    assert result.retry_after == timedelta(seconds=3)


@pytest.mark.parametrize(
    ("name", "then", "expected"),
    [
        ("fal", {"fault": "job_fails"}, ErrorClass.TRANSIENT),
        ("replicate", {"fault": "job_fails"}, ErrorClass.TRANSIENT),
        ("fal", {"fault": "refusal"}, ErrorClass.POLICY_REFUSAL),
        ("replicate", {"fault": "refusal"}, ErrorClass.POLICY_REFUSAL),
        ("fal", {"fault": "no_media_generated"}, ErrorClass.NO_OUTPUT),
        ("fal", {"fault": "caller_fault", "at": "result"}, ErrorClass.CALLER_FAULT),
        ("replicate", {"fault": "caller_fault", "at": "result"}, ErrorClass.CALLER_FAULT),
        ("fal", {"fault": "empty_output"}, ErrorClass.NO_OUTPUT),
        ("replicate", {"fault": "empty_output"}, ErrorClass.NO_OUTPUT),
    ],
)
async def test_a_job_that_ends_badly_is_classified(
    sim: Simulator, name: str, then: dict[str, Any], expected: ErrorClass
) -> None:
    await sim.rule(name, **then)
    provider = sim.provider(name)
    result = await finish(provider, await accept(provider, request_for(name)))
    assert isinstance(result, Failed)
    assert result.error_class is expected


@both
@pytest.mark.parametrize(
    "then",
    [
        {"fault": "poll_500"},
        {"fault": "unknown_status"},
        {"fault": "bad_json", "at": "poll"},
        {"fault": "foreign_url"},
    ],
)
async def test_trouble_while_polling_does_not_lose_the_job(
    sim: Simulator, name: str, then: dict[str, Any]
) -> None:
    await sim.rule(name, **then)
    provider = sim.provider(name)
    assert isinstance(await finish(provider, await accept(provider, request_for(name))), Done)


@both
async def test_fewer_images_than_asked_are_still_a_success(sim: Simulator, name: str) -> None:
    await sim.rule(name, times=1, fault="fewer_outputs")
    provider = sim.provider(name)
    done = await finish(provider, await accept(provider, request_for(name, num_outputs=2)))
    assert isinstance(done, Done)
    assert len(done.outputs) == 1


@both
async def test_a_job_that_never_finishes_runs_until_it_is_cancelled(sim: Simulator, name: str) -> None:
    await sim.rule(name, fault="never_finishes")
    provider = sim.provider(name)
    job = await accept(provider, request_for(name))
    assert isinstance(await finish(provider, job, polls=5), Running)
    await provider.cancel(job)
    result = await finish(provider, job)
    assert isinstance(result, Failed)
    assert result.error_class is ErrorClass.CANCELLED
    await provider.cancel(job)


@both
@pytest.mark.parametrize("fault", ["output_404", "output_html"])
async def test_a_file_that_is_no_picture_is_found_out(sim: Simulator, name: str, fault: str) -> None:
    await sim.rule(name, fault=fault)
    provider = sim.provider(name)
    done = await finish(provider, await accept(provider, request_for(name)))
    assert isinstance(done, Done)
    status, data = await fetch(done.outputs[0])
    assert (status == 404) == (fault == "output_404")
    with pytest.raises(NotAnImage):
        check_image(data)
