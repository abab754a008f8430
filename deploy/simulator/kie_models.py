"""The models that kie.ai sells here: what their input may hold, and what a run costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_RATIOS = ("1:1", "9:16", "16:9", "3:4", "4:3", "3:2", "2:3", "5:4", "4:5", "21:9", "auto")
_EXTREME_RATIOS = (*_RATIOS, "1:4", "4:1", "1:8", "8:1")
_RESOLUTIONS = ("1K", "2K", "4K")


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """`choices`: the values of each field that has a fixed set. `credits`: by resolution, or by seconds."""

    longest_prompt: int
    choices: Mapping[str, tuple[str, ...]]
    images_field: str | None = None
    most_images: int = 0
    needs_images: bool = False
    switches: tuple[str, ...] = ()
    credits: Mapping[str, float] = field(default_factory=dict)
    usual_credits: float = 4

    def fault_in(self, values: Mapping[str, Any]) -> str | None:
        """What is wrong with an input, in words; None when nothing is."""
        prompt = values.get("prompt")
        if not isinstance(prompt, str) or not prompt:
            return "prompt is required"
        if len(prompt) > self.longest_prompt:
            return f"The text length cannot exceed the maximum limit of {self.longest_prompt} characters"
        for name, allowed in self.choices.items():
            if name in values and values[name] not in allowed:
                return f"{name} is not within the range of allowed options"
        for name in self.switches:
            if not isinstance(values.get(name, False), bool):
                return f"{name} must be a boolean"
        return None if self.images_field is None else self._fault_in_images(values.get(self.images_field, []))

    def _fault_in_images(self, urls: object) -> str | None:
        if not isinstance(urls, list) or not all(_is_web_address(url) for url in urls):
            return f"{self.images_field} must be an array of file URLs"
        if self.needs_images and not urls:
            return f"{self.images_field} is required"
        if len(urls) > self.most_images:
            return f"{self.images_field} cannot hold more than {self.most_images} files"
        return None

    def image_urls(self, values: Mapping[str, Any]) -> list[str]:
        """The input images of a faultless input."""
        return [] if self.images_field is None else list(values.get(self.images_field, []))

    def cost(self, values: Mapping[str, Any]) -> float:
        """Credits for one run."""
        asked = values.get("duration", values.get("resolution"))
        base = self.credits.get(str(asked), self.usual_credits)
        return base * 2 if values.get("sound") is True else base


def _is_web_address(url: object) -> bool:
    return isinstance(url, str) and url.startswith(("http://", "https://"))


_OLD_CHOICES = {"image_size": _RATIOS, "output_format": ("png", "jpeg")}
_SECONDS = {"duration": ("5", "10")}
_VIDEO_CREDITS = {"5": 55.0, "10": 110.0}

MODELS: Mapping[str, Model] = {
    "google/nano-banana": Model(longest_prompt=5000, choices=_OLD_CHOICES),
    "google/nano-banana-edit": Model(
        longest_prompt=5000,
        choices=_OLD_CHOICES,
        images_field="image_urls",
        most_images=10,
        needs_images=True,
    ),
    "nano-banana-pro": Model(
        longest_prompt=10_000,
        choices={"aspect_ratio": _RATIOS, "resolution": _RESOLUTIONS, "output_format": ("png", "jpg")},
        images_field="image_input",
        most_images=8,
        credits={"4K": 24},
        usual_credits=18,
    ),
    "nano-banana-2": Model(
        longest_prompt=20_000,
        choices={
            "aspect_ratio": _EXTREME_RATIOS,
            "resolution": _RESOLUTIONS,
            "output_format": ("jpg", "png"),
        },
        images_field="image_input",
        most_images=14,
        switches=("google_search",),
        credits={"2K": 12, "4K": 18},
        usual_credits=8,
    ),
    "kling-2.6/text-to-video": Model(
        longest_prompt=1000,
        choices={"aspect_ratio": ("1:1", "16:9", "9:16"), **_SECONDS},
        switches=("sound",),
        credits=_VIDEO_CREDITS,
        usual_credits=55,
    ),
    "kling-2.6/image-to-video": Model(
        longest_prompt=1000,
        choices={"aspect_ratio": ("1:1", "16:9", "9:16"), **_SECONDS},
        images_field="image_urls",
        most_images=1,
        needs_images=True,
        switches=("sound",),
        credits=_VIDEO_CREDITS,
        usual_credits=55,
    ),
}
