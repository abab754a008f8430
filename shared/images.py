"""What a file really is: the bytes decide, not the name or the Content-Type."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Final

import filetype
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from shared.errors import HatcheryError


class NotAnImage(HatcheryError):
    """The file is not a PNG, JPEG, WebP or GIF image that can be used."""

    code, status = "not_an_image", 422


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """Type and size of an image; width and height in pixels."""

    content_type: str
    extension: str
    width: int
    height: int


MAX_PIXELS: Final = 100_000_000

_HEADER_ERRORS: Final = (SyntaxError, OSError, ValueError, EOFError, IndexError, TypeError, struct.error)


def check_image(data: bytes, max_pixels: int = MAX_PIXELS) -> ImageInfo:
    """Look at the magic bytes and the header, decoding no pixels.

    Raises `NotAnImage` for any other content, a header that breaks off, and more than `max_pixels`.
    """
    if not data:
        raise NotAnImage("The file is empty.")
    kind = filetype.image_match(data)
    known = _FORMATS.get(kind.mime) if kind else None
    if known is None:
        raise NotAnImage
    extension, read_size = known
    try:
        width, height = read_size(data)
    except _HEADER_ERRORS as error:
        raise NotAnImage("The image header is damaged.") from error
    if width < 1 or height < 1:
        raise NotAnImage("The image has no pixels.")
    if width * height > max_pixels:
        raise NotAnImage(f"The image has more than {max_pixels} pixels.")
    return ImageInfo(content_type=kind.mime, extension=extension, width=width, height=height)


# The plugin classes are used instead of Image.open, whose own size limit is one global number.
def _png(data: bytes) -> tuple[int, int]:
    return PngImageFile(BytesIO(data)).size


def _jpeg(data: bytes) -> tuple[int, int]:
    return JpegImageFile(BytesIO(data)).size


def _gif(data: bytes) -> tuple[int, int]:
    return GifImageFile(BytesIO(data)).size


def _webp(data: bytes) -> tuple[int, int]:
    """Canvas size by RFC 9649; Pillow would set up a decoder with two whole canvases first."""
    riff_size = struct.unpack_from("<I", data, 4)[0]
    if len(data) < riff_size + 8:
        raise EOFError("the RIFF chunk breaks off")
    chunk = data[12:16]
    if chunk == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if chunk == b"VP8L" and data[20] == 0x2F:
        bits = struct.unpack_from("<I", data, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError("no image chunk")


_FORMATS: Final[dict[str, tuple[str, Callable[[bytes], tuple[int, int]]]]] = {
    "image/png": ("png", _png),
    "image/jpeg": ("jpg", _jpeg),
    "image/webp": ("webp", _webp),
    "image/gif": ("gif", _gif),
}
