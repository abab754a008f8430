"""The statement: ours, in a place that no vendor uses."""

from __future__ import annotations

from typing import Any

from services.api.reference.aigenway.examples import TASK_ID
from services.api.reference.model import Answer, Content, Operation
from services.api.reference.parameters import query
from services.api.reference.schema import Schema, flag, listing, or_null, record, ref, text, whole
from services.api.reference.statements import CURSOR, FORMAT, FROM, LIMIT, TO, bad_query, file_of, usd
from services.api.scopes import Scope
from services.api.statements.bodies import COLUMNS
from services.api.statements.parameters import Order
from shared.ledger.entry import EntryKind

_LINE: dict[str, Any] = {
    "id": "18.0",
    "at": "2026-11-20T09:15:19.484Z",
    "kind": "end",
    "amount_usd": "0.120000000",
    "held_amount_usd": "0.240000000",
    "task_id": TASK_ID,
    "model": "gpt-image-2",
    "key_id": "key_01k6x0v7w3h2m9q4x1b8c5d7ef",
    "units": 1,
    "available_usd": "12.380000000",
    "held_usd": "0.000000000",
    "spent_usd": "0.120000000",
    "owed_usd": "0.000000000",
}
_PAGE: dict[str, Any] = {"items": [_LINE], "next_cursor": "18.0"}


def ledger_operations() -> tuple[Operation, ...]:
    return (
        Operation(
            method="GET",
            path="/v1/ledger",
            name="readLedger",
            summary="Read the statement",
            description="Every entry of the account's ledger, each with the balance right after it, newest "
            "first. A page may hold fewer entries than `limit`, or none, and still have a `next_cursor`: go "
            "on until that is null.",
            scope=Scope.BILLING,
            parameters=(
                FROM,
                TO,
                query("kind", "Only entries of this kind.", text(enum=[one.value for one in EntryKind])),
                query(
                    "order",
                    "By time.",
                    text(enum=[one.value for one in Order], default=Order.DESCENDING.value),
                ),
                CURSOR,
                LIMIT,
                FORMAT,
            ),
            answers=(
                Answer(
                    200,
                    "A page of entries, or a file of all.",
                    (Content(ref("LedgerPage"), {"One entry": _PAGE}), file_of(COLUMNS, _LINE)),
                ),
            ),
            problems=(bad_query("limit", "must be a whole number between 1 and 100"),),
        ),
    )


def ledger_schemas() -> dict[str, Schema]:
    line = record(
        {
            "id": text("The same for ever.", pattern=r"^[0-9]+\.[0-9]+$"),
            "at": text(format="date-time"),
            "kind": text(
                "`hold` sets money aside for a task, `end` charges what was delivered and gives back the "
                "rest, `topup` brings money, `refund` gives back a charge, `adjust` is the operator's, "
                "`reversal` takes back a payment, `cap` sets a spend cap and moves nothing.",
                enum=[one.value for one in EntryKind],
            ),
            "amount_usd": usd("USD: what was held, charged, brought or taken; of a cap its limit."),
            "held_amount_usd": usd("Of an end: the hold that it ended."),
            "task_id": text(),
            "model": text(),
            "key_id": text(),
            "units": whole("Of an end: what was delivered.", minimum=0),
            "reason": text("Of a refund or an adjustment."),
            "per": text("Of a cap.", enum=["day", "month"]),
            "removed": flag("Of a cap that was removed."),
            "available_usd": usd("After this entry; so are the next three."),
            "held_usd": usd(),
            "spent_usd": usd(),
            "owed_usd": usd("Of payments taken back after they were spent."),
        },
        "held_amount_usd", "task_id", "model", "key_id", "units", "reason", "per", "removed",
        description="What does not apply is left out.",
    )  # fmt: skip
    return {
        "LedgerPage": record({"items": listing(ref("LedgerEntry")), "next_cursor": or_null(text())}),
        "LedgerEntry": line,
    }
