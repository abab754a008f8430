"""Reading fields of JSON bodies, with messages that name the field and the fix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from services.api.dialects.openai.errors import ModelRequired
from services.api.errors import InvalidField

MOST_MODEL_LENGTH: Final = 100


class Fields(BaseModel):
    """Unknown fields are ignored, as clients send what newer versions of OpenAI's API know."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, allow_inf_nan=False)


F = TypeVar("F", bound=Fields)


def model_of(body: Mapping[str, Any]) -> str:
    """The id in `model`. Raises ModelRequired."""
    model = body.get("model")
    if not isinstance(model, str) or not 0 < len(model) <= MOST_MODEL_LENGTH:
        raise ModelRequired
    return model


def read_fields(schema: type[F], body: Mapping[str, Any]) -> F:
    """Null counts as not given. Raises InvalidField naming every field at fault."""
    given = {name: value for name, value in body.items() if value is not None}
    try:
        return schema.model_validate(given)
    except ValidationError as error:
        problems = [_sentence(problem) for problem in error.errors(include_url=False)]
        raise InvalidField("; ".join(dict.fromkeys(problems))) from error


_SENTENCES: Final = {
    "missing": "{field} is required",
    "string_type": "{field} must be a string",
    "int_type": "{field} must be an integer",
    "float_type": "{field} must be a number",
    "bool_type": "{field} must be true or false",
    "list_type": "{field} must be an array",
    "dict_type": "{field} must be an object",
    "model_type": "{field} must be an object",
    "literal_error": "{field} must be one of: {expected}",
    "string_too_short": "{field} must not be empty",
    "string_too_long": "{field} must have at most {max_length} characters",
    "string_pattern_mismatch": "{field} must match {pattern}",
    "too_long": "{field} must have at most {max_length} items",
    "greater_than_equal": "{field} must be at least {ge}",
    "less_than_equal": "{field} must be at most {le}",
    "value_error": "{field} {error}",
}


def _sentence(problem: Any) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in problem["loc"])
    facts = {**problem.get("ctx", {}), "field": "".join(steps).lstrip(".")}
    if "expected" in facts:
        facts["expected"] = facts["expected"].replace(" or ", ", ")
    return _SENTENCES.get(problem["type"], "{field} is not valid").format_map(facts)
