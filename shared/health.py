"""/livez, /readyz and /metrics, the same in every process."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

Checks = Callable[[], Mapping[str, bool]]


def ops_endpoints(checks: Checks, *, show_metrics: bool = True) -> APIRouter:
    """Alive while the process answers; ready while every check holds."""
    router = APIRouter(include_in_schema=False)

    @router.get("/livez")
    async def livez() -> Response:
        return _json({"status": "alive"}, 200)

    @router.get("/readyz")
    async def readyz() -> Response:
        state = dict(checks())
        ready = all(state.values())
        status = "ready" if ready else "not ready"
        return _json({"status": status, "checks": state}, 200 if ready else 503)

    if show_metrics:

        @router.get("/metrics")
        async def metrics() -> Response:
            return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


def _json(body: dict[str, object], status: int) -> Response:
    return Response(orjson.dumps(body), status_code=status, media_type="application/json")
