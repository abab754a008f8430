"""How long a video says it is, however it comes in."""

from __future__ import annotations

import struct
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.video_length import MOST_BOXES, MOST_MS, VideoLength

MDAT = b"moov mvhd mehd" * 40
"""Words that mean nothing where they stand."""


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def long_box(kind: bytes, *parts: bytes) -> bytes:
    """With its size in 64 bits."""
    body = b"".join(parts)
    return struct.pack(">I4sQ", 1, kind, 16 + len(body)) + body


def last_box(kind: bytes, *parts: bytes) -> bytes:
    """It ends with the file."""
    return struct.pack(">I4s", 0, kind) + b"".join(parts)


def mvhd(duration: int, scale: int = 1000, version: int = 0) -> bytes:
    times = struct.pack(">4I" if version == 0 else ">2QIQ", 7, 7, scale, duration)
    return box(b"mvhd", bytes((version, 0, 0, 0)), times, bytes(80))


def mvex(*length: int, version: int = 0) -> bytes:
    times = struct.pack(">I" if version == 0 else ">Q", *length) if length else b""
    header = [box(b"mehd", bytes((version, 0, 0, 0)), times)] if length else []
    return box(b"mvex", *header, box(b"trex", bytes(24)))


FTYP = box(b"ftyp", b"isom", bytes(4))
TRAK = box(b"trak", box(b"tkhd", bytes(84)), box(b"mdia", mvhd(9_000)))
FIVE = box(b"moov", mvhd(5_040), TRAK)
MOVIES = {
    "its header first": FTYP + FIVE + box(b"mdat", MDAT),
    "its header last": FTYP + box(b"mdat", MDAT) + FIVE,
    "its header after its track": FTYP + box(b"moov", TRAK, mvhd(5_040)) + box(b"mdat", MDAT),
    "sizes in 64 bits": FTYP + long_box(b"mdat", MDAT) + long_box(b"moov", long_box(b"free"), mvhd(5_040)),
    "movie to the end of the file": FTYP + box(b"mdat", MDAT) + last_box(b"moov", mvhd(5_040), TRAK),
    "data to the end of the file": FTYP + FIVE + last_box(b"mdat", MDAT),
    "long times": FTYP + box(b"moov", mvhd(5_040, version=1), TRAK),
    "header to the end of the file": FTYP + last_box(b"moov", last_box(b"mvhd", mvhd(5_040)[8:])),
    "other scale": FTYP + box(b"moov", mvhd(453_600, 90_000)),
    "two movies": FTYP + FIVE + box(b"moov", mvhd(9_000)),
    "boxes of an unknown kind": FTYP + box(b"uuid", bytes(30)) + box(b"\x00\xff\x00\xff") + FIVE,
    "fragments": FTYP
    + box(b"moov", mvhd(0), TRAK, mvex(5_040))
    + box(b"moof", bytes(9))
    + box(b"mdat", MDAT),
    "fragments, long times": FTYP + box(b"moov", mvex(5_040, version=1), mvhd(40)),
    "rubbish behind": FTYP + FIVE + b"\x00\x00\x00\x03rubbish",
}
NOTHING_SAID = {
    "nothing": b"",
    "no movie": FTYP + box(b"mdat", MDAT),
    "a movie without a header": FTYP + box(b"moov", TRAK),
    "no length": FTYP + box(b"moov", mvhd(0)),
    "a length that is not known": FTYP + box(b"moov", mvhd(2**32 - 1, 10**9)),
    "a long one that is not known": FTYP + box(b"moov", mvhd(2**64 - 1, 2**32 - 1, version=1)),
    "no scale": FTYP + box(b"moov", mvhd(5_040, 0)),
    "next to nothing": FTYP + box(b"moov", mvhd(1, 90_000)),
    "more than a day": FTYP + box(b"moov", mvhd(MOST_MS + 1)),
    "more than a number": FTYP + box(b"moov", mvhd(2**63, 1, version=1)),
    "an unknown version": FTYP + box(b"moov", box(b"mvhd", b"\x07", mvhd(5_040)[9:])),
    "a header that is too short": FTYP + box(b"moov", box(b"mvhd", mvhd(5_040)[8:27])),
    "an empty header": FTYP + box(b"moov", box(b"mvhd")),
    "fragments without a length": FTYP + box(b"moov", mvhd(40), mvex()),
    "fragments of no length": FTYP + box(b"moov", mvhd(40), mvex(0)),
    "a size below its own header": FTYP + struct.pack(">I4s", 7, b"free") + FIVE,
    "a long size below its own header": FTYP + struct.pack(">I4sQ", 1, b"free", 15) + FIVE,
    "data beyond the end": FTYP + struct.pack(">I4sQ", 1, b"mdat", 2**64 - 1) + FIVE,
    "a page": b"<!DOCTYPE html><html>" + bytes(200),
    "boxes without end": FTYP + box(b"free") * MOST_BOXES + FIVE,
}


