"""OpenAI's chat completions as a Gemini request. Pure. Source: ai.google.dev/api, "GenerateContent"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shared.providers.base import ChatRequest
from shared.providers.gemini_messages import Conversation, InvalidChat
from shared.providers.gemini_requests import with_options
from shared.providers.gemini_schema import gemini_schema
from shared.providers.tools import InputImage

_NAMES: Final = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "max_tokens": "maxOutputTokens",
    "max_completion_tokens": "maxOutputTokens",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}
_MODES: Final = {"auto": "AUTO", "none": "NONE", "required": "ANY"}


def chat_body(request: ChatRequest, images: Mapping[str, InputImage]) -> dict[str, Any]:
    """The body of `generateContent`; `images` by the URLs in the messages. The catalog's options win.

    Raises InvalidChat for what Gemini has no form for.
    """
    conversation = Conversation(request.upstream_model, images)
    for message in request.messages:
        conversation.add(message)
    body: dict[str, Any] = {"contents": conversation.contents}
    if conversation.instructions:
        body["systemInstruction"] = {"parts": conversation.instructions}
    if config := _generation_config(request.parameters):
        body["generationConfig"] = config
    if declarations := _declarations(request.parameters.get("tools")):
        body["tools"] = [{"functionDeclarations": declarations}]
    if choice := _tool_choice(request.parameters.get("tool_choice")):
        body["toolConfig"] = {"functionCallingConfig": choice}
    return with_options(body, request.options)


def _generation_config(parameters: Mapping[str, Any]) -> dict[str, Any]:
    config = {theirs: parameters[ours] for ours, theirs in _NAMES.items() if parameters.get(ours) is not None}
    if stop := parameters.get("stop"):
        config["stopSequences"] = [stop] if isinstance(stop, str) else stop
    return config | _response_format(parameters.get("response_format"))


def _response_format(wanted: object) -> dict[str, Any]:
    if wanted is None:
        return {}
    kind = wanted.get("type") if isinstance(wanted, Mapping) else None
    if kind == "text":
        return {}
    if kind == "json_object":
        return {"responseMimeType": "application/json"}
    described = wanted.get("json_schema") if isinstance(wanted, Mapping) and kind == "json_schema" else None
    if not isinstance(described, Mapping):
        raise InvalidChat("response_format is not text, json_object or json_schema")
    config: dict[str, Any] = {"responseMimeType": "application/json"}
    if isinstance(schema := described.get("schema"), Mapping):
        config["responseSchema"] = gemini_schema(schema)
    return config


def _declarations(tools: object) -> list[dict[str, Any]]:
    return [_declaration(tool) for tool in tools] if isinstance(tools, list | tuple) else []


def _declaration(tool: object) -> dict[str, Any]:
    function = tool.get("function") if isinstance(tool, Mapping) and tool.get("type") == "function" else None
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise InvalidChat("only tools of type function with a name are supported")
    declared: dict[str, Any] = {"name": function["name"]}
    if function.get("description"):
        declared["description"] = function["description"]
    schema = function.get("parameters")
    # An object without properties is an error to Gemini; a function without arguments has no schema.
    if isinstance(schema, Mapping) and (translated := gemini_schema(schema)).get("properties"):
        declared["parameters"] = translated
    return declared


def _tool_choice(choice: object) -> dict[str, Any]:
    if choice is None:
        return {}
    if isinstance(choice, str) and choice in _MODES:
        return {"mode": _MODES[choice]}
    function = choice.get("function") if isinstance(choice, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise InvalidChat("tool_choice is not auto, none, required or a function")
    return {"mode": "ANY", "allowedFunctionNames": [function["name"]]}
