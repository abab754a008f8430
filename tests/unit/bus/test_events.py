"""Events as bytes and back, and how many share a message."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bus.events import Event, EventType, MalformedEvent, decode, pack


def test_an_event_is_version_type_and_task_ids() -> None:
    body = Event(EventType.TASK_QUEUED, ("gen_1", "gen_2")).encode()

    assert orjson.loads(body) == {"v": 1, "type": "task.queued", "task_ids": ["gen_1", "gen_2"]}


@given(event_type=st.sampled_from(EventType), subjects=st.lists(st.text(st.characters(codec="utf-8"))))
def test_an_event_survives_the_way_through_the_broker(event_type: EventType, subjects: list[str]) -> None:
    event = Event(event_type, tuple(subjects))

    assert decode(event.encode()) == event


def test_fields_of_later_versions_are_ignored() -> None:
    body = orjson.dumps({"v": 1, "type": "task.failed", "task_ids": ["gen_1"], "traceparent": "00-ab"})

    assert decode(body) == Event(EventType.TASK_FAILED, ("gen_1",))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"\xff\xfe\x00",
        b"null",
        b"7",
        b'"task.queued"',
        b"[]",
        b"{}",
        b'{"v":1,"type":"task.queued"}',
        b'{"v":1,"task_ids":[]}',
        b'{"type":"task.queued","task_ids":[]}',
        b'{"v":2,"type":"task.queued","task_ids":[]}',
        b'{"v":"1","type":"task.queued","task_ids":[]}',
        b'{"v":1,"type":"task.imagined","task_ids":[]}',
        b'{"v":1,"type":null,"task_ids":[]}',
        b'{"v":1,"type":["task.queued"],"task_ids":[]}',
        b'{"v":1,"type":{"a":1},"task_ids":[]}',
        b'{"v":1,"type":"task.queued","task_ids":"gen_1"}',
        b'{"v":1,"type":"task.queued","task_ids":{"gen_1":1}}',
        b'{"v":1,"type":"task.queued","task_ids":null}',
        b'{"v":1,"type":"task.queued","task_ids":["gen_1",7]}',
        b'{"v":1,"type":"task.queued","task_ids":[["gen_1"]]}',
        b"[" * 5_000,
    ],
)
def test_a_body_that_is_no_event_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedEvent):
        decode(body)


def test_only_a_dispatch_has_a_topic_in_its_routing_key() -> None:
    assert Event(EventType.ATTEMPT_DISPATCHED, ("gen_1",), "fal").routing_key == "attempt.dispatched.fal"
    assert Event(EventType.TASK_QUEUED, ("gen_1",)).routing_key == "task.queued"


def test_events_of_one_kind_share_a_message_and_keep_their_order() -> None:
    packed = pack(
        [
            Event(EventType.TASK_QUEUED, ("gen_1",)),
            Event(EventType.TASK_FAILED, ("gen_2",)),
            Event(EventType.TASK_QUEUED, ("gen_3", "gen_4")),
        ]
    )

    assert packed == [
        Event(EventType.TASK_QUEUED, ("gen_1", "gen_3", "gen_4")),
        Event(EventType.TASK_FAILED, ("gen_2",)),
    ]


def test_dispatches_stay_single_so_that_workers_share_them() -> None:
    dispatches = [Event(EventType.ATTEMPT_DISPATCHED, (f"gen_{n}",), "fal") for n in range(3)]

    assert pack(dispatches) == dispatches


def test_a_message_carries_at_most_so_many_task_ids() -> None:
    packed = pack([Event(EventType.TASK_COMPLETED, (f"gen_{n}",)) for n in range(7)], most=3)

    assert [event.subjects for event in packed] == [
        ("gen_0", "gen_1", "gen_2"),
        ("gen_3", "gen_4", "gen_5"),
        ("gen_6",),
    ]


def test_an_event_of_nothing_is_not_sent() -> None:
    assert pack([Event(EventType.TASK_QUEUED, ())]) == []
