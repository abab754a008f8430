"""One table makes both the checks and the schema that clients see."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.dialects.aigenway.errors import InvalidParameters
from services.api.dialects.aigenway.params import checked
from shared.catalog.aigenway_tables import TABLES
from tests.unit.aigenway.offered import STRICT

VALUES = st.one_of(
    st.sampled_from(
        [
            "1K",
            "0.5K",
            "720p",
            "pro",
            "auto",
            "16:9",
            "1024x1024",
            "application/json",
            4,
            5,
            8,
            0,
            1.5,
            -1,
            9000,
        ]
    ),
    st.text("ab", max_size=5),
    st.integers(-5, 30),
    st.booleans(),
    st.lists(st.just("https://a.example/1.png"), max_size=18),
    st.just({}),
)
"""No strings where addresses belong: how those are written is not a matter of the schema."""


@pytest.mark.parametrize("name", list(TABLES))
@given(data=st.data())
def test_what_is_taken_is_what_the_schema_allows(name: str, data: st.DataObject) -> None:
    table = TABLES[name]
    names = [one.name for one in table.parameters if not (one.url and "string" in one.types)]
    params: dict[str, Any] = data.draw(st.dictionaries(st.sampled_from(names), VALUES, max_size=5))
    for one in table.parameters:
        if one.required and one.url and "string" in one.types:
            params[one.name] = "https://a.example/1.png"

    allowed = jsonschema.Draft202012Validator(table.schema()).is_valid(params)

    try:
        checked(table, params, STRICT)
    except InvalidParameters:
        assert not allowed
    else:
        assert allowed


def test_unknown_params_are_left_out_and_defaults_put_in() -> None:
    assert checked(TABLES["banana_text_to_image"], {"prompt": "a hen", "colour": "red"}, STRICT) == {
        "prompt": "a hen",
        "resolution": "1K",
        "images_count": 1,
    }
