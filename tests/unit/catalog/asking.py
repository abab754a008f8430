"""Asking for prices, and what comes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from shared.catalog.load import load_catalog, parse_catalog
from shared.catalog.model import Catalog
from shared.catalog.price import PriceRequest, price
from shared.catalog.quotes import NO_TOKENS, MostTokens
from shared.catalog.rate import BundleOffer, CreditOffer, ModelOffer, Offer
from shared.catalog.terms import AccountTerms, CouponTerms
from shared.tasks.model import OutputFile, Quote, TaskRequest, Tokens

SEED = load_catalog(Path(__file__).parents[3] / "deploy" / "catalog.yaml")
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
NOBODY = AccountTerms()
HEN = TaskRequest(prompt="a hen")
NOTHING_SAID = TaskRequest(prompt="")


def quote(
    offer: str | Offer,
    request: TaskRequest = HEN,
    *,
    most: MostTokens = NO_TOKENS,
    catalog: Catalog = SEED,
    account: AccountTerms = NOBODY,
    coupon: CouponTerms | None = None,
    now: datetime = NOON,
) -> Quote:
    """At the price of a model, if the offer is a text."""
    asked = PriceRequest(ModelOffer(offer) if isinstance(offer, str) else offer, request, most)
    return price(asked, catalog, account, coupon, now)


def images(count: int = 1, resolution: str | None = None, quality: str | None = None) -> TaskRequest:
    return TaskRequest(prompt="a hen", num_outputs=count, resolution=resolution, quality=quality)


def video(seconds: int, count: int = 1, resolution: str | None = None) -> TaskRequest:
    return TaskRequest(prompt="a hen", num_outputs=count, duration_seconds=seconds, resolution=resolution)


def credits_for(public_id: str) -> CreditOffer:
    return CreditOffer(public_id)


def bundle(offer_id: str, **words: str) -> BundleOffer:
    return BundleOffer(offer_id, words)


def pictures(number: int, width: int = 1024, height: int = 1024) -> list[OutputFile]:
    return [
        OutputFile(
            key=f"images/gen_1/{one}.png", content_type="image/png", size=70, width=width, height=height
        )
        for one in range(number)
    ]


def videos(number: int) -> list[OutputFile]:
    return films(*[None] * number)


def films(*lengths: int | None) -> list[OutputFile]:
    """In milliseconds; None: not known."""
    return [
        OutputFile(key=f"videos/gen_1/{one}.mp4", content_type="video/mp4", size=70, duration_ms=length)
        for one, length in enumerate(lengths)
    ]


def took(input_tokens: int, output_tokens: int, cached: int = 0) -> Tokens:
    return Tokens(input_tokens=input_tokens, output_tokens=output_tokens, cached_input_tokens=cached)


ALL_KINDS = """\
providers: {fal: {}, openai: {}}
models:
  picture:
    kind: image
    price: PICTURE
    chain: [{provider: fal, generate: fal-ai/nano-banana-pro}]
  film:
    kind: video
    price: FILM
    chain: [{provider: fal, generate: fal-ai/veo3.1}]
  talk:
    kind: chat
    price: TALK
    chain: [{provider: openai, generate: gpt-5}]
credit_usd: "0.01"
openai:
  vendor/picture: {model: picture, display_name: P, owned_by: fal, capabilities: [image], credits: 7}
  vendor/talk: {model: talk, display_name: T, owned_by: openai, capabilities: [chat], credits: 3}
aigenway:
  offers:
    a/picture/make: &picture
      model: picture
      parameters: banana_text_to_image
      pricing: PER_IMAGE
      dimensions: [resolution]
      prices: BUNDLES
    a/picture/flat:
      <<: *picture
      pricing: PER_REQUEST
      prices: [{resolution: [1K], usd: "0.5"}]
    a/film/make:
      model: film
      parameters: veo_text_to_video
      pricing: PER_SECOND
      prices: [{usd: "0.1"}]
    a/talk/say: {model: talk, parameters: text_generation, pricing: PER_TOKEN}
"""
PICTURE = '{per: image, usd: "0.01"}'
FILM = '{per: second, usd: "0.08"}'
TALK = '{per: token, usd_per_million_input: "1", usd_per_million_output: "2"}'
BUNDLES = '[{resolution: [1K], usd: "0.1"}]'


def catalog(picture: str = PICTURE, film: str = FILM, talk: str = TALK, bundles: str = BUNDLES) -> Catalog:
    """One model of each kind and offers of all, at these prices, as YAML."""
    return parse_catalog(catalog_text(picture, film, talk, bundles), "catalog.yaml")


def catalog_text(picture: str = PICTURE, film: str = FILM, talk: str = TALK, bundles: str = BUNDLES) -> str:
    text = ALL_KINDS.replace("PICTURE", picture).replace("FILM", film)
    return text.replace("TALK", talk).replace("BUNDLES", bundles)
