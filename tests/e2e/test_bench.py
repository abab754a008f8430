"""`hatchery bench pipeline` on a stack of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

REPOSITORY = Path(__file__).parents[2]
PRODUCT = ["api", "router", "worker", "billing", "notifier", "mongod", "rabbitmq"]
BESIDE = ["simulator", "s3", "load_generator"]
SHARES = ["p50", "p95", "p99"]


def _bench(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.cli.main", "bench", "pipeline", *arguments],
        cwd=REPOSITORY,
        env=os.environ | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=240,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def result(folder: Path) -> dict[str, Any]:
    done = _bench(
        folder, "--tasks", "40", "--concurrency", "8", "--accounts", "5", "--instant", "--json",
        "--record", str(folder / "record.md"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_every_task_completes_and_the_ledger_is_clean(result: dict[str, Any]) -> None:
    assert (result["failed"], result["problems"]) == (0, [])
    assert (result["verify"], result["violations"]) == ("clean", [])
    assert result["webhooks_delivered"] == 40


def test_times_are_given_as_ordered_quantiles(result: dict[str, Any]) -> None:
    for name in ("submit_ms", "submit_to_completed_ms", "overhead_ms_at_concurrency_1"):
        assert list(result[name]) == SHARES
        assert 0 < result[name]["p50"] <= result[name]["p95"] <= result[name]["p99"]
    assert result["tasks_per_second"] > 0


def test_cpu_time_is_given_by_process_and_in_total(result: dict[str, Any]) -> None:
    spent = result["cpu_ms_per_task"]
    assert list(spent) == [*PRODUCT, "total", *BESIDE]
    assert spent["total"] == pytest.approx(sum(spent[name] for name in PRODUCT), abs=0.01)
    assert spent["total"] > 0


def test_messages_and_operations_are_counted(result: dict[str, Any]) -> None:
    assert result["messages_per_task"] > 0
    # A task document, a block for its hold and one for its end, at the least shared with others.
    assert result["mongo_operations_per_task"]["insert"] > 1
    assert result["mongo_operations_per_task"]["total"] > 5


def test_the_machine_is_named(result: dict[str, Any]) -> None:
    assert result["machine"]["cores"] >= 1
    assert result["machine"]["mongodb"]


def test_a_record_is_one_row_of_a_table(result: dict[str, Any], folder: Path) -> None:
    head, rule, row = (folder / "record.md").read_text().splitlines()
    assert head.count("|") == rule.count("|") == row.count("|")
    assert "| clean |" in row


def test_nothing_is_left_running_or_lying_about(result: dict[str, Any], folder: Path) -> None:
    assert result
    left = [
        process.info["cmdline"]
        for process in psutil.process_iter(["cmdline"])
        if any(str(folder) in part for part in process.info["cmdline"] or [])
    ]
    assert left == []
    assert [path.name for path in folder.iterdir()] == ["record.md"]


def test_a_stack_that_does_not_run_is_named_with_the_way_to_start_it(folder: Path) -> None:
    done = _bench(folder, "--state-dir", str(folder / "nowhere"))
    assert done.returncode == 1
    assert "hatchery up --state-dir" in done.stderr
    assert "Traceback" not in done.stderr
