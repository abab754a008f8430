"""JSON: ordinary documents come through unchanged, whatever is dangerous is named."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.errors import MalformedRequest
from services.api.json_limits import MOST_DEPTH, MOST_NODES, parse_json


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


REFUSED: list[tuple[bytes, str]] = [
    (b"", "not valid JSON"),
    (b"{", "not valid JSON"),
    (b'{"a":1}}', "not valid JSON"),
    (b"{'a':1}", "not valid JSON"),
    (b"NaN", "not valid JSON"),
    (b'{"a":Infinity}', "not valid JSON"),
    (b'{"a":1e400}', "not valid JSON"),
    (b'{"a":-1e999}', "not valid JSON"),
    (b'{"a":"\\ud800"}', "not valid JSON"),
    (b'{"\\udfff":1}', "not valid JSON"),
    (b'{"a":"\xff"}', "not valid JSON"),
    (b'{"a":"\x00"}', "not valid JSON"),
    (b"\xef\xbb\xbf{}", "byte order mark"),
    ('{"a":1}'.encode("utf-16"), "not valid JSON"),
    (b'{"a":"\\u0000"}', "NUL"),
    (b'{"\\u0000":1}', "NUL"),
    (b'{"a":[{"b\\u0000c":1}]}', "NUL"),
    (b'{"a":9223372036854775808}', "64 bits"),
    (b'{"a":18446744073709551615}', "64 bits"),
    (b'{"a":-9223372036854775809}', "64 bits"),
    (b'{"a":' + b"9" * 4000 + b"}", "JSON"),
    (b'{"a":1,"a":2}', 'the name "a" twice'),
    (b'{"a":1,"\\u0061":2}', 'the name "a" twice'),
    (b'{"x":{"a":1,"a":1}}', 'the name "a" twice'),
    (b'{"a":"\\u003a","b":1,"b":2}', 'the name "b" twice'),
    (b'{"a":"\\u003A","b":1,"b":2}', 'the name "b" twice'),
    (b'{"a":{"b":":"},"a":":::"}', 'the name "a" twice'),
    (nested(MOST_DEPTH + 1), "deep"),
    (nested(1000), "deep"),
    (nested(100_000), "not valid JSON"),
    (b"[" + b"0," * MOST_NODES + b"0]", f"more than {MOST_NODES}"),
]


@pytest.mark.parametrize(("body", "said"), REFUSED, ids=[repr(body[:30]) for body, _ in REFUSED])
def test_what_is_dangerous_is_refused_and_named(body: bytes, said: str) -> None:
    with pytest.raises(MalformedRequest, match=said) as refused:
        parse_json(body)
    assert len(refused.value.message) < 200


@pytest.mark.parametrize(
    "body",
    [
        nested(MOST_DEPTH),
        b"[" + b"0," * (MOST_NODES - 2) + b"0]",
        b'{"a":9223372036854775807,"b":-9223372036854775808,"c":1e18,"d":0.1}',
        b'{"a":"\\\\u0000","b":"\\u003a","c":"a:b","d":{"a":1}}',
        '{"prompt":"ein Huhn \\ud83d\\ude00 \u00fc"}'.encode(),
        b' { "a" : [ true , null , "x" ] } ',
    ],
)
def test_what_keeps_the_limits_comes_through(body: bytes) -> None:
    assert parse_json(body) == json.loads(body)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text('ab:\\"u', max_size=3), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_every_ordinary_document_comes_through(value: Any, ascii_only: bool) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.dictionaries(st.text('ab:\\"', max_size=3), VALUES, min_size=1, max_size=4), VALUES, st.booleans())
def test_no_repeated_name_slips_through(members: dict[str, Any], other: Any, ascii_only: bool) -> None:
    name = next(iter(members))
    again = json.dumps({name: other}, ensure_ascii=ascii_only)
    body = json.dumps(members, ensure_ascii=ascii_only)[:-1] + "," + again[1:]
    with pytest.raises(MalformedRequest, match="twice"):
        parse_json(body.encode())


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_read_or_refused(body: bytes) -> None:
    try:
        value = parse_json(body)
    except MalformedRequest:
        return
    assert orjson.loads(body) == value
