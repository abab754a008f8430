"""The OpenAI-style platform's endpoints, all under `/api/v1`."""

from __future__ import annotations

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.api.dialects.openai.chat import chat_endpoints
from services.api.dialects.openai.edits import edit_endpoints
from services.api.dialects.openai.embeddings import embedding_endpoints
from services.api.dialects.openai.images import image_endpoints
from services.api.dialects.openai.logs import log_endpoints
from services.api.dialects.openai.offers import Offers
from services.api.parts import ApiParts
from services.api.request_log import RequestLog
from services.api.scopes import Scope
from shared.killpoints import KillPoints

PREFIX = "/api/v1"


def openai_endpoints(parts: ApiParts, requests: RequestLog, killpoints: KillPoints) -> APIRouter:
    """Models, chats, images, embeddings and the request log."""
    offers = Offers(parts.catalog)
    router = APIRouter(prefix=PREFIX)
    router.include_router(_model_endpoints(parts, offers))
    router.include_router(chat_endpoints(parts, offers, killpoints))
    router.include_router(image_endpoints(parts, offers))
    router.include_router(edit_endpoints(parts, offers))
    router.include_router(embedding_endpoints(parts, offers))
    router.include_router(log_endpoints(parts.admit, requests))
    return router


def _model_endpoints(parts: ApiParts, offers: Offers) -> APIRouter:
    router = APIRouter()

    @router.get("/models")
    async def list_models(request: Request) -> Response:
        await parts.admit(request, Scope.MODELS_READ)
        listed = offers.listed(parts.clock.now())
        return Response(orjson.dumps(listed), media_type="application/json")

    return router
