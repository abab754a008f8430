"""EggAPI's bodies."""

from __future__ import annotations

from collections.abc import Sequence

from services.api.dialects.eggapi.schemas import MOST_URL_LENGTH
from services.api.reference.eggapi.usage import usage_schemas
from services.api.reference.schema import Schema, listing, number, record, ref, request, text, whole

TASK_ID = "^gen_[0-9a-z]{26}$"
COST = r"^\$[0-9]+\.[0-9]{2,4}$"


def schemas(models: Sequence[str]) -> dict[str, Schema]:
    """By name. `models` are those that the catalog offers in this dialect."""
    return {
        "GenerateRequest": _generate(models),
        "Task": _task(),
        "Output": _output(),
        "TaskAnswer": _enveloped(ref("Task")),
        "TaskPage": _page(ref("Task")),
        **usage_schemas(COST, ref("Pagination")),
        "Pagination": _pagination(),
        "WebhookBody": _webhook(),
        "Error": record(
            {
                "data": {"type": "null"},
                "error": record({"code": text("Stable; see the table of errors."), "message": text()}),
            }
        ),
    }


def _generate(models: Sequence[str]) -> Schema:
    url: Schema = {"minLength": 1, "maxLength": MOST_URL_LENGTH, "format": "uri"}
    return request(
        {
            "model": text("An image or video model of the catalog.", enum=list(models)),
            "prompt": text("What to make.", minLength=1, maxLength=2000),
        },
        {
            "negative_prompt": text("What to leave out.", maxLength=1000),
            "aspect_ratio": text(
                "For images `16:9` or `9:16`.", enum=["16:9", "9:16", "1:1", "4:3", "3:4"], default="16:9"
            ),
            "num_outputs": whole("For a video 1.", minimum=1, maximum=4, default=1),
            "resolution": text("In any case; the provider's own when absent.", examples=["1k", "2k", "4k"]),
            "image_urls": listing(
                text(**url),
                "Input images, which make it an `image_edit`; for a video its first frame.",
                maxItems=9,
            ),
            "image_url": text("An older form of one input image; `image_urls` wins.", **url),
            "webhook_url": text("Where to tell of the task's end.", **url),
            "duration": whole("Seconds of a video.", minimum=1, maximum=60, default=5),
            "mode": text("Checked and ignored.", enum=["fast", "relaxed"]),
            "orientation": text("Checked and ignored.", enum=["portrait", "landscape"]),
        },
        'Unknown fields are ignored. Nothing is converted: `"3"` is no integer.',
    )


def _task() -> Schema:
    return record(
        {
            "id": text(pattern=TASK_ID),
            "status": text(
                "`completed` and `failed` are final; a cancelled task is `failed`.",
                enum=["pending", "processing", "completed", "failed"],
            ),
            "model": text(),
            "type": text(enum=["image_generate", "image_edit", "video_generate"]),
            "output": ref("Output"),
            "error": text("Why it failed, for people."),
            "cost": text("USD; `$0.00` until charged.", pattern=COST),
            "created_at": _time(),
            "started_at": _time(),
            "completed_at": _time(),
        },
        "output", "error", "started_at", "completed_at",
        description="What is not known yet is left out.",
    )  # fmt: skip


def _output() -> Schema:
    return record(
        {
            "url": text("The first file.", format="uri"),
            "urls": listing(text(format="uri"), "All images.", minItems=1),
            "duration_seconds": number("Of a video: as asked for, or fewer if fewer came."),
        },
        "urls", "duration_seconds",
    )  # fmt: skip


def _pagination() -> Schema:
    return record(
        {
            "page": whole(minimum=1),
            "per_page": whole(minimum=1, maximum=100),
            "total": whole(minimum=0),
            "total_pages": whole(minimum=0),
        }
    )


def _webhook() -> Schema:
    return record(
        {
            "event": text(enum=["task.completed", "task.failed"]),
            "task_id": text(pattern=TASK_ID),
            "status": text(enum=["completed", "failed"]),
            "model": text(),
            "output": {"anyOf": [ref("Output"), {"type": "null"}]},
            "error": {"type": ["string", "null"], "maxLength": 1000},
            "cost": text("USD with six decimals and no sign.", pattern=r"^[0-9]+\.[0-9]{6}$"),
            "timestamp": whole("When the task ended, in Unix seconds."),
        }
    )


def _page(item: Schema) -> Schema:
    return _enveloped(record({"items": listing(item), "pagination": ref("Pagination")}))


def _enveloped(data: Schema) -> Schema:
    return record({"data": data, "error": {"type": "null"}})


def _time() -> Schema:
    return text(format="date-time")
