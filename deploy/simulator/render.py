"""Draws the pictures: who made them, how large they are, and for which prompt."""

from __future__ import annotations

import io
import textwrap
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from PIL import Image, ImageDraw, ImageFont

from deploy.simulator import png

THUMBNAIL_PIXELS = 160
_STEPS = (0, 51, 102, 153, 204, 255)
_BACKGROUND = (0, 51, 102)


def _colours() -> list[tuple[int, int, int]]:
    cube = [(r, g, b) for r in _STEPS for g in _STEPS for b in _STEPS]
    cube.remove(_BACKGROUND)
    return [_BACKGROUND, *cube]


# One palette for everything, so thumbnails paste into any picture; index 0 is the background.
_COLOURS = _colours()
_PALETTE = bytes(channel for colour in _COLOURS for channel in colour)
_WHITE = _COLOURS.index((255, 255, 255))
_YELLOW = _COLOURS.index((255, 204, 0))


@dataclass(frozen=True, slots=True)
class Picture:
    """What to draw. `thumbnails` are values of `thumbnail()`."""

    size: tuple[int, int]
    title: str
    text: str
    thumbnails: tuple[bytes, ...] = ()

    def draw(self) -> bytes:
        """The picture as a PNG file."""
        return draw(self)


def _palette_image() -> Image.Image:
    image = Image.new("P", (1, 1))
    image.putpalette(_PALETTE)
    return image


def thumbnail(data: bytes) -> bytes:
    """A small copy of an image file, as a PNG in the common palette. Raises OSError when it is no image."""
    try:
        with Image.open(io.BytesIO(data)) as source:
            source.draft("RGB", (THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
            source.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
            return _as_thumbnail(source.convert("RGB"))
    except (SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise OSError(str(error)) from error


def _as_thumbnail(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.quantize(palette=_palette_image(), dither=Image.Dither.NONE).save(out, "PNG", compress_level=1)
    return out.getvalue()


GREY_STAND_IN = _as_thumbnail(Image.new("RGB", (THUMBNAIL_PIXELS, THUMBNAIL_PIXELS), (153, 153, 153)))


def draw(picture: Picture) -> bytes:
    """The picture as a PNG file."""
    width, height = picture.size
    font_size = min(max(min(width, height) // 28, 10), 140)
    margin = font_size
    per_line = max(int((width - 2 * margin) / (font_size * 0.55)), 1)
    lines = textwrap.wrap(picture.text, per_line, max_lines=6, placeholder=" …")
    line_height = int(font_size * 1.3)
    zoom = max(min(width, height) // 1024, 1)
    text_height = margin + line_height * (1 + len(lines)) + margin
    thumbs_height = THUMBNAIL_PIXELS * zoom + margin if picture.thumbnails else 0
    # The first column is not part of the picture: it is the filter byte of each scanline.
    band = Image.new("P", (width + 1, min(text_height + thumbs_height, height)), 0)
    pen = ImageDraw.Draw(band)
    font = _font(font_size)
    pen.text((1 + margin, margin), picture.title, font=font, fill=_YELLOW)
    for number, line in enumerate(lines, start=1):
        pen.text((1 + margin, margin + number * line_height), line, font=font, fill=_WHITE)
    left = 1 + margin
    for data in picture.thumbnails:
        with Image.open(io.BytesIO(data)) as small:
            shown = small.resize((small.width * zoom, small.height * zoom), Image.Resampling.NEAREST)
        if left + shown.width > width:
            break
        band.paste(shown, (left, text_height))
        left += shown.width + margin
    return png.encode(picture.size, _PALETTE, band.tobytes())


@lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def jpeg(picture: Picture) -> bytes:
    """The picture as a JPEG file."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(draw(picture))) as drawn:
        drawn.convert("RGB").save(out, "JPEG", quality=60)
    return out.getvalue()


def blackness(size: tuple[int, int]) -> bytes:
    """A PNG file with nothing on it but black."""
    return png.encode(size, bytes(3), b"")


class Drawable(Hashable, Protocol):
    """What can be drawn from its description alone."""

    def draw(self) -> bytes: ...


class Gallery:
    """Drawn files, the least recently used thrown away beyond `limit` bytes."""

    def __init__(self, limit: int = 32_000_000) -> None:
        self._limit = limit
        self._held = 0
        self._drawn: OrderedDict[Drawable, bytes] = OrderedDict()

    def get(self, drawable: Drawable) -> bytes:
        """The file of a picture or a clip, drawn at most once while it is held."""
        data = self._drawn.get(drawable)
        if data is not None:
            self._drawn.move_to_end(drawable)
            return data
        data = drawable.draw()
        self._drawn[drawable] = data
        self._held += len(data)
        while self._held > self._limit:
            self._held -= len(self._drawn.popitem(last=False)[1])
        return data
