"""Checked params of image and video methods as a request in our own words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shared.catalog.aigenway_parameters import Table
from shared.catalog.sizes import tier_word
from shared.providers.capabilities import Kind
from shared.tasks.model import TaskRequest

VIDEO: Final = "video_generate"
"""A task kind of ours."""
_PIXELS: Final[Mapping[str, tuple[str | None, str | None]]] = {
    "1024x1024": ("1:1", "1K"),
    "1024x1536": ("2:3", "1K"),
    "1536x1024": ("3:2", "1K"),
    "2048x2048": ("1:1", "2K"),
    "3840x2160": ("16:9", "4K"),
    "2160x3840": ("9:16", "4K"),
    "auto": (None, None),
}
"""Sizes in pixels as aspect ratio and resolution."""


def request_of(table: Table, params: Mapping[str, Any]) -> TaskRequest:
    """What providers are asked for; the rest of the params only has a price or no effect."""
    fields: dict[str, Any] = {
        parameter.becomes: params[parameter.name]
        for parameter in table.parameters
        if parameter.becomes is not None and parameter.name in params
    }
    if isinstance(urls := fields.get("image_urls"), str):
        fields["image_urls"] = [urls]
    if "resolution" in fields:
        shape = _PIXELS.get(fields["resolution"])
        if shape is None:
            fields["resolution"] = tier_word(fields["resolution"])
        else:
            fields["aspect_ratio"], fields["resolution"] = shape
    for name in ("quality", "background"):
        if fields.get(name) == "auto":
            del fields[name]
    return TaskRequest.model_validate(fields)


def kind_of(table: Table) -> str:
    """The kind of task; input images make it an edit, of a video they are the first frame."""
    if table.kind is Kind.VIDEO:
        return VIDEO
    return "image_edit" if table.edits else "image_generate"
