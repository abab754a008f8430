"""How long an MP4 video says it is, read while the file passes by. Pure.

Source: ISO/IEC 14496-12: "Object Structure" (boxes and their sizes), "Movie Header Box" (`mvhd`), "Movie
Extends Header Box" (`mehd`, the length of a movie in fragments).
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from struct import Struct
from typing import Final

MOST_MS: Final = 24 * 60 * 60 * 1000
"""A length beyond a day is not believed."""
MOST_BOXES: Final = 1000
"""So many are looked at: files that are all boxes would keep a worker busy."""

_BOX: Final = Struct(">I4s")
_LONG_SIZE: Final = Struct(">Q")
_ENTERED: Final = frozenset((b"moov", b"mvex"))
_MOVIE_HEADERS: Final = {0: Struct(">12xII"), 1: Struct(">20xIQ")}
"""By version: units a second, and the length in them."""
_EXTENDS_HEADERS: Final = {0: Struct(">4xI"), 1: Struct(">4xQ")}
_LONGEST_HEADER: Final = 32
_NOT_KNOWN: Final = frozenset((0, 2**32 - 1, 2**64 - 1))
_TO_THE_END: Final = 2**64

_Boxes = Generator[tuple[int, int], bytes, None]
"""Each turn asks to pass by so many bytes and to be sent the next so many."""


class VideoLength:
    """Feed it a file from the first byte on, in pieces of any size; it keeps less than one header of them."""

    def __init__(self) -> None:
        self._scale: int | None = None
        self._length: int | None = None
        self._in_fragments = False
        self._fragments_length: int | None = None
        self._held = b""
        self._boxes = self._read()
        self._skip, self._wanted = next(self._boxes)
        self._ended = False

    def feed(self, piece: bytes) -> None:
        """Take the next piece. What cannot be read ends the reading, never raises."""
        at = 0
        while not self._ended:
            passed = min(self._skip, len(piece) - at)
            self._skip -= passed
            at += passed
            if self._skip:
                return
            taken = piece[at : at + self._wanted - len(self._held)]
            self._held += taken
            at += len(taken)
            if len(self._held) < self._wanted:
                return
            self._turn()

    @property
    def milliseconds(self) -> int | None:
        """What the file has said so far; None when it says nothing, or nothing to be believed."""
        length = self._fragments_length if self._in_fragments else self._length
        if not self._scale or length is None or length in _NOT_KNOWN:
            return None
        rounded = (length * 1000 + self._scale // 2) // self._scale
        return rounded if 0 < rounded <= MOST_MS else None

    def _turn(self) -> None:
        held, self._held = self._held, b""
        try:
            self._skip, self._wanted = self._boxes.send(held)
        except StopIteration:
            self._ended = True

    def _read(self) -> _Boxes:
        skip = 0
        for _ in range(MOST_BOXES):
            size, kind = _BOX.unpack((yield skip, _BOX.size))
            if size == 1:
                [size] = _LONG_SIZE.unpack((yield 0, _LONG_SIZE.size))
                body = size - _BOX.size - _LONG_SIZE.size
            else:
                body = (size or _TO_THE_END) - _BOX.size
            if body < 0:
                return
            # The boxes inside follow the header, and the next box follows them: one walk reads both.
            skip = 0 if kind in _ENTERED else body
            if kind in (b"mvhd", b"mehd"):
                header = yield 0, min(body, _LONGEST_HEADER)
                skip -= len(header)
                self._note(kind, header)
            self._in_fragments |= kind == b"mvex"

    def _note(self, kind: bytes, header: bytes) -> None:
        if kind == b"mehd":
            [self._fragments_length] = _unpacked(_EXTENDS_HEADERS, header) or (None,)
        elif self._scale is None:
            self._scale, self._length = _unpacked(_MOVIE_HEADERS, header) or (None, None)


def _unpacked(versions: Mapping[int, Struct], header: bytes) -> tuple[int, ...]:
    """The numbers of a header; none when its version is not known or it is too short."""
    layout = versions.get(header[0]) if header else None
    return () if layout is None or len(header) < layout.size else layout.unpack_from(header)
