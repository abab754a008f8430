"""When a job makes a video, and how long and large that is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy.simulator import mp4
from deploy.simulator.render import Picture, jpeg

_MODEL_WORDS = ("video", "veo", "kling")
_USUAL_SECONDS = 5.0
_LONGEST_SECONDS = 60.0
VIDEO_SIDES = {"480p": 480, "580p": 580, "720p": 720, "1080p": 1080, "1440p": 1440, "2160p": 2160, "4k": 2160}
_USUAL_SIDE = 720
_RATIOS = {f"{w}:{h}": (w, h) for w, h in ((1, 1), (4, 3), (3, 4), (16, 9), (9, 16), (21, 9), (9, 21))}


@dataclass(frozen=True, slots=True)
class Clip:
    """A video that shows one picture."""

    frame: Picture
    seconds: float

    def draw(self) -> bytes:
        """The clip as an MP4 file."""
        return mp4.encode(jpeg(self.frame), self.frame.size, self.seconds)


def seconds_asked(model: str, values: Mapping[str, Any], by_rule: bool | None) -> float | None:
    """The length of the video that a submission asks for; None when it asks for pictures.

    It is for a video when a rule says so, when its model is named like one, or when its input has a
    `duration`: a number, `"5"` or `"8s"`.
    """
    named = any(word in model.lower() for word in _MODEL_WORDS)
    if not (by_rule if by_rule is not None else named or "duration" in values):
        return None
    try:
        seconds = float(str(values.get("duration")).strip().removesuffix("s"))
    except ValueError:
        seconds = _USUAL_SECONDS
    return min(max(seconds, 1.0), _LONGEST_SECONDS) if math.isfinite(seconds) else _USUAL_SECONDS


def video_pixels(aspect_ratio: object, resolution: object) -> tuple[int, int]:
    """Width and height, both even: 16:9 and 720p unless the input says otherwise."""
    short = VIDEO_SIDES.get(str(resolution).lower(), _USUAL_SIDE)
    wide, tall = _RATIOS.get(str(aspect_ratio), _RATIOS["16:9"])
    longer = round(short * max(wide, tall) / min(wide, tall) / 2) * 2
    return (longer, short) if wide >= tall else (short, longer)
