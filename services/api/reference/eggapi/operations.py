"""EggAPI's endpoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.api.dialects.eggapi.answers import DEFAULT_PER_PAGE, MOST_PAGE
from services.api.errors import InvalidField, MalformedRequest, ServiceUnavailable, TaskEnded
from services.api.reference.eggapi import examples
from services.api.reference.eggapi.schemas import TASK_ID, schemas
from services.api.reference.eggapi.usage import usage_operations
from services.api.reference.files import file_operations
from services.api.reference.model import Answer, Content, Dialect, Event, Operation, Problem
from services.api.reference.parameters import header, path, query
from services.api.reference.schema import ref, whole
from services.api.reference.tasks import BAD_WAIT, NO_TASK, TOO_MANY, WAIT, events
from services.api.scopes import Scope
from shared.ledger.refusals import InsufficientBalance

ABOUT = (
    "Images and videos by asynchronous tasks: send one, get its id, then poll it or wait for a webhook.",
    'Success is `{"data": …, "error": null}`, failure `{"data": null, "error": {"code": …, "message": …}}`.',
    "The highest price that a request may come to is held when it is sent. What was delivered is charged "
    "when the task completes, the rest is given back, and a task that fails costs nothing.",
)
_TASK_ID = path("task_id", "As `POST /v1/generate` gave it.", pattern=TASK_ID, examples=[examples.TASK_ID])
_SAMPLE = f"/v1/tasks/{examples.TASK_ID}"
_PAGES = (
    query("page", "From 1.", whole(minimum=1, maximum=MOST_PAGE, default=1)),
    query("per_page", "More than 100 are served as 100.", whole(minimum=1, default=DEFAULT_PER_PAGE)),
)
_BAD_PAGE = Problem(
    MalformedRequest(f"page must be a whole number between 1 and {MOST_PAGE}"),
    "`page` or `per_page` is wrong",
)


def eggapi(models: Sequence[str]) -> Dialect:
    """The whole dialect; `models` are those that it offers."""
    return Dialect(
        name="eggapi",
        title="Hatchery: EggAPI dialect",
        summary="Asynchronous images and videos under /v1, as clients of EggAPI ask for them.",
        about=ABOUT,
        operations=(
            _generate(),
            *_tasks(),
            events(_TASK_ID, examples.TASK_ID, ("pending", "processing", "completed"), "failed"),
            *usage_operations(_PAGES, _BAD_PAGE),
            *file_operations(),
        ),
        schemas=schemas(models),
        events=(_webhook(),),
    )


def _generate() -> Operation:
    return Operation(
        method="POST",
        path="/v1/generate",
        name="generate",
        summary="Send a task",
        description="An answer of 503, or none, leaves open whether the task exists: look at `GET /v1/tasks` "
        "before sending again, since a second request is a second task.",
        scope=Scope.IMAGES,
        idempotent=True,
        body=Content(ref("GenerateRequest"), examples.REQUESTS),
        answers=(Answer(202, "The task is accepted and its money held.", (_task(examples.PENDING),)),),
        problems=(
            Problem(
                InvalidField("prompt is required; num_outputs must be at most 4"),
                "a field is wrong; the message names each with its fix",
            ),
            Problem(
                InsufficientBalance(),
                "the balance, or a spend cap, does not cover the highest price of the request",
            ),
            Problem(ServiceUnavailable(), "the request was cut off; what it held is given back"),
        ),
    )


def _tasks() -> tuple[Operation, ...]:
    return (
        Operation(
            method="GET",
            path="/v1/tasks",
            name="listTasks",
            summary="List tasks, newest first",
            scope=Scope.TASKS_READ,
            parameters=_PAGES,
            answers=(
                Answer(
                    200, "A page of tasks.", (Content(ref("TaskPage"), {"One task": examples.TASK_PAGE}),)
                ),
            ),
            problems=(_BAD_PAGE,),
        ),
        Operation(
            method="GET",
            path="/v1/tasks/{task_id}",
            name="readTask",
            summary="Read a task",
            description="200 also for a task that failed: its `error` says why. Ids that do not begin with "
            "`gen_` are the Aigenway dialect's and answered in its form.",
            scope=Scope.TASKS_READ,
            parameters=(_TASK_ID, WAIT),
            sample=_SAMPLE,
            answers=(Answer(200, "The task.", (_task(examples.COMPLETED, examples.FAILED),)),),
            problems=(NO_TASK, BAD_WAIT, TOO_MANY),
        ),
        Operation(
            method="POST",
            path="/v1/tasks/{task_id}/cancel",
            name="cancelTask",
            summary="Cancel a task",
            description="Takes no body. Asking again is harmless. A cancelled task is `failed` and "
            "costs nothing; one whose output arrives at the same moment may still complete and be charged.",
            parameters=(_TASK_ID,),
            sample=_SAMPLE + "/cancel",
            limited=False,
            answers=(
                Answer(200, "It is cancelled already.", (_task(examples.CANCELLED),)),
                Answer(202, "The request is noted; the task ends shortly.", (_task(examples.PENDING),)),
            ),
            problems=(NO_TASK, Problem(TaskEnded("The task is already completed"), "the task has ended")),
        ),
    )


def _webhook() -> Event:
    return Event(
        name="taskEnded",
        summary="A task has completed or failed",
        description="Sent to the request's `webhook_url`: at once, then up to seven times more in about 28 "
        "hours until an answer of 2xx. Duplicates are possible: remember the ids you have handled.",
        parameters=(
            header("X-EggAPI-Timestamp", "Unix seconds of this attempt.", required=True),
            header(
                "X-EggAPI-Signature",
                "`sha256=` and the hex HMAC-SHA256 of `{timestamp}.{body}` under the webhook secret.",
                required=True,
            ),
            header("webhook-id", "`whd_…`, the same in every attempt.", required=True),
            header("webhook-timestamp", "As `X-EggAPI-Timestamp`.", required=True),
            header("webhook-signature", "`v1,…` of Standard Webhooks.", required=True),
        ),
        body=Content(ref("WebhookBody"), {"Completed": examples.WEBHOOK}),
    )


def _task(*shown: tuple[str, dict[str, Any]]) -> Content:
    return Content(ref("TaskAnswer"), {title: {"data": task, "error": None} for title, task in shown})
