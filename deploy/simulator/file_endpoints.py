"""Serving the generated files, well or badly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aiohttp import web

from deploy.simulator.faults import Fault
from deploy.simulator.files import StoredFile
from deploy.simulator.mp4 import free_space
from deploy.simulator.render import Picture, blackness, jpeg
from deploy.simulator.world import WORLD, World

_HTML = b"<!doctype html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1>"
_DRIP_SECONDS = 1.0
_HUGE_BYTES = 300_000_000
_HUGE_PAUSE_SECONDS = 0.01
_PIECE = bytes(256 * 1024)
_MISSING = frozenset((Fault.OUTPUT_404, Fault.DATA_REMOVED))


async def _serve(request: web.Request) -> web.StreamResponse:
    world = request.app[WORLD]
    stored = world.files.get(request.match_info["name"])
    if stored is None or stored.fault in _MISSING:
        return web.Response(status=404, text="404 page not found")
    if stored.fault is Fault.OUTPUT_REDIRECT:
        return web.Response(status=302, headers={"Location": "/_sim/health"})
    kind = stored.content_type or stored.kind
    short = _short_body(stored)
    if short is not None:
        return web.Response(body=short, content_type=kind)
    data = world.files.gallery.get(stored.drawing)
    if stored.fault is Fault.OUTPUT_SLOW:
        return await _stream(request, kind, len(data), (bytes((byte,)) for byte in data), _DRIP_SECONDS)
    if stored.fault is Fault.OUTPUT_HUGE:
        return await _stream(request, kind, _HUGE_BYTES, _filled(data, _HUGE_BYTES), _HUGE_PAUSE_SECONDS)
    padding = world.files.padding(stored)
    if padding:
        length = len(data) + padding
        return await _stream(request, kind, length, _filled(data + free_space(padding), length))
    return web.Response(body=data, content_type=kind)


def _short_body(stored: StoredFile) -> bytes | None:
    """What a fault puts in place of the drawing."""
    picture = stored.drawing if isinstance(stored.drawing, Picture) else stored.drawing.frame
    match stored.fault:
        case Fault.OUTPUT_HTML:
            return _HTML
        case Fault.OUTPUT_EMPTY:
            return b""
        case Fault.OUTPUT_WRONG_TYPE:
            return jpeg(picture)
        case Fault.NSFW if picture is stored.drawing:
            return blackness(picture.size)
    return None


def _filled(data: bytes, length: int) -> Iterator[bytes]:
    """The data, and zeros up to a length."""
    yield data
    pieces, rest = divmod(length - len(data), len(_PIECE))
    for _ in range(pieces):
        yield _PIECE
    yield _PIECE[:rest]


async def _stream(
    request: web.Request, kind: str, length: int, parts: Iterable[bytes], pause: float = 0
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": kind, "Content-Length": str(length)})
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    world: World = request.app[WORLD]
    for part in parts:
        await response.write(part)
        if pause and await world.pause(pause):
            break
    return response


ROUTES = (web.get("/files/{name}", _serve),)
