"""`GET /v1/methods`, `/v1/prices` and `/v1/balance`."""

from __future__ import annotations

from typing import Any, Final

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.api.dialects.aigenway.errors import InvalidRequest
from services.api.dialects.aigenway.mapping import balance_body, method_body, price_items
from services.api.dialects.aigenway.targets import Targets
from services.api.parts import ApiParts
from services.api.scopes import Scope
from services.api.statements.bodies import BALANCE_COLUMNS, totals_body
from services.api.statements.csv import csv_answer, each
from services.api.statements.parameters import wants_csv

DEFAULT_PAGE_SIZE: Final = 50
MOST_PAGE_SIZE: Final = 100
MOST_PAGE: Final = 1_000_000
_MOST_DIGITS: Final = 9


def listing_endpoints(parts: ApiParts, targets: Targets) -> APIRouter:
    """`provider` in the query leaves out the others; `page` and `pageSize` cut."""
    router = APIRouter()

    @router.get("/methods")
    async def list_methods(request: Request) -> Response:
        await parts.admit(request, Scope.MODELS_READ)
        found = targets.listed(request.query_params.get("provider"))
        return _json({"items": [method_body(target) for target in found]})

    @router.get("/prices")
    async def list_prices(request: Request) -> Response:
        await parts.admit(request, Scope.MODELS_READ)
        page = _whole_number(request, "page", 1, MOST_PAGE)
        size = min(_whole_number(request, "pageSize", DEFAULT_PAGE_SIZE, 10**9), MOST_PAGE_SIZE)
        provider, now = request.query_params.get("provider"), parts.clock.now()
        items = [item for target in targets.listed(provider) for item in price_items(target, now)]
        cut = items[(page - 1) * size : page * size]
        return _json({"items": cut, "page": page, "pageSize": size, "total": len(items)})

    @router.get("/balance")
    async def read_balance(request: Request) -> Response:
        owner = await parts.admit(request, Scope.TASKS_READ)
        balance = (await parts.ledger.balances([owner.account_id]))[owner.account_id]
        if wants_csv(request):
            return csv_answer("balance", BALANCE_COLUMNS, each([totals_body(balance)]))
        return _json(balance_body(balance))

    return router


def _whole_number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    plain = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    if not plain or not 1 <= int(text) <= most:
        raise InvalidRequest(f"{name} must be a whole number between 1 and {most}", {"field": name})
    return int(text)


def _json(body: dict[str, Any]) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
