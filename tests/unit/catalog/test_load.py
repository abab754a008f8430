"""A catalog with a mistake in it is refused with the line and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.catalog.load import BadCatalog, load_catalog, parse_catalog

SEED = Path(__file__).parents[3] / "deploy" / "catalog.yaml"
GOOD = """\
providers:
  fal:
    poll: {first_seconds: 0.1}
models:
  banana:
    kind: image
    price:
      per: image
      usd: "0.0100"
    chain:
      - provider: fal
        generate: fal-ai/banana
        edit: fal-ai/banana/edit
"""


def test_the_catalog_that_comes_with_the_project_is_good() -> None:
    catalog = load_catalog(SEED)

    assert list(catalog.models) == ["nanobanana", "nanobanana-pro"]
    assert [route.name for route in catalog.models["nanobanana"].chain] == [
        "fal:fal-ai/nano-banana",
        "replicate:google/nano-banana",
    ]


def test_what_is_not_written_has_its_default() -> None:
    catalog = parse_catalog(GOOD, "catalog.yaml")

    assert catalog.models["banana"].deadline.total_seconds() == 900
    assert catalog.models["banana"].chain[0].soft_deadline_seconds == 240
    assert catalog.providers["fal"].poll.first_seconds == 0.1
    assert catalog.providers["fal"].poll.most_seconds == 5


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("kind: image", "kind: opera", "catalog.yaml:6: models.banana.kind: Input should be 'image'"),
        (
            'usd: "0.0100"',
            'usd: "0.00000000001"',
            "catalog.yaml:9: models.banana.price.usd: .*more than nine decimals",
        ),
        ('usd: "0.0100"', 'usd: "free"', "catalog.yaml:9: models.banana.price.usd: .*such as 12.50"),
        ('usd: "0.0100"', 'usd: "1e999999"', "catalog.yaml:9: models.banana.price.usd: .*such as 12.50"),
        ('usd: "0.0100"', 'usd: "-1"', "catalog.yaml:9: models.banana.price.usd: .*a price is not negative"),
        ('usd: "0.0100"', "usd: 0.0100", "catalog.yaml:9: models.banana.price.usd: .*valid string"),
        ("per: image", "par: image", "catalog.yaml:8: models.banana.price.per: Field required"),
        (
            "first_seconds: 0.1",
            "first_seconds: 0",
            "catalog.yaml:3: providers.fal.poll.first_seconds: .*greater than 0",
        ),
        ("poll:", "pole:", "catalog.yaml:3: providers.fal.pole: Extra inputs are not permitted"),
        ("generate: fal-ai/banana\n", "", "catalog.yaml:11: models.banana.chain.0.generate: Field required"),
        (
            "generate: fal-ai/banana\n",
            "generate: [a]\n",
            "catalog.yaml:12: models.banana.chain.0.generate: .*valid string",
        ),
        (
            "provider: fal",
            "provider: fall",
            "models.banana.chain names the provider 'fall'; add it under `providers` or use one of: fal",
        ),
        ("models:\n", "things:\n", "catalog.yaml:1: models: Field required"),
        ("  banana:\n", "  banana: [\n", r"catalog.yaml:\d+: "),
        ("    kind: image", "\tkind: image", "catalog.yaml:6: .*cannot start any token"),
        (
            "kind: image",
            "kind: image\n    deadline_seconds: soon",
            "catalog.yaml:7: models.banana.deadline_seconds: .*valid number",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line(old: str, new: str, message: str) -> None:
    assert old in GOOD

    with pytest.raises(BadCatalog, match=message):
        parse_catalog(GOOD.replace(old, new, 1), "catalog.yaml")


def test_every_mistake_has_a_line_of_its_own() -> None:
    text = GOOD.replace("kind: image", "kind: opera").replace("per: image", "par: image")
    with pytest.raises(BadCatalog) as caught:
        parse_catalog(text, "catalog.yaml")

    assert [line.split(": ")[0] for line in caught.value.message.splitlines()] == [
        "catalog.yaml:6",
        "catalog.yaml:8",
        "catalog.yaml:8",
    ]


def test_a_chain_may_not_name_a_route_twice() -> None:
    route = "      - {provider: fal, generate: fal-ai/banana, edit: x}\n"
    with pytest.raises(BadCatalog, match=r"models\.banana\.chain names the same route twice"):
        parse_catalog(GOOD + route, "catalog.yaml")


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "- a\n- b\n", "hello"])
def test_a_file_that_is_no_mapping_is_told_what_it_should_be(text: str) -> None:
    with pytest.raises(
        BadCatalog, match=r"catalog\.yaml:1: the catalog is a mapping with `providers` and `models`"
    ):
        parse_catalog(text, "catalog.yaml")


def test_a_model_needs_a_route() -> None:
    head, _, _ = GOOD.partition("    chain:\n")
    with pytest.raises(BadCatalog, match=r"catalog\.yaml:10: models\.banana\.chain: .*at least 1 item"):
        parse_catalog(head + "    chain: []\n", "catalog.yaml")


def test_a_missing_file_is_named_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(BadCatalog, match=r"nowhere\.yaml: No such file.*set HATCHERY_CATALOG to its path"):
        load_catalog(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("content", [b"models: \x00\n", b"models: \xff\xfe\n"], ids=["NUL", "not UTF-8"])
def test_a_file_that_is_no_text_is_a_bad_catalog_too(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "catalog.yaml"
    path.write_bytes(content)

    with pytest.raises(BadCatalog, match=r"catalog\.yaml"):
        load_catalog(path)
