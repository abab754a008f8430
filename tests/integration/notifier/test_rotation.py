"""Secrets that change under way: receivers with the old or the new one go on during the overlap."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from pydantic import SecretStr

from shared.accounts.account import Accounts
from shared.accounts.key import Keys
from shared.mongo import Database
from shared.secrets import SecretBox
from shared.webhooks.secrets import MOST_SECRETS, TooManySecrets
from tests.integration.notifier.receiver import Received, Receiver, receiving
from tests.integration.notifier.rig import SECRETS_KEY, ManualClock, Rig, open_rig

OVERLAP = timedelta(seconds=60)
BOX = SecretBox(SECRETS_KEY)


@pytest_asyncio.fixture
async def rig(database: Database) -> AsyncIterator[Rig]:
    """It is now: the official package looks at the machine's clock."""
    clock = ManualClock(datetime.now(UTC).replace(microsecond=0))
    async with open_rig(database, clock) as rig:
        yield rig


async def told(rig: Rig, receiver: Receiver, url: str | None = None, **fields: object) -> Received:
    await rig.notify(await rig.end_task(url, **fields))
    await rig.finish()
    return receiver.received[-1]


async def test_an_endpoints_old_and_new_secret_both_verify_until_the_overlap_ends(rig: Rig) -> None:
    async with receiving() as receiver:
        endpoint_id, old = await rig.endpoint(receiver.url)
        assert (await told(rig, receiver)).passes(old)

        _, new = await rig.endpoints.rotate(rig.account_id, endpoint_id, OVERLAP)
        rig.clock.advance(timedelta(seconds=5))
        both = await told(rig, receiver)
        assert both.passes(old)
        assert both.passes(new)

        rig.clock.advance(OVERLAP)
        later = await told(rig, receiver)
        assert later.passes(new)
        assert not later.passes(old)


async def test_an_accounts_callbacks_verify_with_both_and_the_dialects_header_with_the_new(rig: Rig) -> None:
    accounts = Accounts(rig.database, rig.clock, BOX)
    async with receiving() as receiver:
        assert (await told(rig, receiver, receiver.url)).is_signed_with(rig.secret)
        new = await accounts.rotate_webhook_secret(rig.account_id, OVERLAP)
        rig.clock.advance(timedelta(seconds=5))
        both = await told(rig, receiver, receiver.url)
        assert both.passes(rig.secret)
        assert both.passes(new)

        rig.clock.advance(OVERLAP)
        later = await told(rig, receiver, receiver.url)
        assert later.is_signed_with(new)
        assert not later.passes(rig.secret)


@pytest.mark.parametrize("own", [True, False])
async def test_a_keys_callbacks_verify_with_both_also_where_it_had_only_its_accounts(
    rig: Rig, own: bool
) -> None:
    keys = Keys(rig.database, rig.clock, SecretStr("pepper"), BOX if own else None)
    key_id, _ = await keys.create(rig.account_id)
    readable = Keys(rig.database, rig.clock, SecretStr("pepper"), BOX)
    found = await readable.webhook_secrets(key_id)
    old = found.current if found is not None else rig.secret
    aigenway = {"dialect": "aigenway", "key_id": key_id}
    async with receiving() as receiver:
        assert (await told(rig, receiver, receiver.url, **aigenway)).passes(old)
        new = await readable.rotate_webhook_secret(key_id, OVERLAP, BOX)
        rig.clock.advance(timedelta(seconds=5))
        both = await told(rig, receiver, receiver.url, **aigenway)
        assert both.passes(old)
        assert both.passes(new)

        rig.clock.advance(OVERLAP)
        later = await told(rig, receiver, receiver.url, **aigenway)
        assert later.passes(new)
        assert not later.passes(old)


async def test_an_overlap_of_nothing_voids_all_older_secrets(rig: Rig) -> None:
    async with receiving() as receiver:
        endpoint_id, first = await rig.endpoint(receiver.url)
        _, second = await rig.endpoints.rotate(rig.account_id, endpoint_id, OVERLAP)
        _, third = await rig.endpoints.rotate(rig.account_id, endpoint_id, timedelta(0))
        received = await told(rig, receiver)

    assert received.passes(third)
    assert not received.passes(second)
    assert not received.passes(first)


async def test_no_older_secret_outlives_the_newest_overlap(rig: Rig) -> None:
    async with receiving() as receiver:
        endpoint_id, first = await rig.endpoint(receiver.url)
        await rig.endpoints.rotate(rig.account_id, endpoint_id, timedelta(days=7))
        _, third = await rig.endpoints.rotate(rig.account_id, endpoint_id, OVERLAP)
        assert (await told(rig, receiver)).passes(first)
        rig.clock.advance(OVERLAP)
        later = await told(rig, receiver)

    assert later.passes(third)
    assert not later.passes(first)


async def test_only_so_many_secrets_are_valid_at_once(rig: Rig) -> None:
    endpoint_id, _ = await rig.endpoint("https://a.example/")
    for _ in range(MOST_SECRETS - 1):
        await rig.endpoints.rotate(rig.account_id, endpoint_id, OVERLAP)
    with pytest.raises(TooManySecrets):
        await rig.endpoints.rotate(rig.account_id, endpoint_id, OVERLAP)

    rig.clock.advance(OVERLAP)
    await rig.endpoints.rotate(rig.account_id, endpoint_id, OVERLAP)


async def test_nothing_readable_is_stored_of_secrets(rig: Rig) -> None:
    endpoint_id, old = await rig.endpoint("https://a.example/")
    _, new = await rig.endpoints.rotate(rig.account_id, endpoint_id, OVERLAP)

    stored = str(await rig.database["webhook_endpoints"].find_one({"_id": endpoint_id}))

    assert old.removeprefix("whsec_") not in stored
    assert new.removeprefix("whsec_") not in stored
