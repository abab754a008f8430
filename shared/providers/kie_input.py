"""What kie.ai's models want to be told. Source: docs.kie.ai, the page of each model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

from shared.providers.base import GenerationRequest
from shared.providers.capabilities import Kind
from shared.providers.prompts import prompt_text


@dataclass(frozen=True, slots=True)
class Fields:
    """How a family of models names its input."""

    ratio: str = "aspect_ratio"
    images: str = "image_urls"
    resolution: bool = False
    always: Mapping[str, Any] = field(default_factory=dict)
    """What the model wants to be told even if nobody asked."""


_PNG: Final = {"output_format": "png"}
_KLING: Final = {"sound": False, "duration": "5"}

FIELDS: Final[tuple[tuple[str, Fields], ...]] = (
    ("google/nano-banana*", Fields(ratio="image_size", always=_PNG)),
    ("nano-banana-*", Fields(images="image_input", resolution=True, always=_PNG)),
    ("kling-2.6/text-to-video", Fields(always={"aspect_ratio": "16:9", **_KLING})),
    ("kling-2.6/*", Fields(always=_KLING)),
    ("*", Fields(resolution=True)),
)
"""Pattern of models, their fields; the first match counts."""


def model_input(request: GenerationRequest) -> dict[str, Any]:
    """The input of one task; the catalog's options win over everything else."""
    family = next(found for pattern, found in FIELDS if fnmatchcase(request.upstream_model, pattern))
    body: dict[str, Any] = {"prompt": prompt_text(request), **family.always}
    if request.aspect_ratio:
        body[family.ratio] = request.aspect_ratio
    if request.resolution and family.resolution:
        body["resolution"] = request.resolution
    if request.duration_seconds is not None:
        body["duration"] = str(request.duration_seconds)
    if request.image_urls:
        most = 1 if request.kind is Kind.VIDEO else None
        body[family.images] = list(request.image_urls[:most])
    return {**body, **request.options}
