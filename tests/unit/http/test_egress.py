from __future__ import annotations

from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from pydantic import SecretStr

from shared.http import EgressPolicy, UnsafeAddress
from shared.http.egress import interface_addresses
from shared.settings import S3Settings, Settings

STRICT = EgressPolicy()
LOCAL = EgressPolicy(allow_http=True, allow_loopback=True, ports=None)

REFUSED_ADDRESSES = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.254 100.100.100.200 127.0.0.1 127.255.255.254
168.63.129.16 169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192
192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1
255.255.255.255
:: ::1 ::2 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:a00:1 64:ff9b::7f00:1 64:ff9b::808:808
64:ff9b:1::1 100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:10::1 2001:20::1 2001:db8::1
2002:7f00:1:: 2002:808:808::1 3fff::1 4000::1 5f00::1 fc00::1 fd00::1 fd00:ec2::254 fe80::1 fe80::1%eth0
fec0::1 feff::1 ff02::1 ff0e::1
127.1 2130706433 0x7f000001 0177.0.0.1 ①②⑦.⓪.⓪.① 1.2.3 example.com 8.8.8.8.
"""

PUBLIC_ADDRESSES = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 172.15.255.255
172.32.0.1 192.167.255.255 192.169.0.1 223.255.255.255 2606:4700::1111 2a00:1450:4001::1 2001:4860:4860::8888
2003::1 2600::
"""


@pytest.mark.parametrize("address", REFUSED_ADDRESSES.split())
def test_an_address_outside_the_public_internet_is_refused(address: str) -> None:
    assert STRICT.refusal(address)


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES.split())
def test_a_public_address_is_allowed(address: str) -> None:
    assert STRICT.refusal(address) is None


def test_an_allowed_network_wins_over_every_reason() -> None:
    policy = EgressPolicy(allow_cidrs=(ip_network("10.1.0.0/16"), ip_network("fd12::/16")))
    assert policy.refusal("10.1.2.3") is None
    assert policy.refusal("fd12::1") is None
    assert policy.refusal("10.2.0.1") == "a private address"


def test_allowing_loopback_allows_nothing_else() -> None:
    assert LOCAL.refusal("127.0.0.1") is None
    assert LOCAL.refusal("::1") is None
    for address in ("10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "0.0.0.0", "::"):
        assert LOCAL.refusal(address), address


def test_the_machines_own_public_address_is_refused() -> None:
    policy = EgressPolicy(own_addresses=frozenset({ip_address("8.8.4.4")}))
    assert policy.refusal("8.8.4.4") == "an address of this machine"
    assert policy.refusal("8.8.8.8") is None


def test_the_machines_own_addresses_are_found() -> None:
    assert ip_address("127.0.0.1") in interface_addresses()


REFUSED_URLS = [
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "javascript:alert(1)",
    "data:image/png;base64,AAAA",
    "//example.com/x",
    "example.com",
    "https://",
    "https:///path",
    "",
    "https://user@example.com/",
    "https://user:secret@example.com/",
    "https://:secret@example.com/",
    "https://example.com@127.0.0.1/",
    "https://example.com:8443/",
    "https://example.com:80/",
    "https://example.com:0/",
    "https://example.com:99999/",
    "https://example.com:22/",
    "https://exa mple.com/",
    "https://example.com/a b",
    "https://example.com/\r\nHost: x",
    "https://example.com\\@127.0.0.1/",
    " https://example.com/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://①②⑦.⓪.⓪.①/",
    "https://127.0.0.1./",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fd00:ec2::254]/",
    "https://169.254.169.254/latest/meta-data/",
    "https://0/",
    "https://1.2.3.4.5/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://app.localhost./",
    "https://[::1/",
    "https://example.com/" + "a" * 2048,
]


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_a_url_that_is_not_plain_https_to_a_public_host_is_refused(url: str) -> None:
    with pytest.raises(UnsafeAddress):
        STRICT.check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook?a=b#c",
        "https://example.com:443/",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]/",
        "https://münchen.example/ä",
        "https://example.com/@user",
        "https://123.example.com/",
    ],
)
def test_an_ordinary_https_url_is_accepted(url: str) -> None:
    STRICT.check_url(url)


def test_local_development_accepts_http_and_any_port_on_loopback() -> None:
    for url in ("http://127.0.0.1:8123/x", "http://localhost:1/", "https://[::1]:9/"):
        LOCAL.check_url(url)


def test_the_reason_names_what_is_wrong() -> None:
    with pytest.raises(UnsafeAddress, match="user name or password"):
        STRICT.check_url("https://u:p@example.com/")
    with pytest.raises(UnsafeAddress, match="Port 8080"):
        STRICT.check_url("https://example.com:8080/")
    with pytest.raises(UnsafeAddress, match="unusual spelling"):
        STRICT.check_url("https://127.1/")


def settings(*, local: bool = False, cidrs: list[str] | None = None) -> Settings:
    secret = SecretStr("x")
    return Settings(
        s3=S3Settings(access_key=secret, secret_key=secret),
        key_pepper=secret,
        secrets_key=secret,
        catalog=Path("catalog.yaml"),
        local_development=local,
        egress_allow_cidrs=cidrs or [],
    )


def test_the_policy_is_strict_unless_settings_say_otherwise() -> None:
    policy = EgressPolicy.from_settings(settings())
    assert (policy.allow_http, policy.allow_loopback, policy.ports) == (False, False, frozenset({443}))
    assert policy.own_addresses


def test_settings_open_loopback_and_single_networks() -> None:
    policy = EgressPolicy.from_settings(settings(local=True, cidrs=["10.9.0.0/16"]))
    policy.check_url("http://127.0.0.1:9999/")
    assert policy.refusal("10.9.1.1") is None
