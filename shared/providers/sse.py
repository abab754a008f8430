"""Server-sent events, read as they come. Pure. Source: HTML standard, "Server-sent events"."""

from __future__ import annotations

from typing import Final

MOST_EVENT_BYTES: Final = 32 * 1024 * 1024
"""An event may carry a picture in base64."""


class EventTooLarge(ValueError):
    """One event is larger than any real one."""


class SseDecoder:
    """Takes the pieces of a body and gives the `data` of each finished event; other fields are left out."""

    def __init__(self, most_bytes: int = MOST_EVENT_BYTES) -> None:
        self._most_bytes = most_bytes
        self._pieces: list[bytes] = []
        self._data: list[bytes] = []
        self._size = 0
        self._waiting = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """The events that this piece completes. Raises EventTooLarge."""
        *lines, rest = piece.split(b"\n")
        events: list[bytes] = []
        for line in lines:
            if self._pieces:
                line = b"".join((*self._pieces, line))
                self._pieces.clear()
                self._waiting = 0
            self._take(line.removesuffix(b"\r"), events)
        if rest:
            self._pieces.append(rest)
            self._waiting += len(rest)
        if self._size + self._waiting > self._most_bytes:
            raise EventTooLarge
        return events

    def _take(self, line: bytes, events: list[bytes]) -> None:
        if not line:
            if self._data:
                events.append(b"\n".join(self._data))
            self._data.clear()
            self._size = 0
        elif line.startswith(b"data:"):
            data = line[5:].removeprefix(b" ")
            self._data.append(data)
            self._size += len(data)

    @property
    def unfinished(self) -> bytes:
        """The data of an event that the end of the body cut off; nothing if it ended between events."""
        tail = b"".join(self._pieces).removesuffix(b"\r")
        data = [*self._data, tail[5:].removeprefix(b" ")] if tail.startswith(b"data:") else self._data
        return b"\n".join(data)
