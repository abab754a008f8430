"""PNG files whose cost grows with what is drawn on them, not with their size.

Only the top band carries a drawing; the rows below are all zero bytes (filter 0, palette index 0). A run of
zeros deflates to a fixed unit that can be repeated, and its part of the checksum is arithmetic, so a picture
of 16 megapixels costs about as much as one of one.
"""

from __future__ import annotations

import struct
import zlib

_ZEROS = bytes(65536)
_ADLER_MODULUS = 65521


def encode(size: tuple[int, int], palette: bytes, band: bytes) -> bytes:
    """An 8-bit palette PNG. `band`: the first scanlines, each one filter byte and `width` indices."""
    width, height = size
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    below = height * (width + 1) - len(band)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"PLTE", palette),
            _chunk(b"IDAT", _deflated(band, below)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _segment(data: bytes, flush: int) -> bytes:
    deflate = zlib.compressobj(1, wbits=-15)
    return deflate.compress(data) + deflate.flush(flush)


# After a full flush nothing refers back, so the segment may follow itself any number of times.
_ZERO_UNIT = _segment(_ZEROS, zlib.Z_FULL_FLUSH)


def _deflated(band: bytes, zeros: int) -> bytes:
    units, rest = divmod(zeros, len(_ZEROS))
    return b"".join(
        (
            b"\x78\x01",
            _segment(band, zlib.Z_FULL_FLUSH),
            _ZERO_UNIT * units,
            _segment(_ZEROS[:rest], zlib.Z_FINISH),
            struct.pack(">I", _adler_after_zeros(zlib.adler32(band), zeros)),
        )
    )


def _adler_after_zeros(adler: int, zeros: int) -> int:
    low, high = adler & 0xFFFF, adler >> 16
    return ((high + zeros * low) % _ADLER_MODULUS) << 16 | low
