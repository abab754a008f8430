"""Generated files behind random addresses, drawn when somebody asks for them."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass

from deploy.simulator.faults import Fault
from deploy.simulator.render import Gallery, Picture
from deploy.simulator.video import Clip

# What a player skips has a header of this length.
_LEAST_PADDING = 8


@dataclass(frozen=True, slots=True)
class StoredFile:
    """`content_type` None is the true one. `least_bytes`: what a video is padded to."""

    drawing: Picture | Clip
    fault: Fault | None
    content_type: str | None = None
    least_bytes: int = 0

    @property
    def kind(self) -> str:
        return "image/png" if isinstance(self.drawing, Picture) else "video/mp4"


class FileShelf:
    """The newest `limit` files by name. Only their descriptions are kept; the gallery holds drawn bytes."""

    def __init__(self, limit: int = 20_000) -> None:
        self.gallery = Gallery()
        self._limit = limit
        self._files: OrderedDict[str, StoredFile] = OrderedDict()

    def put(
        self,
        drawing: Picture | Clip,
        fault: Fault | None,
        content_type: str | None = None,
        least_bytes: int = 0,
    ) -> str:
        """Store a picture or a video; returns its name, `{random}.png` or `{random}.mp4`."""
        suffix = "png" if isinstance(drawing, Picture) else "mp4"
        name = f"{secrets.token_urlsafe(16)}.{suffix}"
        self._files[name] = StoredFile(drawing, fault, content_type, least_bytes)
        if len(self._files) > self._limit:
            self._files.popitem(last=False)
        return name

    def get(self, name: str) -> StoredFile | None:
        return self._files.get(name)

    def padding(self, stored: StoredFile) -> int:
        """Bytes to add to the drawn file: none, or room for at least an empty box."""
        missing = stored.least_bytes - len(self.gallery.get(stored.drawing))
        return max(missing, _LEAST_PADDING) if isinstance(stored.drawing, Clip) and missing > 0 else 0

    def length(self, stored: StoredFile) -> int:
        """Bytes of the whole file."""
        return len(self.gallery.get(stored.drawing)) + self.padding(stored)
