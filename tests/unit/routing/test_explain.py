"""Every route of a chain is in or out for a reason."""

from __future__ import annotations

from typing import Any

from shared.providers.errors import ErrorClass as E
from shared.routing.breaker import BreakerState
from shared.routing.explain import RouteView, explain, first_ready
from shared.tasks.model import TaskRequest
from tests.unit.routing.situations import Situation, a_model, at, opened, route

NOW = at(0)


def explained(situation: Situation, **request: Any) -> list[RouteView]:
    return explain(TaskRequest(prompt="", **request), a_model(situation.chain), situation.health(), NOW)


def test_what_is_ready_has_nothing_to_say_for_itself() -> None:
    views = explained(Situation(keys={"fal": 2}))

    assert [(view.priority, view.keys, view.eligible, view.ready_at, view.why) for view in views] == [
        (1, 2, True, NOW, ()),
        (2, 1, True, NOW, ()),
        (3, 1, True, NOW, ()),
    ]
    assert first_ready(views, NOW) == views[0]


def test_each_obstacle_is_named() -> None:
    chain = (route("fal"), route("replicate", edit=None), route("kie"), route("gemini", edit="gemini-image"))
    views = explained(
        Situation(
            chain=chain,
            keys={"fal": 0},
            breakers={"kie": opened(15)},
            keys_rest={"gemini-1": (5, E.QUOTA)},
        ),
        image_urls=("https://a.example/b.png",),
        resolution="512",
    )

    assert [view.why for view in views] == [
        ("no worker has a key: set HATCHERY_PROVIDERS__FAL__KEYS",),
        ("not one that can edit images",),
        ("breaker open until 12:00:15 UTC",),
        ("not one that makes 512", "rests until 12:00:05 UTC because of quota"),
    ]
    assert [view.ready_at for view in views] == [None, None, at(15), None]
    assert [view.upstream_model for view in views] == [
        "banana/edit",
        "banana",
        "banana/edit",
        "gemini-image",
    ]
    assert first_ready(views, NOW) is None


def test_a_half_open_breaker_waits_for_a_probe_or_its_outcome() -> None:
    waiting, tried = explained(
        Situation(
            chain=(route("fal"), route("kie")),
            breakers={"fal": opened(-1), "kie": opened(-1, probe_until=30)},
        )
    )

    assert waiting.breaker is tried.breaker is BreakerState.HALF_OPEN
    assert waiting.why == ("breaker half-open: the next task tries it",)
    assert tried.why == ("breaker half-open until 12:00:30 UTC",)
    assert (waiting.ready_at, tried.ready_at) == (NOW, at(30))
