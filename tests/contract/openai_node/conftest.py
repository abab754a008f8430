from __future__ import annotations

import os

import pytest

VARIABLE = "HATCHERY_TEST_OPENAI_NODE"
"""Names the folder of the installed client."""

collect_ignore_glob = [] if os.environ.get(VARIABLE) else ["test_*.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not os.environ.get(VARIABLE):
        terminalreporter.write_line(
            f"tests/contract/openai_node was left out: {VARIABLE} is not set (make openai-node)"
        )
