"""A simulator as its own process."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_READY = "simulator listening on "


@contextmanager
def running_simulator(*arguments: str) -> Iterator[tuple[str, int]]:
    """Yields its URL and process id; fails when it does not stop cleanly within two seconds."""
    command = [sys.executable, "-m", "deploy.simulator", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            readable, _, _ = select.select([process.stdout], [], [], 15)
            assert readable, "the simulator does not come up"
            line = process.stdout.readline().strip()
            assert line.startswith(_READY), line
            yield line.removeprefix(_READY), process.pid
        finally:
            stopped_in = _stop(process)
    assert process.returncode == 0
    assert stopped_in < 2


def _stop(process: subprocess.Popen[str]) -> float:
    began = time.monotonic()
    if process.poll() is None:
        os.kill(process.pid, signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return time.monotonic() - began
