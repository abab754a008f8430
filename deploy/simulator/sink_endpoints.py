"""Receiving webhooks, and reading what came."""

from __future__ import annotations

import time

from aiohttp import web

from deploy.simulator.query import QueryError, whole_number
from deploy.simulator.sink import Post
from deploy.simulator.world import WORLD

_LONGEST_DELAY_MS = 120_000


async def _receive(request: web.Request) -> web.Response:
    """`fail=N`: answer the first N posts of this name with `status` (500); -1 is all of them."""
    world, name = request.app[WORLD], request.match_info["name"]
    try:
        fail = whole_number(request.query, "fail", 0, low=-1, high=10**9)
        status = whole_number(request.query, "status", 500, low=200, high=599)
        delay_ms = whole_number(request.query, "delay_ms", 0, low=0, high=_LONGEST_DELAY_MS)
    except QueryError as error:
        return web.json_response({"error": str(error)}, status=400)
    body = await request.read()
    received, before = time.time(), world.sink.count(name)
    fails = fail == -1 or before < fail
    answer = status if fails else 200
    headers = {key: ", ".join(request.headers.getall(key)) for key in request.headers}
    world.sink.record(name, Post(received, headers, body, answer))
    if delay_ms:
        await world.pause(delay_ms / 1000)
    retry_after = request.query.get("retry_after")
    extra = {"Retry-After": retry_after} if fails and retry_after is not None else {}
    return web.json_response({"received": before + 1}, status=answer, headers=extra)


async def _read(request: web.Request) -> web.Response:
    posts = request.app[WORLD].sink.posts(request.match_info["name"])
    return web.json_response({"posts": [post.listing() for post in posts]})


async def _forget(request: web.Request) -> web.Response:
    request.app[WORLD].sink.clear(request.match_info["name"])
    return web.Response(status=204)


ROUTES = (
    web.post("/_sim/sink/{name}", _receive),
    web.get("/_sim/sink/{name}", _read),
    web.delete("/_sim/sink/{name}", _forget),
)
