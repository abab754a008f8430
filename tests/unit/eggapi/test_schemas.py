"""What EggAPI's clients may send, and what they are told when it is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from services.api.dialects.eggapi.errors import render_error
from services.api.dialects.eggapi.schemas import VideoRequest, parse_generate
from services.api.errors import InvalidField, TaskEnded
from shared.errors import HatcheryError
from shared.ledger.refusals import InsufficientBalance
from shared.mongo import DatabaseUnavailable

LEAST = {"model": "nanobanana", "prompt": "a hen"}
MISSING = object()


def sent(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in {**LEAST, **fields}.items() if value is not MISSING}


def test_model_and_prompt_are_enough() -> None:
    body = parse_generate(LEAST)

    assert (body.aspect_ratio, body.num_outputs, body.resolution) == ("16:9", 1, None)
    assert (body.image_urls, body.webhook_url, body.negative_prompt) == ([], None, None)


@pytest.mark.parametrize(
    "fields",
    [
        {"prompt": "x" * 2000},
        {"negative_prompt": "x" * 1000},
        {"num_outputs": 4},
        {"resolution": "1k"},
        {"resolution": "4K"},
        {"aspect_ratio": "9:16"},
        {"image_urls": ["https://a.example/x.png"] * 9},
        {"webhook_url": "https://a.example/" + "x" * 2030},
        {
            "duration": 60,
            "mode": "relaxed",
            "orientation": "portrait",
            "image_url": "https://a.example/x.png",
        },
        {"num_outputs": None, "image_urls": None, "resolution": None, "aspect_ratio": None},
        {"credits": 10**9, "account_id": "acc_2", "state": "completed", "cost": 0},
    ],
)
def test_what_the_api_documents_is_accepted_and_unknown_fields_are_ignored(fields: dict[str, Any]) -> None:
    body = parse_generate(sent(**fields))

    assert not hasattr(body, "credits")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model": MISSING}, "model is required"),
        ({"model": None}, "model is required"),
        ({"model": ""}, "model must not be empty"),
        ({"model": 7}, "model must be a string"),
        ({"model": {"$gt": ""}}, "model must be a string"),
        ({"model": "x" * 101}, "model must have at most 100 characters"),
        ({"prompt": MISSING}, "prompt is required"),
        ({"prompt": ""}, "prompt must not be empty"),
        ({"prompt": ["a hen"]}, "prompt must be a string"),
        ({"prompt": "x" * 2001}, "prompt must have at most 2000 characters"),
        ({"prompt": "a\0hen"}, "prompt must not contain NUL characters"),
        ({"negative_prompt": "x" * 1001}, "negative_prompt must have at most 1000 characters"),
        ({"negative_prompt": 0}, "negative_prompt must be a string"),
        ({"aspect_ratio": "1:1"}, "aspect_ratio must be one of: '16:9', '9:16'"),
        ({"num_outputs": 0}, "num_outputs must be at least 1"),
        ({"num_outputs": -1}, "num_outputs must be at least 1"),
        ({"num_outputs": 5}, "num_outputs must be at most 4"),
        ({"num_outputs": 10**30}, "num_outputs must be at most 4"),
        ({"num_outputs": "3"}, "num_outputs must be an integer"),
        ({"num_outputs": 1.0}, "num_outputs must be an integer"),
        ({"num_outputs": True}, "num_outputs must be an integer"),
        ({"num_outputs": [1]}, "num_outputs must be an integer"),
        ({"resolution": "8k"}, "resolution must be one of: '1k', '2k', '4k'"),
        ({"resolution": 4}, "resolution must be one of: '1k', '2k', '4k'"),
        ({"image_urls": "https://a.example/x.png"}, "image_urls must be an array of strings"),
        ({"image_urls": [7]}, "image_urls[0] must be a string"),
        ({"image_urls": ["https://a.example/x.png", ""]}, "image_urls[1] must not be empty"),
        ({"image_urls": ["https://a.example/x.png"] * 10}, "image_urls must have at most 9 items"),
        ({"image_urls": [None]}, "image_urls[0] must be a string"),
        ({"image_url": {}}, "image_url must be a string"),
        ({"webhook_url": "https://a.example/" + "x" * 2048}, "webhook_url must have at most 2048 characters"),
        ({"webhook_url": "https://a.example/\0"}, "webhook_url must not contain NUL characters"),
        ({"webhook_url": ""}, "webhook_url must not be empty"),
        ({"duration": 0}, "duration must be at least 1"),
        ({"duration": 61}, "duration must be at most 60"),
        ({"mode": "slow"}, "mode must be one of: 'fast', 'relaxed'"),
        ({"orientation": "diagonal"}, "orientation must be one of: 'portrait', 'landscape'"),
    ],
)
def test_a_bad_field_is_named_with_what_it_should_be(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidField) as caught:
        parse_generate(sent(**fields))

    assert caught.value.message == message


def test_a_video_takes_five_seconds_unless_told_otherwise() -> None:
    body = parse_generate(LEAST, VideoRequest)

    assert (body.duration, body.aspect_ratio, body.num_outputs) == (5, "16:9", 1)
    assert parse_generate(sent(duration=None), VideoRequest).duration == 5


@pytest.mark.parametrize("ratio", ["16:9", "9:16", "1:1", "4:3", "3:4"])
def test_a_video_has_more_shapes_than_an_image(ratio: str) -> None:
    assert parse_generate(sent(aspect_ratio=ratio), VideoRequest).aspect_ratio == ratio


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"aspect_ratio": "21:9"},
            "aspect_ratio must be one of: '16:9', '9:16', '1:1', '4:3', '3:4'",
        ),
        ({"num_outputs": 2}, "num_outputs must be at most 1"),
        ({"duration": 0}, "duration must be at least 1"),
        ({"duration": 61}, "duration must be at most 60"),
        ({"duration": "5"}, "duration must be an integer"),
        ({"image_urls": ["https://a.example/x.png"] * 2}, "image_urls must have at most 1 item"),
    ],
)
def test_what_a_video_cannot_be_is_named(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidField) as caught:
        parse_generate(sent(**fields), VideoRequest)

    assert caught.value.message == message


def test_every_bad_field_is_named_at_once() -> None:
    with pytest.raises(InvalidField) as caught:
        parse_generate({"num_outputs": 9, "resolution": "8k"})

    assert caught.value.message == (
        "model is required; prompt is required; num_outputs must be at most 4; "
        "resolution must be one of: '1k', '2k', '4k'"
    )


def test_what_the_client_sent_is_not_echoed() -> None:
    with pytest.raises(InvalidField) as caught:
        parse_generate(sent(aspect_ratio="<script>", mode="{field}{expected}", num_outputs="{model}"))

    assert "script" not in caught.value.message
    assert "{" not in caught.value.message


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (
            InvalidField("prompt is required"),
            400,
            b'{"data":null,"error":{"code":"VALIDATION_ERROR","message":"prompt is required"}}',
        ),
        (
            TaskEnded("The task is already completed"),
            409,
            b'{"data":null,"error":{"code":"CONFLICT","message":"The task is already completed"}}',
        ),
        (
            InsufficientBalance(),
            403,
            b'{"data":null,"error":{"code":"INSUFFICIENT_BALANCE",'
            b'"message":"The balance does not cover this request."}}',
        ),
        (
            DatabaseUnavailable(),
            503,
            b'{"data":null,"error":{"code":"SERVICE_UNAVAILABLE",'
            b'"message":"The service cannot reach its database at the moment. Try again shortly."}}',
        ),
    ],
)
def test_errors_have_eggapis_envelope_status_and_code(error: HatcheryError, status: int, body: bytes) -> None:
    answer = render_error(error, "req_1")

    assert (answer.status_code, bytes(answer.body)) == (status, body)
    assert answer.headers["content-type"] == "application/json"
