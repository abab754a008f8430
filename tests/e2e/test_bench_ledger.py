"""`hatchery bench ledger` with a short ledger."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ledger")


@pytest.fixture(scope="module")
def result(folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "services.cli.main", "bench", "ledger", "--rows", "20000", "--json"],
        cwd=REPOSITORY,
        env=os.environ | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "20,000 rows need up to" in done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_the_whole_ledger_is_proved_and_then_only_what_was_added(result: dict[str, Any]) -> None:
    assert result["problems"] == []
    assert result["whole"]["violations"] == result["incremental"]["violations"] == []
    assert result["whole"]["entries"] == result["rows"] >= 20_000
    assert result["incremental"]["entries"] == result["added_rows"] >= 10_000
    assert result["whole"]["tasks"] == result["tasks"] == (result["rows"] - result["accounts"]) // 2


def test_one_account_has_most_of_it(result: dict[str, Any]) -> None:
    assert result["accounts"] == 100
    assert result["rows"] * 0.4 < result["hot_rows"] < result["rows"] * 0.8


def test_every_query_uses_an_index(result: dict[str, Any]) -> None:
    assert {"balance", "hold", "usage summary"} < {query["name"] for query in result["queries"]}
    for query in result["queries"]:
        stages = {stage for plan in query["plans"] for stage in plan["stages"]}
        assert stages & {"IXSCAN", "DISTINCT_SCAN"}, query["name"]
        assert "COLLSCAN" not in stages, query["name"]


def test_nothing_is_left(result: dict[str, Any], folder: Path) -> None:
    assert list(folder.glob("hatchery-bench-*")) == []
