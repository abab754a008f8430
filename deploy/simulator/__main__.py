"""Command line: `python -m deploy.simulator --port 9000`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import ssl
import sys
from pathlib import Path

import uvloop
from aiohttp import web

from deploy.simulator.app import build
from deploy.simulator.world import WORLD

# Handlers that hold a connection open see the closing event; the rest is cut off after this.
_DRAIN_SECONDS = 0.3


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one")
    parser.add_argument("--tls-cert", type=Path, help="PEM chain; with --tls-key the port speaks https")
    parser.add_argument("--tls-key", type=Path)
    parser.add_argument("--latency-ms", type=int, default=0, help="how long a job takes")
    parser.add_argument("--polls", type=int, default=1, help="a job is finished at this poll, not before")
    parser.add_argument("--stripe-hook", help="a loopback address that hears of payments")
    arguments = parser.parse_args()
    if (arguments.tls_cert is None) != (arguments.tls_key is None):
        parser.error("--tls-cert and --tls-key go together")
    return arguments


def _tls(arguments: argparse.Namespace) -> ssl.SSLContext | None:
    if arguments.tls_cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(arguments.tls_cert, arguments.tls_key)
    return context


async def _serve(arguments: argparse.Namespace) -> None:
    app = build(latency=arguments.latency_ms / 1000, polls=arguments.polls)
    app[WORLD].stripe_events.url = arguments.stripe_hook
    closing = app[WORLD].closing
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, closing.set)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=_DRAIN_SECONDS)
    await runner.setup()
    try:
        tls = _tls(arguments)
        await web.TCPSite(runner, arguments.host, arguments.port, ssl_context=tls, backlog=1024).start()
        port = runner.addresses[0][1]
        sys.stdout.write(f"simulator listening on {'https' if tls else 'http'}://{arguments.host}:{port}\n")
        sys.stdout.flush()
        await closing.wait()
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    uvloop.run(_serve(_arguments()))
