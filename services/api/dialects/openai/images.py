"""`POST /images/generations`, and what becomes of image tasks."""

from __future__ import annotations

from collections.abc import Callable

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.api.body import read_object
from services.api.cancel import RenderTask
from services.api.claims import Answer, Claim, claim_of
from services.api.dialects.openai.image_mapping import request_of, task_body
from services.api.dialects.openai.image_schemas import parse_image
from services.api.dialects.openai.offers import Offered, Offers
from services.api.dialects.paths import OPENAI
from services.api.errors import NotFound
from services.api.parts import ApiParts, FileUrl
from services.api.request_log import note
from services.api.scopes import Scope
from services.api.submit import Submission
from shared.accounts.key import KeyOwner
from shared.catalog.model import Catalog
from shared.ids import Prefix, new_id
from shared.providers.capabilities import Kind
from shared.tasks.model import Quote, Task, TaskRequest


def image_endpoints(parts: ApiParts, offers: Offers) -> APIRouter:
    """Images are tasks: the answer is their metadata, the pictures come later."""
    router = APIRouter()
    answer = task_answer(parts)

    @router.post("/images/generations")
    async def generate(request: Request) -> Response:
        owner = await parts.admit(request, Scope.IMAGES)
        content = await read_object(request)
        claim = claim_of(request, "openai.images.generations", content)
        if (kept := await parts.idempotency.replay(owner, claim)) is not None:
            return kept
        call = parse_image(content)
        note(request, model=call.model)
        offered = offers.find(call.model, Kind.IMAGE)
        wanted = request_of(call)
        quote = offered.quote(wanted, owner.terms, parts.clock.now())
        submission = image_submission(request, owner, offered, new_id(Prefix.IMAGE), wanted, quote, claim)
        return await parts.idempotency.create(submission, answer)

    @router.get("/tasks/{task_id}")
    @router.get("/images/generations/{task_id}")
    async def read_task(request: Request, task_id: str) -> Response:
        owner = await parts.admit(request, Scope.TASKS_READ)
        known = task_id.startswith(f"{Prefix.IMAGE.value}_")
        task = await parts.waiting.task(request, task_id, owner.account_id, OPENAI) if known else None
        if task is None:
            raise NotFound("Task not found")
        note(request, model=task.public_model or task.model, task_id=task.id)
        return answer(task).response()

    return router


def image_submission(
    request: Request,
    owner: KeyOwner,
    offered: Offered,
    task_id: str,
    wanted: TaskRequest,
    quote: Quote,
    claim: Claim | None,
) -> Submission:
    """An image task for so many credits each image."""
    note(request, task_id=task_id, credits=offered.credits(quote))
    return Submission(
        task_id=task_id,
        owner=owner,
        dialect=OPENAI,
        kind="image_edit" if wanted.image_urls else "image_generate",
        model=offered.offer.model,
        request=wanted,
        quote=quote,
        deadline=offered.model.deadline,
        callback_url=None,
        request_id=request.state.request_id,
        public_model=offered.public_id,
        claim=claim,
    )


def task_answer(parts: ApiParts) -> Callable[[Task], Answer]:
    """Tells a client of its task."""
    return lambda task: Answer(200, orjson.dumps(task_body(task, parts.file_url, parts.catalog.revealed)))


def task_renderer(file_url: FileUrl, catalog: Catalog) -> RenderTask:
    """Answers with a task of this dialect."""
    return lambda task, status: Response(
        orjson.dumps(task_body(task, file_url, catalog.revealed)), status, media_type="application/json"
    )
