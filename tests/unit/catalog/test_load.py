"""A catalog with a mistake in it is refused with the line and what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.catalog.load import BadCatalog, load_catalog, parse_catalog
from shared.catalog.problems import FIELDS

ROOT = Path(__file__).parents[3]
SEED = ROOT / "deploy" / "catalog.yaml"
REFERENCE = ROOT / "docs" / "catalog.md"
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

    assert {model_id: model.kind.value for model_id, model in catalog.models.items()} == {
        "nanobanana": "image",
        "nanobanana-pro": "image",
        "veo3.1": "video",
        "kling-2.6": "video",
        "gemini-2.5-flash": "chat",
        "gpt-5": "chat",
        "gpt-5-mini": "chat",
        "text-embedding-3-small": "embedding",
        "nanobanana-2": "image",
        "imagen-4-ultra": "image",
        "gpt-image-2": "image",
        "gemini-2.5-pro": "chat",
        "gemini-2.5-flash-lite": "chat",
        "text-embedding-004": "embedding",
    }
    assert [route.name for route in catalog.models["nanobanana"].chain[:2]] == [
        "fal:fal-ai/nano-banana",
        "replicate:google/nano-banana",
    ]
    assert catalog.revealed == frozenset()


def test_what_is_not_written_has_its_default() -> None:
    catalog = parse_catalog(GOOD, "catalog.yaml")

    assert catalog.models["banana"].deadline.total_seconds() == 900
    assert catalog.models["banana"].chain[0].soft_deadline_seconds == 240
    assert catalog.providers["fal"].poll.first_seconds == 0.1
    assert catalog.providers["fal"].poll.most_seconds == 5


def problems(text: str) -> list[str]:
    with pytest.raises(BadCatalog) as caught:
        parse_catalog(text, "catalog.yaml")
    return caught.value.message.splitlines()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("kind: image", "kind: opera", "6: models.banana.kind: it should be 'image', 'video', 'chat' or"),
        ('"0.0100"', '"0.00000000001"', "9: models.banana.price.usd: .*more than nine decimals"),
        ('"0.0100"', '"free"', "9: models.banana.price.usd: .*such as 12.50"),
        ('"0.0100"', '"1e999999"', "9: models.banana.price.usd: .*such as 12.50"),
        ('"0.0100"', '"-1"', "9: models.banana.price.usd: a price is not negative"),
        ('"0.0100"', "0.0100", "9: models.banana.price.usd: it should be text; put it in quotes"),
        ("per: image", "par: image", "7: models.banana.price: `per` is missing: write `per: image`, "),
        ("per: image", "per: egg", "8: models.banana.price.per: write `per: image`, `per: second` "),
        ("0.1}", "0}", "3: providers.fal.poll.first_seconds: it should be greater than 0"),
        ("0.1}", ".inf}", "3: providers.fal.poll.first_seconds: it should be a finite number"),
        ("0.1}", "1e9}", "3: providers.fal.poll.first_seconds: it should be less than or equal to 604800"),
        ("poll:", "pole:", "3: providers.fal.pole: there is no such field; did you mean 'poll'"),
        ("poll:", "zzz:", "3: providers.fal.zzz: there is no such field; remove it"),
        ("        generate: fal-ai/banana\n", "", "11: .*chain.0.generate: this field is missing; add it"),
        ("generate: fal-ai/banana\n", "generate: [a]\n", "12: .*chain.0.generate: it should be text"),
        ("models:\n", "eggapi: [egg]\nmodels:\n", "4: eggapi.0: 'egg' is no image or video model; use"),
        ("models:\n", "things:\n", "1: models: this field is missing; add it"),
        ("  banana:\n", "  banana: [\n", r"\d+: "),
        ("    kind: image", "\tkind: image", "6: .*cannot start any token"),
        (
            "kind: image",
            "kind: image\n    deadline_seconds: soon",
            "7: models.banana.deadline_seconds: it should be a valid number",
        ),
        ("edit: fal-ai/banana/edit", "weight: 0", "13: .*weight: it should be greater than or equal to 1"),
        ("edit: fal-ai/banana/edit", "weight: 1.5", "13: .*weight: it should be a valid integer"),
        ("edit: fal-ai/banana/edit", "priority: 0", "13: .*priority: it should be greater than"),
        ("edit: fal-ai/banana/edit", "when: {ratios: [16:9]}", '13: .*ratios.0: .* such as .* or "16:9"'),
    ],
)
def test_a_mistake_is_named_with_its_line_and_the_fix(old: str, new: str, message: str) -> None:
    assert old in GOOD

    found = problems(GOOD.replace(old, new, 1))

    assert re.match(f"catalog.yaml:{message}", found[0]), found


def test_every_mistake_has_a_line_of_its_own() -> None:
    text = GOOD.replace("kind: image", "kind: opera").replace("usd:", "used:")

    assert [line.split(": ")[:2] for line in problems(text)] == [
        ["catalog.yaml:6", "models.banana.kind"],
        ["catalog.yaml:7", "models.banana.price.usd"],
        ["catalog.yaml:9", "models.banana.price.used"],
    ]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            "  banana:\n    kind: video\n",
            "catalog.yaml:14: models.banana: stands twice, first in line 5; rename or remove one",
        ),
        ("providers: {}\n", "catalog.yaml:14: providers: stands twice, first in line 1;"),
        (
            "        edit: another\n",
            "catalog.yaml:14: models.banana.chain.0.edit: stands twice, first in line 13;",
        ),
    ],
)
def test_a_key_that_stands_twice_is_not_overlooked(more: str, message: str) -> None:
    assert any(line.startswith(message) for line in problems(GOOD + more))


def test_parts_may_be_written_once_and_used_twice() -> None:
    text = GOOD.replace("banana:\n", "banana: &banana\n", 1) + "  cherry: *banana\n  date: {<<: *banana}\n"

    assert list(parse_catalog(text, "catalog.yaml").models) == ["banana", "cherry", "date"]


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "- a\n- b\n", "hello"])
def test_a_file_that_is_no_mapping_is_told_what_it_should_be(text: str) -> None:
    with pytest.raises(
        BadCatalog, match=r"catalog\.yaml:1: the catalog is a mapping with `providers` and `models`"
    ):
        parse_catalog(text, "catalog.yaml")


def test_a_model_needs_a_route() -> None:
    head, _, _ = GOOD.partition("    chain:\n")
    with pytest.raises(
        BadCatalog, match=r"catalog\.yaml:10: models\.banana\.chain: it is empty; add at least one$"
    ):
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


def test_the_example_of_the_reference_is_a_catalog() -> None:
    example = REFERENCE.read_text().partition("```yaml\n")[2].partition("```")[0]

    assert list(parse_catalog(example, "catalog.yaml").models) == ["nanobanana"]


def test_the_reference_leaves_no_field_out() -> None:
    words = set(re.findall(r"[a-z_]+", REFERENCE.read_text()))

    assert set(FIELDS) <= words
