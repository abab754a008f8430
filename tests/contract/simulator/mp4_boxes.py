"""Reads MP4 files by the book, for tests only."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_CONTAINERS = frozenset((b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl"))


@dataclass(frozen=True)
class Video:
    """Duration in seconds; `samples` are the frames in order, `lengths` the seconds each is shown."""

    duration: float
    size: tuple[int, int]
    samples: list[bytes]
    lengths: list[float]
    top_level: list[bytes]


def read_video(data: bytes) -> Video:
    """The only track of a file. Raises when sizes, counts or offsets do not fit together."""
    boxes = dict(_walk(data, 0, len(data)))
    scale, duration = struct.unpack_from(">2I", boxes[b"mvhd"], 12)
    media_scale, media_duration = struct.unpack_from(">2I", boxes[b"mdhd"], 12)
    assert (media_scale, media_duration) == (scale, duration)
    width, height = struct.unpack_from(">2I", boxes[b"tkhd"], 76)
    assert struct.unpack_from(">2H", boxes[b"stsd"], 8 + 8 + 24) == (width >> 16, height >> 16)
    lengths = [length / scale for length in _times(boxes[b"stts"])]
    samples = _samples(data, boxes)
    assert len(lengths) == len(samples)
    assert abs(sum(lengths) - duration / scale) < 1e-9
    top = [kind for kind, _ in _level(data, 0, len(data))]
    return Video(duration / scale, (width >> 16, height >> 16), samples, lengths, top)


def _level(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    while start < end:
        length, kind = struct.unpack_from(">I4s", data, start)
        assert 8 <= length <= end - start, (kind, length)
        yield kind, (start + 8, start + length)
        start += length


def _walk(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    for kind, (first, last) in _level(data, start, end):
        yield kind, data[first:last]
        if kind in _CONTAINERS:
            yield from _walk(data, first, last)


def _times(table: bytes) -> list[int]:
    [runs] = struct.unpack_from(">I", table, 4)
    found: list[int] = []
    for run in range(runs):
        count, length = struct.unpack_from(">2I", table, 8 + 8 * run)
        found += [length] * count
    return found


def _samples(data: bytes, boxes: dict[bytes, bytes]) -> list[bytes]:
    """All samples of a track that keeps them in one chunk and in one size."""
    size, count = struct.unpack_from(">2I", boxes[b"stsz"], 4)
    assert struct.unpack_from(">4I", boxes[b"stsc"], 4) == (1, 1, count, 1)
    chunks, offset = struct.unpack_from(">2I", boxes[b"stco"], 4)
    assert chunks == 1
    first = data.index(boxes[b"mdat"])
    assert first <= offset
    assert offset + size * count <= first + len(boxes[b"mdat"])
    return [data[offset + number * size : offset + (number + 1) * size] for number in range(count)]
