"""What can be wrong with the offers of a catalog, told with line and fix."""

from __future__ import annotations

import pytest

from shared.catalog.load import BadCatalog, parse_catalog

CATALOG = """\
providers:
  fal: {}
models:
  banana: {kind: image, price: {per: image, usd: "0.01"}, chain: [{provider: fal, generate: fal-ai/nb}]}
  film: {kind: video, price: {per: second, usd: "0.01"}, chain: [{provider: fal, generate: fal-ai/veo3.1}]}
aigenway:
  offers:
    a/b/c:
      model: banana
      parameters: banana_text_to_image
      pricing: PER_IMAGE
      dimensions: [resolution]
      prices:
        - {resolution: [1K], usd: "0.1"}
"""


def test_the_example_is_good() -> None:
    offer = parse_catalog(CATALOG, "c.yaml").aigenway.offers["a/b/c"]

    assert [price.bundles(offer.dimensions) for price in offer.prices] == [[{"resolution": "1K"}]]


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ("a/b/c:", "a/b:", "c.yaml:8: aigenway.offers.a/b: write it as provider/model/method"),
        ("model: banana", "model: apple", "c.yaml:9: aigenway.offers.a/b/c.model: 'apple' is not under"),
        ("banana_text_to_image", "banana", "c.yaml:10: aigenway.offers.a/b/c.parameters: there is no table"),
        (
            "banana_text_to_image",
            "veo_text_to_video",
            "c.yaml:10: aigenway.offers.a/b/c.parameters: 'banana' is of kind",
        ),
        (
            "banana_text_to_image",
            "banana_image",
            "c.yaml:9: aigenway.offers.a/b/c.model: no route of 'banana' takes",
        ),
        ("PER_IMAGE", "PER_SECOND", "c.yaml:11: aigenway.offers.a/b/c.pricing: of kind image it is"),
        ("PER_IMAGE", "PER_HEN", "c.yaml:11: aigenway.offers.a/b/c.pricing"),
        ("[resolution]", "[mode]", "c.yaml:12: aigenway.offers.a/b/c.dimensions: the table"),
        ("[resolution]", "[]", "c.yaml:14: aigenway.offers.a/b/c.prices.0.resolution: it is not among"),
        ("resolution: [1K], ", "", "c.yaml:14: aigenway.offers.a/b/c.prices.0: resolution is missing"),
        ("[1K]", "[8K]", "c.yaml:14: aigenway.offers.a/b/c.prices.0.resolution: nobody can ask for '8K'"),
        ("[1K]", "[1K, 1K]", "c.yaml:14: aigenway.offers.a/b/c.prices.0: 1K has a price already"),
        ('"0.1"', "0.1", "c.yaml:14: aigenway.offers.a/b/c.prices.0.usd: it should be text"),
        ('"0.1"', '"-1"', "c.yaml:14: aigenway.offers.a/b/c.prices.0.usd: a price is not negative"),
        (
            "parameters:",
            "parameter:",
            "c.yaml:10: aigenway.offers.a/b/c.parameter: there is no such field; did",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line(good: str, bad: str, message: str) -> None:
    with pytest.raises(BadCatalog) as raised:
        parse_catalog(CATALOG.replace(good, bad, 1), "c.yaml")

    assert message in str(raised.value)
