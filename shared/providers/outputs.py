"""Finding the generated files in a model's output, whatever its shape."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterator
from typing import Final

from shared.providers.base import Output

_KEYS: Final = ("videos", "video", "images", "image", "output", "outputs", "url")
_MAX_DEPTH: Final = 4
_MAX_FILES: Final = 16


def find_outputs(value: object) -> tuple[Output, ...]:
    """The files in `value`: a URL, a list of them, or objects holding them, at most 16, in order.

    Objects with one of the usual keys (`videos`, `video`, `images`, `image`, `output`, `outputs`, `url`) are
    read only there, at the first that holds something, so that a video's cover is no output; others wherever
    a URL is. `data:` URLs become bytes. Other text is no file.
    """
    found: list[Output] = []
    for output in _walk(value, None, _MAX_DEPTH):
        found.append(output)
        if len(found) == _MAX_FILES:
            break
    return tuple(found)


def _walk(value: object, content_type: str | None, depth: int) -> Iterator[Output]:
    if isinstance(value, str):
        output = _from_text(value, content_type)
        if output is not None:
            yield output
    elif depth and isinstance(value, list):
        for item in value:
            yield from _walk(item, content_type, depth - 1)
    elif depth and isinstance(value, dict):
        declared = value.get("content_type")
        kind = declared if isinstance(declared, str) else None
        usual = [value[key] for key in _KEYS if key in value]
        for item in [item for item in usual if item][:1] if usual else value.values():
            yield from _walk(item, kind, depth - 1)


def _from_text(text: str, content_type: str | None) -> Output | None:
    if text.startswith(("https://", "http://")):
        return Output(url=text, content_type=content_type)
    head, comma, encoded = text.partition(",")
    if not (comma and head.startswith("data:") and head.endswith(";base64")):
        return None
    try:
        data = b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    return Output(data=data, content_type=head[5:-7] or content_type) if data else None
