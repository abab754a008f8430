"""EggAPI's envelope and pages."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import orjson
from fastapi import Request
from fastapi.responses import Response

from services.api.errors import MalformedRequest
from services.api.tasks import Page
from shared.tasks.model import Task

DEFAULT_PER_PAGE = 20
MOST_PER_PAGE = 100
MOST_PAGE = 1_000_000
_MOST_DIGITS = 12


def paging(request: Request) -> tuple[int, int]:
    """`page` from 1 and `per_page`, at most a hundred. Raises MalformedRequest."""
    page = _whole_number(request, "page", 1, MOST_PAGE)
    return page, min(_whole_number(request, "per_page", DEFAULT_PER_PAGE, 10**9), MOST_PER_PAGE)


def _whole_number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    plain = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    if not plain or not 1 <= int(text) <= most:
        raise MalformedRequest(f"{name} must be a whole number between 1 and {most}")
    return int(text)


def page_answer(found: Page, page: int, per_page: int, item: Callable[[Task], dict[str, Any]]) -> Response:
    """One page of tasks, each as its item."""
    pagination = {
        "page": page,
        "per_page": per_page,
        "total": found.total,
        "total_pages": math.ceil(found.total / per_page),
    }
    return data_answer({"items": [item(task) for task in found.tasks], "pagination": pagination})


def data_answer(data: Any, status: int = 200) -> Response:
    """A success."""
    return Response(data_bytes(data), status, media_type="application/json")


def data_bytes(data: Any) -> bytes:
    return orjson.dumps({"data": data, "error": None})
