from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image

from shared.images import ImageInfo, NotAnImage, check_image


def picture(form: str, size: tuple[int, int] = (30, 20), **options: bool) -> bytes:
    buffer = BytesIO()
    Image.new("RGBA" if options.pop("alpha", False) else "RGB", size).save(buffer, form, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return head + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))


def webp_header(width: int, height: int) -> bytes:
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunk = b"VP8X" + struct.pack("<I", 10) + bytes(4) + canvas
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


@pytest.mark.parametrize(
    ("data", "content_type", "extension"),
    [
        (picture("PNG"), "image/png", "png"),
        (picture("JPEG"), "image/jpeg", "jpg"),
        (picture("WEBP"), "image/webp", "webp"),
        (picture("WEBP", lossless=True), "image/webp", "webp"),
        (picture("WEBP", alpha=True), "image/webp", "webp"),
        (picture("GIF"), "image/gif", "gif"),
    ],
)
def test_type_and_size_come_from_the_bytes(data: bytes, content_type: str, extension: str) -> None:
    assert check_image(data) == ImageInfo(content_type, extension, 30, 20)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>",
        b"\n\n  <html>",
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>',
        b'<?xml version="1.0"?><svg/>',
        b'{"error": "expired"}',
        b"%PDF-1.7",
        b"PK\x03\x04",
        b"\x00" * 500,
        picture("BMP"),
        picture("TIFF"),
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n<html></html>",
        picture("PNG")[:20],
        picture("JPEG")[:12],
        picture("JPEG")[:100],
        picture("GIF")[:8],
        picture("WEBP")[:20],
        picture("WEBP")[:-1],
        png_header(0, 10),
    ],
)
def test_anything_but_a_whole_header_of_a_known_format_is_refused(data: bytes) -> None:
    with pytest.raises(NotAnImage):
        check_image(data)


@pytest.mark.parametrize("data", [png_header(60_000, 60_000), webp_header(16_000, 16_000)])
def test_a_decompression_bomb_is_refused_by_its_header(data: bytes) -> None:
    assert len(data) < 100
    with pytest.raises(NotAnImage, match="pixels"):
        check_image(data)


def test_the_pixel_limit_is_the_callers() -> None:
    data = picture("PNG", (100, 100))
    assert check_image(data, max_pixels=10_000).width == 100
    with pytest.raises(NotAnImage, match="9999 pixels"):
        check_image(data, max_pixels=9_999)
