"""`GET /v1/ledger`: every entry of the account's ledger with the balance after it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.api.admission import Admission
from services.api.scopes import Scope
from services.api.statements.bodies import COLUMNS, line_body
from services.api.statements.csv import csv_answer
from services.api.statements.parameters import (
    InvalidParameter,
    Order,
    check_names,
    limit_of,
    period,
    wants_csv,
    word,
)
from shared.ledger.entry import EntryKind
from shared.ledger.statement import Position, StatementLine, StatementQuery, Statements, text_of

_CURSOR: Final = re.compile(r"([1-9][0-9]{0,14})\.([0-9]{1,6})")
_ASKED: Final = frozenset({"from", "to", "kind", "order", "format"})
_PAGED: Final = frozenset({"cursor", "limit"})


def ledger_endpoints(admit: Admission, statements: Statements) -> APIRouter:
    """A page as JSON, or the whole period as CSV."""
    router = APIRouter(prefix="/v1")

    @router.get("/ledger")
    async def read_ledger(request: Request) -> Response:
        owner = await admit(request, Scope.BILLING)
        if wants_csv(request):
            check_names(request, _ASKED)
            lines = statements.stream(owner.account_id, _query(request))
            return csv_answer("ledger", COLUMNS, _bodies(lines))
        check_names(request, _ASKED | _PAGED)
        page = await statements.page(owner.account_id, _query(request), limit_of(request), _cursor(request))
        body = {
            "items": [line_body(line) for line in page.lines],
            "next_cursor": text_of(page.next) if page.next else None,
        }
        return Response(orjson.dumps(body), media_type="application/json")

    return router


async def _bodies(lines: AsyncIterator[StatementLine]) -> AsyncIterator[dict[str, Any]]:
    async for line in lines:
        yield line_body(line)


def _query(request: Request) -> StatementQuery:
    since, until = period(request)
    return StatementQuery(
        since, until, word(request, "kind", EntryKind), word(request, "order", Order) is Order.ASCENDING
    )


def _cursor(request: Request) -> Position | None:
    given = request.query_params.get("cursor")
    if given is None:
        return None
    found = _CURSOR.fullmatch(given)
    if found is None:
        raise InvalidParameter("cursor", "must be the next_cursor of an earlier answer")
    return int(found[1]), int(found[2])
