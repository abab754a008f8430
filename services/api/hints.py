"""Callbacks of providers, taken as hints: they only say which task to look at sooner.

What a callback tells of the job is not believed, stored or logged; the worker asks the provider.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping

import orjson
import structlog
from fastapi import APIRouter, Request, Response

from services.api.body import read_bytes
from services.api.errors import BodyTooLarge
from shared.bus.events import Event, EventType
from shared.bus.publisher import Publisher
from shared.clock import Clock
from shared.providers.callbacks.base import CallbackVerifier

log = structlog.get_logger()

MOST_CALLBACK_BYTES = 6 * 1024 * 1024
"""Replicate repeats the input and the logs of a prediction, which may come to five."""
HINT_EVERY_SECONDS = 1.0
MOST_REMEMBERED = 10_000
_TASK_ID = re.compile(r"[a-z]{3,8}_[0-9a-z]{26}")


class Hints:
    """Tells the workers that a provider has called back: at most once a second for each task."""

    def __init__(self, publisher: Publisher, seconds: Callable[[], float] = time.monotonic) -> None:
        self._publisher = publisher
        self._seconds = seconds
        self._told: dict[str, float] = {}

    async def tell(self, task_id: str) -> None:
        """Lost hints do not matter: the worker polls all the same."""
        now = self._seconds()
        if now - self._told.get(task_id, -HINT_EVERY_SECONDS) < HINT_EVERY_SECONDS:
            return
        if len(self._told) >= MOST_REMEMBERED:
            self._told = {one: at for one, at in self._told.items() if now - at < HINT_EVERY_SECONDS}
        self._told[task_id] = now
        await self._publisher.publish([Event(EventType.ATTEMPT_HINTED, (task_id,))])


def hint_endpoints(verifiers: Mapping[str, CallbackVerifier], hints: Hints, clock: Clock) -> APIRouter:
    """`POST /callbacks/{provider}/{task_id}`: 204 for what the provider has really sent.

    Else 401; 404 for a provider without a verifier; 413 for more than 6 MiB. Errors are `{"error": "…"}`.
    """
    router = APIRouter()

    @router.post("/callbacks/{provider}/{task_id}")
    async def take_callback(request: Request, provider: str, task_id: str) -> Response:
        verifier = verifiers.get(provider)
        if verifier is None or not _TASK_ID.fullmatch(task_id):
            return _refused(404, "not_found")
        try:
            body = await read_bytes(request, MOST_CALLBACK_BYTES)
        except BodyTooLarge:
            return _refused(413, "body_too_large")
        if await verifier.verify(request.headers, body, clock.now()) is None:
            log.info("callback not genuine", provider=provider)
            return _refused(401, "unauthorized")
        await hints.tell(task_id)
        return Response(status_code=204)

    return router


def _refused(status: int, code: str) -> Response:
    return Response(orjson.dumps({"error": code}), status, media_type="application/json")
