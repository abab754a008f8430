"""Serving the generated files, well or badly."""

from __future__ import annotations

from aiohttp import web

from deploy.simulator.faults import Fault
from deploy.simulator.world import WORLD, World

_HTML = b"<!doctype html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1>"
_DRIP_SECONDS = 1.0


async def _serve(request: web.Request) -> web.StreamResponse:
    world = request.app[WORLD]
    stored = world.files.get(request.match_info["name"])
    if stored is None or stored.fault is Fault.OUTPUT_404:
        return web.Response(status=404, text="404 page not found")
    if stored.fault is Fault.OUTPUT_HTML:
        return web.Response(body=_HTML, content_type="image/png")
    data = world.files.gallery.get(stored.picture)
    if stored.fault is Fault.OUTPUT_SLOW:
        return await _drip(request, world, data)
    return web.Response(body=data, content_type="image/png")


async def _drip(request: web.Request, world: World, data: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "image/png", "Content-Length": str(len(data))})
    await response.prepare(request)
    for byte in data:
        await response.write(bytes((byte,)))
        if await world.pause(_DRIP_SECONDS):
            break
    return response


ROUTES = (web.get("/files/{name}", _serve),)
