"""`GET /v1/usage` and `GET /v1/usage/summary`: EggAPI's, and what we add to them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.api.dialects.eggapi.answers import data_answer, page_answer, paging
from services.api.dialects.eggapi.mapping import cost_text, usage_body
from services.api.parts import ApiParts
from services.api.scopes import Scope
from services.api.statements.bodies import usd_text
from services.api.statements.csv import csv_answer, each
from services.api.statements.parameters import (
    InvalidParameter,
    check_names,
    days,
    limit_of,
    name_of,
    period,
    wants_csv,
    word,
)
from services.api.tasks import ChargedAfter, ChargedQuery
from shared.ledger.usage_rows import Group, Usage, UsageQuery
from shared.tasks.model import Task

RECORD_COLUMNS: Final = (
    "id",
    "task_id",
    "model",
    "type",
    "units",
    "unit_cost",
    "cost",
    "created_at",
    "key_id",
    "cost_usd",
)
SUMMARY_COLUMNS: Final = ("total_units", "total_cost", "request_count", "charged_usd", "refunded_usd")
_GROUP_NAMES: Final[Mapping[Group, str]] = {Group.MODEL: "model", Group.KEY: "key_id", Group.DAY: "day"}
_FILTERS: Final = frozenset({"from", "to", "model", "key", "format"})
_PAGED: Final = frozenset({"page", "per_page"})
_AFTER: Final = frozenset({"cursor", "limit"})
_CURSOR: Final = re.compile(r"([0-9]{1,14})\.([A-Za-z0-9_-]{1,60})")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def usage_endpoints(parts: ApiParts) -> APIRouter:
    """Without parameters as in EggAPI's documentation; keys alone come in."""
    router = APIRouter(prefix="/v1")

    @router.get("/usage")
    async def list_usage(request: Request) -> Response:
        owner = await parts.admit(request, Scope.TASKS_READ)
        if wants_csv(request):
            check_names(request, _FILTERS)
            tasks = parts.tasks.all_charged(owner.account_id, _charged(request))
            return csv_answer("usage", RECORD_COLUMNS, _records(tasks))
        if _AFTER.isdisjoint(request.query_params):
            check_names(request, _FILTERS | _PAGED | _AFTER)
            page, per_page = paging(request)
            found = await parts.tasks.charged(owner.account_id, _charged(request), page, per_page)
            return page_answer(found, page, per_page, usage_body)
        check_names(request, _FILTERS | _AFTER)
        limit = limit_of(request)
        found_after = await parts.tasks.charged_after(
            owner.account_id, _charged(request), _after(request), limit + 1
        )
        shown = found_after[:limit]
        next_cursor = _cursor_of(shown[-1]) if len(found_after) > limit else None
        return data_answer({"items": [record_body(task) for task in shown], "next_cursor": next_cursor})

    @router.get("/usage/summary")
    async def summarise_usage(request: Request) -> Response:
        owner = await parts.admit(request, Scope.TASKS_READ)
        as_csv = wants_csv(request)
        check_names(request, _FILTERS | {"by"})
        query = _summary_query(request)
        usage = await parts.usage.summary(owner.account_id, query)
        rows = [group_body(query.by, name, one) for name, one in sorted(usage.items())]
        if as_csv:
            return csv_answer("usage-summary", (_GROUP_NAMES[query.by], *SUMMARY_COLUMNS), each(rows))
        return data_answer(rows if request.query_params else summary_body(usage))

    return router


def record_body(task: Task) -> dict[str, Any]:
    """EggAPI's usage record, with the key and the exact cost."""
    return usage_body(task) | {"key_id": task.key_id, "cost_usd": usd_text(task.cost_nano)}


def summary_body(usage: Mapping[str, Usage]) -> list[dict[str, Any]]:
    """Totals by model, by name; what was refunded is taken off."""
    return [_totals("model", model, one) for model, one in sorted(usage.items())]


def group_body(by: Group, name: str, usage: Usage) -> dict[str, Any]:
    """The same for any group, with exact amounts; the key is null where the ledger names none."""
    return _totals(_GROUP_NAMES[by], name or None, usage) | {
        "charged_usd": usd_text(usage.cost_nano),
        "refunded_usd": usd_text(usage.refunded_nano),
    }


def _totals(name: str, value: str | None, usage: Usage) -> dict[str, Any]:
    return {
        name: value,
        "total_units": usage.units,
        "total_cost": cost_text(usage.net_nano),
        "request_count": usage.tasks,
    }


async def _records(tasks: AsyncIterator[Task]) -> AsyncIterator[dict[str, Any]]:
    async for task in tasks:
        yield record_body(task)


def _charged(request: Request) -> ChargedQuery:
    since, until = period(request)
    return ChargedQuery(since, until, name_of(request, "model"), name_of(request, "key"))


def _summary_query(request: Request) -> UsageQuery:
    since, until = days(request)
    by = word(request, "by", Group) or Group.MODEL
    return UsageQuery(by, since, until, name_of(request, "model"), name_of(request, "key"))


def _after(request: Request) -> ChargedAfter | None:
    given = request.query_params.get("cursor")
    if given is None:
        return None
    found = _CURSOR.fullmatch(given)
    if found is None:
        raise InvalidParameter("cursor", "must be the next_cursor of an earlier answer")
    return _EPOCH + int(found[1]) * _MILLISECOND, found[2]


def _cursor_of(task: Task) -> str:
    at = task.completed_at or task.created_at
    return f"{(at - _EPOCH) // _MILLISECOND}.{task.id}"
