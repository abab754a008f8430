"""The two kinds of HTTP session."""

from __future__ import annotations

import socket
from datetime import timedelta
from types import SimpleNamespace
from typing import Final

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver

from shared.http.egress import EgressPolicy, UnsafeAddress

# Below the five seconds after which common servers hang up on an idle connection: a POST that loses that
# race leaves open whether it arrived.
_KEEPALIVE_SECONDS: Final = 4.0


class _AddressRefused(OSError):
    """Raised in place of a connection; an OSError, so that a host's other addresses are still tried."""


def provider_session(*, limit: int = 1024, limit_per_host: int = 512) -> aiohttp.ClientSession:
    """A session for base URLs that the operator configured and trusts.

    No proxy from the environment, no cookies. Time limits and `allow_redirects=False` are given per call.
    `limit` counts open connections.
    """
    connector = aiohttp.TCPConnector(
        limit=limit, limit_per_host=limit_per_host, keepalive_timeout=_KEEPALIVE_SECONDS
    )
    return _session(connector)


def guarded_session(
    policy: EgressPolicy,
    *,
    resolver: AbstractResolver | None = None,
    limit: int = 256,
    limit_per_host: int = 32,
    total: timedelta = timedelta(seconds=60),
) -> aiohttp.ClientSession:
    """A session for URLs that strangers choose.

    Every request raises `UnsafeAddress` if the policy refuses the URL or all addresses its host resolves to,
    and if it would follow a redirect (pass `allow_redirects=False` to see the 3xx). The address is judged
    when the socket is made, so an answer of the resolver that changes between check and use gains nothing.
    `total` bounds a request that brings no time limit of its own.
    """
    connector = aiohttp.TCPConnector(
        limit=limit,
        limit_per_host=limit_per_host,
        keepalive_timeout=_KEEPALIVE_SECONDS,
        resolver=resolver,
        socket_factory=_socket_factory(policy),
    )
    return _session(
        connector,
        timeout=aiohttp.ClientTimeout(
            total=total.total_seconds(), sock_connect=min(10.0, total.total_seconds())
        ),
        trace_configs=[_url_guard(policy)],
        middlewares=(_name_refusals,),
    )


def _session(
    connector: aiohttp.TCPConnector,
    *,
    timeout: aiohttp.ClientTimeout | None = None,
    trace_configs: list[aiohttp.TraceConfig] | None = None,
    middlewares: tuple[aiohttp.ClientMiddlewareType, ...] = (),
) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        json_serialize_bytes=orjson.dumps,
        timeout=timeout or aiohttp.ClientTimeout(total=60, sock_connect=10),
        trace_configs=trace_configs,
        middlewares=middlewares,
        headers={"User-Agent": "Hatchery"},
    )


def _socket_factory(policy: EgressPolicy) -> aiohttp.SocketFactoryType:
    def open_socket(info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        if reason := policy.refusal(str(address[0])):
            raise _AddressRefused(reason)
        return socket.socket(family=family, type=kind, proto=protocol)

    return open_socket


def _url_guard(policy: EgressPolicy) -> aiohttp.TraceConfig:
    # The start signal is the one place that sees the URL before aiohttp turns user info into a header.
    async def check(
        _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestStartParams
    ) -> None:
        policy.check_url(params.url)

    async def refuse(
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        _params: aiohttp.TraceRequestRedirectParams,
    ) -> None:
        raise UnsafeAddress("The address answers with a redirect; redirects are not followed.")

    guard = aiohttp.TraceConfig()
    guard.on_request_start.append(check)
    guard.on_request_redirect.append(refuse)
    return guard


async def _name_refusals(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, _AddressRefused):
            raise UnsafeAddress(f"The host is {error.os_error}.") from error
        raise
