"""EggAPI's words for our tasks: statuses, bodies, costs and times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.api.dialects.eggapi.mapping import (
    cost_text,
    kind_of,
    request_of,
    status_of,
    task_body,
    time_text,
    usage_body,
)
from services.api.dialects.eggapi.schemas import GenerateRequest, VideoRequest, parse_generate
from shared.providers.errors import ErrorClass
from shared.tasks.lifecycle import State
from shared.tasks.model import Task, TaskRequest
from tests.unit.building import a_task, attempt, output

QUARTER_PAST_NINE = datetime(2026, 2, 3, 9, 15, 0, 999_000, tzinfo=UTC)
ID = "gen_01k6x0v7w3h2m9q4x1b8c5d7ef"
FIRST_TRY = (attempt(),)
SECOND_TRY = (attempt(error_class=ErrorClass.TRANSIENT), attempt("replicate:banana", number=2))


def url(key: str) -> str:
    return f"https://files.example.org/{key}"


def body(**fields: Any) -> GenerateRequest:
    return parse_generate({"model": "nanobanana", "prompt": "a hen", **fields})


def a_timed_task(state: State, **fields: Any) -> Task:
    times = {
        "created_at": QUARTER_PAST_NINE,
        "started_at": QUARTER_PAST_NINE + timedelta(seconds=1),
        "completed_at": QUARTER_PAST_NINE + timedelta(seconds=19),
    }
    return a_task(state, _id=ID, **{**times, **fields})


@pytest.mark.parametrize(
    ("state", "fields", "status"),
    [
        (State.QUEUED, {}, "pending"),
        (State.DISPATCHED, {"attempts": FIRST_TRY}, "pending"),
        (State.SUBMITTING, {"attempts": FIRST_TRY}, "pending"),
        (State.RUNNING, {"attempts": FIRST_TRY}, "processing"),
        (State.ATTEMPT_FAILED, {"attempts": FIRST_TRY}, "processing"),
        (State.DISPATCHED, {"attempts": SECOND_TRY}, "processing"),
        (State.SUBMITTING, {"attempts": SECOND_TRY}, "processing"),
        (State.DISPATCHED, {"attempts": FIRST_TRY, "started_at": QUARTER_PAST_NINE}, "processing"),
        (State.GENERATED, {"attempts": FIRST_TRY, "outputs": 1}, "processing"),
        (State.REJECTED, {"attempts": FIRST_TRY}, "processing"),
        (State.REJECTED, {}, "processing"),
        (State.COMPLETED, {"outputs": 1}, "completed"),
        (State.FAILED, {}, "failed"),
        (State.CANCELLED, {}, "failed"),
    ],
)
def test_every_state_has_one_of_eggapis_four_statuses(
    state: State, fields: dict[str, Any], status: str
) -> None:
    assert status_of(a_task(state, **fields)) == status


def test_a_new_task_shows_what_is_known_and_nothing_else() -> None:
    task = a_task(State.QUEUED, _id=ID, model="nanobanana", created_at=QUARTER_PAST_NINE)

    assert task_body(task, url) == {
        "id": ID,
        "status": "pending",
        "model": "nanobanana",
        "type": "image_generate",
        "cost": "$0.00",
        "created_at": "2026-02-03T09:15:00Z",
    }


def test_a_completed_task_shows_its_files_its_cost_and_its_times() -> None:
    task = a_timed_task(State.COMPLETED, model="nanobanana", outputs=2, cost_nano=20_000_000)

    assert task_body(task, url) == {
        "id": ID,
        "status": "completed",
        "model": "nanobanana",
        "type": "image_generate",
        "output": {
            "url": f"https://files.example.org/images/{ID}/0.png",
            "urls": [
                f"https://files.example.org/images/{ID}/0.png",
                f"https://files.example.org/images/{ID}/1.png",
            ],
        },
        "cost": "$0.0200",
        "created_at": "2026-02-03T09:15:00Z",
        "started_at": "2026-02-03T09:15:01Z",
        "completed_at": "2026-02-03T09:15:19Z",
    }


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_a_failed_task_shows_its_error_as_plain_text_and_costs_nothing(state: State) -> None:
    failure = {"error_class": "policy_refusal", "message": "Content moderation: input image rejected"}
    task = a_timed_task(state, kind="image_edit", failure=failure)

    assert task_body(task, url) == {
        "id": ID,
        "status": "failed",
        "model": "nanobanana-pro",
        "type": "image_edit",
        "error": "Content moderation: input image rejected",
        "cost": "$0.00",
        "created_at": "2026-02-03T09:15:00Z",
        "started_at": "2026-02-03T09:15:01Z",
        "completed_at": "2026-02-03T09:15:19Z",
    }


def test_files_and_errors_are_not_shown_before_billing_has_ended_the_task() -> None:
    generated = a_task(State.GENERATED, attempts=FIRST_TRY, outputs=1)
    rejected = a_task(State.REJECTED, failure={"error_class": "deadline", "message": "Task timed out"})

    assert "output" not in task_body(generated, url)
    assert "error" not in task_body(rejected, url)


@pytest.mark.parametrize("state", list(State))
def test_no_state_shows_null_or_what_is_only_ours(state: State) -> None:
    outputs = 1 if state is State.COMPLETED else 0
    shown = task_body(a_task(state, attempts=FIRST_TRY, outputs=outputs, owner="own_1"), url)

    assert None not in shown.values()
    assert shown.keys() <= {
        *("id", "status", "model", "type", "output", "error", "cost"),
        *("created_at", "started_at", "completed_at"),
    }


@pytest.mark.parametrize(
    ("nano", "text"),
    [
        (0, "$0.00"),
        (10_000_000, "$0.0100"),
        (16_000_000, "$0.0160"),
        (12_345_650_000, "$12.3457"),
        (12_345_649_999, "$12.3456"),
        (1, "$0.0000"),
        (1_000_000_000_000, "$1000.0000"),
    ],
)
def test_costs_have_four_decimals_and_nothing_has_two(nano: int, text: str) -> None:
    assert cost_text(nano) == text


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (datetime(2026, 2, 3, 9, 15, 0, 999_999, tzinfo=UTC), "2026-02-03T09:15:00Z"),
        (datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), "2026-12-31T23:59:59Z"),
    ],
)
def test_times_are_utc_in_whole_seconds(at: datetime, text: str) -> None:
    assert time_text(at) == text


def test_a_usage_record_tells_what_was_charged_for_which_task() -> None:
    task = a_timed_task(State.COMPLETED, outputs=2, units=4, cost_nano=32_000_000)

    assert usage_body(task) == {
        "id": f"use_{ID.removeprefix('gen_')}",
        "task_id": ID,
        "model": "nanobanana-pro",
        "type": "image_generate",
        "units": 2,
        "unit_cost": "$0.0160",
        "cost": "$0.0320",
        "created_at": "2026-02-03T09:15:19Z",
    }


def test_a_chat_is_one_unit_and_has_a_records_id_too() -> None:
    chat = "chatcmpl-01k6x0v7w3h2m9q4x1b8c5d7ef"
    record = usage_body(
        a_timed_task(State.COMPLETED, kind="chat", mode="sync").model_copy(update={"id": chat})
    )

    assert (record["id"], record["task_id"]) == ("use_01k6x0v7w3h2m9q4x1b8c5d7ef", chat)
    assert record["units"] == 1


@pytest.mark.parametrize(
    ("fields", "kind", "images"),
    [
        ({}, "image_generate", ()),
        ({"image_urls": []}, "image_generate", ()),
        ({"image_urls": ["https://a.example/1.png"]}, "image_edit", ("https://a.example/1.png",)),
        ({"image_url": "https://a.example/2.png"}, "image_edit", ("https://a.example/2.png",)),
        (
            {"image_urls": ["https://a.example/1.png"], "image_url": "https://a.example/2.png"},
            "image_edit",
            ("https://a.example/1.png",),
        ),
    ],
)
def test_input_images_make_it_an_edit(fields: dict[str, Any], kind: str, images: tuple[str, ...]) -> None:
    asked = body(**fields)

    assert kind_of(asked) == kind
    assert request_of(asked).image_urls == images


@pytest.mark.parametrize(
    ("fields", "images"),
    [
        ({}, ()),
        ({"image_url": "https://a.example/2.png"}, ("https://a.example/2.png",)),
        ({"image_urls": ["https://a.example/1.png"]}, ("https://a.example/1.png",)),
    ],
)
def test_a_video_is_one_with_a_first_frame_and_without(
    fields: dict[str, Any], images: tuple[str, ...]
) -> None:
    sent = {"model": "veo3.1", "prompt": "a hen", "aspect_ratio": "4:3", "duration": 8, **fields}
    asked = parse_generate(sent, VideoRequest)

    assert kind_of(asked) == "video_generate"
    assert request_of(asked) == TaskRequest(
        prompt="a hen", aspect_ratio="4:3", image_urls=images, duration_seconds=8
    )


def test_only_a_video_has_a_duration() -> None:
    assert request_of(body(duration=7)).duration_seconds is None


def a_video(duration_ms: int | None = None, **fields: Any) -> Task:
    files = [
        {
            "key": f"videos/{ID}/0.mp4",
            "content_type": "video/mp4",
            "size": 70,
            "duration_ms": duration_ms,
        }
    ]
    request = {"prompt": "a hen", "duration_seconds": 8}
    quote = {"unit": "second", "unit_nano": 80_000_000, "units": 8, "hold_nano": 640_000_000}
    task = a_timed_task(
        State.COMPLETED, kind="video_generate", model="veo3.1", request=request, quote=quote, **fields
    )
    return Task.model_validate({**task.model_dump(by_alias=True), "outputs": files})


def test_a_completed_video_shows_its_one_file_and_its_length() -> None:
    shown = task_body(a_video(cost_nano=640_000_000), url)

    assert (shown["type"], shown["cost"]) == ("video_generate", "$0.6400")
    assert shown["output"] == {"url": f"https://files.example.org/videos/{ID}/0.mp4", "duration_seconds": 8}


def test_a_unit_of_a_video_is_a_second() -> None:
    record = usage_body(a_video(cost_nano=640_000_000))

    assert (record["units"], record["unit_cost"], record["cost"]) == (8, "$0.0800", "$0.6400")


@pytest.mark.parametrize(("duration_ms", "seconds"), [(8_042, 8), (3_960, 4)])
def test_a_video_that_came_shorter_is_told_and_counted_as_it_came(duration_ms: int, seconds: int) -> None:
    task = a_video(duration_ms, cost_nano=80_000_000 * seconds)

    assert task_body(task, url)["output"]["duration_seconds"] == seconds
    assert usage_body(task)["units"] == seconds


def test_a_request_is_put_into_our_own_words() -> None:
    asked = body(
        negative_prompt="",
        num_outputs=3,
        resolution="4k",
        aspect_ratio="9:16",
        webhook_url="https://h.example",
    )

    assert request_of(asked) == TaskRequest(
        prompt="a hen", negative_prompt=None, aspect_ratio="9:16", num_outputs=3, resolution="4K"
    )


def test_stored_files_are_addressed_by_their_key() -> None:
    assert output(ID, 0)["key"] == f"images/{ID}/0.png"
