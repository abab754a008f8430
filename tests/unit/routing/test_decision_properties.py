"""Whatever providers do, a task comes to an end within its limits."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle, islice
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.catalog.model import ModelEntry, Route, When
from shared.providers.errors import ErrorClass as E
from shared.routing.breaker import Breaker
from shared.routing.decision import Dispatch, Reject, Wait, decide
from shared.routing.health import Health, Rest, key_subject, route_subject
from shared.tasks.lifecycle import State
from shared.tasks.model import Attempt, Task
from tests.unit.building import NOON, a_task, attempt
from tests.unit.routing.situations import a_model

PROVIDERS = ("fal", "replicate", "kie")
MOST_STEPS = 60
ONCE = {E.TRANSIENT, E.MODEL_GONE, E.UNKNOWN, E.PROVIDER_NOT_CONFIGURED}
RETRIED = [E.RATE_LIMIT, E.QUOTA, E.CREDENTIAL, E.NO_OUTPUT, E.SUBMIT_AMBIGUOUS, E.TRANSIENT]
ENDS = {E.CALLER_FAULT, E.CANCELLED, E.DEADLINE}

routes = st.builds(
    Route,
    provider=st.sampled_from(PROVIDERS),
    generate=st.sampled_from(["a", "b"]),
    edit=st.sampled_from([None, "e"]),
    priority=st.sampled_from([None, 1, 2]),
    weight=st.integers(1, 5),
    when=st.just(When())
    | st.builds(
        When,
        edit=st.sampled_from([None, True, False]),
        resolutions=st.sampled_from([(), ("4K",)]),
        ratios=st.sampled_from([(), ("1:1",)]),
    ),
)
models = st.builds(
    a_model,
    chain=st.lists(routes, min_size=2, max_size=6, unique_by=lambda one: one.name).map(tuple),
    max_attempts=st.sampled_from([12, 8, 3, 1]),
    fallback_on_refusal=st.booleans(),
    fallback_on_no_output=st.booleans(),
)
requests = st.just({"prompt": "a hen"}) | st.fixed_dictionaries(
    {"prompt": st.just("a hen")},
    optional={
        "image_urls": st.just(["https://a.example/b.png"]),
        "resolution": st.sampled_from(["2K", "4K"]),
        "aspect_ratio": st.sampled_from(["1:1", "16:9"]),
    },
)


@dataclass(frozen=True)
class Weather:
    """The health of everything at a step, in seconds from then."""

    keys: dict[str, int]
    rests: dict[str, float]
    breakers: dict[str, tuple[float, float | None]]

    def at(self, now: datetime) -> Health:
        def later(seconds: float) -> datetime:
            return now + timedelta(seconds=seconds)

        return Health(
            keys={name: tuple(f"{name}-{n}" for n in range(count)) for name, count in self.keys.items()},
            rests={subject: Rest(later(s), E.RATE_LIMIT.value) for subject, s in self.rests.items()},
            breakers={
                name: Breaker(
                    open_until=later(until),
                    probe_until=later(probe) if probe is not None else None,
                )
                for name, (until, probe) in self.breakers.items()
            },
        )


names = st.sampled_from([f"{provider}:{letter}" for provider in PROVIDERS for letter in "ab"])
subjects = names.map(route_subject) | st.sampled_from([key_subject(f"{name}-0") for name in PROVIDERS])
seconds = st.sampled_from([-50, -0.001, 0, 20, 300])
"""No shorter wait than twenty seconds, so that a task gets through its fifteen minutes in few steps."""
weathers = st.builds(
    Weather,
    keys=st.fixed_dictionaries({name: st.sampled_from([2, 1, 3, 0]) for name in PROVIDERS}),
    rests=st.dictionaries(subjects, seconds, max_size=3),
    breakers=st.dictionaries(names, st.tuples(seconds, st.none() | seconds), max_size=2),
)


def allowed(dispatch: Dispatch, task: Task, model: ModelEntry, keys: int) -> None:
    """What must hold of every dispatch, said in other words than the code's."""
    route, request = dispatch.route, task.request
    ends = [one.error_class for one in task.attempts if one.route == route.name]
    counts = Counter(ends)
    assert route in model.chain
    assert len(task.attempts) < model.max_attempts
    assert keys > 0
    assert not ONCE & set(ends)
    assert counts[E.RATE_LIMIT] < 5
    assert counts[E.NO_OUTPUT] < 2
    assert counts[E.SUBMIT_AMBIGUOUS] < 2
    assert counts[E.QUOTA] + counts[E.CREDENTIAL] < keys
    before = Counter(one.error_class for one in task.attempts)
    assert not ENDS & set(before)
    assert model.fallback_on_refusal or not before[E.POLICY_REFUSAL]
    assert model.fallback_on_no_output or before[E.NO_OUTPUT] < 2
    assert route.edit is not None or not request.image_urls
    assert route.when.edit in {None, bool(request.image_urls)}
    assert not route.when.resolutions or request.resolution in {None, *route.when.resolutions}
    assert not route.when.ratios or request.aspect_ratio in {None, *route.when.ratios}


outcome_lists = st.sampled_from(RETRIED).map(lambda one: [one]) | st.lists(
    st.sampled_from(RETRIED) | st.none() | st.sampled_from(E), min_size=4, max_size=12
)
"""Repeated until the task has ended."""


@settings(deadline=None, max_examples=300)
@given(
    model=models,
    request=requests,
    outcomes=outcome_lists,
    weather=st.lists(weathers, min_size=1, max_size=5),
    took=st.floats(0.1, 60),
)
def test_no_sequence_of_outcomes_leads_a_task_beyond_its_limits(
    model: ModelEntry,
    request: dict[str, Any],
    outcomes: list[E | None],
    weather: list[Weather],
    took: float,
) -> None:
    now, attempts, ended = NOON, list[Attempt](), False
    results = cycle(outcomes)
    for here in islice(cycle(weather), MOST_STEPS):
        state = State.ATTEMPT_FAILED if attempts else State.QUEUED
        task = a_task(state, _id="gen_1", attempts=tuple(attempts), request=request)
        decision = decide(task, model, here.at(now), now)
        if isinstance(decision, Reject):
            ended = True
            break
        assert now < task.deadline_at
        if isinstance(decision, Wait):
            assert now < decision.until <= task.deadline_at
            now = decision.until
            continue
        allowed(decision, task, model, here.keys[decision.route.provider])
        now += timedelta(seconds=took)
        outcome = next(results)
        if outcome is None:
            ended = True
            break
        attempts.append(
            attempt(decision.route.name, outcome, number=len(attempts) + 1, ended_at=now, dispatched_at=now)
        )
    assert ended
