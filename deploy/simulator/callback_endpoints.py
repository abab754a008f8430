"""The keys to verify callbacks with, where a provider has no address of its own for them."""

from __future__ import annotations

from aiohttp import web

from deploy.simulator.submission import answer
from deploy.simulator.world import WORLD


async def _fal_keys(request: web.Request) -> web.Response:
    return answer(request.app[WORLD].callbacks.keys.fal_jwks())


async def _kie_key(request: web.Request) -> web.Response:
    return answer({"key": request.app[WORLD].callbacks.keys.kie})


ROUTES = (web.get("/_sim/fal-jwks.json", _fal_keys), web.get("/_sim/kie-webhook-key", _kie_key))
