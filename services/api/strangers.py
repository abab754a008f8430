"""Who asks without a valid key: told apart by address, and slowed down when they are too many.

Counted in each process by itself. Exactness over processes is not needed, since nothing is promised to
strangers, and a statement for every wrong key would be what a flood of them is after: a key with a wrong
checksum costs no query at all.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from services.api.errors import RateLimited
from services.api.rates import Pace, rate_of, take
from shared.http.ranges import IPNetwork

MOST_REMEMBERED = 50_000
_UNKNOWN = "unknown"


class Addresses:
    """Where a request comes from: the connection's peer, or what trusted proxies say before it."""

    def __init__(self, proxies: Sequence[IPNetwork] = ()) -> None:
        self._proxies = proxies

    def of(self, scope: Mapping[str, Any]) -> str:
        """An IP address, or its /64 for IPv6, since one client has all of that.

        `X-Forwarded-For` is read from the right, as each proxy adds to its end, up to the first address that
        is no trusted proxy: what stands before that is the client's own invention.
        """
        client = scope.get("client")
        address = client[0] if client else _UNKNOWN
        if not self._trusted(address):
            return _whole(address)
        forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        for hop in reversed(b",".join(forwarded).decode("latin-1").split(",")):
            hop = hop.strip()
            if not _is_address(hop):
                break
            address = hop
            if not self._trusted(hop):
                break
        return _whole(address)

    def _trusted(self, address: str) -> bool:
        if not self._proxies or not _is_address(address):
            return False
        parsed = ip_address(address)
        return any(parsed in network for network in self._proxies)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _whole(address: str) -> str:
    if ":" not in address or not _is_address(address):
        return address
    parsed = ip_address(address)
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((int(parsed), 64), strict=False))


def _monotonic_us() -> int:
    return time.monotonic_ns() // 1000


class Strangers:
    """Counts refusals by address."""

    def __init__(
        self,
        addresses: Addresses | None = None,
        per_second: int = 100,
        now_us: Callable[[], int] = _monotonic_us,
    ) -> None:
        self._addresses = addresses or Addresses()
        self._pace = Pace.per_second(per_second)
        self._now_us = now_us
        self._tats: OrderedDict[str, int] = OrderedDict()

    def refuse(self, scope: Mapping[str, Any]) -> None:
        """Count one refusal. Raises RateLimited for an address that has had too many."""
        address, now_us = self._addresses.of(scope), self._now_us()
        taken = take(self._pace, self._tats.get(address, 0), now_us, 1)
        self._tats[address] = taken.tat_us
        self._tats.move_to_end(address)
        if len(self._tats) > MOST_REMEMBERED:
            self._tats.popitem(last=False)
        if not taken.admitted:
            rate = rate_of(self._pace, taken.tat_us, now_us, allowed=False)
            raise RateLimited(retry_after_seconds=rate.retry_after_seconds)
