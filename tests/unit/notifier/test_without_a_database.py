"""What a database that is away changes: nothing but the time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from pymongo.errors import AutoReconnect

from services.notifier.courier import Courier
from services.notifier.delivery import Delivery, Recording
from services.notifier.dispatch import Dispatcher, Limits
from services.notifier.retries import RetrySweeper
from services.notifier.sender import Answer
from services.notifier.signers import KEPT_FOR, Signers
from services.notifier.signing import Signer
from shared.accounts.account import UnknownAccount
from shared.batching import Batcher
from shared.killpoints import KillPoints
from shared.runtime import cancel

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = datetime(2026, 2, 3, 9, 0, tzinfo=UTC)
DELIVERY = Delivery(
    id="whd_1",
    task_id="gen_1",
    account_id="acc_1",
    url="https://a.example/",
    host="a.example",
    body=b"{}",
    attempts_made=0,
    owner="own_1",
    leased_until=NOW + timedelta(seconds=30),
)


class StillClock:
    def now(self) -> datetime:
        return NOW


class CountingSender:
    def __init__(self) -> None:
        self.posts = 0

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        self.posts += 1
        return Answer(status=200)


class FakeAccounts:
    """Knows one account; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def webhook_secret(self, account_id: str) -> str:
        self.asked += 1
        if account_id != "acc_1":
            raise UnknownAccount
        return SECRET


async def test_an_attempt_that_cannot_be_recorded_yet_is_recorded_later_and_posted_once() -> None:
    written: list[Recording] = []
    failures = [AutoReconnect(), AutoReconnect()]

    async def record(recordings: Sequence[Recording]) -> list[None]:
        if failures:
            raise failures.pop()
        written.extend(recordings)
        return [None] * len(recordings)

    sender = CountingSender()
    courier = Courier(
        sender,
        Signers(FakeAccounts()),
        Batcher("recordings", record),
        StillClock(),
        KillPoints(),
        lambda: 0.0,
    )

    await courier.deliver(DELIVERY)

    assert sender.posts == 1
    assert [recording.attempt.status for recording in written] == [200]


async def test_a_sweep_without_a_database_is_only_postponed() -> None:
    sent: list[Delivery] = []
    enough = asyncio.Event()

    class Store:
        def __init__(self) -> None:
            self.sweeps = 0

        async def claim_due(self, *_: object) -> tuple[list[Delivery], bool]:
            self.sweeps += 1
            if self.sweeps == 1:
                raise AutoReconnect
            return [DELIVERY], False

    async def deliver(delivery: Delivery) -> None:
        sent.append(delivery)
        enough.set()

    dispatcher = Dispatcher(deliver, Limits.of(4))
    running = asyncio.create_task(RetrySweeper(Store(), dispatcher).run())
    delivered = asyncio.create_task(enough.wait())
    await asyncio.wait([running, delivered], return_when=asyncio.FIRST_COMPLETED)
    await cancel(running, delivered)

    assert sent == [DELIVERY]


async def test_an_accounts_signer_is_kept_for_half_a_minute() -> None:
    accounts, time = FakeAccounts(), [0.0]
    signers = Signers(accounts, monotonic=lambda: time[0])

    first = await signers.of("acc_1")
    time[0] = KEPT_FOR.total_seconds() - 1
    assert await signers.of("acc_1") is first
    time[0] += 1
    later = await signers.of("acc_1")

    assert accounts.asked == 2
    assert later.headers("whd_1", b"{}", NOW) == Signer(SECRET).headers("whd_1", b"{}", NOW)
