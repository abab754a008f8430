"""Requests that a fuzzer makes from the documents are answered as the documents say."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from schemathesis import Case

from tests.contract.schemathesis.conftest import Ask
from tests.contract.schemathesis.documents import load

EGGAPI, OPENAI, AIGENWAY = load("eggapi"), load("openai"), load("aigenway")
bounded = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@EGGAPI.parametrize()
@bounded
def test_eggapi_answers_as_documented(case: Case, ask: Ask) -> None:
    ask(case, "eggapi")


@OPENAI.parametrize()
@bounded
def test_the_openai_style_dialect_answers_as_documented(case: Case, ask: Ask) -> None:
    ask(case, "openai")


@AIGENWAY.parametrize()
@bounded
def test_the_aigenway_dialect_answers_as_documented(case: Case, ask: Ask) -> None:
    ask(case, "aigenway")
