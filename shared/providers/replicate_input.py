"""What Replicate's models want to be told. Source: the "API" page of each model on replicate.com."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any, Final

from shared.providers.base import GenerationRequest
from shared.providers.capabilities import Kind
from shared.providers.prompts import prompt_text

FIRST_FRAME_FIELDS: Final[tuple[tuple[str, str], ...]] = (("kwaivgi/kling*", "start_image"), ("*", "image"))
"""Pattern of video models, the field for the picture a video begins with; the first match counts."""


def model_input(request: GenerationRequest) -> dict[str, Any]:
    """The input of one prediction; the catalog's options win over everything else."""
    fields = _video_fields(request) if request.kind is Kind.VIDEO else _image_fields(request)
    if request.aspect_ratio:
        fields["aspect_ratio"] = request.aspect_ratio
    if request.resolution:
        fields["resolution"] = request.resolution
    return {"prompt": prompt_text(request), **fields, **request.options}


def _image_fields(request: GenerationRequest) -> dict[str, Any]:
    fields: dict[str, Any] = {"output_format": "png"}
    if request.image_urls:
        fields["image_input"] = list(request.image_urls)
    return fields


def _video_fields(request: GenerationRequest) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if request.duration_seconds is not None:
        fields["duration"] = request.duration_seconds
    if request.image_urls:
        model = request.upstream_model
        name = next(found for pattern, found in FIRST_FRAME_FIELDS if fnmatchcase(model, pattern))
        fields[name] = request.image_urls[0]
    return fields
