"""Where Hatchery may connect to when a stranger names the address."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final, Self

import psutil
from yarl import URL

from shared.errors import HatcheryError
from shared.http.ranges import IPAddress, IPNetwork, special_purpose
from shared.settings import Settings


class UnsafeAddress(HatcheryError):
    """This address may not be reached from here."""

    code, status = "unsafe_address", 422


MAX_URL_LENGTH: Final = 2048
_UNPRINTABLE: Final = frozenset(map(chr, range(0x21))) | {"\x7f", "\\"}


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """Rules for addresses that strangers choose: webhooks, input images, result files.

    `refusal` judges one IP address and is asked at connect time, about exactly the address that is dialled.
    `check_url` judges how a URL is written, without looking anything up.
    """

    allow_http: bool = False
    allow_loopback: bool = False
    allow_cidrs: tuple[IPNetwork, ...] = ()
    """Networks that are allowed whatever else is said about them."""
    ports: frozenset[int] | None = frozenset({443})
    """None: any port."""
    own_addresses: frozenset[IPAddress] = frozenset()
    """Addresses of this machine, refused even where they are public."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The policy of this process; reads the machine's interfaces once.

        Raises ValueError for a network that does not parse.
        """
        local = settings.local_development
        return cls(
            allow_http=local,
            allow_loopback=local,
            allow_cidrs=tuple(ip_network(cidr) for cidr in settings.egress_allow_cidrs),
            ports=None if local else frozenset({443}),
            own_addresses=interface_addresses(),
        )

    def refusal(self, address: str | IPAddress) -> str | None:
        """Why not to connect to this IP address, as a noun phrase, or None.

        Text that is not the plain spelling of an IP address is refused: what reads `127.1` as 127.0.0.1 is
        the operating system, later.
        """
        if isinstance(address, str):
            try:
                address = ip_address(address)
            except ValueError:
                return "not an IP address"
        if any(address in network for network in self.allow_cidrs):
            return None
        if self.allow_loopback and address.is_loopback and _is_plain(address):
            return None
        if _without_zone(address) in self.own_addresses and not address.is_loopback:
            return "an address of this machine"
        return special_purpose(address)

    def check_url(self, url: str | URL) -> None:
        """Raise `UnsafeAddress` with the reason if this URL is not acceptable as it is written."""
        parsed = _parse(url)
        scheme, host = parsed.scheme, parsed.raw_host
        if scheme != "https" and not (scheme == "http" and self.allow_http):
            raise UnsafeAddress(
                "The URL must start with " + ("http(s)://." if self.allow_http else "https://.")
            )
        if not host:
            raise UnsafeAddress("The URL names no host.")
        if "%" in host:
            # A zone, or an escape that other software may read as the end of the name.
            raise UnsafeAddress("The host must not contain percent signs.")
        if "@" in parsed.raw_authority:
            raise UnsafeAddress("The URL must not contain a user name or password.")
        if self.ports is not None and parsed.port not in self.ports:
            raise UnsafeAddress(f"Port {parsed.port} is not allowed.")
        if reason := self._host_refusal(host.rstrip(".").lower()):
            raise UnsafeAddress(f"The host is {reason}.")

    def _host_refusal(self, host: str) -> str | None:
        if host == "localhost" or host.endswith(".localhost"):
            return None if self.allow_loopback else "a loopback address"
        if ":" in host:
            return self.refusal(host)
        last = host.rpartition(".")[2]
        if not (last.isdigit() or last.startswith("0x")):
            return None
        reason = self.refusal(host)
        return "an IP address in an unusual spelling" if reason == "not an IP address" else reason


def interface_addresses() -> frozenset[IPAddress]:
    """The IP addresses of this machine's network interfaces."""
    return frozenset(
        ip_address(entry.address.partition("%")[0])
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family in (socket.AF_INET, socket.AF_INET6)
    )


def _without_zone(address: IPAddress) -> IPAddress:
    return address if address.version == 4 else IPv6Address(int(address))


def _is_plain(address: IPAddress) -> bool:
    return getattr(address, "ipv4_mapped", None) is None


def _parse(url: str | URL) -> URL:
    text = str(url)
    if len(text) > MAX_URL_LENGTH:
        raise UnsafeAddress(f"The URL is longer than {MAX_URL_LENGTH} characters.")
    if not _UNPRINTABLE.isdisjoint(text):
        raise UnsafeAddress("The URL contains white space, control characters or backslashes.")
    try:
        return URL(url) if isinstance(url, str) else url
    except ValueError as error:
        raise UnsafeAddress("The URL is malformed.") from error
