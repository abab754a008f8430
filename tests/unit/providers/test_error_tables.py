"""Every row of every provider's error table has a recorded answer of its own, and the other way round."""

from __future__ import annotations

import importlib
import importlib.util
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from shared.providers.errors import ErrorClass, ErrorFacts, classify
from shared.providers.exchange import Reply
from shared.providers.registry import ADAPTERS

FIXTURES = Path(__file__).parents[2] / "fixtures" / "provider_errors"


def table_of(provider: str) -> ModuleType | None:
    name = f"shared.providers.{provider}_errors"
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


TABLES = {name: module for name in sorted(ADAPTERS) if (module := table_of(name)) is not None}
RECORDED = [
    pytest.param(name, path, id=f"{name}-{path.stem}")
    for name in TABLES
    for path in sorted((FIXTURES / name).glob("*.json"))
]


def recorded(path: Path) -> Reply:
    """`{"status", "headers", "body"}`; a body that is a string is what came, byte for byte."""
    answer: dict[str, Any] = orjson.loads(path.read_bytes())
    body = answer["body"]
    raw = body.encode() if isinstance(body, str) else orjson.dumps(body)
    return Reply(answer["status"], CIMultiDict(answer["headers"]), raw)


def test_every_provider_has_a_table() -> None:
    assert set(TABLES) == set(ADAPTERS)


@pytest.mark.parametrize("provider", TABLES)
def test_the_rows_and_the_recorded_answers_correspond_one_to_one(provider: str) -> None:
    rows = Counter(row.name for row in TABLES[provider].ROWS)
    assert rows == Counter(path.stem for path in (FIXTURES / provider).glob("*.json"))


@pytest.mark.parametrize(("provider", "path"), RECORDED)
def test_a_recorded_answer_belongs_to_the_row_of_its_name(provider: str, path: Path) -> None:
    module = TABLES[provider]
    row = classify(module.ROWS, module.read_facts(recorded(path)))
    assert row is not None
    assert row.name == path.stem


@pytest.mark.parametrize("provider", TABLES)
def test_what_no_row_is_for_stays_unknown(provider: str) -> None:
    row = classify(TABLES[provider].ROWS, ErrorFacts(418, (), "I am a teapot"))
    assert row is None or row.error_class is ErrorClass.UNKNOWN


_WORDS = (
    "error",
    "errors",
    "detail",
    "details",
    "code",
    "status",
    "message",
    "data",
    "state",
    "failCode",
    "msg",
)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(_WORDS) | st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("provider", TABLES)
@given(body=_JSON, status=st.sampled_from((200, 400, 403, 422, 429, 500, 502)))
def test_no_body_is_too_odd_to_be_read(provider: str, body: Any, status: int) -> None:
    module = TABLES[provider]
    facts = module.read_facts(Reply(status, CIMultiDict(), orjson.dumps(body)))
    row = classify(module.ROWS, facts)
    assert row is None or row.matches(facts)
