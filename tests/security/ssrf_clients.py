"""A place that nobody may reach, and everything of ours that connects to addresses of strangers."""

from __future__ import annotations

import errno
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from pydantic import SecretStr
from yarl import URL

from services.notifier.sender import Answer, Sender
from services.worker.downloads import FetchLimits, UnusableOutput
from services.worker.outputs import OutputStore
from services.worker.videos import VideoStore
from shared.http import EgressPolicy, guarded_session
from shared.killpoints import KillPoints
from shared.providers.base import Output
from shared.providers.inputs import InputImages
from shared.providers.tools import UnusableInput
from shared.settings import S3Settings, Settings
from shared.tasks.lifecycle import State
from shared.tasks.model import OutputFile
from tests.unit.building import a_task
from tests.unit.http.serving import Handler, ScriptedResolver
from tests.unit.worker.storage import Bucket, png

GUARDED = EgressPolicy(allow_http=True, ports=None)
"""Production's, except that neither scheme nor port hides what is said about the host."""


class AtConnect(EgressPolicy):
    """Lets every writing pass, so that the look at the dialled address stands alone."""

    def check_url(self, url: object) -> None:
        return None


@dataclass
class Inside:
    """A listener on loopback, over IPv4 and, where the machine has it, IPv6. Answers with a picture."""

    port: int = 0
    has_ipv6: bool = False
    hits: list[str] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        self.hits.append(f"{request.method} {request.path}")
        return web.Response(body=png())


@asynccontextmanager
async def inside_listener() -> AsyncIterator[Inside]:
    inside = Inside()
    async with listening(inside.handle, "127.0.0.1") as runner:
        inside.port = runner.addresses[0][1]
        try:
            await web.TCPSite(runner, "::1", inside.port).start()
            inside.has_ipv6 = True
        except OSError as error:
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                raise
        yield inside


@asynccontextmanager
async def listening(handler: Handler, host: str, port: int = 0) -> AsyncIterator[web.AppRunner]:
    """Runs `handler` for every path and method at this address; port 0 is a free one."""
    app = web.Application()
    app.router.add_route("*", r"/{path:[\s\S]*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    try:
        yield runner
    finally:
        await runner.cleanup()


class Names(AbstractResolver):
    """A resolver that knows a few names and no others."""

    def __init__(self, answers: Mapping[str, Sequence[str]]) -> None:
        self._answers = {_on_the_wire(host): list(found) for host, found in answers.items()}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return await ScriptedResolver(self._answers[host.rstrip(".")]).resolve(host, port, family)

    async def close(self) -> None:
        return None


def _on_the_wire(host: str) -> str:
    return str(URL.build(scheme="http", host=host).raw_host).rstrip(".")


class Clients:
    """The clients of webhooks, input images and provider files, each as its service uses it."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session
        self._bucket = Bucket()

    async def webhook(self, url: str) -> Answer:
        return await Sender(self.session).post(url, b"{}", {"webhook-id": "whd_1"})

    async def input_image(self, url: str) -> BaseException | None:
        """What was in the way, or None for a picture."""
        try:
            await InputImages(self.session).load(url)
        except UnusableInput as error:
            return error.__cause__ or error
        return None

    async def output(self, url: str, kind: str = "image_generate") -> list[OutputFile]:
        """The stored files: one or none."""
        videos = VideoStore(self.session, self._bucket, 10**6)
        store = OutputStore(self.session, self._bucket, videos, 10**6, KillPoints(), FetchLimits())
        try:
            return await store.keep(a_task(State.RUNNING, kind=kind), (Output(url=url),))
        except UnusableOutput:
            return []


@asynccontextmanager
async def clients(
    policy: EgressPolicy = GUARDED, resolver: AbstractResolver | None = None
) -> AsyncIterator[Clients]:
    async with guarded_session(policy, resolver=resolver) as session:
        yield Clients(session)


def production(*allow_cidrs: str) -> EgressPolicy:
    """What a process makes of its settings outside local development."""
    secret = SecretStr("x")
    settings = Settings(
        s3=S3Settings(access_key=secret, secret_key=secret),
        key_pepper=secret,
        secrets_key=secret,
        catalog=Path("catalog.yaml"),
        egress_allow_cidrs=list(allow_cidrs),
    )
    return EgressPolicy.from_settings(settings)
