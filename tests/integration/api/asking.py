"""An api of a few endpoints, asked without a network."""

from __future__ import annotations

import httpx
from fastapi import APIRouter, FastAPI, Request

from services.api.middleware import RequestFrame
from services.api.rendering import render_errors
from shared.accounts.key import KeyOwner


async def whoever_says_so(request: Request) -> KeyOwner:
    """Takes the bearer token for the account."""
    account_id = request.headers["authorization"].removeprefix("Bearer ")
    return KeyOwner("key_1", account_id, suspended=False)


def client_of(*routers: APIRouter, account_id: str = "acc_1") -> httpx.AsyncClient:
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    for router in routers:
        app.include_router(router)
    render_errors(app)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(RequestFrame(app), raise_app_exceptions=False),
        base_url="http://api",
        headers={"Authorization": f"Bearer {account_id}"},
    )
