"""Addresses that must never lead inside, as data.

`{s}` stands for the scheme, https when a client submits the address and http when it is dialled. `{p}` stands
for the port, none or that of a listener on loopback.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import aiohttp

_LOOPBACK: Final = "a loopback address"
_EMBEDDED: Final = "an IPv4 address inside IPv6"
_METADATA: Final = "a cloud metadata service"
_UNSPECIFIED: Final = "an unspecified address"
_UNUSUAL: Final = "an IP address in an unusual spelling"
_USER: Final = "must not contain a user name"
_PERCENT: Final = "must not contain percent signs"
_CONTROL: Final = "white space, control characters or backslashes"
_SCHEME: Final = "must start with"
_NO_HOST: Final = "names no host"
_MALFORMED: Final = "malformed"

_FULL_WIDTH: Final = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_DOUBLE_STRUCK: Final = {ord("0") + digit: 0x1D7D8 + digit for digit in range(10)}


@dataclass(frozen=True, slots=True)
class Written:
    """An address that is refused as it is written."""

    url: str
    said: str
    """A part of what a client is told."""
    dialled: str | None = None
    """Why the connection is refused when nobody looks at the writing; None: our clients dial nothing."""
    reaches: bool = False
    """Whether a client without a guard reaches the listener with it."""
    sent: str | None = None
    """A part of what a sender is told, where the parsed URL says something else than the text."""
    unparsed: type[aiohttp.ClientError] | None = None
    """What our HTTP client says to it before the guard sees anything."""

    def submitted(self) -> str:
        return self._filled("https", "")

    def at(self, port: int) -> str:
        return self._filled("http", f":{port}")

    def _filled(self, scheme: str, port: str) -> str:
        return self.url.replace("{s}", scheme).replace("{p}", port)

    def __str__(self) -> str:
        return self.url.encode("unicode_escape").decode()


def _host(host: str, said: str, dialled: str | None = None, reaches: bool = False) -> Written:
    url = f"{{s}}://{host}{{p}}/latest/meta-data/"
    return Written(url, said, dialled, reaches, unparsed=aiohttp.InvalidURL if said == _MALFORMED else None)


def _loopback(host: str, said: str = _LOOPBACK) -> Written:
    return _host(host, said, _LOOPBACK, reaches=True)


def _inside(host: str, reason: str) -> Written:
    return _host(host, reason, reason)


IPV4_SPELLINGS: Final = (
    _loopback("127.0.0.1"),
    _inside("127.255.255.254", _LOOPBACK),
    _host("127.1", _UNUSUAL),
    _host("127.0.1", _UNUSUAL),
    _host("2130706433", _UNUSUAL),
    _host("017700000001", _UNUSUAL),
    _host("0177.0.0.1", _UNUSUAL),
    _host("0177.0.0.01", _UNUSUAL),
    _host("00000177.0.0.1", _UNUSUAL),
    _loopback("0x7f000001", _UNUSUAL),
    _loopback("0X7F000001", _UNUSUAL),
    _loopback("0x7f.0x0.0x0.0x1", _UNUSUAL),
    _loopback("0x7f.1", _UNUSUAL),
    _loopback("127.0.0.0x1", _UNUSUAL),
    _host("0xa9fea9fe", _UNUSUAL, _METADATA),
    _host("2852039166", _UNUSUAL),
    _host("0", _UNUSUAL),
    _host("000.000.000.000", _UNUSUAL),
    _host("0.0.0.0", _UNSPECIFIED, _UNSPECIFIED, reaches=True),
    _host("127.0.0.1.", _LOOPBACK),
    _host("127.0.0.1..", _LOOPBACK),
    _host("127.0.0.1.0", _UNUSUAL),
    _host("256.0.0.1", _UNUSUAL),
)

IPV4_NETWORKS: Final = (
    _inside("10.0.0.1", "a private address"),
    _inside("172.16.0.1", "a private address"),
    _inside("192.168.0.1", "a private address"),
    _inside("100.64.0.1", "a carrier-grade NAT address"),
    _inside("169.254.1.1", "a link-local address"),
    _inside("169.254.169.254", _METADATA),
    _inside("169.254.170.2", _METADATA),
    _inside("100.100.100.200", _METADATA),
    _inside("168.63.129.16", _METADATA),
    _inside("192.0.0.192", "a protocol assignment"),
    _inside("192.88.99.1", "a 6to4 relay"),
    _inside("198.18.0.1", "a benchmarking address"),
    _inside("224.0.0.1", "a multicast address"),
    _inside("255.255.255.255", "a reserved address"),
)

IPV6: Final = (
    _loopback("[::1]"),
    _loopback("[0:0:0:0:0:0:0:1]"),
    _loopback("[0000::0001]"),
    _host("[::]", _UNSPECIFIED, _UNSPECIFIED, reaches=True),
    _host("[::ffff:127.0.0.1]", _EMBEDDED, _EMBEDDED, reaches=True),
    _host("[::FFFF:7F00:1]", _EMBEDDED, _EMBEDDED, reaches=True),
    _host("[0:0:0:0:0:ffff:7f00:0001]", _EMBEDDED, _EMBEDDED, reaches=True),
    _inside("[::ffff:169.254.169.254]", _EMBEDDED),
    _inside("[::ffff:0:127.0.0.1]", "a reserved address"),
    _inside("[::127.0.0.1]", _EMBEDDED),
    _inside("[64:ff9b::127.0.0.1]", _EMBEDDED),
    _inside("[64:ff9b::a9fe:a9fe]", _EMBEDDED),
    _inside("[64:ff9b:1::7f00:1]", _EMBEDDED),
    _inside("[2002:7f00:1::1]", _EMBEDDED),
    _inside("[2001:0:7f00:1::]", _EMBEDDED),
    _inside("[fc00::1]", "a private address"),
    _inside("[fd00:ec2::254]", _METADATA),
    _inside("[fd20:ce::254]", _METADATA),
    _inside("[fe80::1]", "a link-local address"),
    _inside("[fec0::1]", "a private address"),
    _inside("[ff02::1]", "a multicast address"),
    _inside("[2001:db8::1]", "a documentation address"),
    _host("[fe80::1%25eth0]", _PERCENT, "a link-local address"),
    _host("[::1%25lo]", _PERCENT, _LOOPBACK),
    _host("[::1%lo]", _PERCENT, _LOOPBACK),
    _host("[2606:4700::1111%25eth0]", _PERCENT),
    _host("[127.0.0.1]", _MALFORMED),
    _host("[v1.127.0.0.1]", _UNUSUAL),
    _host("[::1", _MALFORMED),
)

OTHER_LETTERS: Final = (
    _loopback("①②⑦.⓪.⓪.①"),
    _loopback("127.0.0.1".translate(_FULL_WIDTH)),
    _loopback("127.0.0.1".translate(_DOUBLE_STRUCK)),
    _loopback("127.0.0.¹"),
    _loopback("127。0。0。1"),
    _host("127.0.0.1\N{SOFT HYPHEN}", _MALFORMED),
    _host("127\N{ZERO WIDTH SPACE}.0.0.1", _MALFORMED),
    _host("xn--127-0.0.1", _UNUSUAL),
    _loopback("localhost"),
    _loopback("LocalHost"),
    _loopback("localhost".translate(_FULL_WIDTH)),
    _loopback("ⓛⓞⓒⓐⓛⓗⓞⓢⓣ"),
    _host("localhost.", _LOOPBACK),
    _host("localhost..", _LOOPBACK),
    _host("metadata.localhost", _LOOPBACK),
)

CONFUSING: Final = (
    Written("{s}://hook.example.org@127.0.0.1{p}/", _USER, _LOOPBACK, reaches=True),
    Written("{s}://hook.example.org:443@127.0.0.1{p}/", _USER, _LOOPBACK, reaches=True),
    Written("{s}://user:secret@127.0.0.1{p}/", _USER, _LOOPBACK, reaches=True),
    Written("{s}://:@127.0.0.1{p}/", _USER, _LOOPBACK, reaches=True),
    Written("{s}://@127.0.0.1{p}/", _LOOPBACK, _LOOPBACK, reaches=True),
    Written("{s}://127.0.0.1:443@hook.example.org/", _USER),
    Written("{s}://127.0.0.1{p}/@hook.example.org", _LOOPBACK, _LOOPBACK, reaches=True),
    Written("{s}://127.0.0.1{p}?@hook.example.org/", _LOOPBACK, _LOOPBACK, reaches=True),
    Written("{s}://127.0.0.1{p}#@hook.example.org/", _LOOPBACK, _LOOPBACK, reaches=True),
    Written("{s}://127.0.0.1{p}\\@hook.example.org/", _CONTROL, unparsed=aiohttp.InvalidURL),
    Written("{s}://hook.example.org\\@127.0.0.1{p}/", _CONTROL, unparsed=aiohttp.InvalidURL),
    Written("{s}:\\\\127.0.0.1{p}/", _CONTROL, sent=_NO_HOST),
    Written("{s}://hook.example.org%40127.0.0.1{p}/", _PERCENT),
    Written("{s}://127.0.0.1%00.example.org{p}/", _PERCENT),
    Written("{s}://127.0.0.1%2f.example.org{p}/", _PERCENT),
    Written("{s}://127.0.0.1%23.example.org{p}/", _PERCENT),
    Written("{s}://%31%32%37.0.0.1{p}/", _PERCENT),
    Written("{s}:////127.0.0.1{p}/", _NO_HOST),
    Written("{s}:/127.0.0.1{p}/", _NO_HOST),
    Written("{s}:127.0.0.1{p}/", _NO_HOST),
    Written("//127.0.0.1{p}/", _SCHEME, _LOOPBACK, reaches=True),
    Written("{s}://127.0.0.1{p}:22:80/", _MALFORMED, unparsed=aiohttp.InvalidURL),
    Written(
        "{s}://127.0.0.1{p}/\r\nHost: hook.example.org", _CONTROL, _LOOPBACK, reaches=True, sent=_LOOPBACK
    ),
    Written("{s}://127.0.0.1\r\n{p}/", _CONTROL, _LOOPBACK, reaches=True, sent=_LOOPBACK),
    Written("{s}://127.0.0.1\t{p}/", _CONTROL, _LOOPBACK, reaches=True, sent=_LOOPBACK),
    Written("{s}://127.0.0.1 {p}/", _CONTROL),
    Written(" {s}://127.0.0.1{p}/", _CONTROL, _LOOPBACK, reaches=True, sent=_LOOPBACK),
)

SCHEMES: Final = (
    *(
        Written(url, _SCHEME, unparsed=aiohttp.NonHttpUrlClientError)
        for url in (
            "file:///etc/passwd",
            "file://127.0.0.1/etc/passwd",
            "gopher://127.0.0.1{p}/_GET%20/",
            "dict://127.0.0.1{p}/info",
            "ftp://127.0.0.1{p}/",
            "ldap://127.0.0.1{p}/",
            "javascript:alert(1)",
            "unix:///var/run/docker.sock",
            "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
        )
    ),
    Written("ws://127.0.0.1{p}/", _SCHEME, _LOOPBACK, reaches=True),
    Written("tcp://127.0.0.1{p}/", _SCHEME, _LOOPBACK, reaches=True),
)

WRITTEN: Final = IPV4_SPELLINGS + IPV4_NETWORKS + IPV6 + OTHER_LETTERS + CONFUSING + SCHEMES

ONLY_WHEN_SUBMITTED: Final = (
    ("http://hook.example.org/", _SCHEME),
    ("https://hook.example.org:22/", "Port 22"),
    ("https://hook.example.org:80/", "Port 80"),
    ("https://hook.example.org:6379/", "Port 6379"),
    ("https://hook.example.org:27017/", "Port 27017"),
    ("https://hook.example.org:0/", "Port 0"),
    ("https://hook.example.org:65536/", _MALFORMED),
    ("https://hook.example.org/\r\nX-Injected: 1", _CONTROL),
    ("https://hook.example.org/a b", _CONTROL),
    ("https://", _NO_HOST),
)
"""What the scheme or the port of a public host is refused for, and what would be a header in a request."""

OWN_ADDRESSES: Final = ("8.8.4.4", "2606:4700::1111")
"""What the tests take for this machine's public addresses."""


