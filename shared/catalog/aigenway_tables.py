"""The parameters of every kind of method that is offered, as data.

Source: the platform's method pages. Where they name more than any provider of ours can make, only what can be
made is listed: one video at a time, and no last frame for Kling.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from shared.catalog.aigenway_offers import Dimension
from shared.catalog.aigenway_parameters import MOST_URL_LENGTH, Parameter, Table
from shared.catalog.aigenway_text_tables import EMBEDDING, TEXT_GENERATION
from shared.providers.capabilities import Kind

_PROMPT: Final = Parameter(
    name="prompt",
    type="string",
    description="What to make",
    required=True,
    least=1,
    most=20_000,
    becomes="prompt",
)
_CALLBACK: Final = Parameter(
    name="callback_url",
    type="string",
    description="An https address for the webhook; one beside params wins",
    most=MOST_URL_LENGTH,
    url=True,
)
_COUNT: Final = Parameter(
    name="images_count",
    type="integer",
    description="How many images",
    default=1,
    least=1,
    most=4,
    becomes="num_outputs",
)
_ONE_VIDEO: Final = replace(_COUNT, name="videos_count", description="How many videos", most=1)
_IMAGES: Final = Parameter(
    name="input_images",
    type="array",
    description="Addresses of the images to work on",
    required=True,
    least=1,
    most=8,
    url=True,
    becomes="image_urls",
)
_RESOLUTION: Final = Parameter(
    name="resolution",
    type="string",
    description="How large the images are",
    allowed=("0.5K", "1K", "2K", "4K"),
    default="1K",
    dimension=Dimension.RESOLUTION,
    becomes="resolution",
)
_RATIO: Final = Parameter(
    name="aspect_ratio",
    type="string",
    description="Width to height",
    allowed=("1:1", "3:4", "4:3", "9:16", "16:9"),
    becomes="aspect_ratio",
)
_VIDEO_RATIO: Final = replace(_RATIO, allowed=("16:9", "9:16", "1:1"))

_BANANA: Final = (_PROMPT, _RESOLUTION, _RATIO, _COUNT, _CALLBACK)
_REFERENCES: Final = replace(_IMAGES, description="Addresses of 2 to 6 images to draw on", least=2, most=6)

_GPT: Final = (
    _PROMPT,
    Parameter(
        name="mode",
        type="string",
        description="Quality; auto leaves it to the model and costs as high",
        allowed=("low", "medium", "high", "auto"),
        default="auto",
        dimension=Dimension.MODE,
        becomes="quality",
    ),
    Parameter(
        name="background",
        type="string",
        description="Of the image",
        allowed=("auto", "transparent", "opaque"),
        becomes="background",
    ),
    replace(
        _RESOLUTION,
        description="Width and height in pixels",
        allowed=(
            "1024x1024",
            "1024x1536",
            "1536x1024",
            "2048x2048",
            "3840x2160",
            "2160x3840",
            "auto",
        ),
        default="auto",
    ),
    replace(_RATIO, description="Without effect: resolution decides", allowed=(), most=20, becomes=None),
    _COUNT,
    _CALLBACK,
)
_MASK: Final = Parameter(
    name="mask",
    type="string",
    description="Address of a PNG; what is transparent in it may be changed",
    most=MOST_URL_LENGTH,
    url=True,
    becomes="mask_url",
)

_VEO: Final = (
    _PROMPT,
    replace(_RESOLUTION, description="Of the video", allowed=("720p", "1080p", "4K"), default="720p"),
    replace(_VIDEO_RATIO, default="16:9"),
    _ONE_VIDEO,
    Parameter(
        name="duration_seconds",
        type="integer",
        description="Length of the video",
        allowed=(4, 6, 8, 10, 12),
        default=8,
        becomes="duration_seconds",
    ),
    Parameter(name="mode", type="string", description="An internal marker, without effect", most=100),
    _CALLBACK,
)
_FIRST_FRAME: Final = Parameter(
    name="input_image_url",
    type="string",
    description="Address of the first frame",
    required=True,
    most=MOST_URL_LENGTH,
    url=True,
    becomes="image_urls",
)

_KLING: Final = (
    _PROMPT,
    Parameter(
        name="mode",
        type="string",
        description="The price depends on it",
        allowed=("standard", "pro"),
        dimension=Dimension.MODE,
    ),
    Parameter(
        name="resolution",
        type="string",
        description="720p of standard, 1080p of pro; the price depends on it",
        allowed=("720p", "1080p"),
        dimension=Dimension.RESOLUTION,
    ),
    Parameter(
        name="duration_seconds",
        type="integer",
        description="Length of the video; the price depends on it",
        allowed=(5, 10),
        dimension=Dimension.DURATION,
        becomes="duration_seconds",
    ),
    _CALLBACK,
)
_FRAMES: Final = replace(_IMAGES, description="Address of the first frame, as a list of one", most=1)

TABLES: Final[Mapping[str, Table]] = MappingProxyType(
    {
        "banana_text_to_image": Table(Kind.IMAGE, _BANANA),
        "banana_image": Table(Kind.IMAGE, (*_BANANA, _IMAGES), edits=True),
        "banana_references": Table(Kind.IMAGE, (*_BANANA, _REFERENCES), edits=True),
        "gpt_text_to_image": Table(Kind.IMAGE, _GPT),
        "gpt_image_edit": Table(Kind.IMAGE, (*_GPT, replace(_IMAGES, most=16), _MASK), edits=True),
        "veo_text_to_video": Table(Kind.VIDEO, _VEO),
        "veo_image_to_video": Table(Kind.VIDEO, (*_VEO, _FIRST_FRAME), edits=True),
        "kling_text_to_video": Table(Kind.VIDEO, (*_KLING, _VIDEO_RATIO)),
        # The picture has a shape already.
        "kling_image_to_video": Table(
            Kind.VIDEO, (*_KLING, replace(_VIDEO_RATIO, becomes=None), _FRAMES), edits=True
        ),
        "text_generation": Table(Kind.CHAT, (*TEXT_GENERATION, _CALLBACK), one_of=("prompt", "messages")),
        "embedding": Table(Kind.EMBEDDING, (*EMBEDDING, _CALLBACK), one_of=("inputs", "input")),
    }
)
"""By the name that offers in the catalog use."""
