"""`/v1/webhooks/deliveries`: what was sent, what came of it, and sending it again."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from services.api.admission import Admission
from services.api.body import read_object
from services.api.scopes import Scope
from services.api.webhooks.bodies import delivery_body, delivery_row
from services.api.webhooks.fields import again_since, delivery_filter, page_of
from shared.webhooks.deliveries import DeliveryLog
from shared.webhooks.endpoints import Endpoints


def delivery_endpoints(admit: Admission, log: DeliveryLog, endpoints: Endpoints) -> APIRouter:
    """Deliveries to endpoints and to callbacks of tasks. Lists are `{"items", "next_cursor"}`."""
    router = APIRouter(prefix="/v1/webhooks")

    @router.get("/deliveries")
    async def list_deliveries(request: Request) -> Response:
        owner = await admit(request, Scope.WEBHOOKS)
        limit, cursor = page_of(request.query_params)
        where = delivery_filter(request.query_params)
        found = await log.page(owner.account_id, where, cursor, limit + 1)
        more = found[limit - 1]["_id"] if len(found) > limit else None
        return _json({"items": [delivery_row(one) for one in found[:limit]], "next_cursor": more})

    @router.get("/deliveries/{delivery_id}")
    async def read_delivery(request: Request, delivery_id: str) -> Response:
        owner = await admit(request, Scope.WEBHOOKS)
        return _json(delivery_body(await log.get(owner.account_id, delivery_id)))

    @router.post("/deliveries/{delivery_id}/redeliver")
    async def redeliver(request: Request, delivery_id: str) -> Response:
        owner = await admit(request, Scope.WEBHOOKS)
        return _json(delivery_row(await log.redeliver(owner.account_id, delivery_id)), 202)

    @router.post("/redeliver")
    async def redeliver_since(request: Request) -> Response:
        owner = await admit(request, Scope.WEBHOOKS)
        since, endpoint_id = again_since(await read_object(request))
        if endpoint_id is not None:
            await endpoints.get(owner.account_id, endpoint_id)
        count, more = await log.redeliver_since(owner.account_id, since, endpoint_id)
        return _json({"redelivered": count, "has_more": more}, 202)

    return router


def _json(body: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
