"""What a webhook says."""

from __future__ import annotations

import orjson
import pytest

from services.notifier.payloads import NoWebhooks, render
from shared.settings import S3Settings, Settings
from shared.tasks.lifecycle import State
from shared.tasks.model import Task
from tests.unit.notifier.tasks import final_task


@pytest.fixture
def settings() -> Settings:
    return Settings(
        s3=S3Settings(access_key="access", secret_key="secret"),
        key_pepper="pepper",
        secrets_key="key",
        files_url="https://files.example.org/",
    )


def refused(message: str, error_class: str = "policy_refusal") -> dict[str, str]:
    return {"error_class": error_class, "message": message}


def test_a_completed_task_is_told_with_its_addresses_and_its_cost(settings: Settings) -> None:
    payload = render(Task.model_validate(final_task(images=2, _id="gen_7k2m")), settings)

    assert payload.event == "task.completed"
    assert payload.body == (
        b'{"event":"task.completed","task_id":"gen_7k2m","status":"completed","model":"nanobanana-pro",'
        b'"output":{"url":"https://files.example.org/images/gen_7k2m/0.png",'
        b'"urls":["https://files.example.org/images/gen_7k2m/0.png",'
        b'"https://files.example.org/images/gen_7k2m/1.png"]},'
        b'"error":null,"cost":"0.032000","timestamp":1770110119}'
    )


@pytest.mark.parametrize(("duration_ms", "seconds"), [(None, 8), (8_042, 8), (3_960, 4)])
def test_a_video_is_told_with_its_length(settings: Settings, duration_ms: int | None, seconds: int) -> None:
    document = final_task(images=1, _id="gen_7k2m", kind="video_generate")
    document["request"] = {"prompt": "a hen", "duration_seconds": 8}
    document["outputs"] = [
        {
            "key": "videos/gen_7k2m/0.mp4",
            "content_type": "video/mp4",
            "size": 70,
            "duration_ms": duration_ms,
        }
    ]

    told = orjson.loads(render(Task.model_validate(document), settings).body)

    assert told["output"] == {
        "url": "https://files.example.org/videos/gen_7k2m/0.mp4",
        "duration_seconds": seconds,
    }


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_a_failed_or_cancelled_task_is_told_as_failed(settings: Settings, state: State) -> None:
    task = final_task(state, images=0, _id="gen_7k2m", failure=refused("Content moderation: refused"))

    payload = render(Task.model_validate(task), settings)

    assert payload.event == "task.failed"
    assert payload.body == (
        b'{"event":"task.failed","task_id":"gen_7k2m","status":"failed","model":"nanobanana-pro",'
        b'"output":null,"error":"Content moderation: refused","cost":"0.000000","timestamp":1770110119}'
    )


@pytest.mark.parametrize("character", ["x", "\x00", "é", "☃", "🚤"])
def test_a_payload_stays_below_twenty_kilobytes(settings: Settings, character: str) -> None:
    task = final_task(State.FAILED, images=0, failure=refused(character * 100_000))

    body = render(Task.model_validate(task), settings).body

    assert len(body) < 20_000
    assert orjson.loads(body)["error"] == character * 1000


def test_a_dialect_without_webhooks_is_refused(settings: Settings) -> None:
    with pytest.raises(NoWebhooks):
        render(Task.model_validate(final_task(dialect="none")), settings)


ULID = "01JAX4Q7Z9WMKD3F5T8R2VBNHC"
OF_AIGENWAY = {
    "_id": f"tsk_{ULID}",
    "dialect": "aigenway",
    "public_model": "kling-2.6",
    "dialect_fields": {"provider": "kling_ai", "method": "text_to_video", "file_token": "a1b2"},
}


def test_aigenway_tells_of_success_in_small_letters_and_units(settings: Settings) -> None:
    payload = render(Task.model_validate(final_task(**OF_AIGENWAY)), settings)

    url = f"http://127.0.0.1:8000/v1/files/results/acc_1/tsk_{ULID}/image_0-a1b2.png"
    file = (
        f'"type":"image","url":"{url}","mime_type":"image/png","available_until":"2026-03-05T09:15:19.750Z"'
    )
    assert payload.event == "generation.completed"
    assert payload.body.decode() == (
        f'{{"event":"generation.completed","task_id":"tsk_{ULID}","status":"succeeded",'
        '"provider":"kling_ai","model":"kling-2.6","method":"text_to_video","charged_amount":"1600000",'
        f'"currency":"USD","result":{{{file},"files":[{{{file}}}]}},"error":null}}'
    )


@pytest.mark.parametrize(
    ("state", "error_class", "status", "code"),
    [
        (State.FAILED, "deadline", "failed", "task_timed_out"),
        (State.FAILED, "policy_refusal", "failed", "task_failed"),
        (State.FAILED, "caller_fault", "failed", "invalid_parameters"),
        (State.FAILED, "transient", "failed", "provider_unavailable"),
        (State.CANCELLED, "cancelled", "cancelled", "task_failed"),
    ],
)
def test_aigenway_tells_of_failures_under_the_same_event(
    settings: Settings, state: State, error_class: str, status: str, code: str
) -> None:
    failure = refused("Task timed out", error_class)
    document = final_task(state, images=0, failure=failure, **OF_AIGENWAY)

    payload = render(Task.model_validate(document), settings)

    assert payload.event == "generation.completed"
    assert payload.body.decode() == (
        f'{{"event":"generation.completed","task_id":"tsk_{ULID}","status":"{status}",'
        '"provider":"kling_ai","model":"kling-2.6","method":"text_to_video","charged_amount":"0",'
        f'"currency":"USD","result":null,"error":{{"code":"{code}","message":"Task timed out"}}}}'
    )


def test_aigenway_tells_the_answer_of_a_text_method(settings: Settings) -> None:
    document = final_task(images=0, mode="sync", result=b'{"text":"42","files":[]}', **OF_AIGENWAY)

    told = orjson.loads(render(Task.model_validate(document), settings).body)

    assert told["result"] == {"text": "42", "files": []}
