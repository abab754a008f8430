"""EggAPI's endpoints for generations and tasks."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.api.body import read_object
from services.api.cancel import RenderTask
from services.api.claims import Answer, claim_of
from services.api.dialects.eggapi.answers import data_answer, data_bytes, page_answer, paging
from services.api.dialects.eggapi.mapping import (
    FileUrl,
    kind_of,
    request_of,
    task_body,
)
from services.api.dialects.eggapi.schemas import REQUESTS, GenerateRequest, ImageRequest, parse_generate
from services.api.dialects.paths import EGGAPI
from services.api.errors import InvalidField, NotFound
from services.api.parts import ApiParts
from services.api.request_log import note
from services.api.scopes import Scope
from services.api.submit import Submission
from shared.accounts.key import KeyOwner
from shared.catalog.model import Catalog
from shared.catalog.price import PriceRequest, price
from shared.catalog.rate import ModelOffer
from shared.http import EgressPolicy, UnsafeAddress
from shared.ids import Prefix, new_id

SCOPE = "eggapi.generate"
"""Of Idempotency-Keys."""


def eggapi_endpoints(parts: ApiParts) -> APIRouter:
    """`/v1/generate` and `/v1/tasks`."""
    router = APIRouter(prefix="/v1")
    admit, tasks, catalog, file_url = parts.admit, parts.tasks, parts.catalog, parts.file_url

    async def key_or_session(request: Request, scope: Scope) -> KeyOwner:
        """Who asks for a generation or for tasks: today the owner of a bearer key.

        EggAPI takes the dashboard's session cookie at these addresses too, and a key alone at `/v1/usage`
        (EggAPI documentation, "Authentication"). A dashboard's sessions come in here.
        """
        return await admit(request, scope)

    @router.post("/generate", status_code=202)
    async def generate(request: Request) -> Response:
        owner = await key_or_session(request, Scope.IMAGES)
        content = await read_object(request)
        claim = claim_of(request, SCOPE, content)
        if (kept := await parts.idempotency.replay(owner, claim)) is not None:
            return kept
        body = parse_generate(content, _schema(content.get("model"), catalog) or ImageRequest)
        _check(body, catalog, parts.egress)
        model, task_request = catalog.models[body.model], request_of(body)
        asked = PriceRequest(ModelOffer(body.model), task_request)
        quote = price(asked, catalog, owner.terms, None, parts.clock.now())
        task_id = new_id(Prefix.EGGAPI_TASK)
        note(request, model=body.model, task_id=task_id)
        submission = Submission(
            task_id=task_id,
            owner=owner,
            dialect=EGGAPI,
            kind=kind_of(body),
            model=body.model,
            request=task_request,
            quote=quote,
            deadline=model.deadline,
            callback_url=body.webhook_url,
            request_id=request.state.request_id,
            claim=claim,
        )
        return await parts.idempotency.create(
            submission, lambda task: Answer(202, data_bytes(task_body(task, file_url)))
        )

    # Ids with another beginning are another dialect's.
    @router.get("/tasks/gen_{rest}")
    async def read_task(request: Request, rest: str) -> Response:
        owner = await key_or_session(request, Scope.TASKS_READ)
        task = await parts.waiting.task(request, f"gen_{rest}", owner.account_id, EGGAPI)
        if task is None:
            raise NotFound("Task not found")
        return data_answer(task_body(task, file_url))

    @router.get("/tasks")
    async def list_tasks(request: Request) -> Response:
        owner = await key_or_session(request, Scope.TASKS_READ)
        page, per_page = paging(request)
        found = await tasks.page(owner.account_id, EGGAPI, page, per_page)
        return page_answer(found, page, per_page, lambda task: task_body(task, file_url))

    return router


def task_renderer(file_url: FileUrl) -> RenderTask:
    """Answers with a task of this dialect."""
    return lambda task, status: data_answer(task_body(task, file_url), status)


def _schema(model: Any, catalog: Catalog) -> type[GenerateRequest] | None:
    """What requests for a model look like; None for a model that this dialect does not offer."""
    sold = isinstance(model, str) and model in catalog.sold_by_eggapi
    return REQUESTS.get(catalog.models[model].kind) if sold else None


def _check(body: GenerateRequest, catalog: Catalog, egress: EgressPolicy) -> None:
    """What a schema cannot know. Raises InvalidField."""
    if _schema(body.model, catalog) is None:
        raise InvalidField(f"model must be one of: {', '.join(catalog.sold_by_eggapi)}")
    urls = [(f"image_urls[{number}]", url) for number, url in enumerate(body.image_urls)]
    urls += [("image_url", body.image_url)] if body.image_url else []
    urls += [("webhook_url", body.webhook_url)] if body.webhook_url else []
    for field, url in urls:
        try:
            egress.check_url(url)
        except UnsafeAddress as error:
            raise InvalidField(f"{field} is not usable: {error.message}") from error