@dataclass(frozen=True, slots=True)
class Named:
    """A host name, which says nothing as it is written, and what it resolves to."""

    host: str
    answers: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        return f"{self.host} is {' and '.join(self.answers)}"


NAMED: Final = (
    Named("metadata.google.internal", ("169.254.169.254",), _METADATA),
    Named("metadata.goog", ("169.254.169.254",), _METADATA),
    Named("instance-data", ("169.254.169.254",), _METADATA),
    Named("metadata.azure.example", ("168.63.129.16",), _METADATA),
    Named("metadata.aliyun.example", ("100.100.100.200",), _METADATA),
    Named("ec2.example", ("fd00:ec2::254",), _METADATA),
    Named("kubernetes.default.svc", ("10.96.0.1",), "a private address"),
    Named("host.docker.internal", ("192.168.65.2",), "a private address"),
    Named("mongodb", ("172.18.0.2",), "a private address"),
    Named("localhost.localdomain", ("127.0.0.1",), _LOOPBACK),
    Named("ip6-localhost", ("::1",), _LOOPBACK),
    Named("127.0.0.1.nip.example", ("127.0.0.1",), _LOOPBACK),
    Named("trailing-dot.example.", ("127.0.0.1",), _LOOPBACK),
    Named("xn--nxasmq6b.example", ("127.0.0.1",), _LOOPBACK),
    Named("127.0.0.\N{ARABIC-INDIC DIGIT ONE}", ("127.0.0.1",), _LOOPBACK),
    Named("zero.example", ("0.0.0.0",), _UNSPECIFIED),
    Named("nothing.example", ("::",), _UNSPECIFIED),
    Named("carrier.example", ("100.64.0.1",), "a carrier-grade NAT address"),
    Named("mapped.example", ("::ffff:127.0.0.1",), _EMBEDDED),
    Named("compatible.example", ("::127.0.0.1",), _EMBEDDED),
    Named("nat64.example", ("64:ff9b::7f00:1",), _EMBEDDED),
    Named("six-to-four.example", ("2002:7f00:1::",), _EMBEDDED),
    Named("teredo.example", ("2001:0:7f00:1::1",), _EMBEDDED),
    Named("unique-local.example", ("fd12:3456::1",), "a private address"),
    Named("link.example", ("fe80::1%1",), "a link-local address"),
    Named("site.example", ("fec0::1",), "a private address"),
    Named("many.example", ("ff02::1",), "a multicast address"),
    Named("odd.example", ("127.1",), "not an IP address"),
    Named("several.example", ("127.0.0.1", "127.0.0.1", "::1"), _LOOPBACK),
    Named("own.example", (OWN_ADDRESSES[0],), "an address of this machine"),
    Named("own6.example", (OWN_ADDRESSES[1],), "an address of this machine"),
    Named("own-zone.example", (f"{OWN_ADDRESSES[1]}%1",), "an address of this machine"),
)
