"""Programs in other languages that say of each delivery whether its signature fits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.contract.webhooks.cases import Case


async def verdicts(
    command: Sequence[str], cases: Sequence[Case], folder: Path, env: Mapping[str, str]
) -> list[bool]:
    """Cases go in as JSON, verdicts come out; what the program complains of fails the test."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=env,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(json.dumps([case.told() for case in cases]).encode())
    assert process.returncode == 0, err.decode()
    return list(json.loads(out))


def misjudged(cases: Sequence[Case], said: Sequence[bool]) -> list[str]:
    """The names of cases that a receiver got wrong."""
    return [case.name for case, fits in zip(cases, said, strict=True) if fits is not case.fits]
