"""Points at which a fault test ends the process, and only there."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from shared.killpoints import POINTS, KillPoints, UnknownKillPoint

PROGRAM = "import sys; from shared.killpoints import KillPoints; KillPoints(sys.argv[1]).reach(sys.argv[2])"


def ended(armed: str, reached: str) -> int:
    return subprocess.run([sys.executable, "-c", PROGRAM, armed, reached], check=False).returncode


def test_the_armed_point_ends_the_process_as_kill_9_would() -> None:
    assert ended("billing.after_block", "billing.after_block") == -signal.SIGKILL


def test_other_points_are_passed() -> None:
    assert ended("billing.after_block", "billing.after_move") == 0


def test_with_none_armed_every_point_is_passed() -> None:
    for point in POINTS:
        KillPoints().reach(point)


def test_a_point_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(
        UnknownKillPoint, match=r"HATCHERY_KILL_POINT='api\.never': choose one of api\.before_block, "
    ):
        KillPoints("api.never")


def test_no_point_is_listed_twice() -> None:
    assert len(set(POINTS)) == len(POINTS)
