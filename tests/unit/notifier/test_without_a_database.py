"""What a database that is away changes: nothing but the time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pymongo.errors import AutoReconnect

from services.notifier.courier import Courier
from services.notifier.delivery import Delivery, Recording
from services.notifier.dispatch import Dispatcher
from services.notifier.endpoints import Target
from services.notifier.kept import KEPT_FOR
from services.notifier.pace import Limits
from services.notifier.preparation import Hopeless, Preparations, Ready, Rest
from services.notifier.retries import RetrySweeper
from services.notifier.sender import Answer
from services.notifier.signers import Signers
from services.notifier.signing import AigenwaySigner, Signer
from shared.accounts.account import UnknownAccount
from shared.batching import Batcher
from shared.killpoints import KillPoints
from shared.runtime import cancel
from shared.webhooks.secrets import OldSecret, WebhookSecrets
from shared.webhooks.states import DeliveryState

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


OF_A_KEY = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
OF_AIGENWAY = replace(
    DELIVERY, task_id="tsk_1", event="generation.completed", dialect="aigenway", key_id="key_1"
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

    async def webhook_secrets(self, account_id: str) -> WebhookSecrets:
        self.asked += 1
        if account_id != "acc_1":
            raise UnknownAccount
        return WebhookSecrets(SECRET)


class FakeKeys:
    """Knows the secrets of some keys."""

    def __init__(self, secrets: Mapping[str, str] | None = None) -> None:
        self._secrets = secrets or {}

    async def webhook_secrets(self, key_id: str) -> WebhookSecrets | None:
        secret = self._secrets.get(key_id)
        return None if secret is None else WebhookSecrets(secret)


class FakeEndpoints:
    """Knows one endpoint, or none; `probe` is what trying it while it rests leads to."""

    def __init__(self, target: Target | None = None, probe: datetime | None = None) -> None:
        self._target = target
        self._probe = probe

    async def find(self, endpoint_id: str) -> Target | None:
        return self._target

    async def take_probe(self, endpoint_id: str, at: datetime) -> datetime | None:
        return self._probe


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
        Preparations(Signers(FakeAccounts(), FakeKeys()), FakeEndpoints()),
        Batcher("recordings", record),
        StillClock(),
        KillPoints(),
        lambda: 0.0,
    )

    await courier.deliver(DELIVERY, lambda: None)

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

    async def deliver(delivery: Delivery, _answered: Callable[[], None]) -> None:
        sent.append(delivery)
        enough.set()

    dispatcher = Dispatcher(deliver, Limits.of(4))
    running = asyncio.create_task(RetrySweeper(Store(), dispatcher).run())
    delivered = asyncio.create_task(enough.wait())
    await asyncio.wait([running, delivered], return_when=asyncio.FIRST_COMPLETED)
    await cancel(running, delivered)

    assert sent == [DELIVERY]


async def test_an_accounts_secret_is_kept_for_five_seconds() -> None:
    accounts, time = FakeAccounts(), [0.0]
    signers = Signers(accounts, FakeKeys(), monotonic=lambda: time[0])

    first = await signers.headers(DELIVERY, NOW)
    time[0] = KEPT_FOR.total_seconds() - 1
    await signers.headers(DELIVERY, NOW)
    assert accounts.asked == 1
    time[0] += 1
    later = await signers.headers(DELIVERY, NOW)

    assert accounts.asked == 2
    assert first == later == Signer(SECRET).headers("whd_1", b"{}", NOW)


async def test_aigenways_webhooks_are_signed_with_the_secret_of_their_key() -> None:
    accounts = FakeAccounts()
    signers = Signers(accounts, FakeKeys({"key_1": OF_A_KEY}))

    headers = await signers.headers(OF_AIGENWAY, NOW)

    assert headers == AigenwaySigner(OF_A_KEY).headers("generation.completed", "tsk_1", "whd_1", b"{}", NOW)
    assert accounts.asked == 0


@pytest.mark.parametrize("key_id", ["key_of_old", None])
async def test_a_key_without_a_secret_signs_with_its_accounts(key_id: str | None) -> None:
    signers = Signers(FakeAccounts(), FakeKeys({"key_1": OF_A_KEY}))

    headers = await signers.headers(replace(OF_AIGENWAY, key_id=key_id), NOW)

    assert headers == AigenwaySigner(SECRET).headers("generation.completed", "tsk_1", "whd_1", b"{}", NOW)


OF_AN_ENDPOINT = replace(DELIVERY, dialect="", endpoint_id="whe_1")
TARGET = Target("https://b.example/", True, WebhookSecrets(SECRET), None)
LATER = NOW + timedelta(seconds=30)


@pytest.mark.parametrize(
    ("target", "probe", "expected"),
    [
        (None, None, Hopeless("endpoint deleted")),
        (replace(TARGET, enabled=False), None, Hopeless("endpoint disabled")),
        (replace(TARGET, rests_until=LATER), None, Rest(LATER)),
        (replace(TARGET, rests_until=NOW), LATER, Rest(LATER)),
    ],
)
async def test_an_endpoint_that_is_gone_or_rests_is_not_called(
    target: Target | None, probe: datetime | None, expected: Hopeless | Rest
) -> None:
    preparations = Preparations(Signers(FakeAccounts(), FakeKeys()), FakeEndpoints(target, probe))

    assert await preparations.prepare(OF_AN_ENDPOINT, NOW) == expected


@pytest.mark.parametrize(("rests_until", "probe"), [(None, False), (NOW, True)])
async def test_an_endpoint_is_called_at_its_address_of_today(
    rests_until: datetime | None, probe: bool
) -> None:
    secrets = WebhookSecrets(SECRET, (OldSecret(OF_A_KEY, LATER),))
    target = replace(TARGET, secrets=secrets, rests_until=rests_until)
    preparations = Preparations(Signers(FakeAccounts(), FakeKeys()), FakeEndpoints(target))

    prepared = await preparations.prepare(OF_AN_ENDPOINT, NOW)

    assert isinstance(prepared, Ready)
    assert (prepared.url, prepared.probe) == ("https://b.example/", probe)
    assert set(prepared.headers) == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    assert len(prepared.headers["webhook-signature"].split()) == 2


async def test_what_waits_for_a_resting_endpoint_loses_no_attempt() -> None:
    written: list[Recording] = []

    async def record(recordings: Sequence[Recording]) -> list[None]:
        written.extend(recordings)
        return [None] * len(recordings)

    sender = CountingSender()
    courier = Courier(
        sender,
        Preparations(Signers(FakeAccounts(), FakeKeys()), FakeEndpoints(replace(TARGET, rests_until=LATER))),
        Batcher("recordings", record),
        StillClock(),
        KillPoints(),
        lambda: 1.0,
    )

    await courier.deliver(OF_AN_ENDPOINT, lambda: None)

    (recording,) = written
    assert sender.posts == 0
    assert (recording.attempt, recording.state) == (None, DeliveryState.PENDING)
    assert recording.wake_at == LATER + timedelta(seconds=5)
    assert "$push" not in recording.update()
