"""What an MP4 begins with."""

from __future__ import annotations

import pytest

from shared.videos import HEAD_BYTES, NotAVideo, check_video


@pytest.mark.parametrize(
    "brand", ["isom", "iso2", "iso4", "iso5", "iso6", "mp41", "mp42", "avc1", "M4V ", "dash"]
)
def test_a_file_that_begins_with_the_box_of_an_mp4_is_a_video(brand: str) -> None:
    head = b"\x00\x00\x00\x20ftyp" + brand.encode()

    check_video(head)
    check_video(head + b"\x00\x00\x02\x00mp41 and more")


@pytest.mark.parametrize(
    "head",
    [
        b"<!DOCTYPE html><html>",
        b'{"error": "the file has expired"}',
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81",  # WebM
        b"\x00\x00\x00\x20ftypqt  ",  # QuickTime
        b"\x00\x00\x00\x20ftypheic",
        b"ftypisom\x00\x00\x00\x00",
        b"\x00\x00\x00\x20FTYPisom",
    ],
)
def test_anything_else_is_none(head: bytes) -> None:
    with pytest.raises(NotAVideo):
        check_video(head)


@pytest.mark.parametrize("length", range(1, HEAD_BYTES))
def test_a_file_that_breaks_off_before_its_type_is_none(length: int) -> None:
    with pytest.raises(NotAVideo, match="breaks off"):
        check_video(b"\x00\x00\x00\x20ftypisom"[:length])


def test_an_empty_file_is_none() -> None:
    with pytest.raises(NotAVideo, match="empty"):
        check_video(b"")
