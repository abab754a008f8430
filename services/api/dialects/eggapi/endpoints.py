"""EggAPI's five endpoints."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.api.body import read_object
from services.api.cancel import RenderTask
from services.api.claims import Answer, claim_of
from services.api.dialects.eggapi.mapping import (
    FileUrl,
    kind_of,
    request_of,
    summary_body,
    task_body,
    usage_body,
)
from services.api.dialects.eggapi.schemas import REQUESTS, GenerateRequest, ImageRequest, parse_generate
from services.api.dialects.paths import EGGAPI
from services.api.errors import InvalidField, MalformedRequest, NotFound
from services.api.parts import ApiParts
from services.api.request_log import note
from services.api.scopes import Scope
from services.api.submit import Submission
from services.api.tasks import Page
from shared.accounts.key import KeyOwner
from shared.catalog.model import Catalog
from shared.catalog.price import PriceRequest, price
from shared.catalog.rate import ModelOffer
from shared.http import EgressPolicy, UnsafeAddress
from shared.ids import Prefix, new_id
from shared.tasks.model import Task

SCOPE = "eggapi.generate"
"""Of Idempotency-Keys."""
DEFAULT_PER_PAGE = 20
MOST_PER_PAGE = 100
MOST_PAGE = 1_000_000
_MOST_DIGITS = 12


def eggapi_endpoints(parts: ApiParts) -> APIRouter:
    """`/v1/generate`, `/v1/tasks`, `/v1/usage`."""
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
            submission, lambda task: Answer(202, _bytes(task_body(task, file_url)))
        )

    # Ids with another beginning are another dialect's.
    @router.get("/tasks/gen_{rest}")
    async def read_task(request: Request, rest: str) -> Response:
        owner = await key_or_session(request, Scope.TASKS_READ)
        task = await parts.waiting.task(request, f"gen_{rest}", owner.account_id, EGGAPI)
        if task is None:
            raise NotFound("Task not found")
        return _data(task_body(task, file_url))

    @router.get("/tasks")
    async def list_tasks(request: Request) -> Response:
        owner = await key_or_session(request, Scope.TASKS_READ)
        page, per_page = paging(request)
        found = await tasks.page(owner.account_id, EGGAPI, page, per_page)
        return _page(found, page, per_page, lambda task: task_body(task, file_url))

    @router.get("/usage")
    async def list_usage(request: Request) -> Response:
        owner = await admit(request, Scope.TASKS_READ)
        page, per_page = paging(request)
        found = await tasks.charged(owner.account_id, page, per_page)
        return _page(found, page, per_page, usage_body)

    @router.get("/usage/summary")
    async def summarise_usage(request: Request) -> Response:
        owner = await admit(request, Scope.TASKS_READ)
        return _data(summary_body(await parts.usage.summary(owner.account_id)))

    return router


def task_renderer(file_url: FileUrl) -> RenderTask:
    """Answers with a task of this dialect."""
    return lambda task, status: _data(task_body(task, file_url), status)


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


def paging(request: Request) -> tuple[int, int]:
    """`page` from 1 and `per_page`, at most a hundred. Raises MalformedRequest."""
    page = _whole_number(request, "page", 1, MOST_PAGE)
    return page, min(_whole_number(request, "per_page", DEFAULT_PER_PAGE, 10**9), MOST_PER_PAGE)


def _whole_number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    plain = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    if not plain or not 1 <= int(text) <= most:
        raise MalformedRequest(f"{name} must be a whole number between 1 and {most}")
    return int(text)


def _page(found: Page, page: int, per_page: int, item: Callable[[Task], dict[str, Any]]) -> Response:
    pagination = {
        "page": page,
        "per_page": per_page,
        "total": found.total,
        "total_pages": math.ceil(found.total / per_page),
    }
    return _data({"items": [item(task) for task in found.tasks], "pagination": pagination})


def _data(data: Any, status: int = 200) -> Response:
    return Response(_bytes(data), status, media_type="application/json")


def _bytes(data: Any) -> bytes:
    return orjson.dumps({"data": data, "error": None})
