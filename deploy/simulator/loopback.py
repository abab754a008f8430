"""Addresses that the simulator may call itself: those of this machine."""

from __future__ import annotations

import ipaddress

from yarl import URL


def on_loopback(url: str) -> bool:
    """Whether an http(s) URL names `localhost` or a loopback address."""
    try:
        parsed = URL(url)
        host = parsed.host or ""
        return parsed.scheme in ("http", "https") and (
            host == "localhost" or ipaddress.ip_address(host).is_loopback
        )
    except ValueError:
        return False
