"""Addresses of results: for everybody who knows them, for thirty days."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.contract.aigenway.client import IMAGE, AigenwayCustomer
from tests.harness.stack import Stack


async def test_only_the_whole_name_opens_a_file(customer: AigenwayCustomer) -> None:
    task = await customer.finished(await customer.queued(IMAGE, params={"prompt": "a cat"}))
    folder, _, name = task["result"]["url"].rpartition("/")
    _, _, token = name.partition("-")
    guesses = [
        f"{folder}/image_0-{'0' * 24}.png",
        f"{folder}/image_0.png",
        f"{folder}/image_1-{token}",
        f"{folder}/video_0-{token}",
        f"{folder}/{name}x",
        f"{folder.replace(customer.account_id, 'acc_other')}/{name}",
        f"{folder.replace(task['id'], 'tsk_other')}/{name}",
    ]

    for address in guesses:
        answer = await customer.http.get(address)
        assert answer.status_code == 404, address
        assert answer.json()["error"]["code"] == "task_not_found"
        assert answer.json()["error"]["message"] == "File not found"
    # The place in the bucket is no public address.
    assert (await customer.http.get(f"/images/{task['id']}/0.png")).status_code == 404


async def test_a_part_of_a_file_can_be_read(customer: AigenwayCustomer) -> None:
    task = await customer.finished(await customer.queued(IMAGE, params={"prompt": "a cat"}))
    url = task["result"]["url"]

    part = await customer.http.get(url, headers={"Range": "bytes=1-3"})
    beyond = await customer.http.get(url, headers={"Range": "bytes=900000000-"})

    assert (part.status_code, part.content) == (206, b"PNG")
    assert (beyond.status_code, beyond.json()["error"]["code"]) == (416, "invalid_request")


@pytest.mark.parametrize("seconds", [-5, 5])
async def test_after_thirty_days_results_are_gone(
    stack: Stack, customer: AigenwayCustomer, seconds: int
) -> None:
    task = await customer.finished(await customer.queued(IMAGE, params={"prompt": "a cat"}))
    ended = stack.clock.now() - timedelta(days=30, seconds=seconds)
    await stack.database["tasks"].update_one({"_id": task["id"]}, {"$set": {"completed_at": ended}})

    file = await customer.http.get(task["result"]["url"])
    result = await customer.http.get(f"/v1/tasks/{task['id']}/result")

    if seconds < 0:
        assert (file.status_code, result.status_code) == (200, 200)
        assert file.headers["cache-control"].startswith("public, max-age=")
        return
    for answer in (file, result):
        assert (answer.status_code, answer.json()["error"]["code"]) == (410, "task_expired")
    assert (await customer.http.get(f"/v1/tasks/{task['id']}")).json()["status"] == "SUCCEEDED"
