"""Pictures as bytes in the answer itself."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Sequence

from PIL import Image

from deploy.simulator.faults import Fault
from deploy.simulator.jobs import Job
from deploy.simulator.render import Picture, thumbnail
from deploy.simulator.world import World

FORMATS = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
_HTML = b"<!doctype html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1>"
_IN_PLACE = {Fault.OUTPUT_HTML: _HTML, Fault.OUTPUT_EMPTY: b""}


async def in_base64(world: World, job: Job, file_format: str = "png") -> list[str]:
    """The pictures of a job, drawn now, or what its fault puts in their place. `file_format` is a key of
    FORMATS; `output_wrong_type` makes a JPEG of any.
    """
    fault = job.then.fault
    if fault in _IN_PLACE:
        return [base64.b64encode(_IN_PLACE[fault]).decode()] * job.images
    if fault is Fault.OUTPUT_WRONG_TYPE:
        file_format = "jpeg"
    width, height = _size_made(job)
    made = []
    for number in range(1, job.images + 1):
        title = f"{job.provider} · {width}x{height} · {number} of {job.images}"
        data = world.files.gallery.get(Picture((width, height), title, job.prompt[:1000], job.thumbnails))
        if file_format != "png":
            data = await asyncio.to_thread(_converted, data, file_format)
        made.append(base64.b64encode(data).decode())
    return made


def _size_made(job: Job) -> tuple[int, int]:
    width, height = job.size
    return (width // 2, height // 2) if job.then.fault is Fault.OUTPUT_OTHER_SIZE else (width, height)


def _converted(data: bytes, file_format: str) -> bytes:
    out = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        image.convert("RGB").save(out, file_format.upper())
    return out.getvalue()


async def thumbnails(images: Sequence[bytes]) -> tuple[bytes, ...]:
    """Small copies of the input images. Raises OSError when one is no image."""
    return tuple([await asyncio.to_thread(thumbnail, data) for data in images])


def images_made(asked: int, fault: Fault | None) -> int:
    """How many pictures come when `asked` are wanted."""
    if fault in (Fault.EMPTY_OUTPUT, Fault.NO_MEDIA_GENERATED):
        return 0
    return max(asked - 1, 0) if fault is Fault.FEWER_OUTPUTS else asked
