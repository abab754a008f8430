from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from aiohttp import web
from pydantic import SecretStr

from shared.http import provider_session
from shared.providers.base import Accepted, Done, Failed, GenerationRequest, Output, ProviderJob, Running
from shared.providers.errors import ErrorClass
from shared.providers.fal import FalProvider, app_path
from shared.providers.fal_input import model_input
from tests.unit.http.serving import serving
from tests.unit.providers.upstream import Upstream, tools, upstream

KEY = SecretStr("key-id:key-secret")
REQUEST = GenerationRequest("fal-ai/nano-banana/edit", "a hen", image_urls=("https://i/1.png",))


def test_only_what_was_asked_for_is_in_the_input() -> None:
    assert model_input(GenerationRequest("m", "a hen")) == {
        "prompt": "a hen",
        "num_images": 1,
        "output_format": "png",
    }


def test_the_catalogs_options_win() -> None:
    request = GenerationRequest(
        "m",
        "a hen",
        "blur",
        "16:9",
        3,
        "2K",
        ("https://i/1",),
        {"output_format": "jpeg", "safety_tolerance": "4"},
    )
    assert model_input(request) == {
        "prompt": "a hen. Avoid: blur.",
        "num_images": 3,
        "aspect_ratio": "16:9",
        "resolution": "2K",
        "image_urls": ["https://i/1"],
        "output_format": "jpeg",
        "safety_tolerance": "4",
    }


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("fal-ai/nano-banana", "fal-ai/nano-banana"),
        ("fal-ai/nano-banana/edit", "fal-ai/nano-banana"),
        ("fal-ai/flux/dev/image-to-image", "fal-ai/flux"),
        ("workflows/me/flow/x", "workflows/me/flow"),
        ("comfy/me/flow", "comfy/me/flow"),
    ],
)
def test_requests_are_addressed_without_the_sub_path(model: str, expected: str) -> None:
    assert app_path(model) == expected


async def submit(server: Upstream, provider: FalProvider, **urls: str) -> ProviderJob:
    server.answers["POST /fal-ai/nano-banana/edit"] = [
        (200, {"request_id": "r1", "status": "IN_QUEUE", **urls})
    ]
    accepted = await provider.submit(REQUEST)
    assert isinstance(accepted, Accepted)
    return accepted.job


async def test_a_job_is_submitted_polled_and_fetched_at_the_named_addresses() -> None:
    async with upstream() as (server, session):
        provider = FalProvider(tools(session), KEY, server.url)
        job = await submit(
            server,
            provider,
            status_url=f"{server.url}/s",
            response_url=f"{server.url}/r",
            cancel_url=f"{server.url}/c",
        )
        server.answers["GET /s"] = [
            (202, {"status": "IN_QUEUE", "queue_position": 4}),
            (200, {"status": "COMPLETED"}),
        ]
        server.answers["GET /r"] = [(200, {"images": [{"url": "https://files.example/1.png"}]})]
        assert await provider.poll(job) == Running(queue_position=4)
        assert await provider.poll(job) == Done((Output("https://files.example/1.png"),))
        await provider.cancel(job)
    assert [f"{method} {path}" for method, path, _ in server.seen] == [
        "POST /fal-ai/nano-banana/edit",
        "GET /s",
        "GET /s",
        "GET /r",
        "PUT /c",
    ]
    assert set(server.keys) == {"Key key-id:key-secret"}


async def test_without_named_addresses_they_are_built_without_the_sub_path() -> None:
    async with upstream() as (server, session):
        job = await submit(server, FalProvider(tools(session), KEY, server.url + "/"))
    base = f"{server.url}/fal-ai/nano-banana/requests/r1"
    assert job == ProviderJob(
        ("r1",), {"status": f"{base}/status", "response": base, "cancel": f"{base}/cancel"}
    )


