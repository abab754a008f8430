"""Server-sent events, however the body is cut into pieces."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.providers.sse import EventTooLarge, SseDecoder


def events_of(*pieces: bytes, most_bytes: int = 1_000) -> list[bytes]:
    decoder = SseDecoder(most_bytes)
    return [event for piece in pieces for event in decoder.feed(piece)]


@pytest.mark.parametrize(
    ("body", "events"),
    [
        (b"data: one\n\ndata: two\n\n", [b"one", b"two"]),
        (b"data: one\r\n\r\ndata: two\r\n\r\n", [b"one", b"two"]),
        (b"data:close\n\n", [b"close"]),
        (b"data:  one space more\n\n", [b" one space more"]),
        (b"data: first line\ndata: second line\n\n", [b"first line\nsecond line"]),
        (b": keep-alive\n\n", []),
        (b": OPENROUTER PROCESSING\n\ndata: one\n\n", [b"one"]),
        (b"event: delta\nid: 7\nretry: 10\ndata: one\n\n", [b"one"]),
        (b"event: ping\n\n", []),
        (b"data:\n\n", [b""]),
        (b"database: no\n\n", []),
        (b"\n\n\ndata: one\n\n\n\n", [b"one"]),
        (b"data: [DONE]\n\n", [b"[DONE]"]),
        ("data: ein Hühnchen\n\n".encode(), ["ein Hühnchen".encode()]),
    ],
)
def test_each_blank_line_ends_an_event(body: bytes, events: list[bytes]) -> None:
    assert events_of(body) == events


LINES = st.lists(
    st.sampled_from([b"data: one", b"data:", b"data: {}", b": comment", b"event: x", b"", b"", b"da"]),
    max_size=12,
)


@given(
    lines=LINES,
    end=st.sampled_from([b"\n", b"\r\n"]),
    cuts=st.lists(st.integers(0, 200), max_size=20),
)
def test_where_the_pieces_are_cut_does_not_matter(
    lines: Sequence[bytes], end: bytes, cuts: list[int]
) -> None:
    body = b"".join(line + end for line in lines)
    places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    pieces = [body[start:stop] for start, stop in pairwise(places)]

    whole, cut = SseDecoder(), SseDecoder()
    found = [event for piece in pieces for event in cut.feed(piece)]

    assert found == whole.feed(body)
    assert cut.unfinished == whole.unfinished


@pytest.mark.parametrize(
    ("pieces", "left"),
    [
        ([b"data: one\n\n"], b""),
        ([b"data: one\n"], b"one"),
        ([b"data: one"], b"one"),
        ([b"data: on", b"e\r"], b"one"),
        ([b"data: one\ndata: tw"], b"one\ntw"),
        ([b"data: one\n\n: comm"], b""),
        ([b"data: one\n: comm"], b"one"),
        ([], b""),
    ],
)
def test_an_event_that_is_cut_off_is_told_of(pieces: list[bytes], left: bytes) -> None:
    decoder = SseDecoder()
    for piece in pieces:
        decoder.feed(piece)

    assert decoder.unfinished == left


@pytest.mark.parametrize(
    "pieces",
    [
        [b"data: " + b"x" * 101 + b"\n"],
        [b"data: " + b"x" * 60 + b"\n", b"data: " + b"x" * 60 + b"\n"],
        [b"data: " + b"x" * 60, b"x" * 60],
        [b": " + b"x" * 110],
    ],
)
def test_an_event_without_end_is_refused(pieces: list[bytes]) -> None:
    with pytest.raises(EventTooLarge):
        events_of(*pieces, most_bytes=100)


def test_only_one_event_counts_and_not_all_of_a_long_answer() -> None:
    assert len(events_of(*[b"data: " + b"x" * 90 + b"\n\n"] * 50, most_bytes=100)) == 50
    assert len(events_of(*[b": keep-alive\n\n"] * 50, most_bytes=100)) == 0
