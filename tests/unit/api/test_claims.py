"""What an Idempotency-Key may look like, and which requests are the same."""

from __future__ import annotations

import json
import string
from typing import Any

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st

from services.api.claims import Claim, claim_of
from services.api.errors import MalformedRequest

SCOPE = "eggapi.generate"
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


def request(*keys: str) -> Request:
    return Request({"type": "http", "headers": [(b"idempotency-key", key.encode("latin-1")) for key in keys]})


def claim(content: dict[str, Any], key: str = "order-1", scope: str = SCOPE) -> Claim:
    claimed = claim_of(request(key), scope, content)
    assert claimed is not None
    return claimed


def test_without_the_header_nothing_is_claimed() -> None:
    assert claim_of(request(), SCOPE, {"prompt": "a hen"}) is None


@given(st.text(string.ascii_letters + string.digits + "_:-", min_size=1, max_size=255))
def test_every_key_of_the_right_characters_is_taken_as_it_is(key: str) -> None:
    assert claim({}, key).key == key


@pytest.mark.parametrize(
    "key", ["", "x" * 256, "a.b", "a b", " a", "a/b", "\u00e9", "a\n", "a,b", '{"$gt":""}', "a\0"]
)
def test_any_other_key_is_malformed(key: str) -> None:
    with pytest.raises(MalformedRequest, match="Idempotency-Key must be 1 to 255 characters"):
        claim_of(request(key), SCOPE, {})


def test_two_keys_are_none() -> None:
    with pytest.raises(MalformedRequest):
        claim_of(request("a", "b"), SCOPE, {})


@given(st.dictionaries(st.text("abc", max_size=2), JSON, max_size=4))
def test_the_order_of_keys_does_not_matter(content: dict[str, Any]) -> None:
    turned = json.loads(
        json.dumps(content, sort_keys=True)[:], object_pairs_hook=lambda pairs: dict(pairs[::-1])
    )

    assert claim(content) == claim(turned)


@pytest.mark.parametrize(
    "other",
    [
        {"prompt": "a hen", "num_outputs": 2},
        {"prompt": "a hen "},
        {"prompt": "a hen", "num_outputs": None},
        {"prompt": ["a hen"]},
        {},
    ],
)
def test_another_body_is_another_request(other: dict[str, Any]) -> None:
    assert claim({"prompt": "a hen"}) != claim(other)


def test_another_endpoint_is_another_request() -> None:
    assert claim({"prompt": "a hen"}) != claim({"prompt": "a hen"}, scope="openai.images.generations")
