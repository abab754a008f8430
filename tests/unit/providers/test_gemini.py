from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from pydantic import SecretStr

from shared.http import provider_session
from shared.providers.base import (
    Done,
    EmbeddingProvider,
    Failed,
    GenerationRequest,
    MediaProvider,
    Output,
    ProviderJob,
    TextProvider,
)
from shared.providers.errors import ErrorClass
from shared.providers.gemini import BASE_URL, GeminiProvider
from shared.providers.gemini_requests import image_body
from tests.unit.providers.gemini_upstream import KEY, Cut, Silence, answer, google, picture
from tests.unit.providers.upstream import Inputs, tools

HEN = GenerationRequest("gemini-3-pro-image", "a hen in space", aspect_ratio="16:9", resolution="2K")
PNG = Output(data=b"PNG", content_type="image/png")
BLOCKED = (200, {"promptFeedback": {"blockReason": "SAFETY"}})
OVERLOADED = (503, {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}})


async def test_an_image_is_made_by_one_call_with_the_key_in_googles_header() -> None:
    async with google((200, answer({"text": "Here it is."}, picture()))) as (server, provider):
        assert await provider.submit(HEN) == Done((PNG,))
        assert server.paths == ["/v1beta/models/gemini-3-pro-image:generateContent"]
        assert server.headers[0]["x-goog-api-key"] == KEY.get_secret_value()
        assert "Authorization" not in server.headers[0]
        assert server.bodies == [
            {
                "contents": [{"role": "user", "parts": [{"text": "a hen in space"}]}],
                "generationConfig": {
                    "responseModalities": ["TEXT", "IMAGE"],
                    "imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"},
                },
            }
        ]


async def test_the_adapter_makes_images_chats_and_embeddings() -> None:
    async with google((200, {})) as (_, provider):
        assert isinstance(provider, MediaProvider)
        assert isinstance(provider, TextProvider)
        assert isinstance(provider, EmbeddingProvider)
        assert BASE_URL == "https://generativelanguage.googleapis.com"


async def test_a_base_url_may_end_with_the_version() -> None:
    async with google((200, answer(picture()))) as (server, _), provider_session() as session:
        provider = GeminiProvider(tools(session), SecretStr("k"), f"{server.url}/v1beta/")
        assert await provider.submit(HEN) == Done((PNG,))
        assert server.paths == ["/v1beta/models/gemini-3-pro-image:generateContent"]


def test_the_older_flash_model_is_given_no_size_and_half_a_k_is_512() -> None:
    old = GenerationRequest("gemini-2.5-flash-image-preview", "hen", resolution="1K")
    small = GenerationRequest("gemini-3.1-flash-image", "hen", resolution="0.5K")
    assert "imageConfig" not in image_body(old, [])["generationConfig"]
    assert image_body(small, [])["generationConfig"]["imageConfig"] == {"imageSize": "512"}


def test_options_of_the_route_win_and_leave_the_rest_as_it_is() -> None:
    request = GenerationRequest(
        "gemini-3-pro-image",
        "hen",
        aspect_ratio="1:1",
        options={
            "generationConfig": {"temperature": 0.2, "imageConfig": {"imageSize": "1K"}},
            "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
        },
    )
    body = image_body(request, [])
    assert body["generationConfig"] == {
        "responseModalities": ["TEXT", "IMAGE"],
        "imageConfig": {"aspectRatio": "1:1", "imageSize": "1K"},
        "temperature": 0.2,
    }
    assert body["safetySettings"][0]["threshold"] == "BLOCK_NONE"


async def test_input_images_are_sent_as_bytes_in_their_order() -> None:
    request = GenerationRequest("gemini-2.5-flash-image", "join them", image_urls=("https://b", "https://a"))
    inputs = Inputs(**{"https://a": b"AAA", "https://b": b"BBB"})
    async with google((200, answer(picture())), inputs=inputs) as (server, provider):
        await provider.submit(request)
        parts = server.bodies[0]["contents"][0]["parts"]
        assert [part["inlineData"]["data"] for part in parts[1:]] == ["QkJC", "QUFB"]
        assert parts[0] == {"text": "join them"}


async def test_an_input_that_cannot_be_used_is_the_callers_fault_and_costs_no_call() -> None:
    async with google((200, answer(picture()))) as (server, provider):
        failed = await provider.submit(
            GenerationRequest("gemini-2.5-flash-image", "x", image_urls=("https://a",))
        )
        assert isinstance(failed, Failed)
        assert failed.error_class is ErrorClass.CALLER_FAULT
        assert server.paths == []


async def test_several_images_are_several_calls_that_settle_as_one() -> None:
    request = GenerationRequest("gemini-2.5-flash-image", "hens", num_outputs=3)
    async with google((200, answer(picture()))) as (server, provider):
        assert await provider.submit(request) == Done((PNG, PNG, PNG))
        assert len(server.paths) == 3


