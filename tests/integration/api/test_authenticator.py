"""Who is asking: keys looked up rarely, and revoked ones refused at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from fastapi import Request
from pydantic import SecretStr
from pymongo import AsyncMongoClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from deploy.local.servers import Servers
from services.api.auth import Authenticator
from services.api.errors import AccountSuspended, Unauthorized
from shared.accounts.key import Keys, new_key
from shared.bus.events import Event, EventType
from shared.bus.listener import Listener
from shared.bus.publisher import Publisher
from shared.mongo import Database
from tests.integration.broker import Vhost
from tests.integration.conftest import Eventually, Start
from tests.unit.building import StillClock

PEPPER = SecretStr("a pepper")


class Finds(CommandListener):
    """Counts the queries of one client."""

    def __init__(self) -> None:
        self.count = 0

    def started(self, event: CommandStartedEvent) -> None:
        self.count += event.command_name == "find"

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing to count."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing to count."""


@pytest.fixture
def finds() -> Finds:
    return Finds()


@pytest.fixture
async def keys(servers: Servers, database: Database, clock: StillClock, finds: Finds) -> AsyncIterator[Keys]:
    await database["accounts"].insert_one({"_id": "acc_1", "email": "a@example.org", "status": "active"})
    async with AsyncMongoClient(servers.mongo_url, event_listeners=[finds], tz_aware=True) as client:
        yield Keys(client[database.name], clock, PEPPER)


@pytest.fixture
def authenticate(keys: Keys, clock: StillClock) -> Authenticator:
    return Authenticator(keys, clock)


def request(header: str | None) -> Request:
    headers = [] if header is None else [(b"authorization", header.encode("latin-1"))]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": headers})


async def test_a_valid_key_speaks_for_its_account(keys: Keys, authenticate: Authenticator) -> None:
    key_id, key = await keys.create("acc_1")

    for scheme in ("Bearer", "bearer", "BEARER"):
        owner = await authenticate(request(f"{scheme} {key}"))
        assert (owner.key_id, owner.account_id, owner.suspended) == (key_id, "acc_1", False)


async def test_a_known_key_is_not_looked_up_again(
    keys: Keys, authenticate: Authenticator, finds: Finds
) -> None:
    _, key = await keys.create("acc_1")
    await authenticate(request(f"Bearer {key}"))
    before = finds.count
    for _ in range(20):
        await authenticate(request(f"Bearer {key}"))

    assert before > 0
    assert finds.count == before


async def test_a_key_with_a_wrong_checksum_costs_no_query(authenticate: Authenticator, finds: Finds) -> None:
    key = new_key()
    for wrong in (
        key[:-1] + ("a" if key[-1] != "a" else "b"),
        "hello",
        key + "x",
        "sk_live_" + "\u00e9" * 48,
    ):
        with pytest.raises(Unauthorized):
            await authenticate(request(f"Bearer {wrong}"))

    assert finds.count == 0


async def test_an_unknown_key_is_looked_up_and_refused(authenticate: Authenticator, finds: Finds) -> None:
    with pytest.raises(Unauthorized, match="Invalid or missing API key"):
        await authenticate(request(f"Bearer {new_key()}"))
    assert finds.count == 1


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (None, "Missing Authorization header"),
        ("", "Missing Authorization header"),
        ("Bearer", "Invalid Authorization format, expected 'Bearer <token>'"),
        ("Bearer  ", "Invalid Authorization format, expected 'Bearer <token>'"),
        ("Basic dXNlcjpwYXNz", "Invalid Authorization format, expected 'Bearer <token>'"),
        ("sk_live_abc", "Invalid Authorization format, expected 'Bearer <token>'"),
    ],
)
async def test_a_header_that_carries_no_key_is_explained(
    authenticate: Authenticator, header: str | None, message: str
) -> None:
    with pytest.raises(Unauthorized) as caught:
        await authenticate(request(header))
    assert caught.value.message == message


async def test_a_revoked_key_is_refused_at_once_after_it_is_forgotten(
    keys: Keys, authenticate: Authenticator
) -> None:
    key_id, key = await keys.create("acc_1")
    _, other = await keys.create("acc_1")
    for one in (key, other):
        await authenticate(request(f"Bearer {one}"))
    await keys.revoke(key_id)
    authenticate.forget([key_id, "key_unknown"])

    with pytest.raises(Unauthorized):
        await authenticate(request(f"Bearer {key}"))
    assert (await authenticate(request(f"Bearer {other}"))).account_id == "acc_1"


async def test_a_revocation_reaches_other_processes_over_the_broker(
    keys: Keys, authenticate: Authenticator, vhost: Vhost, running: Start, eventually: Eventually
) -> None:
    key_id, key = await keys.create("acc_1")
    await authenticate(request(f"Bearer {key}"))
    await keys.revoke(key_id)
    publisher = Publisher(vhost.url, "cli")
    running(publisher.run())
    running(Listener(vhost.url, "api", [EventType.KEY_REVOKED], authenticate.forget).run())
    assert await publisher.wait_connected(30)

    async def refused() -> bool:
        await publisher.publish([Event(EventType.KEY_REVOKED, (key_id,))])
        try:
            await authenticate(request(f"Bearer {key}"))
        except Unauthorized:
            return True
        return False

    await eventually(refused)


async def test_a_suspended_account_is_told_so(
    database: Database, keys: Keys, authenticate: Authenticator
) -> None:
    _, key = await keys.create("acc_1")
    await database["accounts"].update_one({"_id": "acc_1"}, {"$set": {"status": "suspended"}})

    with pytest.raises(AccountSuspended):
        await authenticate(request(f"Bearer {key}"))


async def test_a_key_of_an_account_that_is_gone_is_refused(keys: Keys, authenticate: Authenticator) -> None:
    _, key = await keys.create("acc_gone")

    with pytest.raises(Unauthorized):
        await authenticate(request(f"Bearer {key}"))


async def test_another_pepper_voids_every_key(database: Database, keys: Keys, clock: StillClock) -> None:
    _, key = await keys.create("acc_1")

    assert await keys.find(key) is not None
    assert await Keys(database, clock, SecretStr("another")).find(key) is None


async def test_the_key_itself_is_not_in_the_database(database: Database, keys: Keys) -> None:
    _, key = await keys.create("acc_1")
    document = await database["keys"].find_one({})

    assert document is not None
    assert document["prefix"] in key
    assert document["last_four"] == key[-4:]
    assert key not in str(document)
    assert key.split("_")[3][:20] not in str(document)


async def test_a_key_ends_with_its_time(keys: Keys, authenticate: Authenticator, clock: StillClock) -> None:
    _, key = await keys.create("acc_1", expires_at=clock.now() + timedelta(minutes=1))
    assert (await authenticate(request(f"Bearer {key}"))).account_id == "acc_1"

    clock.forward(minutes=1)
    with pytest.raises(Unauthorized):
        await authenticate(request(f"Bearer {key}"))


async def test_a_key_knows_its_scopes_and_its_limit(keys: Keys, authenticate: Authenticator) -> None:
    _, key = await keys.create("acc_1", scopes=["chat", "images"], requests_per_minute=7)
    owner = await authenticate(request(f"Bearer {key}"))

    assert (owner.scopes, owner.requests_per_minute) == (frozenset({"chat", "images"}), 7)