async def test_addresses_on_a_foreign_host_are_refused() -> None:
    async with upstream() as (server, session), upstream() as (stranger, _):
        provider = FalProvider(tools(session), KEY, server.url)
        port = server.url.rpartition(":")[2]
        job = await submit(
            server,
            provider,
            status_url=f"{stranger.url}/status",
            response_url=f"http://127.0.0.1:{port}@{stranger.url.removeprefix('http://')}/",
            cancel_url=f"https://127.0.0.1:{port}/cancel",
        )
        assert all(url.startswith(f"{server.url}/fal-ai/") for url in job.urls.values())
        assert isinstance(await provider.poll(job), Running)
        tampered = ProviderJob(("r1",), {"status": f"{stranger.url}/s", "cancel": f"{stranger.url}/c"})
        assert isinstance(await provider.poll(tampered), Running)
        await provider.cancel(tampered)
    assert stranger.seen == []


async def test_the_key_never_reaches_the_host_of_the_files() -> None:
    async with upstream() as (server, session), upstream() as (cdn, _):
        provider = FalProvider(tools(session), KEY, server.url)
        job = await submit(server, provider)
        path = "GET /fal-ai/nano-banana/requests/r1"
        server.answers[f"{path}/status"] = [(200, {"status": "COMPLETED"})]
        server.answers[path] = [(200, {"images": [{"url": f"{cdn.url}/1.png"}]})]
        assert await provider.poll(job) == Done((Output(f"{cdn.url}/1.png"),))
    assert cdn.seen == []


async def test_a_redirect_with_the_key_is_not_followed() -> None:
    async with upstream() as (stranger, session):

        async def handler(_: web.Request) -> web.Response:
            return web.Response(status=307, headers={"Location": f"{stranger.url}/x"})

        async with serving(handler) as port:
            result = await FalProvider(tools(session), KEY, f"http://127.0.0.1:{port}").submit(REQUEST)
    assert isinstance(result, Failed)
    assert stranger.seen == []


async def test_the_key_is_masked_where_an_error_repeats_it() -> None:
    async with upstream() as (server, session):
        server.answers["POST /fal-ai/nano-banana/edit"] = [(401, {"detail": "no user for key-id:key-secret"})]
        result = await FalProvider(tools(session), KEY, server.url).submit(REQUEST)
    assert result == Failed(ErrorClass.CREDENTIAL, "no user for ***")


async def test_a_provider_that_cannot_be_reached_is_transient() -> None:
    async with provider_session() as session:
        result = await FalProvider(tools(session), KEY, "http://127.0.0.1:1").submit(REQUEST)
        assert isinstance(result, Failed)
        assert result.error_class is ErrorClass.TRANSIENT


async def test_silence_after_sending_is_ambiguous_for_submit_and_nothing_for_poll() -> None:
    async def handler(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    brief = timedelta(seconds=0.2)
    async with serving(handler) as port, provider_session() as session:
        base = f"http://127.0.0.1:{port}"
        provider = FalProvider(tools(session, submit=brief, poll=brief), KEY, base)
        result = await provider.submit(REQUEST)
        assert isinstance(result, Failed)
        assert result.error_class is ErrorClass.SUBMIT_AMBIGUOUS
        job = ProviderJob(("r1",), {"status": f"{base}/s", "response": f"{base}/r", "cancel": f"{base}/c"})
        assert isinstance(await provider.poll(job), Running)
        await provider.cancel(job)


async def test_a_reset_after_sending_is_ambiguous() -> None:
    async def handler(request: web.Request) -> web.Response:
        await request.read()
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with serving(handler) as port, provider_session() as session:
        result = await FalProvider(tools(session), KEY, f"http://127.0.0.1:{port}").submit(REQUEST)
        assert isinstance(result, Failed)
        assert result.error_class is ErrorClass.SUBMIT_AMBIGUOUS


async def test_an_endless_answer_is_cut_and_ambiguous() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=b" " * (6 * 1024 * 1024))

    async with serving(handler) as port, provider_session() as session:
        result = await FalProvider(tools(session), KEY, f"http://127.0.0.1:{port}").submit(REQUEST)
        assert isinstance(result, Failed)
        assert result.error_class is ErrorClass.SUBMIT_AMBIGUOUS


async def test_cancelling_the_caller_cancels_the_call() -> None:
    async def handler(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    async with serving(handler) as port, provider_session() as session:
        task = asyncio.create_task(
            FalProvider(tools(session), KEY, f"http://127.0.0.1:{port}").submit(REQUEST)
        )
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
