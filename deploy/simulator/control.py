"""The control addresses under `/_sim`: rules, jobs, readiness, input pictures."""

from __future__ import annotations

import orjson
from aiohttp import web

from deploy.simulator.clock import unix_time
from deploy.simulator.render import Picture
from deploy.simulator.rules import RulesError
from deploy.simulator.world import WORLD

_LARGEST_SIDE = 8192


def _json(document: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(document), status=status, content_type="application/json")


async def _put_rules(request: web.Request) -> web.Response:
    rules = request.app[WORLD].rules
    try:
        rules.replace(orjson.loads(await request.read()))
    except orjson.JSONDecodeError as error:
        return _json({"error": f"rules: not JSON: {error}"}, 400)
    except RulesError as error:
        return _json({"error": str(error)}, 400)
    return _json({"rules": rules.listing()})


async def _get_rules(request: web.Request) -> web.Response:
    return _json({"rules": request.app[WORLD].rules.listing()})


async def _delete_rules(request: web.Request) -> web.Response:
    request.app[WORLD].rules.clear()
    return web.Response(status=204)


async def _get_jobs(request: web.Request) -> web.Response:
    """`provider` and `since` (RFC 3339) narrow the list."""
    since = request.query.get("since")
    try:
        moment = None if since is None else unix_time(since)
    except ValueError:
        return _json({"error": f"since: {since!r} is not an RFC 3339 time"}, 400)
    found = request.app[WORLD].jobs.select(request.query.get("provider"), moment)
    return _json({"jobs": [job.listing() for job in found]})


async def _delete_jobs(request: web.Request) -> web.Response:
    """Forgets running jobs too: whoever polls one of them finds nothing, and nobody is told of its end."""
    request.app[WORLD].jobs.clear()
    request.app[WORLD].callbacks.forget()
    return web.Response(status=204)


async def _health(_: web.Request) -> web.Response:
    return _json({"status": "ok"})


async def _image(request: web.Request) -> web.Response:
    size = int(request.match_info["width"]), int(request.match_info["height"])
    if not all(1 <= side <= _LARGEST_SIDE for side in size):
        return _json({"error": f"size: each side is from 1 to {_LARGEST_SIDE} pixels"}, 400)
    picture = Picture(size, f"input {size[0]}x{size[1]}", request.query.get("label", "")[:500])
    data = request.app[WORLD].files.gallery.get(picture)
    return web.Response(body=data, content_type="image/png")


ROUTES = (
    web.put("/_sim/rules", _put_rules),
    web.get("/_sim/rules", _get_rules),
    web.delete("/_sim/rules", _delete_rules),
    web.get("/_sim/jobs", _get_jobs),
    web.delete("/_sim/jobs", _delete_jobs),
    web.get("/_sim/health", _health),
    web.get(r"/_sim/image/{width:\d{1,5}}x{height:\d{1,5}}.png", _image),
)
