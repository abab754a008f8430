"""Puts the parts together."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from deploy.simulator import (
    callback_endpoints,
    control,
    fal,
    file_endpoints,
    gemini,
    kie,
    openai,
    openrouter,
    replicate,
    sink_endpoints,
    stripe,
    stripe_control,
)
from deploy.simulator.callbacks import Callbacks
from deploy.simulator.files import FileShelf
from deploy.simulator.inputs import InputImages
from deploy.simulator.jobs import JobBook
from deploy.simulator.rules import RuleBook
from deploy.simulator.signing import WebhookKeys
from deploy.simulator.sink import Sink
from deploy.simulator.world import WORLD, World

_LARGEST_BODY = 64 * 1024 * 1024

PROVIDERS = {provider.NAME: provider.ROUTES for provider in (fal, replicate, kie, gemini, openai, openrouter)}


def build(*, latency: float, polls: int) -> web.Application:
    """The application. `latency` (seconds) and `polls` hold for jobs whose rule does not say otherwise."""
    app = web.Application(client_max_size=_LARGEST_BODY)
    app[WORLD] = World(
        rules=RuleBook(tuple(PROVIDERS), latency=latency, polls=polls),
        jobs=JobBook(),
        files=FileShelf(),
        inputs=InputImages(),
        sink=Sink(),
        callbacks=Callbacks(WebhookKeys.generate(), forged=WebhookKeys.generate()),
    )
    own = (control.ROUTES, sink_endpoints.ROUTES, file_endpoints.ROUTES, callback_endpoints.ROUTES)
    payments = (stripe.ROUTES, stripe_control.ROUTES)
    for routes in (*own, *payments, *PROVIDERS.values()):
        app.add_routes(routes)
    app.cleanup_ctx.append(_outgoing)
    return app


async def _outgoing(app: web.Application) -> AsyncIterator[None]:
    yield
    await app[WORLD].inputs.close()
    await app[WORLD].callbacks.close()
    await app[WORLD].stripe_events.close()
