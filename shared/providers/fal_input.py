"""What fal's models want to be told. Source: fal.ai/docs, "Model API reference"."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from shared.providers.base import GenerationRequest
from shared.providers.capabilities import Kind
from shared.providers.prompts import prompt_text


@dataclass(frozen=True, slots=True)
class VideoFields:
    """How a family of video models names and writes its input."""

    image: str = "image_url"
    duration: str = "{}"
    """The form of the seconds; they are text everywhere."""


VIDEO_FIELDS: Final[tuple[tuple[str, VideoFields], ...]] = (
    ("fal-ai/veo*", VideoFields(duration="{}s")),
    ("fal-ai/kling-video/v2.6/*", VideoFields(image="start_image_url")),
    ("fal-ai/kling-video/v3/*", VideoFields(image="start_image_url")),
    ("*", VideoFields()),
)
"""Pattern of endpoints, their fields; the first match counts."""


def model_input(request: GenerationRequest) -> dict[str, Any]:
    """The input of one job; the catalog's options win over everything else."""
    fields = _video_fields(request) if request.kind is Kind.VIDEO else _image_fields(request)
    if request.aspect_ratio:
        fields["aspect_ratio"] = request.aspect_ratio
    if request.resolution:
        fields["resolution"] = request.resolution
    return {"prompt": prompt_text(request), **fields, **request.options}


def _image_fields(request: GenerationRequest) -> dict[str, Any]:
    fields: dict[str, Any] = {"num_images": request.num_outputs, "output_format": "png"}
    if request.image_urls:
        fields["image_urls"] = list(request.image_urls)
    return fields


def _video_fields(request: GenerationRequest) -> dict[str, Any]:
    family = next(found for pattern, found in VIDEO_FIELDS if fnmatchcase(request.upstream_model, pattern))
    fields: dict[str, Any] = {}
    if request.duration_seconds is not None:
        fields["duration"] = family.duration.format(request.duration_seconds)
    if request.image_urls:
        fields[family.image] = request.image_urls[0]
    return fields
