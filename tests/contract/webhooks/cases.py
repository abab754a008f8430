"""Deliveries as a real notifier posts them, and what becomes of them on bad days."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from shared.accounts.key import Keys
from shared.mongo import Database
from shared.secrets import SecretBox
from tests.integration.notifier.receiver import Received, Receiver, receiving
from tests.integration.notifier.rig import SECRETS_KEY, ManualClock, Rig, open_rig

OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
OVERLAP = timedelta(hours=1)
LONG_AGO = timedelta(hours=1)
"""More than the five minutes that receivers forgive, however long the tests take."""


@dataclass(frozen=True, slots=True)
class Case:
    """What arrives, the secret that its receiver knows, and what the receiver should say."""

    name: str
    scheme: str
    secret: str
    headers: dict[str, str]
    body: bytes
    fits: bool = True

    def told(self) -> dict[str, Any]:
        """As programs in other languages read it."""
        body = base64.b64encode(self.body).decode()
        return {"scheme": self.scheme, "secret": self.secret, "headers": self.headers, "body": body}


async def delivered(database: Database, ago: timedelta = timedelta(0)) -> list[Case]:
    """One POST of each kind, made by a notifier whose clock is so much behind."""
    clock = ManualClock(datetime.now(UTC).replace(microsecond=0) - ago)
    async with open_rig(database, clock) as rig, receiving() as receiver:
        keys = Keys(database, clock, SecretStr("pepper"), SecretBox(SECRETS_KEY))
        key_id, _ = await keys.create(rig.account_id)
        of_the_key = await keys.webhook_secrets(key_id)
        assert of_the_key is not None
        egg = await _told(rig, receiver, callback=True)
        aigenway = await _told(rig, receiver, callback=True, dialect="aigenway", key_id=key_id)
        endpoint_id, old = await rig.endpoint(receiver.url)
        own = await _told(rig, receiver)
        _, new = await rig.endpoints.rotate(rig.account_id, endpoint_id, OVERLAP)
        clock.advance(timedelta(seconds=5))
        both = await _told(rig, receiver)
    return [
        _case("EggAPI's callback", "eggapi", rig.secret, egg),
        _case("EggAPI's callback", "standard", rig.secret, egg),
        _case("Aigenway's callback", "aigenway", of_the_key.current, aigenway),
        _case("Aigenway's callback", "standard", of_the_key.current, aigenway),
        _case("an endpoint's event", "standard", old, own),
        _case("an event after a rotation, by the old secret", "standard", old, both),
        _case("an event after a rotation, by the new secret", "standard", new, both),
    ]


def spoilt(case: Case) -> Iterator[Case]:
    """The same delivery on its bad days."""
    yield replace(case, name=f"{case.name}, changed", body=case.body.replace(b":", b": ", 1), fits=False)
    yield replace(case, name=f"{case.name}, cut", body=case.body[:-1], fits=False)
    yield replace(case, name=f"{case.name}, empty", body=b"", fits=False)
    yield replace(case, name=f"{case.name}, of another", secret=OTHER_SECRET, fits=False)
    yield replace(case, name=f"{case.name}, without headers", headers={}, fits=False)
    for signature in ("", "v1,", "sha256=", "v1,AAAA v1,BBBB", "sha256=" + "0" * 64, "é"):
        headers = {
            name: signature if name.endswith("-signature") else text for name, text in case.headers.items()
        }
        yield replace(case, name=f"{case.name}, signed {signature!r}", headers=headers, fits=False)
    if case.scheme != "aigenway":
        moved = str(int(case.headers["webhook-timestamp"]) + 1)
        for timestamp in ("", "soon", "-1", "1e10", "9" * 30, moved):
            yield with_timestamp(case, timestamp)
    if case.scheme == "standard":
        other = {**case.headers, "webhook-id": "whd_another"}
        yield replace(case, name=f"{case.name}, under another id", headers=other, fits=False)


def with_timestamp(case: Case, timestamp: str) -> Case:
    """The signature of one time with another."""
    headers = {
        name: timestamp if name.endswith("-timestamp") else text for name, text in case.headers.items()
    }
    return replace(case, name=f"{case.name}, at {timestamp!r}", headers=headers, fits=False)


async def _told(rig: Rig, receiver: Receiver, *, callback: bool = False, **fields: object) -> Received:
    before = len(receiver.received)
    await rig.notify(await rig.end_task(receiver.url if callback else None, **fields))
    await rig.finish()
    assert len(receiver.received) == before + 1
    return receiver.received[-1]


def _case(name: str, scheme: str, secret: str, post: Received) -> Case:
    headers = {header.lower(): text for header, text in post.headers.items()}
    return Case(f"{name}, {scheme}", scheme, secret, headers, post.body)
