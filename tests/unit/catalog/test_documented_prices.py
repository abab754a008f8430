"""Every price that the platforms' documentation names, and those of the bundles that come with the project.

Each row begins with where the price stands: a section of the platforms' documentation, or our catalog.
"""

from __future__ import annotations

import pytest

from shared.catalog.rate import PriceMissing
from shared.money import usd_from_nano
from shared.tasks.model import TaskRequest
from tests.unit.catalog.asking import NOTHING_SAID, bundle, credits_for, images, quote, video

GUIDE = "EggAPI, nanobanana-pro"
QUICKSTART = "EggAPI, quickstart: usage"
MODELS = "EggAPI, 1.12 models and prices"
USAGE = "EggAPI, 1.8 usage"


@pytest.mark.parametrize(
    ("source", "model", "request_", "usd"),
    [
        (MODELS, "nanobanana", images(), "0.0100"),
        (MODELS, "nanobanana", images(1, "4K"), "0.0100"),
        (USAGE, "nanobanana", images(2), "0.0200"),
        (USAGE, "nanobanana", images(12), "0.1200"),
        (QUICKSTART, "nanobanana", images(20), "0.2000"),
        (QUICKSTART, "nanobanana-pro", images(10), "0.1600"),
        (GUIDE, "nanobanana-pro", images(), "0.0160"),
        (GUIDE, "nanobanana-pro", images(1, "1K"), "0.0160"),
        (GUIDE, "nanobanana-pro", images(2, "2K"), "0.0320"),
        (GUIDE, "nanobanana-pro", images(1, "4K"), "0.0320"),
        (GUIDE, "nanobanana-pro", images(4, "4K"), "0.1280"),
        (MODELS, "nanobanana-pro", images(1, "4K"), "0.0320"),
        ("EggAPI, 1.10 webhooks", "nanobanana-pro", images(), "0.0160"),
        (MODELS, "veo3.1", video(1), "0.0800"),
        (MODELS, "veo3.1", video(5), "0.4000"),
        (MODELS, "veo3.1", video(60), "4.8000"),
        ("our catalog", "kling-2.6", video(5), "0.3500"),
    ],
)
def test_eggapi_s_models_cost_what_its_documents_say(
    source: str, model: str, request_: TaskRequest, usd: str
) -> None:
    assert usd_from_nano(quote(model, request_).hold_nano, 4) == usd, source


@pytest.mark.parametrize(
    ("source", "public_id", "count", "credits_"),
    [
        ("OpenAI style, overview: available models", "openai/gpt-5", 1, 3),
        ("OpenAI style, 2.8: flat, whatever the answer takes", "openai/gpt-5", 4, 3),
        ("OpenAI style, 2.2: the sample item", "google/nano-banana-pro", 1, 8),
        ("our catalog: each image", "google/nano-banana-pro", 3, 24),
        ("our catalog", "google/nano-banana", 2, 8),
        ("our catalog", "google/gemini-2.5-flash", 1, 1),
        ("our catalog", "openai/text-embedding-3-small", 1, 1),
    ],
)
def test_the_openai_style_platform_s_models_cost_whole_credits(
    source: str, public_id: str, count: int, credits_: int
) -> None:
    asked = NOTHING_SAID.model_copy(update={"num_outputs": count})

    assert quote(credits_for(public_id), asked).hold_nano == credits_ * 10_000_000, source


BANANA_2 = "google_banana/gemini-3.1-flash-image-preview/text_to_image"
BANANA_PRO = "google_banana/gemini-3-pro-image-preview/image_edit"
IMAGEN = "google_banana/imagen-4.0-ultra-generate-001/text_to_image"
GPT = "openai_image/gpt-image-2/text_to_image"
VEO = "google_veo/veo-3.1-generate-preview/text_to_video"
KLING = "kling_ai/kling-2.6/text_to_video"
SAMPLE = "Aigenway, 3.7 and 3.8: the sample charge, 12000000 of 10⁻⁸ USD"
KEYED = "Aigenway, 3.8: Kling's duration is part of the key"
NOT_KEYED = "Aigenway, 3.8: Veo's duration is not part of the key"


@pytest.mark.parametrize(
    ("source", "offer", "words", "request_", "usd"),
    [
        (SAMPLE, BANANA_2, {"resolution": "1K"}, images(1, "1K"), "0.1200"),
        ("our catalog", BANANA_2, {"resolution": "0.5K"}, images(1, "512"), "0.0800"),
        ("our catalog", BANANA_2, {"resolution": "2K"}, images(3, "2K"), "0.4800"),
        ("our catalog", BANANA_2, {"resolution": "4K"}, images(4, "4K"), "0.9600"),
        ("our catalog", BANANA_PRO, {"resolution": "1K"}, images(1, "1K"), "0.2000"),
        ("our catalog", BANANA_PRO, {"resolution": "2K"}, images(1, "2K"), "0.2000"),
        ("our catalog", BANANA_PRO, {"resolution": "4K"}, images(1, "4K"), "0.3600"),
        ("our catalog", IMAGEN, {"resolution": "2K"}, images(2, "2K"), "0.2000"),
        ("our catalog", GPT, {"mode": "low", "resolution": "auto"}, images(), "0.0200"),
        ("our catalog", GPT, {"mode": "medium", "resolution": "1024x1536"}, images(), "0.0800"),
        ("our catalog", GPT, {"mode": "auto", "resolution": "1024x1024"}, images(), "0.2600"),
        ("our catalog", GPT, {"mode": "high", "resolution": "3840x2160"}, images(2), "1.6000"),
        (NOT_KEYED, VEO, {"resolution": "720p"}, video(4), "1.6000"),
        (NOT_KEYED, VEO, {"resolution": "1080p"}, video(12), "4.8000"),
        (NOT_KEYED, VEO, {"resolution": "4K"}, video(8), "4.8000"),
        (KEYED, KLING, {"mode": "pro", "resolution": "1080p", "duration": "5"}, video(5), "0.4900"),
        (KEYED, KLING, {"mode": "pro", "resolution": "1080p", "duration": "10"}, video(10), "0.9800"),
    ],
)
def test_aigenway_s_bundles_have_prices(
    source: str, offer: str, words: dict[str, str], request_: TaskRequest, usd: str
) -> None:
    assert usd_from_nano(quote(bundle(offer, **words), request_).hold_nano, 4) == usd, source


@pytest.mark.parametrize(
    ("source", "offer", "words"),
    [
        ("Aigenway, 3.6: all three are required", KLING, {"mode": "pro", "resolution": "1080p"}),
        (KEYED, KLING, {"mode": "pro", "resolution": "1080p", "duration": "7"}),
        (
            "Aigenway, 3.8: no exact match",
            KLING,
            {"mode": "standard", "resolution": "1080p", "duration": "5"},
        ),
        ("Aigenway, 3.8: no exact match", KLING, {"mode": "pro", "resolution": "720p", "duration": "5"}),
        ("Aigenway, 3.8: no exact match", KLING, {}),
        ("our catalog: it makes nothing so small", BANANA_PRO, {"resolution": "0.5K"}),
        ("our catalog", IMAGEN, {"resolution": "4K"}),
        ("our catalog", GPT, {"resolution": "auto"}),
    ],
)
def test_a_bundle_without_a_price_is_turned_down(source: str, offer: str, words: dict[str, str]) -> None:
    request = video(5) if offer == KLING else images()

    with pytest.raises(PriceMissing) as refused:
        quote(bundle(offer, **words), request)

    assert (refused.value.code, refused.value.status) == ("price_not_configured", 422), source
