"""Reading `multipart/form-data` (RFC 7578), whose size is counted while it comes."""

from __future__ import annotations

from dataclasses import dataclass
from email.parser import BytesHeaderParser
from typing import Final

from fastapi import Request

from services.api.body import body_limits, expect_media_type, read_bytes
from services.api.errors import InvalidField, MalformedRequest

MOST_PARTS: Final = 100
_MOST_HEAD_BYTES: Final = 8 * 1024
_MOST_BOUNDARY: Final = 200


@dataclass(frozen=True, slots=True)
class FormPart:
    """One field or file."""

    name: str
    data: bytes
    is_file: bool

    def text(self) -> str:
        """Raises InvalidField."""
        try:
            return self.data.decode()
        except UnicodeDecodeError as error:
            raise InvalidField(f"{self.name} must be text in UTF-8") from error


async def read_form(request: Request) -> list[FormPart]:
    """All parts, in order. Raises UnsupportedMediaType, BodyTooLarge and MalformedRequest."""
    boundary = expect_media_type(request, "multipart/form-data").get("boundary", "")
    if not 0 < len(boundary) <= _MOST_BOUNDARY or not boundary.isascii():
        raise MalformedRequest("The form names no boundary, or an unusable one")
    return parse_form(await read_bytes(request, body_limits(request).form), boundary.encode())


def parse_form(body: bytes, boundary: bytes) -> list[FormPart]:
    """The parts of a whole body. Raises MalformedRequest."""
    delimiter = b"\r\n--" + boundary
    _, *pieces = (b"\r\n" + body).split(delimiter, MOST_PARTS + 2)
    if not pieces or len(pieces) > MOST_PARTS + 1:
        raise MalformedRequest(f"The form has no parts, or more than {MOST_PARTS}")
    *inner, last = pieces
    if not last.startswith(b"--"):
        raise MalformedRequest("The form breaks off")
    return [_part(piece) for piece in inner]


def _part(piece: bytes) -> FormPart:
    """What stands between two delimiters: the rest of the line, a head, an empty line, the data."""
    padding, line_end, rest = piece.partition(b"\r\n")
    head, gap, data = rest.partition(b"\r\n\r\n")
    if not line_end or padding.strip() or not gap or len(head) > _MOST_HEAD_BYTES:
        raise MalformedRequest("A part of the form has no head")
    fields = BytesHeaderParser().parsebytes(head)
    name = fields.get_param("name", header="content-disposition")
    if not isinstance(name, str) or not name:
        raise MalformedRequest("A part of the form has no name")
    filename = fields.get_param("filename", header="content-disposition")
    return FormPart(name, data, filename is not None)
