"""Checking `params` by the table of a method. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from services.api.dialects.aigenway.errors import InvalidParameters
from shared.catalog.aigenway_parameters import MOST_URL_LENGTH, Parameter, Table
from shared.http import EgressPolicy, UnsafeAddress

_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}
_ARTICLES: Final = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "array": "an array",
    "object": "an object",
}


def checked(table: Table, params: Mapping[str, Any], egress: EgressPolicy) -> dict[str, Any]:
    """The known ones of `params` with their defaults; null means not given.

    Raises InvalidParameters that names every one at fault.
    """
    given = {name: value for name, value in params.items() if value is not None}
    problems: list[tuple[str, str]] = []
    values: dict[str, Any] = {}
    for parameter in table.parameters:
        value = given.get(parameter.name, parameter.default)
        if value is None:
            if parameter.required:
                problems.append((parameter.name, "is required"))
            continue
        problems += _problems(parameter, value, egress)
        values[parameter.name] = value
    if table.one_of and not any(name in given for name in table.one_of):
        problems.append((table.one_of[0], f"or {' or '.join(table.one_of[1:])} is required"))
    if problems:
        raise at_fault(problems)
    return values


def at_fault(problems: list[tuple[str, str]]) -> InvalidParameters:
    """Names of parameters, and what is wrong with each."""
    fields = [{"field": f"params.{name}", "message": f"{name} {what}"} for name, what in problems]
    return InvalidParameters("; ".join(field["message"] for field in fields), {"fields": fields})


def _problems(parameter: Parameter, value: Any, egress: EgressPolicy) -> Iterator[tuple[str, str]]:
    name = parameter.name
    kind = next((kind for kind in parameter.types if _is(value, kind)), None)
    if kind is None:
        yield name, f"must be {' or '.join(_ARTICLES[one] for one in parameter.types)}"
        return
    if parameter.allowed and value not in parameter.allowed:
        yield name, f"must be one of: {', '.join(map(str, parameter.allowed))}"
        return
    size = value if kind in ("integer", "number") else len(value)
    unit = {"string": " characters", "array": " items"}.get(kind, "")
    verb = "have" if unit else "be"
    if parameter.least is not None and size < parameter.least:
        yield name, f"must {verb} at least {parameter.least:g}{unit}"
    if parameter.most is not None and kind != "object" and size > parameter.most:
        yield name, f"must {verb} at most {parameter.most:g}{unit}"
    elif parameter.url:
        yield from _address_problems(name, value, egress)


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, _KINDS[kind]) and not isinstance(value, bool)


def _address_problems(name: str, value: Any, egress: EgressPolicy) -> Iterator[tuple[str, str]]:
    named = (
        [(f"{name}[{n}]", one) for n, one in enumerate(value)] if isinstance(value, list) else [(name, value)]
    )
    for place, address in named:
        if not isinstance(address, str):
            yield place, "must be a string"
        elif len(address) > MOST_URL_LENGTH:
            yield place, f"must have at most {MOST_URL_LENGTH} characters"
        else:
            try:
                egress.check_url(address)
            except UnsafeAddress as error:
                yield place, f"is not usable: {error.message}"
