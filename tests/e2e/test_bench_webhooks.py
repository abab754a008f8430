"""`hatchery bench webhooks` with few deliveries."""

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
DELIVERIES, AT_ONCE, RECEIVERS = 300, 200, 10
PROCESSES = ["notifier", "mongod", "rabbitmq"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("webhooks")


@pytest.fixture(scope="module")
def result(folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "services.cli.main", "bench", "webhooks", "--json"]
    sizes = {"deliveries": DELIVERIES, "at-once": AT_ONCE, "receivers": RECEIVERS, "rounds": 1}
    done = subprocess.run(
        [*command, *(part for name, size in sizes.items() for part in (f"--{name}", str(size)))],
        cwd=REPOSITORY,
        env=os.environ | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_a_delivery_costs_something_in_every_process(result: dict[str, Any]) -> None:
    for way in ("callbacks", "endpoint"):
        assert result[way]["deliveries"] == DELIVERIES
        assert result[way]["deliveries_per_second"] > 0
        assert list(result[way]["cpu_ms_per_delivery"]) == PROCESSES
        assert result[way]["cpu_ms_per_delivery"]["notifier"] > 0


def test_no_delivery_comes_before_its_task_is_final(result: dict[str, Any]) -> None:
    times = result["paced"]["final_to_post_ms"]
    assert 0 < times["p50"] <= times["p95"] <= times["p99"]


def test_the_living_have_all_of_theirs_beside_dead_receivers(result: dict[str, Any]) -> None:
    assert (result["receivers"], result["dead"]) == (RECEIVERS, 2)
    for rounds in (result["without_dead"], result["beside_dead"]):
        assert [one["deliveries"] for one in rounds["rounds"]] == [AT_ONCE * 4 // 5]


def test_the_ratio_is_the_time_beside_dead_receivers_by_that_without(result: dict[str, Any]) -> None:
    for name, times in (
        ("final_to_post", "final_to_post_ms"),
        ("last_of_a_receiver", "last_of_a_receiver_ms"),
    ):
        for share, ratio in result["ratio"][name].items():
            beside, without = (result[rounds][times][share] for rounds in ("beside_dead", "without_dead"))
            assert ratio == pytest.approx(beside / without, abs=0.001)


def test_nothing_is_left_running_or_lying_about(result: dict[str, Any], folder: Path) -> None:
    assert result
    left = [
        process.info["cmdline"]
        for process in psutil.process_iter(["cmdline"])
        if any(str(folder) in part for part in process.info["cmdline"] or [])
    ]
    assert left == []
    assert list(folder.iterdir()) == []
