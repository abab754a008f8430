"""Parameters of operations, and headers of responses."""

from __future__ import annotations

from typing import Any

from services.api.reference.model import Operation
from services.api.reference.schema import Schema, text, whole


def path(name: str, description: str, **schema: Any) -> Schema:
    return _parameter("path", name, description, text(**schema), required=True)


def query(name: str, description: str, schema: Schema) -> Schema:
    return _parameter("query", name, description, schema, required=False)


def header(name: str, description: str, *, required: bool = False, **schema: Any) -> Schema:
    return _parameter("header", name, description, text(**schema), required=required)


def _parameter(place: str, name: str, description: str, schema: Schema, *, required: bool) -> Schema:
    return {"name": name, "in": place, "description": description, "required": required, "schema": schema}


IDEMPOTENCY_KEY = header(
    "Idempotency-Key",
    "For a day, a request with the same key and body is answered as the first one and makes nothing twice.",
    pattern="^[A-Za-z0-9_:-]{1,255}$",
)


def parameters_of(operation: Operation) -> tuple[Schema, ...]:
    """The operation's own and those that it shares with others."""
    return (*operation.parameters, *((IDEMPOTENCY_KEY,) if operation.idempotent else ()))


HEADERS: dict[str, Schema] = {
    "X-Request-Id": {
        "description": "Of this request: the client's own where it sent one of 8 to 64 letters, digits, `_` "
        "and `-`, else a new one. Tell it to the operator when something went wrong.",
        "required": True,
        "schema": text(),
    },
    "Retry-After": {
        "description": "Whole seconds to wait before the next request.",
        "schema": whole(minimum=0),
    },
    "WWW-Authenticate": {"description": "`Bearer`", "schema": text(const="Bearer")},
    "X-RateLimit-Limit-Requests": {
        "description": "Requests that may come at once; absent where the key has no limit.",
        "schema": whole(minimum=0),
    },
    "X-RateLimit-Remaining-Requests": {
        "description": "How many of them are left now.",
        "schema": whole(minimum=0),
    },
    "X-RateLimit-Reset-Requests": {
        "description": "Until all are left again, such as `1m30s` or `500ms`.",
        "schema": text(),
    },
}
"""By name; responses point to them."""
