"""Redemption codes: one account, once, for ever."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from pydantic import SecretStr

from services.billing.payments import Payments
from shared.killpoints import KillPoints
from shared.ledger.chain import Ledger
from shared.mongo import Database
from shared.payments.codes import FINISH_AFTER, CodeRedeemed, Codes, UnknownCode, digest_of
from shared.payments.redemption import CodeRefused, Redemptions
from shared.payments.topup import Method, TopUp
from tests.unit.building import StillClock

PEPPER = SecretStr("pepper")
WORTH = 10_000_000_000


@pytest.fixture
def codes(database: Database, clock: StillClock) -> Codes:
    return Codes(database, clock)


@pytest.fixture
def redemptions(database: Database, ledger: Ledger, clock: StillClock) -> Redemptions:
    return Redemptions(database, ledger, clock, KillPoints())


async def available(ledger: Ledger, account_id: str) -> int:
    return (await ledger.balances([account_id]))[account_id].available


async def test_a_code_is_credited_once_and_told_again_to_the_same_account(
    codes: Codes, redemptions: Redemptions, ledger: Ledger
) -> None:
    ((code_id, text),) = await codes.create(WORTH, 1, PEPPER)

    first = await redemptions.redeem(digest_of(text, PEPPER), "acc_1")
    again = await redemptions.redeem(digest_of(text.lower(), PEPPER), "acc_1")

    assert again == first
    assert (first.amount, first.method, first.payment) == (WORTH, Method.CODE, f"code:{code_id}")
    assert await available(ledger, "acc_1") == WORTH
    with pytest.raises(CodeRefused):
        await redemptions.redeem(digest_of(text, PEPPER), "acc_2")
    assert await available(ledger, "acc_2") == 0


async def test_of_fifty_redemptions_by_two_accounts_one_account_has_the_money(
    codes: Codes, redemptions: Redemptions, ledger: Ledger
) -> None:
    ((_, text),) = await codes.create(WORTH, 1, PEPPER)
    digest = digest_of(text, PEPPER)

    results = await asyncio.gather(
        *(redemptions.redeem(digest, f"acc_{number % 2}") for number in range(50)), return_exceptions=True
    )

    redeemed = {result.id for result in results if isinstance(result, TopUp)}
    assert len(redeemed) == 1
    assert sum(isinstance(result, CodeRefused) for result in results) == 25
    assert sorted([await available(ledger, "acc_0"), await available(ledger, "acc_1")]) == [0, WORTH]


async def test_wrong_revoked_and_expired_codes_are_refused_alike(
    codes: Codes, redemptions: Redemptions, clock: StillClock, ledger: Ledger
) -> None:
    soon = clock.now() + timedelta(minutes=1)
    ((revoked_id, revoked),) = await codes.create(WORTH, 1, PEPPER)
    ((_, expired),) = await codes.create(WORTH, 1, PEPPER, soon)
    await codes.revoke(revoked_id)
    await codes.revoke(revoked_id)
    clock.forward(minutes=1)
    said = set()
    for text in (revoked, expired, "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA", "hen"):
        with pytest.raises(CodeRefused) as refused:
            await redemptions.redeem(digest_of(text, PEPPER), "acc_1")
        said.add(refused.value.message)
    assert said == {"This code cannot be redeemed"}
    assert await available(ledger, "acc_1") == 0


async def test_a_redeemed_code_cannot_be_revoked(codes: Codes, redemptions: Redemptions) -> None:
    ((code_id, text),) = await codes.create(WORTH, 1, PEPPER)
    await redemptions.redeem(digest_of(text, PEPPER), "acc_1")
    with pytest.raises(CodeRedeemed):
        await codes.revoke(code_id)
    with pytest.raises(UnknownCode):
        await codes.revoke("rdm_none")


async def test_a_redemption_that_was_cut_off_is_finished_by_billing(
    codes: Codes, database: Database, ledger: Ledger, clock: StillClock
) -> None:
    ((_, text),) = await codes.create(WORTH, 1, PEPPER)
    digest = digest_of(text, PEPPER)
    assert digest is not None
    assert await codes.claim(digest, "acc_1", "top_1") is not None
    billing = Payments(database, ledger, clock, KillPoints())
    await billing.sweep()
    assert await available(ledger, "acc_1") == 0

    clock.at += FINISH_AFTER
    await billing.sweep()
    await billing.sweep()

    assert await available(ledger, "acc_1") == WORTH
    assert await database["topups"].count_documents({"account_id": "acc_1", "state": "paid"}) == 1
    assert await codes.claim_unfinished() is None


async def test_codes_are_stored_as_digests_only(codes: Codes, database: Database) -> None:
    made = await codes.create(WORTH, 20, PEPPER)
    stored = str(await database["codes"].find().to_list())
    assert not any(text in stored or text.replace("-", "") in stored for _, text in made)
    assert [one.id for one in await codes.page(None, 5)] == sorted([one for one, _ in made], reverse=True)[:5]
