from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from shared.providers.base import Done, Failed, GenerationRequest, Output
from shared.providers.errors import ErrorClass
from shared.providers.openai_errors import failure
from shared.providers.openai_images import counts, image_body, read_images, settle, size_of
from tests.unit.providers.replies import HTML, LOST, UNSENT, reply

PIXELS = b64encode(b"pixels").decode()
AMBIGUOUS = Failed(ErrorClass.SUBMIT_AMBIGUOUS, "lost")


def test_only_what_was_asked_for_is_in_the_body_and_never_a_response_format() -> None:
    assert image_body(GenerationRequest("gpt-image-1.5", "a hen"), 1) == {
        "model": "gpt-image-1.5",
        "prompt": "a hen",
        "n": 1,
        "output_format": "png",
    }


def test_the_routes_options_win() -> None:
    options = {"size": "auto", "quality": "high", "output_format": "webp"}
    request = GenerationRequest("m", "a hen", "blur", "16:9", 4, options=options)
    assert image_body(request, 4) == {
        "model": "m",
        "prompt": "a hen. Avoid: blur.",
        "n": 4,
        "size": "auto",
        "quality": "high",
        "output_format": "webp",
    }


@pytest.mark.parametrize(
    ("ratio", "resolution", "size"),
    [
        ("1:1", None, "1024x1024"),
        ("1:1", "1K", "1024x1024"),
        ("16:9", None, "1536x1024"),
        ("21:9", "1K", "1536x1024"),
        ("2:3", "1K", "1024x1536"),
        ("1:8", None, "1024x1536"),
        ("1:1", "2K", "2048x2048"),
        ("4:3", "2K", "2048x1152"),
        ("9:16", "4K", "2160x3840"),
        (None, "4K", "2880x2880"),
        (None, None, None),
        (None, "1K", None),
        ("auto", "1K", None),
        ("auto", "4K", None),
        ("1:1", "8K", None),
    ],
)
def test_ratio_and_resolution_choose_a_size(
    ratio: str | None, resolution: str | None, size: str | None
) -> None:
    assert size_of(ratio, resolution) == size


@pytest.mark.parametrize(("wanted", "calls"), [(1, [1]), (10, [10]), (12, [10, 2]), (20, [10, 10])])
def test_one_call_makes_at_most_ten_images(wanted: int, calls: list[int]) -> None:
    assert counts(wanted) == calls


def test_images_come_as_bytes_with_the_stated_format() -> None:
    body = {"output_format": "webp", "data": [{"b64_json": PIXELS}], "usage": {"input_tokens": 50}}
    assert read_images(reply(200, body), failure) == Done(
        (Output(data=b"pixels", content_type="image/webp"),)
    )


def test_openrouters_native_answer_names_the_type_of_each_image_and_the_cost() -> None:
    body = {"data": [{"b64_json": PIXELS, "media_type": "image/png"}], "usage": {"cost": 0.039}}
    assert read_images(reply(200, body), failure) == Done(
        (Output(data=b"pixels", content_type="image/png"),), cost_nano=39_000_000
    )


def test_images_that_cannot_be_decoded_are_left_out() -> None:
    data: list[Any] = [{"b64_json": "%"}, None, {}, {"url": "ftp://f/1"}, {"url": "https://f/2"}]
    assert read_images(reply(200, {"data": data}), failure) == Done((Output(url="https://f/2"),))


def test_an_answer_without_images_is_no_output() -> None:
    result = read_images(reply(200, {"data": []}), failure)
    assert result == Failed(ErrorClass.NO_OUTPUT, "The model finished without an image.")


@pytest.mark.parametrize("answer", [LOST, reply(200, HTML), reply(200, {}), reply(200, {"data": None})])
def test_without_a_readable_answer_images_may_have_been_charged(answer: Any) -> None:
    result = read_images(answer, failure)
    assert isinstance(result, Failed)
    assert result.error_class is ErrorClass.SUBMIT_AMBIGUOUS


def test_a_call_that_never_left_is_transient() -> None:
    result = read_images(UNSENT, failure)
    assert isinstance(result, Failed)
    assert result.error_class is ErrorClass.TRANSIENT


def test_an_error_inside_a_200_is_a_failure() -> None:
    body = {"error": {"message": "No.", "code": "moderation_blocked"}, "data": []}
    assert read_images(reply(200, body), failure) == Failed(ErrorClass.POLICY_REFUSAL, "No.")


def test_calls_settle_on_all_that_came_with_the_sum_of_the_known_costs() -> None:
    one, two, three = (Output(url=f"https://f/{number}") for number in (1, 2, 3))
    refused = Failed(ErrorClass.POLICY_REFUSAL, "no")
    results = [Done((one,), 5), AMBIGUOUS, Done((two, three)), refused, AMBIGUOUS, Done((), 7)]
    assert settle(results) == Done((one, two, three), 12, unaccounted=2)


def test_a_cost_nobody_told_is_unknown_and_not_zero() -> None:
    assert settle([Done((Output(url="https://f/1"),))]) == Done((Output(url="https://f/1"),), None)


@pytest.mark.parametrize("telling", [ErrorClass.POLICY_REFUSAL, ErrorClass.CALLER_FAULT])
def test_if_none_came_what_ends_the_task_is_told(telling: ErrorClass) -> None:
    told = Failed(telling, "no")
    assert settle([Failed(ErrorClass.RATE_LIMIT, "slow"), AMBIGUOUS, told]) == told


def test_if_none_came_a_call_of_unknown_outcome_is_told_before_plain_trouble() -> None:
    assert settle([Failed(ErrorClass.TRANSIENT, "x"), AMBIGUOUS]) == AMBIGUOUS
