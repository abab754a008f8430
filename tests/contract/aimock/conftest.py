from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.contract.aimock.mock import VARIABLE, Mock, mock

_installed = os.environ.get(VARIABLE)
collect_ignore_glob = [] if _installed else ["test_*.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _installed:
        terminalreporter.write_line(
            f"tests/contract/aimock was left out: {VARIABLE} names no installed mock (make aimock)"
        )


@pytest_asyncio.fixture(scope="session")
async def aimock(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mock]:
    async with mock(os.environ[VARIABLE], tmp_path_factory.mktemp("aimock")) as running:
        yield running
