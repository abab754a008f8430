"""The whole service, without a broker."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from services.notifier.app import build
from shared.accounts.account import Accounts
from shared.mongo import Database
from shared.runtime import open_platform
from shared.secrets import SecretBox
from shared.settings import Settings, read_settings
from tests.integration.notifier.receiver import receiving
from tests.integration.notifier.rig import SECRETS_KEY, until
from tests.unit.notifier.tasks import final_task


@pytest.fixture
def settings(mongo_url: str, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    values = {
        "MONGO_URL": mongo_url,
        "MONGO_DATABASE": database.name,
        "AMQP_URL": "amqp://guest:guest@127.0.0.1:1/",
        "S3__ACCESS_KEY": "access",
        "S3__SECRET_KEY": "secret",
        "KEY_PEPPER": "pepper",
        "SECRETS_KEY": SECRETS_KEY,
        "LOCAL_DEVELOPMENT": "true",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"HATCHERY_{name}", value)
    return read_settings(Settings)


async def test_without_a_broker_webhooks_go_out_at_the_sweepers_pace(
    settings: Settings, database: Database
) -> None:
    async with (
        receiving(500, 200) as receiver,
        open_platform(settings, "notifier") as platform,
        build(platform) as service,
    ):
        account, secret = await Accounts(database, platform.clock, SecretBox(SECRETS_KEY)).create(
            "a@b.example"
        )
        running = asyncio.create_task(service.run(), name="notifier")
        task = final_task(account_id=account.id, callback_url=receiver.url, wake_at=platform.clock.now())

        await database["tasks"].insert_one(task)
        await until(lambda: len(receiver.received) == 2)
        service.stop()
        await running

        document = await database["deliveries"].find_one({"task_id": task["_id"]})
    assert document is not None
    assert (document["state"], len(document["attempts"])) == ("delivered", 2)
    assert all(received.is_signed_with(secret) for received in receiver.received)
    apart = document["attempts"][1]["at"] - document["attempts"][0]["at"]
    assert apart >= timedelta(seconds=4)
