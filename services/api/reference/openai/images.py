"""Images: tasks, and how to read them."""

from __future__ import annotations

from collections.abc import Sequence

from services.api.dialects.openai.errors import PromptRequired
from services.api.errors import InvalidField
from services.api.reference.model import FORM, Answer, Content, Operation, Problem
from services.api.reference.openai import examples
from services.api.reference.openai.schemas import TASK_ID
from services.api.reference.openai.texts import PAID
from services.api.reference.parameters import path
from services.api.reference.schema import ref
from services.api.reference.tasks import NO_TASK
from services.api.scopes import Scope
from shared.files import StorageUnavailable

_PROBLEMS = (
    Problem(PromptRequired(), "`prompt` is missing or empty"),
    Problem(InvalidField("n must be at most 10"), "a field is wrong; the message names each"),
    *PAID,
)
_TASK_ID = path("task_id", "Of the image task.", pattern=TASK_ID, examples=[examples.IMAGE_ID])


def image_operations(models: Sequence[str]) -> tuple[Operation, ...]:
    """`models` are those that make images."""
    model = models[0] if models else "google/nano-banana"
    return (
        _generate(model),
        _edit(model),
        _read("/api/v1/tasks", "Task"),
        _read("/api/v1/images/generations", "Image"),
    )


def _generate(model: str) -> Operation:
    asked = {"An image": {"model": model, "prompt": "A hen reading a newspaper", "size": "1024x1024"}}
    return Operation(
        method="POST",
        path="/api/v1/images/generations",
        name="createImage",
        summary="Ask for images",
        description="The answer is a task: poll `GET /api/v1/tasks/{task_id}` until it is final.",
        scope=Scope.IMAGES,
        idempotent=True,
        body=Content(ref("ImageRequest"), asked),
        answers=(Answer(200, "The accepted task.", (_task(examples.PENDING),)),),
        problems=_PROBLEMS,
    )


def _edit(model: str) -> Operation:
    asked = {"An edit": {"model": model, "prompt": "Give the hen a hat", "image": "@hen.png"}}
    return Operation(
        method="POST",
        path="/api/v1/images/edits",
        name="editImage",
        summary="Ask for images made from yours",
        description="Up to 16 pictures of at most 20 MiB each. There are no masks: say in the prompt what is "
        "to change.",
        scope=Scope.IMAGES,
        idempotent=True,
        body=Content(ref("EditRequest"), asked, FORM),
        answers=(Answer(200, "The accepted task.", (_task(examples.PENDING),)),),
        problems=(*_PROBLEMS, Problem(StorageUnavailable(), "the file storage cannot be reached")),
    )


def _read(folder: str, name: str) -> Operation:
    return Operation(
        method="GET",
        path=f"{folder}/{{task_id}}",
        name=f"read{name}",
        summary="Read an image task",
        description="200 also for a task that failed: its `error` says why.",
        scope=Scope.TASKS_READ,
        parameters=(_TASK_ID,),
        sample=f"{folder}/{examples.IMAGE_ID}",
        answers=(Answer(200, "The task.", (_task(examples.COMPLETED, examples.FAILED),)),),
        problems=(NO_TASK,),
    )


def _task(*shown: tuple[str, dict[str, object]]) -> Content:
    return Content(ref("ImageTask"), dict(shown))
