"""The offers that come with the project."""

from __future__ import annotations

from pathlib import Path

from services.api.dialects.aigenway.targets import Target, Targets
from shared.catalog.load import load_catalog
from shared.http import EgressPolicy

CATALOG = load_catalog(Path(__file__).parents[3] / "deploy" / "catalog.yaml")
TARGETS = Targets(CATALOG)
STRICT = EgressPolicy()


def target(offer_id: str) -> Target:
    return TARGETS.find({"method": offer_id})


BANANA = target("google_banana/gemini-3.1-flash-image-preview/text_to_image")
KLING = target("kling_ai/kling-2.6/text_to_video")
TEXT = target("google_banana/gemini-2.5-flash/text_generation")