def read(*pieces: bytes) -> int | None:
    length = VideoLength()
    for piece in pieces:
        length.feed(piece)
    return length.milliseconds


@pytest.mark.parametrize("name", MOVIES)
def test_a_movie_says_how_long_it_is_wherever_that_stands(name: str) -> None:
    assert read(MOVIES[name]) == 5_040


@pytest.mark.parametrize("name", NOTHING_SAID)
def test_a_file_that_does_not_say_it_is_of_unknown_length(name: str) -> None:
    assert read(NOTHING_SAID[name]) is None


@pytest.mark.parametrize(("units", "scale", "ms"), [(121, 24, 5_042), (1, 3, 333), (2, 3, 667), (1, 2000, 1)])
def test_the_length_is_rounded_to_a_millisecond(units: int, scale: int, ms: int) -> None:
    assert read(box(b"moov", mvhd(units, scale))) == ms


@pytest.mark.parametrize("name", [*MOVIES, *NOTHING_SAID])
def test_a_file_that_comes_byte_by_byte_says_the_same(name: str) -> None:
    data = {**MOVIES, **NOTHING_SAID}[name]
    assert read(*(bytes((byte,)) for byte in data)) == read(data)


@given(
    data=st.one_of(
        st.sampled_from([*MOVIES.values(), *NOTHING_SAID.values()]),
        st.lists(st.sampled_from([FTYP, TRAK, FIVE, mvhd(7), mvex(9), b"\x00", b"\x00\x00\x00\x01"])).map(
            b"".join
        ),
        st.binary(max_size=200),
    ),
    cuts=st.lists(st.integers(0, 1000), max_size=8),
)
def test_how_a_file_is_cut_changes_nothing(data: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[start:end] for start, end in pairwise(places)]

    assert b"".join(pieces) == data
    assert read(*pieces) == read(data)


@given(name=st.sampled_from(list(MOVIES)), kept=st.integers(0, 2000))
def test_a_file_that_breaks_off_says_the_truth_or_nothing(name: str, kept: int) -> None:
    # Fragments are told of after a header that means the part before them.
    partly = {5_040, None, 40} if name.startswith("fragments") else {5_040, None}
    assert read(MOVIES[name][:kept]) in partly


@given(duration=st.integers(0, 2**64 - 1), scale=st.integers(0, 2**32 - 1))
def test_a_length_is_a_positive_number_of_at_most_a_day(duration: int, scale: int) -> None:
    said = read(box(b"moov", mvhd(duration, scale, version=1)))

    assert said is None or 0 < said <= MOST_MS
    if said is not None:
        assert abs(said * scale - duration * 1000) * 2 <= scale


def test_a_large_file_is_not_kept() -> None:
    piece = bytes(256 * 1024)
    length = VideoLength()
    length.feed(FTYP + struct.pack(">I4sQ", 1, b"mdat", 16 + 400 * len(piece)))
    tracemalloc.start()
    for _ in range(400):
        length.feed(piece)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    length.feed(FIVE)

    assert length.milliseconds == 5_040
    assert most < len(piece) / 8
