"""What clients send to `POST /embeddings`. Source: platform.openai.com/docs, "Create embeddings"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import Field

from services.api.dialects.openai.fields import Fields, model_of, read_fields
from services.api.errors import InvalidField
from services.api.text.requests import Texts

MOST_INPUTS: Final = 2048
MOST_INPUT_LENGTH: Final = 200_000


class Wanted(Fields):
    """What the vectors are to be like."""

    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = Field(default=None, ge=1, le=16_384)


@dataclass(frozen=True, slots=True)
class EmbeddingCall:
    """A checked request."""

    model: str
    inputs: tuple[str, ...]
    dimensions: int | None
    base64: bool

    @property
    def texts(self) -> Texts:
        return Texts(self.inputs, self.dimensions)


def parse_embedding(body: Mapping[str, Any]) -> EmbeddingCall:
    """Raises ModelRequired and InvalidField."""
    model, inputs = model_of(body), _inputs(body.get("input"))
    wanted = read_fields(Wanted, body)
    return EmbeddingCall(model, inputs, wanted.dimensions, wanted.encoding_format == "base64")


def _inputs(value: object) -> tuple[str, ...]:
    if value is None or value in ("", []):
        raise InvalidField("input is required: a string, or an array of strings")
    listed = value if isinstance(value, list) else [value]
    if any(isinstance(one, int | list) for one in listed):
        raise InvalidField("input must be text: arrays of tokens are not supported, send strings")
    if len(listed) > MOST_INPUTS:
        raise InvalidField(f"input must have at most {MOST_INPUTS} items")
    for number, one in enumerate(listed):
        name = f"input[{number}]" if isinstance(value, list) else "input"
        if not isinstance(one, str):
            raise InvalidField(f"{name} must be a string")
        if not one:
            raise InvalidField(f"{name} must not be empty")
        if len(one) > MOST_INPUT_LENGTH:
            raise InvalidField(f"{name} must have at most {MOST_INPUT_LENGTH} characters")
    return tuple(listed)
