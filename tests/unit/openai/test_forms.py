"""Forms as browsers and clients send them, and broken ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.errors import InvalidField, MalformedRequest
from services.api.forms import FormPart, parse_form

HEAD = b'Content-Disposition: form-data; name="%s"'


def form(*parts: tuple[bytes, bytes], end: bytes = b"--\r\n") -> bytes:
    pieces = b"".join(b"--b\r\n" + head + b"\r\n\r\n" + data + b"\r\n" for head, data in parts)
    return pieces + b"--b" + end


def test_fields_and_files_are_told_apart_in_their_order() -> None:
    body = form(
        (HEAD % b"prompt", "größer".encode()),
        (HEAD % b"image[]" + b'; filename="a.png"\r\nContent-Type: image/png', b"\x89PNG\r\n\x1a\n"),
    )

    first, second = parse_form(b"preamble\r\n" + body, b"b")
    assert (first.name, first.text(), first.is_file) == ("prompt", "größer", False)
    assert second == FormPart("image[]", b"\x89PNG\r\n\x1a\n", True)


@given(st.lists(st.binary(max_size=200).filter(lambda data: b"\r\n--b" not in b"\r\n" + data), max_size=5))
def test_any_bytes_come_out_as_they_went_in(contents: list[bytes]) -> None:
    parts = parse_form(form(*((HEAD % b"x", data) for data in contents)), b"b")

    assert [part.data for part in parts] == contents


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nothing",
        form((HEAD % b"a", b"1"), end=b""),
        form((b"Content-Type: text/plain", b"1")),
        form((HEAD % b"", b"1")),
        form((b"X: " + b"x" * 9000, b"1")),
        b"--b\r\nno head\r\n--b--",
        form(*[(HEAD % b"a", b"1")] * 101),
    ],
    ids=["empty", "no parts", "cut off", "nameless", "empty name", "long head", "no head", "too many"],
)
def test_a_broken_form_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        parse_form(body, b"b")


def test_a_text_that_is_no_utf8_is_named() -> None:
    with pytest.raises(InvalidField, match="prompt must be text in UTF-8"):
        FormPart("prompt", b"\xff", is_file=False).text()
