"""EggAPI's and Aigenway's signatures as a receiver of theirs checks them in Node, without any package."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.contract.webhooks.cases import Case
from tests.contract.webhooks.programs import misjudged, verdicts

SCRIPT = Path(__file__).with_name("as_documented.mjs")


async def test_receivers_written_for_the_vendors_take_our_deliveries(
    cases: list[Case], tmp_path: Path
) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not on this machine, so the vendors' algorithms were not run")
    of_vendors = [
        case for case in cases if case.scheme != "standard" and not case.name.endswith((", old", ", early"))
    ]
    assert sum(case.fits for case in of_vendors) == 2

    said = await verdicts([node, str(SCRIPT)], of_vendors, tmp_path, {"PATH": os.environ["PATH"]})

    assert misjudged(of_vendors, said) == []
