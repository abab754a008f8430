from __future__ import annotations

import pytest
from pydantic import SecretStr

from shared.providers.base import Accepted, Done, Failed, GenerationRequest, Output, ProviderJob, Running
from shared.providers.capabilities import Kind
from shared.providers.errors import ErrorClass
from shared.providers.replicate import ReplicateProvider
from shared.providers.replicate_input import model_input
from tests.unit.providers.upstream import tools, upstream

KEY = SecretStr("r8_token")
MODEL = "google/nano-banana"
PATH = f"POST /v1/models/{MODEL}/predictions"


def test_the_input_uses_replicates_names() -> None:
    request = GenerationRequest(MODEL, "a hen", "blur", "16:9", 2, "4K", ("https://i/1",), {"seed": 1})
    assert model_input(request) == {
        "prompt": "a hen. Avoid: blur.",
        "aspect_ratio": "16:9",
        "resolution": "4K",
        "image_input": ["https://i/1"],
        "output_format": "png",
        "seed": 1,
    }


@pytest.mark.parametrize(
    ("model", "field"), [("kwaivgi/kling-v2.6", "start_image"), ("google/veo-3.1", "image")]
)
def test_a_video_begins_with_the_first_picture_and_lasts_whole_seconds(model: str, field: str) -> None:
    request = GenerationRequest(
        model,
        "a hen runs",
        aspect_ratio="16:9",
        image_urls=("https://i/1", "https://i/2"),
        options={"generate_audio": False},
        kind=Kind.VIDEO,
        duration_seconds=8,
    )
    assert model_input(request) == {
        "prompt": "a hen runs",
        "aspect_ratio": "16:9",
        "duration": 8,
        field: "https://i/1",
        "generate_audio": False,
    }


def test_a_video_without_a_picture_or_a_length_leaves_both_to_the_model() -> None:
    request = GenerationRequest("google/veo-3.1", "a hen runs", kind=Kind.VIDEO)
    assert model_input(request) == {"prompt": "a hen runs"}


@pytest.mark.parametrize("model", [MODEL, "39ed52f2"])
async def test_the_callback_is_asked_for_only_when_all_is_over(model: str) -> None:
    async with upstream() as (server, session):
        server.answers[PATH] = server.answers["POST /v1/predictions"] = [(201, {"id": "p1"})]
        await ReplicateProvider(tools(session), KEY, server.url).submit(
            GenerationRequest(model, "a hen", callback_url="https://us.example/callbacks/replicate/task_1")
        )
    sent = server.seen[0][2]
    assert sent["webhook"] == "https://us.example/callbacks/replicate/task_1"
    assert sent["webhook_events_filter"] == ["completed"]


async def test_each_image_is_a_prediction_of_its_own() -> None:
    async with upstream() as (server, session):
        provider = ReplicateProvider(tools(session), KEY, server.url)
        server.answers[PATH] = [(201, {"id": f"p{number}"}) for number in (1, 2, 3)]
        accepted = await provider.submit(GenerationRequest(MODEL, "a hen", num_outputs=3))
        assert isinstance(accepted, Accepted)
        assert sorted(accepted.job.ids) == ["p1", "p2", "p3"]
        for number in (1, 2, 3):
            server.answers[f"GET /v1/predictions/p{number}"] = [
                (200, {"status": "processing"}),
                (200, {"status": "succeeded", "output": f"https://f/{number}"}),
            ]
        assert await provider.poll(accepted.job) == Running()
        done = await provider.poll(ProviderJob(("p1", "p2", "p3")))
        assert done == Done((Output("https://f/1"), Output("https://f/2"), Output("https://f/3")))
    assert set(server.keys) == {"Bearer r8_token"}
    assert [body for method, _, body in server.seen if method == "POST"] == [
        {"input": {"prompt": "a hen", "output_format": "png"}}
    ] * 3


async def test_a_job_goes_on_with_the_predictions_that_were_accepted() -> None:
    async with upstream() as (server, session):
        server.answers[PATH] = [(201, {"id": "p1"}), (429, {"detail": "throttled"})]
        result = await ReplicateProvider(tools(session), KEY, server.url).submit(
            GenerationRequest(MODEL, "a hen", num_outputs=2)
        )
    assert result == Accepted(ProviderJob(("p1",)))


async def test_a_prediction_that_may_run_unknown_to_us_is_counted() -> None:
    async with upstream() as (server, session):
        server.answers[PATH] = [(201, {"id": "p1"}), (500, {"title": "Internal server error"})]
        result = await ReplicateProvider(tools(session), KEY, server.url).submit(
            GenerationRequest(MODEL, "a hen", num_outputs=2)
        )
    assert result == Accepted(ProviderJob(("p1",)), unaccounted=1)


async def test_if_none_was_accepted_the_failure_is_told() -> None:
    async with upstream() as (server, session):
        server.answers[PATH] = [(402, {"title": "Insufficient credit", "detail": "Top up."})]
        result = await ReplicateProvider(tools(session), KEY, server.url).submit(
            GenerationRequest(MODEL, "a hen", num_outputs=2)
        )
    assert result == Failed(ErrorClass.QUOTA, "Insufficient credit: Top up.")


@pytest.mark.parametrize("model", ["stability-ai/sdxl:39ed52f2", "39ed52f2"])
async def test_a_version_is_run_by_its_id(model: str) -> None:
    async with upstream() as (server, session):
        server.answers["POST /v1/predictions"] = [(201, {"id": "p1"})]
        result = await ReplicateProvider(tools(session), KEY, f"{server.url}/v1/").submit(
            GenerationRequest(model, "a hen")
        )
    assert isinstance(result, Accepted)
    assert server.seen[0][2]["version"] == "39ed52f2"


async def test_addresses_in_answers_are_not_used() -> None:
    async with upstream() as (server, session), upstream() as (stranger, _):
        provider = ReplicateProvider(tools(session), KEY, server.url)
        named = {"get": f"{stranger.url}/g", "cancel": f"{stranger.url}/c"}
        server.answers[PATH] = [(201, {"id": "p1", "urls": named})]
        accepted = await provider.submit(GenerationRequest(MODEL, "a hen"))
        assert isinstance(accepted, Accepted)
        await provider.poll(accepted.job)
        await provider.cancel(accepted.job)
    assert stranger.seen == []
    assert [f"{method} {path}" for method, path, _ in server.seen] == [
        PATH,
        "GET /v1/predictions/p1",
        "POST /v1/predictions/p1/cancel",
    ]
