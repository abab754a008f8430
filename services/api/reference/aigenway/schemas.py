"""Aigenway's bodies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby

from services.api.dialects.aigenway.targets import Target
from services.api.reference.schema import (
    Schema,
    flag,
    listing,
    number,
    or_null,
    record,
    ref,
    text,
    whole,
)

TASK_ID = "^tsk_[0-9A-Z]{26}$"
_UNITS = "Units of 10⁻⁸ USD: `12000000` is $0.12."
_NAMES: Mapping[str, Schema] = {"provider": text(), "model": text(), "method": text()}
_OPEN: Schema = {"type": "object"}


def schemas(targets: Iterable[Target]) -> dict[str, Schema]:
    """By name; what methods take comes from the catalog."""
    listed = sorted(targets, key=lambda target: target.offer.parameters)
    return {
        **_requests(listed),
        **_answers(),
        **_lists(),
        "WebhookBody": _webhook(),
        "Error": record(
            {
                "success": flag(const=False),
                "error": record(
                    {
                        "code": text("Stable; see the table of errors."),
                        "message": text(),
                        "details": _OPEN,
                        "request_id": text("As `X-Request-Id`."),
                    }
                ),
            }
        ),
    }


def params_name(table: str) -> str:
    """`banana_image` is described as `ParamsBananaImage`."""
    return f"Params{table.title().replace('_', '')}"


def _requests(targets: list[Target]) -> dict[str, Schema]:
    tables: dict[str, Schema] = {}
    variants: list[Schema] = []
    for name, same in groupby(targets, key=lambda target: target.offer.parameters):
        group = list(same)
        tables[params_name(name)] = group[0].table.schema()
        variants.append(_variant(group, params_name(name)))
    properties: dict[str, Schema] = {
        "provider": text("As `GET /v1/methods` lists it.", enum=_distinct(one.provider for one in targets)),
        "model": text("Of the provider.", enum=_distinct(one.model for one in targets)),
        "method": text("Of the model.", enum=_distinct(one.method for one in targets)),
        "params": {**_OPEN, "description": "What the method takes: one of the `Params…` objects."},
        "coupon": or_null(text("A code for a discount.", maxLength=64)),
        "callback_url": or_null(text("Where to tell of the task's end.", format="uri", maxLength=2048)),
    }
    needed = ["provider", "model", "method", "params"]
    return {
        "GenerationRequest": {
            "type": "object",
            "properties": properties,
            "required": needed,
            "anyOf": variants,
        },
        **tables,
    }


def _variant(group: list[Target], params: str) -> Schema:
    return {
        "properties": {
            "provider": {"enum": _distinct(one.provider for one in group)},
            "model": {"enum": _distinct(one.model for one in group)},
            "method": {"enum": _distinct(one.method for one in group)},
            "params": ref(params),
        }
    }


def _distinct(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))


def _answers() -> dict[str, Schema]:
    status = text(
        "The last three are final.", enum=["PENDING", "PROCESSING", "SUCCEEDED", "FAILED", "CANCELLED"]
    )
    result: Schema = {
        "anyOf": [ref("MediaResult"), ref("TextResult"), {"type": "null"}],
        "description": "Null until there is one.",
    }
    ends: dict[str, Schema] = {
        "error_code": text(),
        "error_message": text("For people."),
        "meta": ref("Meta"),
    }
    return {
        "Estimate": record(
            {
                **_NAMES,
                "estimated_amount": text(f"The most that it can cost. {_UNITS}"),
                "discount_amount": text("What the account's discount and the coupon take off."),
                "currency": text(const="USD"),
                "bundle": _OPEN | {"description": "What the price depends on."},
                "balance_sufficient": flag(),
                "items": listing(
                    record({"text": text(), "units": whole(), "amount": text(_UNITS)}),
                    "How it comes about; discounts are negative. They add up to `estimated_amount`.",
                ),
            }
        ),
        "Queued": record({"task_id": text(pattern=TASK_ID), "status": text(const="queued")}),
        "TaskResult": record(
            {"task_id": text(pattern=TASK_ID), "status": status, "result": result, **ends}, *ends
        ),
        "Task": record(
            {
                "id": text(pattern=TASK_ID),
                "status": status,
                "mode": text(enum=["SYNC", "ASYNC"]),
                "started_at": _time(),
                "finished_at": _time(),
                "result": result,
                **ends,
            },
            *ends,
        ),
        "File": record(_file()),
        "MediaResult": record(
            {**_file(), "files": listing(ref("File"), minItems=1)}, description="The first file, and all."
        ),
        "TextResult": record(
            {
                "text": text("Of a text method."),
                "finish_reason": text(enum=["STOP", "MAX_TOKENS", "SAFETY"]),
                "model": text(),
                "usage": record(
                    {name: whole(minimum=0) for name in ("input_tokens", "output_tokens", "total_tokens")}
                ),
                "files": listing({}, maxItems=0),
                "meta": ref("Meta"),
            },
            "text", "finish_reason", "meta",
        ),
        "Meta": record(
            {
                "embeddings": listing(listing(number()), "One vector for each text."),
                "tool_calls": listing(_OPEN, "Functions that the model calls."),
            },
            "embeddings", "tool_calls",
            description="Inside the result, and beside it too.",
        ),
    }  # fmt: skip


def _file() -> dict[str, Schema]:
    return {
        "type": text(enum=["image", "video"]),
        "url": text("Needs no key.", format="uri"),
        "mime_type": text(),
        "available_until": text("Thirty days after the task's end.", format="date-time"),
    }


def _lists() -> dict[str, Schema]:
    pricing = text(enum=["PER_IMAGE", "PER_SECOND", "PER_REQUEST", "PER_TOKEN"])
    method = record(
        {
            **_NAMES,
            "modes": listing(text(enum=["SYNC", "ASYNC"])),
            "params_schema": _OPEN | {"description": "A JSON Schema of `params`."},
            "pricing_type": pricing,
        }
    )
    price = record(
        {
            **_NAMES,
            "pricing_type": pricing,
            "bundle": _OPEN | {"description": "Options with this price; of tokens, their kind and number."},
            "amount": text(_UNITS),
            "currency": text(const="USD"),
        }
    )
    counts = {name: whole(minimum=0) for name in ("page", "pageSize", "total")}
    amounts = {name: text(_UNITS) for name in ("balance", "held", "available")}
    return {
        "Method": method,
        "MethodList": record({"items": listing(ref("Method"))}),
        "Price": price,
        "PricePage": record({"items": listing(ref("Price")), **counts}),
        "Balance": record(
            {
                **amounts,
                "currency": text(const="USD"),
                "owed": text("Of payments taken back after they were spent; absent when nothing is."),
            },
            "owed",
        ),
    }


def _webhook() -> Schema:
    return record(
        {
            "event": text("Of failures too: `status` tells.", const="generation.completed"),
            "task_id": text(pattern=TASK_ID),
            "status": text(enum=["succeeded", "failed", "cancelled"]),
            **_NAMES,
            "charged_amount": text(_UNITS),
            "currency": text(const="USD"),
            "result": {"anyOf": [ref("MediaResult"), ref("TextResult"), {"type": "null"}]},
            "error": {"anyOf": [record({"code": text(), "message": text()}), {"type": "null"}]},
        }
    )


def _time() -> Schema:
    return or_null(text(format="date-time"))
