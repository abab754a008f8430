"""The code of docs/webhooks.md, as it stands there, on deliveries of a real notifier."""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.contract.webhooks.cases import Case
from tests.contract.webhooks.programs import misjudged, verdicts

DOCUMENT = Path(__file__).parents[3] / "docs" / "webhooks.md"
DRIVERS = Path(__file__).with_name("drivers")


@dataclass(frozen=True, slots=True)
class Language:
    """What its block is marked with, and how a driver finds and calls the code."""

    mark: str
    program: str
    arguments: tuple[str, ...]
    receiver: str
    driver: str


LANGUAGES = (
    Language("python", sys.executable, ("-W", "error", "driver.py"), "receiver.py", "driver.py"),
    Language("js", "node", ("driver.mjs",), "receiver.mjs", "driver.mjs"),
    Language("go", "go", ("run", "."), "receiver/receiver.go", "driver.go"),
    Language("php", "php", ("-d", "error_reporting=-1", "driver.php"), "receiver.php", "driver.php"),
)


def documented(mark: str) -> str:
    """The code in the only block of this language in the section for receivers."""
    section = DOCUMENT.read_text().split("\n## Receivers\n")[1].split("\n## ")[0]
    (code,) = re.findall(rf"^```{mark}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return str(code)


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.mark)
async def test_the_documented_receiver_tells_good_deliveries_from_bad(
    language: Language, cases: list[Case], tmp_path: Path
) -> None:
    code = documented(language.mark)
    program = shutil.which(language.program)
    if program is None:
        pytest.skip(f"{language.program} is not on this machine, so its documented receiver was not run")
    (tmp_path / language.receiver).parent.mkdir(exist_ok=True)
    (tmp_path / language.receiver).write_text(code)
    shutil.copy(DRIVERS / language.driver, tmp_path)
    (tmp_path / "go.mod").write_text("module check\n\ngo 1.21\n")
    # Go compiles its library once into a cache at home.
    home = os.environ.get("HOME", str(tmp_path))
    env = {"PATH": os.environ["PATH"], "HOME": home, "GOTOOLCHAIN": "local"}

    said = await verdicts([program, *language.arguments], cases, tmp_path, env)

    assert misjudged(cases, said) == []


def test_the_cases_have_good_and_bad_ones_of_every_signature(cases: list[Case]) -> None:
    for scheme in ("standard", "eggapi", "aigenway"):
        assert {case.fits for case in cases if case.scheme == scheme} == {True, False}
    assert len({case.name for case in cases}) == len(cases)
