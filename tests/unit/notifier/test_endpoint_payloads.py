"""What endpoints are told, and how long it may be."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.endpoint_payloads import MOST_BYTES, fitted, task_payload
from shared.providers.errors import ErrorClass
from shared.tasks.lifecycle import State
from shared.tasks.model import Task
from tests.integration.notifier.rig import SETTINGS
from tests.unit.notifier.tasks import final_task


def told(**fields: Any) -> dict[str, Any]:
    state = fields.pop("state", State.COMPLETED)
    task = Task.model_validate(final_task(state, **fields))
    return dict(orjson.loads(task_payload(task, SETTINGS)))


def test_a_completed_task_is_told_with_its_files_and_cost() -> None:
    task_id = "tsk_01K6X0V7W3H2M9Q4X1B8C5D7EF"

    content = told(_id=task_id, images=2, public_model="banana", dialect="aigenway")

    base = SETTINGS.public_url.rstrip("/")
    assert content == {
        "id": "evt_01k6x0v7w3h2m9q4x1b8c5d7ef",
        "type": "task.completed",
        "version": 1,
        "created_at": "2026-02-03T09:15:19.750Z",
        "data": {
            "task_id": task_id,
            "status": "completed",
            "model": "banana",
            "cost_usd": "0.032000000",
            "output_urls": [f"{base}/images/{task_id}/{number}.png" for number in range(2)],
            "error": None,
        },
    }


@pytest.mark.parametrize(
    ("error_class", "code"),
    [
        (ErrorClass.POLICY_REFUSAL, "policy_refusal"),
        (ErrorClass.DEADLINE, "timed_out"),
        (ErrorClass.CALLER_FAULT, "invalid_request"),
        (ErrorClass.CREDENTIAL, "provider_unavailable"),
        (ErrorClass.QUOTA, "provider_unavailable"),
    ],
)
def test_a_failure_says_what_concerns_the_customer(error_class: ErrorClass, code: str) -> None:
    failure = {"error_class": error_class, "message": "x" * 5000}

    data = told(state=State.FAILED, failure=failure)["data"]

    assert (data["status"], data["output_urls"]) == ("failed", [])
    assert data["error"] == {"code": code, "message": "x" * 1000}


def test_what_is_too_long_is_cut_and_named() -> None:
    urls = [f"https://hatchery.example.org/images/{number:0200}.png" for number in range(200)]

    body = fitted({"id": "evt_1", "data": {"task_id": "gen_1", "output_urls": urls}})

    content = orjson.loads(body)
    assert len(body) <= MOST_BYTES
    assert content["truncated"] == ["output_urls"]
    assert content["data"]["task_id"] == "gen_1"
    kept = content["data"]["output_urls"]
    assert 0 < len(kept) < len(urls)
    assert kept == urls[: len(kept)]


values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2**40) | st.text(max_size=60_000),
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.text(max_size=20), inner, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(st.text(min_size=1, max_size=20), values, max_size=6))
def test_no_payload_is_longer_than_it_may_be(data: dict[str, Any]) -> None:
    body = fitted({"id": "evt_1", "data": data})

    content = orjson.loads(body)
    assert len(body) <= MOST_BYTES
    if "truncated" not in content:
        assert content["data"] == data
    else:
        untouched = set(data) - set(content["truncated"])
        assert {name: content["data"][name] for name in untouched} == {name: data[name] for name in untouched}
