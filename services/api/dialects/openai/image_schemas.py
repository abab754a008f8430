"""What `/images/generations` and `/images/edits` take. Source: platform.openai.com/docs, "Images"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints

from services.api.dialects.openai.errors import PromptRequired
from services.api.dialects.openai.fields import Fields, model_of, read_fields
from services.api.dialects.openai.sizes import parsed_size
from services.api.errors import InvalidField

MOST_OUTPUTS: Final = 10
MOST_PROMPT_LENGTH: Final = 32_000


def _without_nul(value: str) -> str:
    if "\0" in value:
        raise ValueError("must not contain NUL characters")
    return value


def _checked_size(value: str) -> str:
    if value != "auto" and parsed_size(value) is None:
        raise ValueError("must be auto, or width and height such as 1024x1024, each from 64 to 8192")
    return value


class ImageCall(Fields):
    """A checked request; `response_format` is taken and changes nothing, since the answer is a task."""

    model: str
    prompt: Annotated[str, StringConstraints(max_length=MOST_PROMPT_LENGTH), AfterValidator(_without_nul)]
    n: int = Field(default=1, ge=1, le=MOST_OUTPUTS)
    size: Annotated[str, AfterValidator(_checked_size)] = "auto"
    response_format: Literal["url", "b64_json"] = "url"


def parse_image(body: Mapping[str, Any]) -> ImageCall:
    """Raises ModelRequired, PromptRequired and InvalidField."""
    model_of(body)
    prompt = body.get("prompt")
    if prompt is None or (isinstance(prompt, str) and not prompt.strip()):
        raise PromptRequired
    if body.get("stream"):
        raise InvalidField("stream is not supported for images: the answer is a task")
    return read_fields(ImageCall, body)


def parse_image_form(values: Mapping[str, str]) -> ImageCall:
    """The same from the text fields of a form. Raises ModelRequired, PromptRequired and InvalidField."""
    body: dict[str, Any] = dict(values)
    text = values.get("n", "")
    if text.isascii() and text.isdigit() and len(text) <= 3:
        body["n"] = int(text)
    if values.get("stream") == "false":
        del body["stream"]
    return parse_image(body)
