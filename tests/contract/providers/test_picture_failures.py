"""How each failure of a provider is sorted, when it takes a request and when it works on it."""

from __future__ import annotations

from shared.providers.base import Failed
from shared.providers.errors import ErrorClass
from tests.contract.providers.makers import ANSWERS_AT_ONCE, MAKERS, Fault, Maker, each, each_fault
from tests.contract.providers.simulator import KEY, SHORT, Simulator, accept, finish, media_at, outcome

_AMBIGUOUS = (ErrorClass.SUBMIT_AMBIGUOUS, "has no other word for it: a job may run")
_ONLY_OPENROUTER = {
    maker.name: "has statuses for its errors" for maker in MAKERS if maker.provider != "openrouter"
}

AT_SUBMIT = (
    Fault(
        "server_error",
        {"fault": "http_500"},
        ErrorClass.TRANSIENT,
        differs={"replicate": _AMBIGUOUS, "kie": _AMBIGUOUS},
    ),
    Fault(
        "unavailable",
        {"fault": "http_500", "status": 503},
        ErrorClass.TRANSIENT,
        differs={"replicate": _AMBIGUOUS, "kie": _AMBIGUOUS},
    ),
    Fault("rate_limit", {"fault": "http_429"}, ErrorClass.RATE_LIMIT),
    Fault("quota", {"fault": "quota"}, ErrorClass.QUOTA),
    Fault("credential", {"fault": "credential"}, ErrorClass.CREDENTIAL),
    Fault("model_gone", {"fault": "model_gone"}, ErrorClass.MODEL_GONE),
    Fault("caller_fault", {"fault": "caller_fault"}, ErrorClass.CALLER_FAULT),
    Fault("time_out", {"fault": "timeout"}, ErrorClass.SUBMIT_AMBIGUOUS),
    Fault("reset", {"fault": "reset"}, ErrorClass.SUBMIT_AMBIGUOUS),
    Fault("half_an_answer", {"fault": "bad_json"}, ErrorClass.SUBMIT_AMBIGUOUS),
)

_TOLD_AS_A_FAILURE = (ErrorClass.TRANSIENT, "tells it in the words of any failure")
AT_RESULT = (
    Fault("work_fails", {"fault": "job_fails"}, ErrorClass.TRANSIENT),
    Fault("refusal", {"fault": "refusal"}, ErrorClass.POLICY_REFUSAL),
    Fault(
        "refused_picture",
        {"fault": "nsfw"},
        ErrorClass.POLICY_REFUSAL,
        absent=dict.fromkeys(ANSWERS_AT_ONCE, "a refused picture does not come at all"),
    ),
    Fault(
        "filtered_picture",
        {"fault": "content_filter"},
        ErrorClass.POLICY_REFUSAL,
        absent={
            maker.name: "only Gemini ends an answer by a filter" for maker in MAKERS if maker.name != "gemini"
        },
    ),
    Fault(
        "no_media",
        {"fault": "no_media_generated"},
        ErrorClass.NO_OUTPUT,
        differs={"replicate": _TOLD_AS_A_FAILURE, "kie": _TOLD_AS_A_FAILURE},
    ),
    Fault("no_output", {"fault": "empty_output"}, ErrorClass.NO_OUTPUT),
    Fault(
        "input_found_bad",
        {"fault": "caller_fault", "at": "result"},
        ErrorClass.CALLER_FAULT,
        absent=dict.fromkeys(ANSWERS_AT_ONCE, "there is one answer, so this is the fault at submit"),
    ),
    Fault(
        "started_too_late",
        {"fault": "aborted"},
        ErrorClass.TRANSIENT,
        differs={"fal": (ErrorClass.DEADLINE, "it is the deadline that the caller set")},
        absent=ANSWERS_AT_ONCE,
    ),
    Fault(
        "outputs_deleted",
        {"fault": "data_removed"},
        ErrorClass.TRANSIENT,
        absent={
            maker.name: "does not tell of it: the files are gone"
            for maker in MAKERS
            if maker.name != "replicate"
        },
    ),
    Fault("error_in_200", {"fault": "error_in_200"}, ErrorClass.TRANSIENT, absent=_ONLY_OPENROUTER),
)


@each_fault(AT_SUBMIT)
async def test_a_submission_that_goes_wrong_is_sorted(sim: Simulator, maker: Maker, fault: Fault) -> None:
    await sim.rule(maker.provider, **fault.then)
    failed = await sim.media(maker.provider, SHORT).submit(maker.request())
    assert isinstance(failed, Failed), failed
    assert failed.error_class is fault.expected_of(maker.name)
    assert failed.message
    assert not any(secret in failed.message for secret in (KEY, sim.url, "http", "127.0.0.1"))


@each_fault(AT_RESULT)
async def test_work_that_ends_badly_is_sorted(sim: Simulator, maker: Maker, fault: Fault) -> None:
    await sim.rule(maker.provider, **fault.then)
    failed = await outcome(sim.media(maker.provider), maker.request())
    assert isinstance(failed, Failed), failed
    assert failed.error_class is fault.expected_of(maker.name)
    assert failed.message
    assert not any(secret in failed.message for secret in (KEY, sim.url, "http", "127.0.0.1"))


@each()
async def test_of_several_failures_the_refusal_is_told(sim: Simulator, maker: Maker) -> None:
    await sim.rule(maker.provider, fault="refusal")
    failed = await outcome(sim.media(maker.provider), maker.request(num_outputs=3))
    assert getattr(failed, "error_class", failed) is ErrorClass.POLICY_REFUSAL


@each()
async def test_a_failure_ends_with_the_fault(sim: Simulator, maker: Maker) -> None:
    await sim.rule(maker.provider, times=1, fault="http_429")
    provider = sim.media(maker.provider)
    assert isinstance(await provider.submit(maker.request()), Failed)
    assert not isinstance(await outcome(provider, maker.request()), Failed)


@each(but=ANSWERS_AT_ONCE)
async def test_a_job_that_ended_badly_stays_so(sim: Simulator, maker: Maker) -> None:
    await sim.rule(maker.provider, fault="job_fails")
    provider = sim.media(maker.provider)
    job = await accept(provider, maker.request())
    first = await finish(provider, job)
    assert isinstance(first, Failed)
    assert await provider.poll(job) == first


@each()
async def test_a_provider_that_cannot_be_reached_has_taken_nothing(
    sim: Simulator, maker: Maker, unused_tcp_port: int
) -> None:
    provider = media_at(sim.session, maker.provider, f"http://127.0.0.1:{unused_tcp_port}")
    failed = await provider.submit(maker.request())
    assert isinstance(failed, Failed)
    assert failed.error_class is ErrorClass.TRANSIENT
