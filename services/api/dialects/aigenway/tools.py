"""Functions in either form, Gemini's or OpenAI's, as OpenAI's. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from services.api.dialects.aigenway.json_schemas import lower_types
from services.api.dialects.aigenway.params import at_fault

_CHOICES: Final = {"auto": "auto", "none": "none", "required": "required", "any": "required"}


def tools_of(tools: Sequence[Any]) -> list[dict[str, Any]]:
    """Raises InvalidParameters."""
    return [
        {"type": "function", "function": _function(number, one)}
        for number, tool in enumerate(tools)
        for one in _declared(number, tool)
    ]


def _declared(number: int, tool: Any) -> Iterator[Any]:
    if isinstance(tool, Mapping):
        listed = tool.get("function_declarations", tool.get("functionDeclarations"))
        if isinstance(listed, list) and listed:
            yield from listed
            return
        if tool.get("type") == "function" and "function" in tool:
            yield tool["function"]
            return
    raise at_fault([(f"tools[{number}]", "must have function_declarations, or type function and a function")])


def _function(number: int, declared: Any) -> dict[str, Any]:
    name = declared.get("name") if isinstance(declared, Mapping) else None
    if not isinstance(name, str) or not 1 <= len(name) <= 64:
        raise at_fault([(f"tools[{number}]", "must name each function with 1 to 64 characters")])
    function: dict[str, Any] = {"name": name}
    if isinstance(text := declared.get("description"), str):
        function["description"] = text
    if isinstance(parameters := declared.get("parameters"), Mapping):
        function["parameters"] = lower_types(parameters)
    return function


def tool_choice_of(choice: Any) -> Any:
    """auto, none, required, or OpenAI's `{"type": "function", "function": {"name"}}`."""
    if choice is None:
        return None
    if isinstance(choice, str) and choice.lower() in _CHOICES:
        return _CHOICES[choice.lower()]
    function = choice.get("function") if isinstance(choice, Mapping) else None
    name = function.get("name") if isinstance(function, Mapping) else None
    if not isinstance(name, str):
        raise at_fault([("tool_choice", "must be auto, none, required or a function with a name")])
    return {"type": "function", "function": {"name": name}}
