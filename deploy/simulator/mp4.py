"""MP4 files of still frames: Motion JPEG, one sample a second, no sound.

Boxes after ISO/IEC 14496-12; the frames are an `mp4v` track whose decoder is JPEG (object type 0x6C of
ISO/IEC 14496-1).
"""

from __future__ import annotations

import math
import struct

_TIMESCALE = 1000
_UNITY_MATRIX = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_JPEG_OBJECT_TYPE = 0x6C
_VISUAL_STREAM = 0x04
_UNDETERMINED_LANGUAGE = 0x55C4
_PIXELS_PER_INCH_72 = 0x480000


def encode(frame: bytes, size: tuple[int, int], seconds: float) -> bytes:
    """A video that shows one JPEG for `seconds`; the last sample is shorter when they are not whole."""
    duration = round(seconds * _TIMESCALE)
    samples = math.ceil(seconds)
    head = _box(b"ftyp", b"isom", struct.pack(">I", 0x200), b"isomiso2mp41")
    # The offset takes four bytes whatever it is, so a first pass tells where the samples begin.
    first = len(head) + len(_movie(len(frame), samples, size, duration, 0)) + 8
    movie = _movie(len(frame), samples, size, duration, first)
    return head + movie + _box(b"mdat", frame * samples)


def free_space(length: int) -> bytes:
    """The header of a box that players skip, `length` bytes with itself and at least 8."""
    return struct.pack(">I4s", length, b"free")


def _box(kind: bytes, *parts: bytes) -> bytes:
    payload = b"".join(parts)
    return struct.pack(">I4s", 8 + len(payload), kind) + payload


def _full(kind: bytes, flags: int, *parts: bytes) -> bytes:
    return _box(kind, struct.pack(">I", flags), *parts)


def _movie(frame_bytes: int, samples: int, size: tuple[int, int], duration: int, first: int) -> bytes:
    times = struct.pack(">4I", 0, 0, _TIMESCALE, duration)
    header = _full(
        b"mvhd",
        0,
        times,
        struct.pack(">IH10x", 0x10000, 0x100),
        _UNITY_MATRIX,
        bytes(24),
        struct.pack(">I", 2),
    )
    table = _sample_table(frame_bytes, samples, size, duration, first)
    return _box(b"moov", header, _box(b"trak", _track_header(size, duration), _media(table, duration)))


def _track_header(size: tuple[int, int], duration: int) -> bytes:
    enabled_in_movie = 0x3
    width, height = size
    return _full(
        b"tkhd",
        enabled_in_movie,
        struct.pack(">5I", 0, 0, 1, 0, duration),
        bytes(16),
        _UNITY_MATRIX,
        struct.pack(">2I", width << 16, height << 16),
    )


def _media(table: bytes, duration: int) -> bytes:
    in_this_file = _full(b"url ", 1)
    return _box(
        b"mdia",
        _full(b"mdhd", 0, struct.pack(">4I2H", 0, 0, _TIMESCALE, duration, _UNDETERMINED_LANGUAGE, 0)),
        _full(b"hdlr", 0, struct.pack(">I4s12x", 0, b"vide"), b"simulator\0"),
        _box(
            b"minf",
            _full(b"vmhd", 1, bytes(8)),
            _box(b"dinf", _full(b"dref", 0, struct.pack(">I", 1), in_this_file)),
            table,
        ),
    )


def _sample_table(frame_bytes: int, samples: int, size: tuple[int, int], duration: int, first: int) -> bytes:
    last = duration - (samples - 1) * _TIMESCALE
    durations = [(samples, _TIMESCALE)] if last == _TIMESCALE else [(samples - 1, _TIMESCALE), (1, last)]
    runs = [run for run in durations if run[0]]
    return _box(
        b"stbl",
        _full(b"stsd", 0, struct.pack(">I", 1), _sample_entry(size)),
        _full(b"stts", 0, struct.pack(">I", len(runs)), *(struct.pack(">2I", *run) for run in runs)),
        _full(b"stsc", 0, struct.pack(">4I", 1, 1, samples, 1)),
        _full(b"stsz", 0, struct.pack(">2I", frame_bytes, samples)),
        _full(b"stco", 0, struct.pack(">2I", 1, first)),
    )


def _sample_entry(size: tuple[int, int]) -> bytes:
    return _box(
        b"mp4v",
        struct.pack(">6xH16x2H", 1, *size),
        struct.pack(">3IH", _PIXELS_PER_INCH_72, _PIXELS_PER_INCH_72, 0, 1),
        struct.pack(">32xHh", 24, -1),
        _full(b"esds", 0, _stream_description()),
    )


def _stream_description() -> bytes:
    decoder = struct.pack(">2B3xII", _JPEG_OBJECT_TYPE, _VISUAL_STREAM << 2 | 1, 0, 0)
    predefined_for_mp4 = _descriptor(0x06, b"\x02")
    return _descriptor(0x03, struct.pack(">HB", 1, 0), _descriptor(0x04, decoder), predefined_for_mp4)


def _descriptor(tag: int, *parts: bytes) -> bytes:
    payload = b"".join(parts)
    return struct.pack(">2B", tag, len(payload)) + payload
