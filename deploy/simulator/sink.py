"""A receiver of webhooks that keeps the exact bytes and can be told to fail."""

from __future__ import annotations

import base64
import time
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from deploy.simulator.clock import rfc3339
from deploy.simulator.query import QueryError, whole_number
from deploy.simulator.world import WORLD

_LONGEST_DELAY_MS = 120_000


@dataclass(frozen=True, slots=True)
class Post:
    received: float
    headers: dict[str, str]
    body: bytes
    status: int

    def listing(self) -> dict[str, Any]:
        return {
            "received_at": rfc3339(self.received),
            "headers": self.headers,
            "body_base64": base64.b64encode(self.body).decode(),
            "status": self.status,
        }


class Sink:
    """Received posts by name. The oldest of all names go first beyond `most_posts` or `most_bytes`."""

    def __init__(self, most_posts: int = 100_000, most_bytes: int = 64_000_000) -> None:
        self._most_posts, self._most_bytes = most_posts, most_bytes
        self._seen: OrderedDict[str, int] = OrderedDict()
        self._posts: deque[tuple[str, Post]] = deque()
        self._bytes = 0

    def count(self, name: str) -> int:
        """Count a post of this name; returns how many came before."""
        before = self._seen.get(name, 0)
        self._seen[name] = before + 1
        if len(self._seen) > self._most_posts:
            self._seen.popitem(last=False)
        return before

    def record(self, name: str, post: Post) -> None:
        self._posts.append((name, post))
        self._bytes += len(post.body)
        while len(self._posts) > self._most_posts or self._bytes > self._most_bytes:
            self._bytes -= len(self._posts.popleft()[1].body)

    def posts(self, name: str) -> list[Post]:
        return [post for owner, post in self._posts if owner == name]

    def clear(self, name: str) -> None:
        """Forget the posts of a name, so that the next one is its first."""
        self._seen.pop(name, None)
        self._posts = deque((owner, post) for owner, post in self._posts if owner != name)
        self._bytes = sum(len(post.body) for _, post in self._posts)


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
