"""The body of `POST /chat/completions`. Source: platform.openai.com/docs, "Create chat completion"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from services.api.dialects.openai.fields import Fields, model_of, read_fields
from services.api.dialects.openai.messages import Message, checked_messages
from services.api.errors import InvalidField
from services.api.text.requests import Conversation

MOST_TOOLS: Final = 128
_CHOICES: Final = ("auto", "none", "required")
_FORMATS: Final = ("text", "json_object", "json_schema")
_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")]
_Object = dict[str, Any]


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _checked_format(wanted: _Object) -> _Object:
    kind = wanted.get("type")
    if kind not in _FORMATS:
        raise ValueError(f"must have a type of: {', '.join(_FORMATS)}")
    described = wanted.get("json_schema")
    if kind == "json_schema":
        if not isinstance(described, dict) or not isinstance(described.get("name"), str):
            raise ValueError("of type json_schema must have a json_schema with a name")
        if not isinstance(described.get("schema", {}), dict):
            raise ValueError("must have an object as its json_schema.schema")
        if not isinstance(described.get("strict"), bool | None):
            raise ValueError("must have true or false as its json_schema.strict")
    return wanted


def _checked_choice(wanted: Any) -> Any:
    if isinstance(wanted, str) and wanted in _CHOICES:
        return wanted
    function = wanted.get("function") if isinstance(wanted, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise ValueError(f"must be one of: {', '.join(_CHOICES)}, or name a function")
    return wanted


class Function(Fields):
    """What a model may call."""

    name: _Name
    description: str | None = None
    parameters: _Object | None = None
    strict: bool | None = None


class Tool(Fields):
    """Functions are the only tools."""

    type: Annotated[str, StringConstraints(pattern="^function$")]
    function: Function


class StreamOptions(Fields):
    include_usage: bool = False


class Parameters(Fields):
    """What goes to the provider under the same names."""

    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    top_k: int | None = Field(default=None, ge=1)
    max_tokens: int | None = Field(default=None, ge=1)
    stop: Annotated[list[str], BeforeValidator(_listed)] | None = Field(default=None, max_length=4)
    seed: int | None = Field(default=None, ge=-(2**63), le=2**63 - 1)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    tools: list[Tool] | None = Field(default=None, max_length=MOST_TOOLS)
    tool_choice: Annotated[Any, AfterValidator(_checked_choice)] = None
    parallel_tool_calls: bool | None = None
    response_format: Annotated[_Object, AfterValidator(_checked_format)] | None = None
    reasoning_effort: Annotated[str, StringConstraints(min_length=1, max_length=20)] | None = None
    user: Annotated[str, StringConstraints(max_length=512)] | None = None


class Manner(Fields):
    """How the answer is to come; for us alone."""

    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    n: int = Field(default=1, ge=1, le=1)


@dataclass(frozen=True, slots=True)
class ChatCall:
    """A checked request."""

    model: str
    messages: tuple[Message, ...]
    parameters: Mapping[str, Any]
    stream: bool
    include_usage: bool

    @property
    def conversation(self) -> Conversation:
        return Conversation(self.messages, self.parameters)


def parse_chat(body: Mapping[str, Any]) -> ChatCall:
    """Raises ModelRequired, MessagesRequired and InvalidField."""
    model, messages = model_of(body), checked_messages(body.get("messages"))
    manner = read_fields(Manner, body)
    parameters = read_fields(Parameters, _with_one_limit(body)).model_dump(exclude_none=True)
    if parameters.get("tools") == []:
        del parameters["tools"]
    if "tool_choice" in parameters and "tools" not in parameters:
        raise InvalidField("tool_choice needs tools")
    return ChatCall(model, messages, parameters, manner.stream, manner.stream_options.include_usage)


def _with_one_limit(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """`max_completion_tokens` is the newer name of `max_tokens` and wins."""
    newer = body.get("max_completion_tokens")
    return body if newer is None else {**body, "max_tokens": newer}
