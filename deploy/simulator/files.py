"""Generated files behind random addresses, drawn when somebody asks for them."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass

from deploy.simulator.faults import Fault
from deploy.simulator.render import Gallery, Picture


@dataclass(frozen=True, slots=True)
class StoredFile:
    picture: Picture
    fault: Fault | None


class FileShelf:
    """The newest `limit` files by name. Only their descriptions are kept; the gallery holds drawn bytes."""

    def __init__(self, limit: int = 20_000) -> None:
        self.gallery = Gallery()
        self._limit = limit
        self._files: OrderedDict[str, StoredFile] = OrderedDict()

    def put(self, picture: Picture, fault: Fault | None) -> str:
        """Store a picture; returns its name, `{random}.png`."""
        name = f"{secrets.token_urlsafe(16)}.png"
        self._files[name] = StoredFile(picture, fault)
        if len(self._files) > self._limit:
            self._files.popitem(last=False)
        return name

    def get(self, name: str) -> StoredFile | None:
        return self._files.get(name)
