"""Links to generated files, the same in every dialect."""

from __future__ import annotations

from services.api.errors import NotFound
from services.api.reference.eggapi.examples import TASK_ID
from services.api.reference.model import Answer, Content, Operation, Problem
from services.api.reference.parameters import header, path
from services.api.reference.schema import Schema
from shared.files import RangeUnsatisfiable, StorageUnavailable

_BYTES: Schema = {}
"""Any body."""
_PICTURES = ("image/png", "image/jpeg", "image/webp", "image/gif")


def file_operations() -> tuple[Operation, ...]:
    """Reading files: `GET` and `HEAD` for pictures and videos."""
    kinds = (("images", "Image", "0.png", _PICTURES), ("videos", "Video", "0.mp4", ("video/mp4",)))
    return tuple(
        _read(method, folder, kind, name, types)
        for folder, kind, name, types in kinds
        for method in ("GET", "HEAD")
    )


def _read(method: str, folder: str, kind: str, name: str, media_types: tuple[str, ...]) -> Operation:
    parameters: tuple[Schema, ...] = (
        path("task_id", "The task that made it.", pattern="^[a-z]{3,8}_[0-9a-z]{26}$", examples=[TASK_ID]),
        path("name", "Its number, from 0, and its kind.", examples=[name]),
    )
    if method == "GET":
        parameters += (
            header("Range", "One part, as in `bytes=0-99`; who asks for several gets the whole."),
            header("If-None-Match", "The `ETag` of an earlier answer."),
        )
    return Operation(
        method=method,
        path=f"/{folder}/{{task_id}}/{{name}}",
        name=f"{'read' if method == 'GET' else 'check'}{kind}",
        summary=f"{kind} of a task" + ("" if method == "GET" else ", headers only"),
        description="No key is needed: the id cannot be guessed. Take the address from the task.",
        scope=None,
        parameters=parameters,
        sample=f"/{folder}/{TASK_ID}/{name}",
        answers=answers_of_files(method, media_types),
        problems=(
            Problem(NotFound(), "there is no such file"),
            Problem(RangeUnsatisfiable(), "the file does not have the `Range` asked for"),
            Problem(StorageUnavailable(), "the file storage cannot be reached"),
        ),
    )


def answers_of_files(method: str, media_types: tuple[str, ...]) -> tuple[Answer, ...]:
    """To `GET`, of the whole or a part, and to `HEAD`."""
    if method == "HEAD":
        return (Answer(200, "The file is there."),)
    whole = tuple(Content(_BYTES, {}, media_type) for media_type in media_types)
    return (
        Answer(200, "The file.", whole),
        Answer(206, "The part asked for.", whole),
        Answer(304, "The file is the one that the client has."),
    )
