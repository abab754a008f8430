"""`GET /api/v1/logs`: what an account has asked, newest first."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.api.admission import Admission
from services.api.errors import InvalidField
from services.api.request_log import LogQuery, RequestLog
from services.api.scopes import Scope

DEFAULT_LIMIT: Final = 20
MOST_LIMIT: Final = 100
_CURSOR: Final = re.compile(r"log_[0-9a-hjkmnp-tv-z]{26}")
_STATUS: Final = re.compile(r"[1-5]\d\d")
_LIMIT: Final = re.compile(r"[1-9]\d{0,2}")
_MOST_TEXT: Final = 100


def log_endpoints(admit: Admission, requests: RequestLog) -> APIRouter:
    """Entries appear a second or two after their requests, and go after thirty days."""
    router = APIRouter()

    @router.get("/logs")
    async def list_requests(request: Request) -> Response:
        owner = await admit(request, Scope.TASKS_READ)
        limit = _limit(request)
        entries = await requests.page(owner.account_id, _query(request), limit + 1)
        shown, more = entries[:limit], len(entries) > limit
        body = {
            "object": "list",
            "data": [_item(entry) for entry in shown],
            "has_more": more,
            "next_cursor": shown[-1]["_id"] if more else None,
        }
        return Response(orjson.dumps(body), media_type="application/json")

    return router


def _item(entry: dict[str, Any]) -> dict[str, Any]:
    item = {name: value for name, value in entry.items() if name not in ("_id", "account_id", "at")}
    at = entry["at"].astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"id": entry["_id"], "object": "request_log", **item, "at": at}


def _query(request: Request) -> LogQuery:
    """Raises InvalidField."""
    given = request.query_params
    status = given.get("status")
    if status is not None and not _STATUS.fullmatch(status):
        raise InvalidField("status must be an HTTP status, such as 200")
    cursor = given.get("cursor")
    if cursor is not None and not _CURSOR.fullmatch(cursor):
        raise InvalidField("cursor must be the next_cursor of an earlier answer")
    for name in ("model", "key_id"):
        if len(given.get(name, "")) > _MOST_TEXT:
            raise InvalidField(f"{name} must have at most {_MOST_TEXT} characters")
    return LogQuery(
        before=cursor,
        model=given.get("model"),
        key_id=given.get("key_id"),
        status=int(status) if status is not None else None,
        since=_time(request, "from"),
        until=_time(request, "to"),
    )


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(DEFAULT_LIMIT))
    if not _LIMIT.fullmatch(text) or int(text) > MOST_LIMIT:
        raise InvalidField(f"limit must be a whole number between 1 and {MOST_LIMIT}")
    return int(text)


def _time(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        # A plus sign in an address stands for a space.
        at = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise InvalidField(f"{name} must be a time such as 2026-11-20T09:15:00Z") from error
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