async def test_fewer_images_than_asked_settle_on_what_came() -> None:
    request = GenerationRequest("gemini-2.5-flash-image", "hens", num_outputs=4)
    answers = ((200, answer(picture())), BLOCKED, OVERLOADED, (200, answer(picture())))
    async with google(*answers) as (_, provider):
        assert await provider.submit(request) == Done((PNG, PNG))


async def test_a_lost_call_beside_images_is_counted_as_unaccounted() -> None:
    request = GenerationRequest("gemini-2.5-flash-image", "hens", num_outputs=3)
    async with google((200, answer(picture())), Cut(), (200, answer(picture()))) as (_, provider):
        assert await provider.submit(request) == Done((PNG, PNG), unaccounted=1)


@pytest.mark.parametrize(
    ("answers", "error_class"),
    [
        ((OVERLOADED, BLOCKED), ErrorClass.POLICY_REFUSAL),
        (
            (OVERLOADED, (400, {"error": {"code": 400, "status": "INVALID_ARGUMENT"}})),
            ErrorClass.CALLER_FAULT,
        ),
        ((OVERLOADED, Cut()), ErrorClass.SUBMIT_AMBIGUOUS),
        ((OVERLOADED,), ErrorClass.TRANSIENT),
    ],
)
async def test_without_any_image_the_most_telling_failure_counts(
    answers: tuple[tuple[int, object] | Cut, ...], error_class: ErrorClass
) -> None:
    request = GenerationRequest("gemini-2.5-flash-image", "hens", num_outputs=2)
    async with google(*answers) as (_, provider):
        failed = await provider.submit(request)
        assert isinstance(failed, Failed)
        assert failed.error_class is error_class


async def test_a_call_that_outlasts_its_time_limit_is_ambiguous() -> None:
    request = GenerationRequest("gemini-2.5-flash-image", "hen", time_limit=timedelta(seconds=0.2))
    async with google(Silence()) as (_, provider):
        failed = await provider.submit(request)
        assert isinstance(failed, Failed)
        assert failed.error_class is ErrorClass.SUBMIT_AMBIGUOUS


async def test_the_processs_own_limit_holds_where_the_request_allows_more() -> None:
    request = GenerationRequest("gemini-2.5-flash-image", "hen", time_limit=timedelta(hours=1))
    async with google(Silence(), generate=timedelta(seconds=0.2)) as (_, provider):
        failed = await provider.submit(request)
        assert isinstance(failed, Failed)
        assert failed.error_class is ErrorClass.SUBMIT_AMBIGUOUS


async def test_nothing_sent_is_plainly_transient() -> None:
    async with provider_session() as session:
        failed = await GeminiProvider(tools(session), KEY, "http://127.0.0.1:9").submit(HEN)
        assert isinstance(failed, Failed)
        assert failed.error_class is ErrorClass.TRANSIENT


async def test_a_refusal_under_200_is_a_refusal() -> None:
    async with google(BLOCKED) as (_, provider):
        failed = await provider.submit(HEN)
        assert isinstance(failed, Failed)
        assert failed.error_class is ErrorClass.POLICY_REFUSAL


async def test_an_answer_of_text_alone_is_no_output() -> None:
    async with google((200, answer({"text": "A hen floats in space."}))) as (_, provider):
        failed = await provider.submit(HEN)
        assert isinstance(failed, Failed)
        assert failed.error_class is ErrorClass.NO_OUTPUT
        assert "hen" not in failed.message


async def test_interim_images_of_the_models_thoughts_are_left_out() -> None:
    parts = (picture("VEhPVUdIVA==", thought=True), picture())
    async with google((200, answer(*parts))) as (_, provider):
        assert await provider.submit(HEN) == Done((PNG,))


async def test_a_part_that_is_no_base64_is_no_image() -> None:
    async with google((200, answer(picture("no base64!"), picture("")))) as (_, provider):
        failed = await provider.submit(HEN)
        assert isinstance(failed, Failed)
        assert failed.error_class is ErrorClass.NO_OUTPUT


async def test_an_answer_of_more_than_five_megabytes_is_read() -> None:
    big = "QUFB" * (2 * 1024 * 1024)
    async with google((200, answer(picture(big)))) as (_, provider):
        done = await provider.submit(HEN)
        assert isinstance(done, Done)
        assert len(done.outputs[0].data or b"") == 6 * 1024 * 1024


async def test_there_is_no_job_to_poll_or_cancel() -> None:
    async with google((200, {})) as (server, provider):
        polled = await provider.poll(ProviderJob(("x",)))
        await provider.cancel(ProviderJob(("x",)))
        assert polled.error_class is ErrorClass.UNKNOWN
        assert server.paths == []


async def test_a_submission_that_its_owner_cancels_ends_all_its_calls() -> None:
    request = GenerationRequest("gemini-2.5-flash-image", "hens", num_outputs=2)
    async with google(Silence()) as (server, provider):
        submission = asyncio.create_task(provider.submit(request))
        for _ in range(2):
            await server.waiting.get()
        submission.cancel()
        with pytest.raises(asyncio.CancelledError):
            await submission
        for _ in range(2):
            await server.left.get()
