"""`hatchery bench chat` on a stack of its own, beside another gateway: a second simulator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.harness.ports import free_port

REPOSITORY = Path(__file__).parents[2]
SHARES = ["p50", "p95", "p99"]
GATEWAYS = ["simulator", "hatchery", "other"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chat")


def _bench(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.cli.main", "bench", "chat", *arguments],
        cwd=REPOSITORY,
        env=os.environ | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=240,
    )


@pytest.fixture(scope="module")
def result(folder: Path) -> dict[str, Any]:
    port = free_port()
    done = _bench(
        folder, "--seconds", "0.3", "--concurrency", "1", "--concurrency", "4", "--json",
        "--versus", f"http://127.0.0.1:{port}/openai/v1", "--versus-model", "gpt-5-mini",
        "--versus-command", f"{sys.executable} -m deploy.simulator --port {port}",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_every_request_is_answered_and_charged_once(result: dict[str, Any]) -> None:
    assert (result["failed"], result["problems"]) == (0, [])
    assert (result["verify"], result["violations"]) == ("clean", [])
    assert result["charged"] > 0


def test_every_gateway_has_the_same_load(result: dict[str, Any]) -> None:
    loads = [(one["stream"], one["concurrency"], one["name"]) for one in result["phases"]]
    assert loads == [
        (stream, concurrency, name) for stream in (False, True) for concurrency in (1, 4) for name in GATEWAYS
    ]


def test_times_are_given_as_ordered_quantiles_and_added_ones_as_differences(result: dict[str, Any]) -> None:
    for direct, own in zip(result["phases"][::3], result["phases"][1::3], strict=True):
        for name in ("whole_ms", "first_ms"):
            assert list(own[name]) == SHARES
            assert 0 < own[name]["p50"] <= own[name]["p95"] <= own[name]["p99"]
        assert own["first_ms"]["p50"] <= own["whole_ms"]["p50"]
        for share in SHARES:
            difference = own["whole_ms"][share] - direct["whole_ms"][share]
            assert own["added_ms"][share] == pytest.approx(difference, abs=0.02)
        assert direct["added_ms"] == {}


def test_cpu_time_and_memory_are_given_by_process(result: dict[str, Any]) -> None:
    for own, other in zip(result["phases"][1::3], result["phases"][2::3], strict=True):
        assert {"total", "api", "mongod", "rabbitmq", "simulator"} <= own["cpu_ms_per_request"].keys()
        assert own["cpu_ms_per_request"]["api"] > 0
        assert other["cpu_ms_per_request"]["other"] == other["cpu_ms_per_request"]["total"] > 0
    assert all(result["memory_mib"][name] > 1 for name in ("api", "mongod", "other"))


def test_the_two_gateways_are_compared(result: dict[str, Any]) -> None:
    """Not at sixteen clients, with which this run has no phase."""
    own, other = result["phases"][1], result["phases"][2]
    if other["added_ms"]["p50"] > 0:
        expected = own["added_ms"]["p50"] / other["added_ms"]["p50"]
        assert result["ratios"]["whole_added_p50_at_1"] == pytest.approx(expected, abs=0.001)
    assert "whole_per_second_at_16" not in result["ratios"]


def test_nothing_is_left_running_or_lying_about(result: dict[str, Any], folder: Path) -> None:
    assert result
    left = [
        process.info["cmdline"]
        for process in psutil.process_iter(["cmdline"])
        if any(str(folder) in part for part in process.info["cmdline"] or [])
    ]
    assert left == []
    assert list(folder.iterdir()) == []


def test_another_gateway_without_a_model_is_refused_before_anything_starts(folder: Path) -> None:
    done = _bench(folder, "--versus", "http://127.0.0.1:9/v1")
    assert done.returncode == 1
    assert "--versus-model" in done.stderr
    assert list(folder.iterdir()) == []
