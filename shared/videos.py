"""What a file that claims to be a video really is. Pure. Source: ISO/IEC 14496-12, "File Type Box"."""

from __future__ import annotations

from typing import Final

from shared.errors import HatcheryError

CONTENT_TYPE: Final = "video/mp4"
EXTENSION: Final = "mp4"
HEAD_BYTES: Final = 12
"""So many bytes decide."""

_BRANDS: Final = (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ", b"dash")


class NotAVideo(HatcheryError):
    """The file is not an MP4 video."""

    code, status = "not_a_video", 422


def check_video(head: bytes) -> None:
    """Look at the first bytes of a file. Raises NotAVideo unless an MP4 begins so."""
    if len(head) < HEAD_BYTES:
        raise NotAVideo("The file is empty." if not head else "The file breaks off.")
    if head[4:8] != b"ftyp" or head[8:12] not in _BRANDS:
        raise NotAVideo
