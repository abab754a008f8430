"""The official npm package of Standard Webhooks, on deliveries of a real notifier."""

from __future__ import annotations

import os
from pathlib import Path

from tests.contract.webhooks.cases import Case
from tests.contract.webhooks.conftest import VARIABLE
from tests.contract.webhooks.programs import misjudged, verdicts

SCRIPT = Path(__file__).with_name("npm_package.mjs")


async def test_the_package_says_the_same_of_every_delivery(cases: list[Case], tmp_path: Path) -> None:
    standard = [case for case in cases if case.scheme == "standard"]
    assert len(standard) > 50

    command = ["node", str(SCRIPT), os.environ[VARIABLE]]
    said = await verdicts(command, standard, tmp_path, {"PATH": os.environ["PATH"]})

    assert misjudged(standard, said) == []
