"""Redemption codes as they are read and typed."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from shared.payments.code_text import new_code, normal
from shared.payments.codes import digest_of


def test_codes_are_read_whatever_the_case_and_the_hyphens() -> None:
    code = new_code()
    assert normal(code) == normal(code.lower()) == normal(code.replace("-", " ")) == code.replace("-", "")


def test_letters_that_look_like_digits_are_those_digits() -> None:
    assert normal("OIL00-00000-00000-00000-00000") == "0110000000000000000000000"


@pytest.mark.parametrize("text", ["", "hen", "A" * 24, "A" * 26, "U" * 25, "ß" * 25, "٣" * 25])
def test_what_is_no_code_has_no_digest(text: str) -> None:
    assert digest_of(text, SecretStr("pepper")) is None


def test_a_digest_needs_the_pepper() -> None:
    code = new_code()
    assert digest_of(code, SecretStr("one")) == digest_of(code.lower(), SecretStr("one"))
    assert digest_of(code, SecretStr("one")) != digest_of(code, SecretStr("two"))


def test_codes_differ() -> None:
    assert len({new_code() for _ in range(100)}) == 100
