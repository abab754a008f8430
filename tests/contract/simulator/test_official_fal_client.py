from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from tests.contract.simulator.process import running_simulator

_FAULTS = (
    "http_500",
    "quota",
    "credential",
    "model_gone",
    "caller_fault",
    "job_fails",
    "refusal",
    "no_media_generated",
    "empty_output",
    "never_finishes",
    "unknown_status",
    "poll_500",
    "nsfw",
    "user_deadline",
)
_RULES = [
    *({"when": {"prompt_contains": fault}, "then": {"fault": fault}} for fault in _FAULTS),
    {"when": {"prompt_contains": "busy"}, "times": 1, "then": {"fault": "http_429"}},
    {"when": {"prompt_contains": "three polls"}, "polls": 3},
    {"when": {"prompt_contains": "slow start"}, "latency_ms": 600_000},
    {"when": {"prompt_contains": "late"}, "latency_ms": 500, "then": {"fault": "late"}},
    {"when": {"prompt_contains": "wrong in the end"}, "then": {"fault": "caller_fault", "at": "result"}},
]

Outcomes = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """What the official client made of each scenario, over TLS."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    trusted, chain, key = folder / "ca.pem", folder / "chain.pem", folder / "key.pem"
    authority.cert_pem.write_to_path(str(trusted))
    certificate.private_key_pem.write_to_path(str(key))
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(str(chain), append=True)
    with running_simulator("--tls-cert", str(chain), "--tls-key", str(key)) as (url, _):
        verify = ssl.create_default_context(cafile=trusted)
        httpx.put(f"{url}/_sim/rules", json=_RULES, verify=verify).raise_for_status()
        return _run_client(url, trusted)


def _run_client(url: str, trusted: Path) -> Outcomes:
    host = url.removeprefix("https://")
    environment = {
        **os.environ,
        "FAL_KEY": "test",
        "FAL_QUEUE_RUN_HOST": f"{host}/fal",
        "FAL_RUN_HOST": f"{host}/fal",
        "SSL_CERT_FILE": str(trusted),
    }
    command = [sys.executable, "-m", "tests.contract.simulator.fal_client_session"]
    finished = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert finished.returncode == 0, finished.stderr
    outcomes: Outcomes = json.loads(finished.stdout)
    return outcomes


def test_it_generates_pictures(outcomes: Outcomes) -> None:
    value = outcomes["success"]["value"]
    assert [(image["width"], image["height"]) for image in value["result"]["images"]] == [(1344, 768)] * 2
    assert value["result"]["images"][0]["url"].startswith("https://127.0.0.1:")


def test_it_edits_below_a_sub_path_that_returned_addresses_drop(outcomes: Outcomes) -> None:
    value = outcomes["edit"]["value"]
    assert "/fal/fal-ai/nano-banana/requests/" in value["url"]
    assert len(value["result"]["images"]) == 1


def test_it_sees_the_job_queued_running_and_completed(outcomes: Outcomes) -> None:
    assert outcomes["statuses"]["value"] == ["Queued", "InProgress", "Completed"]


def test_it_retries_when_it_is_rate_limited(outcomes: Outcomes) -> None:
    assert "value" in outcomes["waits out a limit"]


def test_it_reads_the_error_of_a_completed_job(outcomes: Outcomes) -> None:
    assert outcomes["failed status"]["value"] == {
        "error": "Runner returned an error",
        "error_type": "runner_server_error",
    }


@pytest.mark.parametrize(
    ("scenario", "status", "error_type"),
    [
        ("http_500", 500, "internal_error"),
        ("quota", 403, None),
        ("credential", 401, None),
        ("model_gone", 404, None),
        ("caller_fault", 422, None),
        ("job_fails", 500, "runner_server_error"),
        ("refusal", 422, None),
        ("no_media_generated", 422, None),
        ("cancel_twice", 400, None),
        ("poll_500", 500, "internal_error"),
        ("user_deadline", 504, "request_timeout"),
        ("start timeout", 504, "request_timeout"),
        ("later caller_fault", 422, None),
    ],
)
def test_it_raises_its_own_error(
    outcomes: Outcomes, scenario: str, status: int, error_type: str | None
) -> None:
    outcome = outcomes[scenario]
    assert outcome["raised"] == "FalClientHTTPError"
    assert (outcome["status"], outcome["error_type"]) == (status, error_type)


@pytest.mark.parametrize(
    ("scenario", "kind"),
    [
        ("refusal", "content_policy_violation"),
        ("no_media_generated", "no_media_generated"),
        ("caller_fault", "value_error"),
        ("later caller_fault", "value_error"),
    ],
)
def test_it_hands_on_the_structured_detail(outcomes: Outcomes, scenario: str, kind: str) -> None:
    [detail] = outcomes[scenario]["message"]
    assert (detail["type"], detail["loc"]) == (kind, ["body", "prompt"])


def test_it_reads_the_locked_account(outcomes: Outcomes) -> None:
    assert outcomes["quota"]["message"].startswith("User is locked. Reason: Exhausted balance.")


def test_it_cancels_a_job(outcomes: Outcomes) -> None:
    assert outcomes["cancel"]["value"] == {"error_type": "client_cancelled"}


def test_it_gets_the_output_of_a_job_that_could_not_be_cancelled(outcomes: Outcomes) -> None:
    assert len(outcomes["late"]["value"]["result"]["images"]) == 1


def test_it_gets_a_video(outcomes: Outcomes) -> None:
    video = outcomes["video"]["value"]["result"]["video"]
    assert (video["content_type"], video["url"][-4:]) == ("video/mp4", ".mp4")


def test_it_sees_that_a_picture_is_unsafe(outcomes: Outcomes) -> None:
    assert outcomes["nsfw"]["value"]["result"]["has_nsfw_concepts"] == [True]


def test_it_gets_an_empty_list_of_images(outcomes: Outcomes) -> None:
    assert outcomes["empty_output"]["value"]["result"]["images"] == []


def test_it_does_not_know_a_made_up_status(outcomes: Outcomes) -> None:
    assert outcomes["unknown_status"]["message"] == "Unknown status: WARMING_UP"
