"""The image: who it runs as, what it holds, its health check and its exact command lines."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.unit.deploy.files import ROOT, SERVICES, compose, exec_form, final_stage, instructions, tool


def _arguments(name: str) -> list[str]:
    return [rest for instruction, rest in final_stage() if instruction == name]


@contextmanager
def _ops_endpoint(status: int) -> Iterator[tuple[int, list[str]]]:
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port, asked
        finally:
            server.shutdown()
            thread.join()


def _healthcheck(port: int) -> int:
    python, *rest = exec_form("HEALTHCHECK")
    assert python == "python"
    # A proxy that is not there: a check that asked it would fail.
    env = {"HATCHERY_OPS_PORT": str(port), "http_proxy": "http://127.0.0.1:1"}
    return subprocess.run(
        [sys.executable, *rest], env=env, capture_output=True, timeout=30, check=False
    ).returncode


def test_the_health_check_passes_while_the_service_is_ready() -> None:
    with _ops_endpoint(200) as (port, asked):
        assert _healthcheck(port) == 0
    assert asked == ["/readyz"]


def test_the_health_check_fails_while_the_service_is_not_ready() -> None:
    with _ops_endpoint(503) as (port, _):
        assert _healthcheck(port) == 1


def test_the_health_check_fails_when_nothing_listens() -> None:
    with _ops_endpoint(200) as (port, _):
        pass
    assert _healthcheck(port) == 1


def test_the_image_runs_as_a_numbered_user_who_is_not_root() -> None:
    (user,) = _arguments("USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    # What is copied after the user is named, or handed over to them, could be written by them.
    assert not any("--chown" in rest or "--chmod" in rest for rest in _arguments("COPY"))


def test_the_image_stops_on_sigterm() -> None:
    assert _arguments("STOPSIGNAL") == ["SIGTERM"]


def test_both_stages_start_from_the_same_pinned_python() -> None:
    bases = {rest.split()[0] for name, rest in instructions() if name == "FROM"}
    assert bases == {"python:3.11-slim-bookworm"}


def test_dependencies_are_installed_by_hash_and_nothing_is_built() -> None:
    (install,) = [rest for name, rest in instructions() if name == "RUN" and "pip install" in rest]
    assert "--require-hashes --only-binary :all: -r /tmp/requirements.lock" in install


def test_the_build_context_holds_only_what_is_copied() -> None:
    copied = {
        source.removeprefix("./")
        for name, rest in instructions()
        if name == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    }
    first, *rest = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert first == "*"
    assert {line[1:] for line in rest if line.startswith("!")} == copied


def test_no_secret_is_baked_in() -> None:
    baked = " ".join(rest for name, rest in instructions() if name in ("ENV", "ARG"))
    assert not re.search(r"KEY|SECRET|PASSWORD|PEPPER|TOKEN|_URL", baked)


@pytest.mark.parametrize("service", SERVICES)
def test_the_command_line_names_the_settings_that_are_missing(service: str, tmp_path: Path) -> None:
    program, *rest = [*exec_form("ENTRYPOINT"), *compose()["services"][service]["command"]]
    done = subprocess.run(
        [tool(program), *rest],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONUNBUFFERED": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (1, 2), done.stderr
    assert "Traceback" not in done.stderr
    for name in ("HATCHERY_S3", "HATCHERY_KEY_PEPPER", "HATCHERY_SECRETS_KEY"):
        assert name in done.stderr


def test_the_image_without_arguments_is_the_api() -> None:
    assert exec_form("CMD") == ["api"]


def test_the_simulators_command_line_is_understood() -> None:
    service = compose()["services"]["simulator"]
    python, *rest = [*service["entrypoint"], *service["command"], "--help"]
    assert python == "python"
    done = subprocess.run(
        [sys.executable, *rest], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
