from __future__ import annotations

import subprocess
import sys
import threading
import time

import httpx

from tests.contract.simulator.process import running_simulator


def test_it_stops_at_once_with_requests_open() -> None:
    outcome: list[str] = []
    with running_simulator() as (url, _), httpx.Client(base_url=url, timeout=5) as client:
        assert client.get("/_sim/health").status_code == 200
        client.put("/_sim/rules", json=[{"then": {"fault": "timeout"}}]).raise_for_status()

        def submit() -> None:
            try:
                client.post("/fal/a/b", json={"prompt": "x"}, headers={"Authorization": "Key k"})
            except httpx.TransportError as error:
                outcome.append(type(error).__name__)

        thread = threading.Thread(target=submit)
        thread.start()
        while not client.get("/_sim/jobs").json()["jobs"]:
            time.sleep(0.01)
        began = time.monotonic()
    stopped_in = time.monotonic() - began
    thread.join(5)
    assert len(outcome) == 1
    assert stopped_in < 1


def test_the_command_line_sets_latency_and_polls() -> None:
    with (
        running_simulator("--latency-ms", "200", "--polls", "2") as (url, _),
        httpx.Client(base_url=url, headers={"Authorization": "Key k"}) as client,
    ):
        began = time.monotonic()
        status_url = client.post("/fal/a/b", json={"prompt": "x"}).json()["status_url"]
        polls = 1
        while client.get(status_url).json()["status"] != "COMPLETED":
            polls += 1
            time.sleep(0.01)
    assert polls >= 2
    assert time.monotonic() - began >= 0.2


def test_a_certificate_without_its_key_is_refused() -> None:
    command = [sys.executable, "-m", "deploy.simulator", "--port", "0", "--tls-cert", "cert.pem"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert finished.returncode == 2
    assert "go together" in finished.stderr
