"""Bodies of the OpenAI-style dialect that are no chats."""

from __future__ import annotations

from collections.abc import Sequence

from services.api.dialects.openai.embedding_schemas import MOST_INPUT_LENGTH, MOST_INPUTS
from services.api.dialects.openai.image_schemas import MOST_OUTPUTS, MOST_PROMPT_LENGTH
from services.api.reference.schema import (
    Schema,
    listing,
    number,
    or_null,
    record,
    ref,
    request,
    text,
    whole,
)

TASK_ID = "^img_[0-9a-z]{26}$"


def model_schemas() -> dict[str, Schema]:
    """Models, and the one shape of errors."""
    model = record(
        {
            "id": text("What `model` is to be."),
            "object": text(const="model"),
            "owned_by": text(),
            "display_name": text(),
            "category": text(enum=["chat", "image", "embedding", "video"]),
            "capabilities": listing(text()),
            "credit_cost": whole("Credits per request; of an image model, per image.", minimum=0),
        }
    )
    trouble = record(
        {
            "message": text("For people."),
            "type": text("The same as `code`."),
            "code": text("Stable; see the table of errors."),
        }
    )
    return {
        "Model": model,
        "ModelList": record({"object": text(const="list"), "data": listing(ref("Model"))}),
        "Trouble": trouble,
        "Error": record({"error": ref("Trouble")}),
    }


def image_schemas(models: Sequence[str]) -> dict[str, Schema]:
    """Requests for images and the tasks that they become."""
    required: dict[str, Schema] = {
        "model": text("As `GET /api/v1/models` lists it.", enum=list(models)),
        "prompt": text("What to make.", minLength=1, maxLength=MOST_PROMPT_LENGTH),
    }
    optional: dict[str, Schema] = {
        "n": whole("How many images.", minimum=1, maximum=MOST_OUTPUTS, default=1),
        "size": text(
            "`auto`, or width and height; the nearest that the model offers is made.",
            default="auto",
            examples=["1024x1024"],
        ),
        "response_format": text(
            "Taken, and changes nothing: the answer is a task.", enum=["url", "b64_json"]
        ),
    }
    pictures: Schema = {
        "anyOf": [listing(text(format="binary"), minItems=1, maxItems=16), text(format="binary")],
        "description": "PNG, JPEG, WebP or GIF files; also as `image[]`.",
    }
    image = record({"url": or_null(text(format="uri")), "b64_json": {"type": "null"}})
    task = record(
        {
            "created": whole("Unix seconds."),
            "data": listing(ref("Image"), "One item for each image; `url` is null until it is there."),
            "task_id": text(pattern=TASK_ID),
            "provider_task_id": {"type": ["string", "null"]},
            "status": text(
                "`completed` and `failed` are final.", enum=["pending", "processing", "completed", "failed"]
            ),
            "model": text(),
            "error": ref("Trouble"),
        },
        "error",
    )
    return {
        "ImageRequest": request(required, optional, "Unknown fields are ignored."),
        "EditRequest": {
            "type": "object",
            "properties": {**required, **optional, "image": pictures},
            "required": [*required, "image"],
        },
        "Image": image,
        "ImageTask": task,
    }


def embedding_schemas(models: Sequence[str]) -> dict[str, Schema]:
    """Requests for vectors, and these."""
    one = text(minLength=1, maxLength=MOST_INPUT_LENGTH)
    several = listing(one, minItems=1, maxItems=MOST_INPUTS)
    vector = {
        "anyOf": [listing(number()), text("Little-endian 32-bit floats.", contentEncoding="base64")],
    }
    embedding = record({"object": text(const="embedding"), "index": whole(minimum=0), "embedding": vector})
    tokens = record({"prompt_tokens": whole(minimum=0), "total_tokens": whole(minimum=0)})
    return {
        "EmbeddingRequest": request(
            {
                "model": text("As `GET /api/v1/models` lists it.", enum=list(models)),
                "input": {"anyOf": [one, several], "description": "One text or several."},
            },
            {
                "dimensions": whole("Numbers in a vector.", minimum=1, maximum=16384),
                "encoding_format": text(enum=["float", "base64"], default="float"),
            },
            "Unknown fields are ignored.",
        ),
        "Embeddings": record(
            {
                "object": text(const="list"),
                "data": listing(embedding, "In the order of the texts."),
                "model": text(),
                "usage": tokens,
            }
        ),
    }


def log_schemas() -> dict[str, Schema]:
    """The request log."""
    entry = record(
        {
            "id": text(pattern="^log_"),
            "object": text(const="request_log"),
            "request_id": text("The `X-Request-Id` of the response."),
            "key_id": text(),
            "dialect": text(enum=["eggapi", "openai", "aigenway"]),
            "method": text(),
            "path": text(),
            "status": whole("0: the client went away before there was an answer."),
            "latency_ms": whole(minimum=0),
            "model": {"type": ["string", "null"]},
            "task_id": {"type": ["string", "null"]},
            "credit_cost": whole(minimum=0),
            "at": text(format="date-time"),
        }
    )
    return {
        "LogEntry": entry,
        "LogPage": record(
            {
                "object": text(const="list"),
                "data": listing(ref("LogEntry")),
                "has_more": {"type": "boolean"},
                "next_cursor": {"type": ["string", "null"]},
            }
        ),
    }
