"""`/v1/topups`: paying in, by card or by code."""

from __future__ import annotations

from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response

from services.api.admission import Admission
from services.api.body import read_object
from services.api.claims import claim_of
from services.api.errors import InvalidField, NotFound
from services.api.scopes import Scope
from services.api.topups.bodies import topup_body
from services.api.topups.checkout import TopUpsNotConfigured
from services.api.topups.desk import TopUpDesk
from services.api.topups.requests import is_topup_id, parse_code, parse_topup

DEFAULT_PAGE_SIZE: Final = 20
MOST_PAGE_SIZE: Final = 100


class TopUpNotFound(NotFound):
    """There is no such top-up"""


def topup_endpoints(admit: Admission, desk: TopUpDesk) -> APIRouter:
    """Bodies are `{"id", "status", "amount_usd", …}`; lists `{"items", "next_cursor"}`, newest first."""
    router = APIRouter(prefix="/v1/topups")

    @router.post("")
    async def start_topup(request: Request) -> Response:
        owner = await admit(request, Scope.BILLING)
        content = await read_object(request)
        if desk.checkout is None:
            raise TopUpsNotConfigured
        wanted = parse_topup(content, desk.settings, desk.home, desk.plain_http)
        claim = claim_of(request, "topups.start", content)
        return _json(topup_body(await desk.start(owner, wanted, desk.checkout, claim)), 201)

    @router.get("")
    async def list_topups(request: Request) -> Response:
        owner = await admit(request, Scope.BILLING)
        limit, cursor = _page(request)
        found = await desk.topups.page(owner.account_id, cursor, limit + 1)
        more = found[limit - 1].id if len(found) > limit else None
        return _json({"items": [topup_body(one) for one in found[:limit]], "next_cursor": more})

    @router.post("/redeem")
    async def redeem_code(request: Request) -> Response:
        owner = await admit(request, Scope.BILLING)
        code = parse_code(await read_object(request))
        return _json(topup_body(await desk.redeem(owner, code)))

    @router.get("/{topup_id}")
    async def read_topup(request: Request, topup_id: str) -> Response:
        owner = await admit(request, Scope.BILLING)
        found = await desk.topups.get(topup_id) if is_topup_id(topup_id) else None
        if found is None or found.account_id != owner.account_id:
            raise TopUpNotFound
        return _json(topup_body(found))

    return router


def _page(request: Request) -> tuple[int, str | None]:
    """`limit` and `cursor`. Raises InvalidField."""
    text, cursor = request.query_params.get("limit"), request.query_params.get("cursor")
    plain = text is None or (text.isascii() and text.isdigit() and len(text) < 10)
    limit = DEFAULT_PAGE_SIZE if text is None else int(text) if plain else 0
    if not 1 <= limit <= MOST_PAGE_SIZE:
        raise InvalidField(f"limit must be a whole number from 1 to {MOST_PAGE_SIZE}")
    if cursor is not None and not is_topup_id(cursor):
        raise InvalidField("cursor must be the next_cursor of an earlier answer")
    return limit, cursor


def _json(body: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
