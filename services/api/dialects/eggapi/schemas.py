"""What EggAPI's clients send: field by field, with messages that name the field and the fix."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from services.api.errors import InvalidField


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _without_nul(value: Any) -> Any:
    if isinstance(value, str) and "\0" in value:
        raise ValueError("must not contain NUL characters")
    return value


MOST_URL_LENGTH = 2048
Text = BeforeValidator(_without_nul)
Url = Annotated[str, StringConstraints(min_length=1, max_length=MOST_URL_LENGTH), Text]


class GenerateRequest(BaseModel):
    """What bodies of `POST /v1/generate` share. Unknown fields are ignored; null means not given."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    model: Annotated[str, StringConstraints(min_length=1, max_length=100), Text]
    prompt: Annotated[str, StringConstraints(min_length=1, max_length=2000), Text]
    negative_prompt: Annotated[str, StringConstraints(max_length=1000), Text] | None = None
    aspect_ratio: str
    num_outputs: int
    resolution: Annotated[Literal["1k", "2k", "4k"], BeforeValidator(_lower)] | None = None
    image_urls: list[Url] = Field(default_factory=list, max_length=9)
    image_url: Url | None = None
    webhook_url: Url | None = None
    duration: int | None = Field(default=None, ge=1, le=60)
    mode: Literal["fast", "relaxed"] | None = None
    orientation: Literal["portrait", "landscape"] | None = None


class ImageRequest(GenerateRequest):
    """For a model that makes images."""

    aspect_ratio: Literal["16:9", "9:16"] = "16:9"
    num_outputs: int = Field(default=1, ge=1, le=4)


class VideoRequest(GenerateRequest):
    """For a model that makes a video, from a first frame if there is an input image."""

    aspect_ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4"] = "16:9"
    num_outputs: int = Field(default=1, ge=1, le=1)
    image_urls: list[Url] = Field(default_factory=list, max_length=1)
    duration: int = Field(default=5, ge=1, le=60)
    """Seconds."""


REQUESTS: Mapping[str, type[GenerateRequest]] = MappingProxyType(
    {"image": ImageRequest, "video": VideoRequest}
)
"""By kind of model; EggAPI offers no other."""


def parse_generate(body: dict[str, Any], schema: type[GenerateRequest] = ImageRequest) -> GenerateRequest:
    """Raises InvalidField naming every field at fault."""
    given = {name: value for name, value in body.items() if value is not None}
    try:
        return schema.model_validate(given)
    except ValidationError as error:
        problems = [_sentence(problem) for problem in error.errors(include_url=False, include_context=True)]
        raise InvalidField("; ".join(dict.fromkeys(problems))) from error


_SENTENCES = {
    "missing": "{field} is required",
    "string_type": "{field} must be a string",
    "int_type": "{field} must be an integer",
    "list_type": "{field} must be an array of strings",
    "literal_error": "{field} must be one of: {expected}",
    "string_too_short": "{field} must not be empty",
    "string_too_long": "{field} must have at most {max_length} characters",
    "too_long": "{field} must have at most {max_length} {items}",
    "greater_than_equal": "{field} must be at least {ge}",
    "less_than_equal": "{field} must be at most {le}",
    "value_error": "{field} {error}",
}


def _sentence(problem: Any) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in problem["loc"])
    facts = {**problem.get("ctx", {}), "field": "".join(steps).lstrip(".")}
    facts["items"] = "item" if facts.get("max_length") == 1 else "items"
    if "expected" in facts:
        facts["expected"] = facts["expected"].replace(" or ", ", ")
    return _SENTENCES.get(problem["type"], "{field} is not valid").format_map(facts)
