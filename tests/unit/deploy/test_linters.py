"""The linters of these files have nothing to say."""

from __future__ import annotations

import subprocess

import yaml

from tests.unit.deploy.files import DOCKERFILE, ROOT, tool


def _output(*argv: str) -> str:
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    assert _output(tool("hadolint"), str(DOCKERFILE)) == ""


def test_yamllint_finds_nothing_in_the_repository() -> None:
    assert _output(tool("yamllint"), "--strict", ".") == ""


def test_every_pre_commit_hook_is_local() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    assert {hook["language"] for hook in config["repos"][0]["hooks"]} == {"system"}


def test_the_pre_commit_configuration_is_valid() -> None:
    assert _output(tool("pre-commit"), "validate-config", ".pre-commit-config.yaml") == ""
