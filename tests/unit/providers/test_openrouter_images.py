from __future__ import annotations

from typing import Any

import pytest

from shared.providers.base import Done, Failed, GenerationRequest, Output
from shared.providers.errors import ErrorClass
from shared.providers.openrouter_errors import failure
from shared.providers.openrouter_images import (
    chat_image_body,
    native_image_body,
    read_chat_image,
    takes_native_endpoint,
)
from tests.unit.providers.replies import HTML, LOST, UNSENT, reply

URL = {"type": "image_url", "image_url": {"url": "https://i/1"}}
FULL = GenerationRequest("m", "a hen", "blur", "16:9", 2, "2K", ("https://i/1",), {"seed": 7})


def answer(choice: dict[str, Any], **more: Any) -> Any:
    return reply(200, {"choices": [choice], **more})


def test_an_image_over_chat_is_asked_for_with_its_modalities() -> None:
    assert chat_image_body(FULL) == {
        "model": "m",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "a hen. Avoid: blur."}, URL]}],
        "modalities": ["image", "text"],
        "image_config": {"aspect_ratio": "16:9", "image_size": "2K"},
        "seed": 7,
    }


def test_a_model_is_not_sent_an_image_config_that_nobody_asked_for() -> None:
    request = GenerationRequest("m", "a hen", options={"modalities": ["image"], "endpoint": "chat"})
    assert chat_image_body(request) == {
        "model": "m",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "a hen"}]}],
        "modalities": ["image"],
    }


def test_the_native_endpoint_is_sent_only_what_was_asked_for() -> None:
    plain = GenerationRequest("m", "a hen", options={"endpoint": "images"})
    assert native_image_body(plain, 1) == {"model": "m", "prompt": "a hen"}
    assert native_image_body(FULL, 2) == {
        "model": "m",
        "prompt": "a hen. Avoid: blur.",
        "n": 2,
        "aspect_ratio": "16:9",
        "resolution": "2K",
        "input_references": [URL],
        "seed": 7,
    }


@pytest.mark.parametrize(("options", "native"), [({}, False), ({"endpoint": "images"}, True)])
def test_the_routes_options_choose_the_endpoint(options: dict[str, Any], native: bool) -> None:
    assert takes_native_endpoint(GenerationRequest("m", "a hen", options=options)) is native


def test_the_images_of_a_message_are_its_outputs_and_the_cost_is_kept() -> None:
    images = [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,cGl4ZWxz"}},
        {"type": "image_url", "image_url": {"url": "https://f/2"}},
    ]
    message = {"role": "assistant", "content": "Here is your hen.", "images": images}
    assert read_chat_image(answer({"message": message}, usage={"cost": 0.0387}), failure) == Done(
        (Output(data=b"pixels", content_type="image/png"), Output(url="https://f/2")), 38_700_000
    )


@pytest.mark.parametrize(
    "choice",
    [
        {"message": {"content": "", "refusal": "I cannot."}, "finish_reason": "stop"},
        {"message": {"content": ""}, "finish_reason": "content_filter"},
        {"message": {"content": ""}, "finish_reason": "stop", "native_finish_reason": "IMAGE_SAFETY"},
    ],
)
def test_a_filtered_image_is_a_refusal(choice: dict[str, Any]) -> None:
    result = read_chat_image(answer(choice), failure)
    assert result == Failed(ErrorClass.POLICY_REFUSAL, "The model refused to make the image.")


@pytest.mark.parametrize("native", [None, "STOP", "NO_IMAGE"])
def test_a_message_without_an_image_is_no_output(native: str | None) -> None:
    choice = {"message": {"content": "Sure!"}, "finish_reason": "stop", "native_finish_reason": native}
    result = read_chat_image(answer(choice), failure)
    assert result == Failed(ErrorClass.NO_OUTPUT, "The model finished without an image.")


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": 429, "message": "Slow down"}},
        {"choices": [{"error": {"code": 429, "message": "Slow down"}, "message": {"content": ""}}]},
    ],
)
def test_an_error_inside_a_200_is_classified_by_its_code(body: dict[str, Any]) -> None:
    assert read_chat_image(reply(200, body), failure) == Failed(ErrorClass.RATE_LIMIT, "Slow down")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (LOST, ErrorClass.SUBMIT_AMBIGUOUS),
        (reply(200, HTML), ErrorClass.SUBMIT_AMBIGUOUS),
        (reply(200, {"choices": []}), ErrorClass.SUBMIT_AMBIGUOUS),
        (UNSENT, ErrorClass.TRANSIENT),
        (reply(502, HTML), ErrorClass.TRANSIENT),
    ],
)
def test_without_a_readable_answer_an_image_may_have_been_charged(given: Any, expected: ErrorClass) -> None:
    result = read_chat_image(given, failure)
    assert isinstance(result, Failed)
    assert result.error_class is expected
