"""Who asks without a key: by address, which nobody can make up."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from services.api.errors import RateLimited
from services.api.strangers import Addresses, Strangers

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def scope(peer: str | None, *forwarded: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", one.encode("latin-1")) for one in forwarded]
    return {"client": None if peer is None else (peer, 1234), "headers": headers}


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", ("198.51.100.7",), "203.0.113.9"),
        ("10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.1", ("198.51.100.7",), "198.51.100.7"),
        ("10.0.0.1", ("1.2.3.4, 198.51.100.7",), "198.51.100.7"),
        ("10.0.0.1", ("1.2.3.4, 198.51.100.7, 10.9.9.9",), "198.51.100.7"),
        ("10.0.0.1", ("1.2.3.4", "198.51.100.7"), "198.51.100.7"),
        ("10.0.0.1", ("1.2.3.4, nonsense",), "10.0.0.1"),
        ("10.0.0.1", ("10.2.2.2, 10.3.3.3",), "10.2.2.2"),
        ("10.0.0.1", ("\xe9\x00",), "10.0.0.1"),
        ("fd00::1", ("2001:db8:1:2:3:4:5:6",), "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", ("198.51.100.7",), "203.0.113.9"),
        (None, (), "unknown"),
    ],
)
def test_the_address_is_the_last_one_that_no_trusted_proxy_has(
    peer: str | None, forwarded: tuple[str, ...], address: str
) -> None:
    assert Addresses(PROXIES).of(scope(peer, *forwarded)) == address


def test_without_trusted_proxies_no_header_is_believed() -> None:
    assert Addresses().of(scope("10.0.0.1", "198.51.100.7")) == "10.0.0.1"


def test_an_address_is_refused_once_it_has_used_up_its_second_and_others_are_not() -> None:
    now = [1_000_000]
    strangers = Strangers(per_second=100, now_us=lambda: now[0])
    for _ in range(100):
        strangers.refuse(scope("203.0.113.9"))
    with pytest.raises(RateLimited) as refused:
        strangers.refuse(scope("203.0.113.9"))
    assert refused.value.retry_after_seconds == 1
    strangers.refuse(scope("203.0.113.10"))
    now[0] += 10_000
    strangers.refuse(scope("203.0.113.9"))
