"""`/v1/webhooks`: endpoints of an account."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from services.api.admission import Admission
from services.api.body import read_object
from services.api.scopes import Scope
from services.api.webhooks.bodies import endpoint_body
from services.api.webhooks.fields import changes, new_endpoint, overlap
from shared.account_events import AccountEvent, AccountEvents, AccountEventType
from shared.clock import Clock
from shared.http import EgressPolicy
from shared.ids import Prefix, new_id
from shared.webhooks.endpoint import Endpoint, EndpointDisabled
from shared.webhooks.endpoints import Endpoints

TEST_MESSAGE = "This is a test of your webhook endpoint."


def endpoint_endpoints(
    admit: Admission, endpoints: Endpoints, events: AccountEvents, egress: EgressPolicy, clock: Clock
) -> APIRouter:
    """Bodies are `{"id", "url", "events", …}`; the secret comes once, when it is made."""
    router = APIRouter(prefix="/v1/webhooks")

    @router.post("")
    async def create_endpoint(request: Request) -> Response:
        owner = await admit(request, Scope.WEBHOOKS)
        new = new_endpoint(await read_object(request), egress)
        endpoint, secret = await endpoints.create(owner.account_id, new)
        return _json({**endpoint_body(endpoint), "secret": secret}, 201)

    @router.get("")
    async def list_endpoints(request: Request) -> Response:
        owner = await admit(request, Scope.WEBHOOKS)
        found = await endpoints.of_account(owner.account_id)
        return _json({"items": [endpoint_body(one) for one in found], "next_cursor": None})

    async def own(request: Request, endpoint_id: str) -> Endpoint:
        """Looked up before the body is: who may not see it learns nothing."""
        owner = await admit(request, Scope.WEBHOOKS)
        return await endpoints.get(owner.account_id, endpoint_id)

    @router.get("/{endpoint_id}")
    async def read_endpoint(request: Request, endpoint_id: str) -> Response:
        return _json(endpoint_body(await own(request, endpoint_id)))

    @router.patch("/{endpoint_id}")
    async def change_endpoint(request: Request, endpoint_id: str) -> Response:
        found = await own(request, endpoint_id)
        wanted = changes(await read_object(request), egress)
        return _json(endpoint_body(await endpoints.change(found.account_id, endpoint_id, wanted)))

    @router.delete("/{endpoint_id}")
    async def delete_endpoint(request: Request, endpoint_id: str) -> Response:
        owner = await admit(request, Scope.WEBHOOKS)
        await endpoints.delete(owner.account_id, endpoint_id)
        return Response(status_code=204)

    @router.post("/{endpoint_id}/test")
    async def test_endpoint(request: Request, endpoint_id: str) -> Response:
        found = await own(request, endpoint_id)
        if not found.enabled:
            raise EndpointDisabled
        data = {"endpoint_id": endpoint_id, "message": TEST_MESSAGE}
        event = AccountEvent(
            new_id(Prefix.EVENT), found.account_id, AccountEventType.WEBHOOK_TEST, data, clock.now()
        )
        await events.record([event])
        return _json({"event_id": event.id}, 202)

    @router.post("/{endpoint_id}/rotate")
    async def rotate_secret(request: Request, endpoint_id: str) -> Response:
        found = await own(request, endpoint_id)
        lasting = overlap(await read_object(request))
        endpoint, secret = await endpoints.rotate(found.account_id, endpoint_id, lasting)
        return _json({**endpoint_body(endpoint), "secret": secret})

    return router


def _json(body: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
