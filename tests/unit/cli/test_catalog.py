"""`hatchery catalog`: an operator sees what is sold and what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli.catalog import price_text, when_text
from services.cli.main import app
from shared.catalog.load import load_catalog
from shared.catalog.model import When
from tests.unit.catalog.asking import catalog_text

SEED = Path(__file__).parents[3] / "deploy" / "catalog.yaml"
CATALOG = load_catalog(SEED)


def test_a_good_catalog_is_counted() -> None:
    result = CliRunner().invoke(app, ["catalog", "check", str(SEED)])

    routes = sum(len(model.chain) for model in CATALOG.models.values())
    told = f"the catalog is good: {len(CATALOG.models)} models, {routes} routes\n"
    assert (result.exit_code, result.stdout) == (0, told)


def test_mistakes_are_printed_with_their_lines_and_end_with_1(tmp_path: Path) -> None:
    file = tmp_path / "catalog.yaml"
    file.write_text(
        SEED.read_text().replace("kind: chat", "kind: [chat]").replace("provider: kie", "provder: kie")
    )
    result = CliRunner().invoke(app, ["catalog", "check"], env={"HATCHERY_CATALOG": str(file)})

    lines = result.stderr.splitlines()
    assert result.exit_code == 1
    assert result.stdout == ""
    assert [line.partition(": ")[0] for line in lines] == [
        f"{file}:{number}"
        for number, line in enumerate(file.read_text().splitlines(), 1)
        for _ in range(("[chat]" in line) + 2 * ("provder" in line))
    ]
    assert "did you mean 'provider'?" in result.stderr


def test_every_model_is_shown_with_its_price() -> None:
    result = CliRunner().invoke(app, ["catalog", "show", "--file", str(SEED)], env={"COLUMNS": "200"})

    assert result.exit_code == 0
    for model_id in CATALOG.models:
        assert model_id in result.stdout
    assert "0.0160, 0.0320 at 4K per image" in result.stdout


def test_one_model_is_shown_with_its_routes() -> None:
    result = CliRunner().invoke(
        app, ["catalog", "show", "kling-2.6", "--file", str(SEED)], env={"COLUMNS": "200"}
    )

    assert "kling-2.6  video  $0.0700 per second" in result.stdout
    assert "fal:fal-ai/kling-video/v2.6/pro/text-to-video" in result.stdout
    assert "600 s" in result.stdout


def test_steps_minimums_and_prices_to_come_are_shown(tmp_path: Path) -> None:
    picture = (
        '{per: image, usd: "1", by_quality: {low: {usd: "0.5", by_resolution: {4K: "0.7"}}}, '
        'minimum_usd: "2", steps: '
        '[{above: 3, usd: "0.9", by_quality: {low: {usd: "0.4", by_resolution: {4K: "0.6"}}}}]}\n'
        '    changes: [{effective_at: 2027-01-31T01:00:00+01:00, price: {per: image, usd: "3"}}]'
    )
    file = tmp_path / "catalog.yaml"
    file.write_text(catalog_text(picture))
    result = CliRunner().invoke(
        app, ["catalog", "show", "picture", "--file", str(file)], env={"COLUMNS": "200"}
    )

    first = "$1, low 0.5, 0.7 at 4K per image; above 3: 0.9, low 0.4, 0.6 at 4K; at least 2\n"
    assert f"picture  image  {first}" in result.stdout
    assert "from 2027-01-31 00:00 UTC $3 per image\n" in result.stdout


def test_programs_get_json() -> None:
    everything = CliRunner().invoke(app, ["catalog", "show", "--file", str(SEED), "--json"])
    one = CliRunner().invoke(app, ["catalog", "show", "gpt-5-mini", "--file", str(SEED), "--json"])

    assert list(json.loads(everything.stdout)) == list(CATALOG.models)
    assert json.loads(one.stdout)["chain"][0]["generate"] == "gpt-5-mini"


def test_an_unknown_model_is_told_which_there_are() -> None:
    result = CliRunner().invoke(app, ["catalog", "show", "sora", "--file", str(SEED)])

    assert result.exit_code == 1
    assert "There is no model sora; there are nanobanana, " in result.stderr


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("nanobanana", "0.0100 per image"),
        ("veo3.1", "0.0800 per second"),
        ("gpt-5-mini", "0.25 in, 0.025 cached in, 2.00 out per million tokens"),
        ("text-embedding-3-small", "0.02 in per million tokens"),
    ],
)
def test_a_price_fits_one_line(model: str, text: str) -> None:
    assert price_text(CATALOG.models[model].price) == text


@pytest.mark.parametrize(
    ("when", "text"),
    [
        (When(), ""),
        (When(edit=True), "edits only"),
        (When(edit=False, resolutions=("2K", "4K"), ratios=("1:1",)), "no edits; 2K, 4K; 1:1"),
    ],
)
def test_so_do_conditions(when: When, text: str) -> None:
    assert when_text(when) == text
