"""The shape of an API key, and the checksum that catches a slip of the pen."""

from __future__ import annotations

import re
import string

import pytest

from shared.accounts.key import new_key, well_formed

KEY = new_key()
LETTERS = string.digits + string.ascii_letters


def swapped(key: str, position: int) -> str:
    other = "a" if key[position] != "a" else "b"
    return key[:position] + other + key[position + 1 :]


def test_a_key_is_sk_live_a_prefix_and_a_secret_with_its_checksum() -> None:
    assert re.fullmatch(r"sk_live_[0-9A-Za-z]{8}_[0-9A-Za-z]{39}", KEY)


def test_new_keys_are_well_formed_and_differ() -> None:
    keys = {new_key() for _ in range(500)}

    assert len(keys) == 500
    assert all(well_formed(key) for key in keys)


def test_the_secret_has_at_least_190_bits() -> None:
    assert len(LETTERS) ** 33 >= 2**190


@pytest.mark.parametrize("position", range(len("sk_live_"), len(KEY)))
def test_one_wrong_letter_anywhere_is_noticed(position: int) -> None:
    assert not well_formed(swapped(KEY, position))


@pytest.mark.parametrize(
    "key",
    [
        "",
        "sk_live_",
        "hello",
        KEY[:-1],
        KEY + "0",
        KEY.replace("sk_live_", "sk_test_"),
        KEY.replace("sk_live_", "pk_live_"),
        KEY.upper(),
        " " + KEY,
        KEY + "\n",
        KEY.replace("sk_live_", "sk_live_x"),
        KEY[:10] + "_" + KEY[11:],
        KEY[:-1] + "é",
        KEY[:-6] + "ééé",
        "sk_live_" + "0" * 8 + "_" + "0" * 39,
        "_".join(["sk", "live", "0" * 8, "0" * 39, "0"]),
        "sk_live_" + "\0" * 8 + "_" + "\0" * 39,
    ],
    ids=lambda key: f"{len(key)} letters",
)
def test_other_shapes_are_no_keys(key: str) -> None:
    assert not well_formed(key)
