"""EggAPI's usage, and what we add to it."""

from __future__ import annotations

from typing import Any

from services.api.dialects.eggapi.usage import RECORD_COLUMNS, SUMMARY_COLUMNS
from services.api.reference.eggapi import examples
from services.api.reference.model import Answer, Content, Operation, Problem
from services.api.reference.parameters import query
from services.api.reference.schema import Schema, listing, or_null, record, ref, text, whole
from services.api.reference.statements import (
    CURSOR,
    FORMAT,
    FROM,
    LIMIT,
    TO,
    bad_query,
    file_of,
    named,
    usd,
)
from services.api.scopes import Scope
from shared.ledger.usage_rows import Group

_KEY_ID = "key_01k6x0v7w3h2m9q4x1b8c5d7ef"
_MODEL = named("model", "Only of this model.")
_KEY = named("key", "Only of the key with this id.")
_RECORD: dict[str, Any] = {
    **examples.USAGE_PAGE["data"]["items"][0],
    "key_id": _KEY_ID,
    "cost_usd": "0.010000000",
}
_AFTER = {"data": {"items": [_RECORD], "next_cursor": None}, "error": None}
_DAY: dict[str, Any] = {
    "day": "2026-11-20",
    "total_units": 12,
    "total_cost": "$0.1100",
    "request_count": 9,
    "charged_usd": "0.120000000",
    "refunded_usd": "0.010000000",
}


def usage_operations(pages: tuple[Schema, ...], bad_page: Problem) -> tuple[Operation, ...]:
    return (_records(pages, bad_page), _summary())


def _records(pages: tuple[Schema, ...], bad_page: Problem) -> Operation:
    shown = {"A page": examples.USAGE_PAGE, "From a cursor": _AFTER}
    return Operation(
        method="GET",
        path="/v1/usage",
        name="listUsage",
        summary="List charged tasks, last completed first",
        description="With `limit` or `cursor` instead of `page` and `per_page`, the answer has a "
        "`next_cursor` and no counts, and comes as fast for the millionth record as for the first.",
        scope=Scope.TASKS_READ,
        parameters=(*pages, CURSOR, LIMIT, FROM, TO, _MODEL, _KEY, FORMAT),
        answers=(
            Answer(
                200,
                "Usage records.",
                (Content(ref("UsagePage"), shown), file_of(RECORD_COLUMNS, _RECORD)),
            ),
        ),
        problems=(bad_page, bad_query("limit", "must be a whole number between 1 and 100")),
    )


def _summary() -> Operation:
    by_day = {"data": [_DAY], "error": None}
    return Operation(
        method="GET",
        path="/v1/usage/summary",
        name="summariseUsage",
        summary="Totals by model, key or day",
        description="Without parameters by model, of all time. Refunds are taken off `total_cost` on the day "
        "they are made. `from` and `to` are whole days in UTC.",
        scope=Scope.TASKS_READ,
        parameters=(
            query("by", "What to add up by.", text(enum=[one.value for one in Group], default="model")),
            FROM,
            TO,
            _MODEL,
            _KEY,
            FORMAT,
        ),
        answers=(
            Answer(
                200,
                "One entry for each model, key or day.",
                (
                    Content(ref("UsageSummary"), {"By model": examples.SUMMARY, "By day": by_day}),
                    file_of(("day", *SUMMARY_COLUMNS), _DAY),
                ),
            ),
        ),
        problems=(bad_query("by", "must be one of: model, key, day"),),
    )


def usage_schemas(cost: str, pagination: Schema) -> dict[str, Schema]:
    facts = {
        "id": text(pattern="^use_"),
        "task_id": text(),
        "model": text(),
        "type": text(),
        "units": whole("Images, or seconds of video.", minimum=0),
        "unit_cost": text(pattern=cost),
        "cost": text(pattern=cost),
        "created_at": text(format="date-time"),
    }
    exact = record({**facts, "key_id": text(), "cost_usd": usd()})
    after = record({"items": listing(exact), "next_cursor": or_null(text())})
    page = record({"items": listing(ref("UsageRecord")), "pagination": pagination})
    groups = listing({"anyOf": [ref("ModelUsage"), ref("GroupUsage")]})
    return {
        "UsageRecord": record(facts),
        "UsagePage": record({"data": {"anyOf": [page, after]}, "error": {"type": "null"}}),
        "UsageSummary": record({"data": groups, "error": {"type": "null"}}),
        "ModelUsage": record({"model": text(), **_totals(cost)}),
        "GroupUsage": record(
            {
                "model": text(),
                "key_id": or_null(text("Null where the ledger names none.")),
                "day": text(format="date"),
                **_totals(cost),
                "charged_usd": usd(),
                "refunded_usd": usd(),
            },
            "model", "key_id", "day",
            description="With any parameter: what it is added up by, and exact amounts besides.",
        ),
    }  # fmt: skip


def _totals(cost: str) -> dict[str, Schema]:
    return {
        "total_units": whole("Images, or seconds of video.", minimum=0),
        "total_cost": text("Charged, without what was refunded.", pattern=cost.replace("^", "^-?")),
        "request_count": whole("Tasks that were charged.", minimum=0),
    }
