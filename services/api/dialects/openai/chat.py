"""`POST /chat/completions`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.api.body import read_object
from services.api.claims import claim_of
from services.api.dialects.openai.chat_answers import ChatAnswer
from services.api.dialects.openai.chat_schemas import ChatCall, parse_chat
from services.api.dialects.openai.connection import WhileConnected
from services.api.dialects.openai.messages import image_urls, is_inline
from services.api.dialects.openai.offers import Offers
from services.api.dialects.openai.orders import open_order
from services.api.errors import InvalidField
from services.api.parts import ApiParts
from services.api.request_log import note
from services.api.scopes import Scope
from shared.http import EgressPolicy, UnsafeAddress
from shared.ids import Prefix
from shared.killpoints import KillPoints
from shared.providers.capabilities import Kind

MOST_BODY_BYTES = 16 * 1024 * 1024
"""Pictures come inside the messages."""


def chat_endpoints(parts: ApiParts, offers: Offers, killpoints: KillPoints) -> APIRouter:
    """Credits are held before a provider is asked, and taken once it has answered."""
    router = APIRouter()

    @router.post("/chat/completions")
    async def complete(request: Request) -> Response:
        owner = await parts.admit(request, Scope.CHAT)
        content = await read_object(request, MOST_BODY_BYTES)
        claim = claim_of(request, "openai.chat.completions", content)
        if (kept := await parts.idempotency.replay(owner, claim)) is not None:
            return kept
        call = parse_chat(content)
        note(request, model=call.model)
        offered = offers.find(call.model, Kind.CHAT)
        _check_images(call, parts.egress)
        task = await open_order(parts, request, owner, offered, Prefix.CHAT, claim)
        answer = ChatAnswer(parts, request, task, call, killpoints)
        return WhileConnected(answer.streamed if call.stream else answer.whole)

    return router


def _check_images(call: ChatCall, egress: EgressPolicy) -> None:
    """Addresses of pictures are fetched by us or by providers. Raises InvalidField."""
    for url in image_urls(call.messages):
        if is_inline(url):
            continue
        try:
            egress.check_url(url)
        except UnsafeAddress as error:
            raise InvalidField(f"image_url {url[:100]} is not usable: {error.message}") from error
