"""`hatchery bench stalled` on a stack of its own."""

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
SHARES = ["p50", "p95", "p99"]
PLACES, STALLED = 10, 15


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stalled")


@pytest.fixture(scope="module")
def result(folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "services.cli.main", "bench", "stalled", "--json"]
    done = subprocess.run(
        [*command, "--tasks", "21", "--stalled", str(STALLED), "--concurrency", "5"],
        cwd=REPOSITORY,
        env=os.environ
        | {
            "TMPDIR": str(folder),
            "HATCHERY_WORKER_CONCURRENCY": str(PLACES),
            # A measurement that obeyed these would spend somebody's money.
            "HATCHERY_PROVIDERS__FAL__KEYS": '["real"]',
            "HATCHERY_PROVIDERS__FAL__BASE_URL": "http://127.0.0.1:9",
        },
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_every_task_ends_as_it_should_and_the_ledger_is_clean(result: dict[str, Any]) -> None:
    assert (result["failed"], result["problems"]) == (0, [])
    assert (result["verify"], result["violations"]) == ("clean", [])


def test_both_phases_are_timed_in_all_and_by_provider(result: dict[str, Any]) -> None:
    for phase in (result["before"], result["during"]):
        assert list(phase["submit_to_completed_ms_by_provider"]) == ["replicate", "gemini"]
        times = [phase["submit_to_completed_ms"], *phase["submit_to_completed_ms_by_provider"].values()]
        for quantiles in (*times, phase["submit_ms"]):
            assert list(quantiles) == SHARES
            assert 0 < quantiles["p50"] <= quantiles["p95"] <= quantiles["p99"]
        # No provider is faster than it was told to be.
        assert min(quantiles["p50"] for quantiles in times) > result["provider_ms"]
        assert phase["worker_cpu_percent"] > 0


def test_the_ratio_is_the_second_phase_by_the_first(result: dict[str, Any]) -> None:
    for share in SHARES:
        before, during = (result[phase]["submit_to_completed_ms"][share] for phase in ("before", "during"))
        assert result["ratio"][share] == pytest.approx(during / before, abs=0.001)


def test_the_stalled_provider_fills_its_places_and_the_rest_waits(result: dict[str, Any]) -> None:
    assert (result["at_provider"], result["waiting"]) == (PLACES, STALLED - PLACES)
    assert result["provider_jobs"] == PLACES


def test_nothing_is_left_running_or_lying_about(result: dict[str, Any], folder: Path) -> None:
    assert result
    left = [
        process.info["cmdline"]
        for process in psutil.process_iter(["cmdline"])
        if any(str(folder) in part for part in process.info["cmdline"] or [])
    ]
    assert left == []
    assert list(folder.iterdir()) == []
