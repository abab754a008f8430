from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from multidict import CIMultiDict

from shared.providers.base import GenerationRequest, Output
from shared.providers.delays import LONGEST, retry_after
from shared.providers.messages import sanitise
from shared.providers.outputs import find_outputs
from shared.providers.prompts import prompt_text

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        ("<b>bad</b> <script>alert(1)</script>prompt", ["<", "alert"]),
        ("see https://api.example.com/v1?token=abc for more", ["example", "token"]),
        ("Top up at fal.ai/dashboard/billing.", ["fal.ai", "dashboard"]),
        ("upstream runner-7.internal:8080 at 10.0.3.4:99 said no", ["runner-7", "10.0.3.4"]),
        ("connect to [fd00:1:2:3::4]:80 failed", ["fd00"]),
        ("key r8_Abcdef0123456789 is bad", ["r8_"]),
        ("Authorization: Bearer abcdefghijklmnop", ["abcdefghijklmnop"]),
        (
            "Key 3f0e9a1c-1111-4222-8333-abcdefabcdef:0123456789abcdef is bad",
            ["3f0e9a1c", "0123456789abcdef"],
        ),
        ("line\r\nbreak\x00\x1b[31m", ["\n", "\r", "\x00", "\x1b"]),
        ("picture data:image/png;base64,AAAA", ["base64"]),
    ],
)
def test_markup_hosts_and_keys_do_not_get_into_messages(text: str, absent: list[str]) -> None:
    message = sanitise(text)
    assert not [word for word in absent if word in message], message


def test_ordinary_sentences_are_kept() -> None:
    for text in ("a < b and c > d", "Expected available in 1.5 seconds.", "Input should be one of 1:1, 16:9"):
        assert sanitise(text) == text


def test_a_message_is_at_most_300_characters() -> None:
    assert len(sanitise("word " * 1000)) <= 300
    assert sanitise("<br>", "Nothing.") == "Nothing."


@pytest.mark.parametrize("piece", ["a-", "a.", "<script", "1-", ":", "<a", "a1.", "::1:"])
def test_hostile_text_costs_little(piece: str) -> None:
    started = time.perf_counter()
    sanitise(piece * 100_000)
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize(
    ("headers", "text", "seconds"),
    [
        ({"Retry-After": "7"}, "", 7),
        ({"retry-after": "1.5"}, "", 1.5),
        ({"Retry-After": "0"}, "in 9 seconds", 0),
        ({"retry-after-ms": "250", "Retry-After": "7"}, "", 0.25),
        ({"Retry-After": "Fri, 02 Jan 2026 03:04:35 GMT"}, "", 30),
        ({"Retry-After": "Fri, 02 Jan 2026 03:00:00 GMT"}, "", 0),
        ({"Retry-After": "1e9"}, "", None),
        ({"Retry-After": "-5"}, "", None),
        ({"Retry-After": "nan"}, "", None),
        ({"Retry-After": "soon"}, "retry in 2 minutes", 120),
        ({"Retry-After": "999999999999"}, "", LONGEST.total_seconds()),
        ({}, "Request was throttled. Expected available in 1 second.", 1),
        ({}, "Your rate limit resets in ~30s.", 30),
        ({}, "Please retry after 500 ms", 0.5),
        ({}, "No idea.", None),
    ],
)
def test_the_delay_is_read_from_headers_first_and_then_from_the_text(
    headers: dict[str, str], text: str, seconds: float | None
) -> None:
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert retry_after(CIMultiDict(headers), text, NOW) == expected


@pytest.mark.parametrize(
    ("prompt", "negative", "expected"),
    [
        ("a hen", None, "a hen"),
        ("a hen", "  ", "a hen"),
        ("a hen", "text, blur", "a hen. Avoid: text, blur."),
        ("A hen! ", "blur.", "A hen! Avoid: blur."),
    ],
)
def test_what_to_avoid_becomes_a_sentence_of_the_prompt(
    prompt: str, negative: str | None, expected: str
) -> None:
    assert prompt_text(GenerationRequest("m", prompt, negative)) == expected


def test_a_data_url_becomes_bytes() -> None:
    assert find_outputs("data:image/png;base64,aGVu") == (Output(data=b"hen", content_type="image/png"),)
    assert find_outputs("data:image/png;base64,***") == ()


def test_no_more_than_sixteen_files_are_taken() -> None:
    assert len(find_outputs(["https://f/1"] * 100)) == 16
    assert find_outputs([[[[[["https://f/deep"]]]]]]) == ()
