"""A receiver on this machine that says of every webhook whether its signature is right."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import orjson
from aiohttp import web
from rich.console import Console
from standardwebhooks import Webhook, WebhookVerificationError

HOST = "127.0.0.1"


async def listen(secret: str, port: int, console: Console) -> None:
    """Receive until cancelled. Raises ValueError for a secret that is none, OSError for a port in use."""
    hook = Webhook(secret)

    async def receive(request: web.Request) -> web.Response:
        body = await request.read()
        if (problem := problem_with(hook, body, dict(request.headers))) is not None:
            console.print(f"refused: {problem}")
            return web.Response(status=401)
        console.print(f"{request.headers['webhook-id']}  verified")
        console.print(orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode())
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/{path:.*}", receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        console.print(f"listening on http://{HOST}:{runner.addresses[0][1]}/")
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def problem_with(hook: Webhook, body: bytes, headers: Mapping[str, str]) -> str | None:
    """What is wrong with a webhook, None where nothing is."""
    try:
        hook.verify(body, dict(headers))
    except WebhookVerificationError as error:
        return str(error)
    except ValueError:
        return "neither body nor signature can be read"
    return None
