"""The cost of a route is stated in units that can be counted."""

from __future__ import annotations

import pytest

from shared.catalog.costs import OutputCost, TokenCost
from shared.catalog.load import BadCatalog, parse_catalog

IMAGE = """\
providers: {{fal: {{}}, kie: {{}}, openai: {{}}}}
models:
  banana:
    kind: image
    price: {{per: image, usd: "0.01"}}
    chain:
      - provider: {provider}
        generate: {generate}
        cost: {cost}
"""
CHAT = """\
providers: {{openai: {{}}}}
models:
  talk:
    kind: chat
    price: {{per: token, usd_per_million_input: "1", usd_per_million_output: "2"}}
    chain:
      - {{provider: openai, generate: gpt-5, cost: {cost}}}
"""


def image(cost: str, provider: str = "fal", generate: str = "fal-ai/nano-banana") -> str:
    return IMAGE.format(cost=cost, provider=provider, generate=generate)


def test_a_route_may_state_what_its_provider_charges() -> None:
    catalog = parse_catalog(image('{per: image, usd: "0.04", by_resolution: {4K: "0.08"}}'), "catalog.yaml")
    assert catalog.models["banana"].chain[0].cost == OutputCost(
        per="image", usd="0.04", by_resolution={"4K": "0.08"}
    )
    catalog = parse_catalog(CHAT.format(cost='{per: token, usd_per_million_input: "1"}'), "catalog.yaml")
    assert catalog.models["talk"].chain[0].cost == TokenCost(per="token", usd_per_million_input="1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (image('{per: second, usd: "1"}'), "of kind image it is per"),
        (CHAT.format(cost='{per: image, usd: "1"}'), "of kind chat it is per"),
        (image('{per: metered, usd: "1"}', "kie", "nano-banana-pro"), "kie does not say what it counts"),
        (image('{per: image, usd: "1", by_resolution: {9K: "1"}}'), "there is no resolution '9K'"),
        (image('{per: image, usd: "-1"}'), "a price is not negative"),
        (image('{per: image, usd: "1", each: 2}'), "each"),
        (image("{per: image}"), "usd"),
    ],
)
def test_a_cost_that_nothing_can_be_counted_by_is_named(text: str, said: str) -> None:
    with pytest.raises(BadCatalog, match=said):
        parse_catalog(text, "catalog.yaml")
