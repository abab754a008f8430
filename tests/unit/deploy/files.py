"""The deployment's files, read the way compose and the image builder read them."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from dotenv import dotenv_values

ROOT = Path(__file__).parents[3]
COMPOSE_FILE = ROOT / "docker-compose.yml"
ENV_EXAMPLE = ROOT / ".env.example"
DOCKERFILE = ROOT / "deploy" / "Dockerfile"

SERVICES = ("api", "router", "worker", "billing", "notifier")
OURS = (*SERVICES, "simulator")
SERVERS = ("mongo", "rabbitmq", "s3")

_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>\w+)(?:(?P<kind>:-|:\?)(?P<word>[^}]*))?\})")
_COMMENTED = re.compile(r"^# ([A-Z][A-Z0-9_]*)=", re.MULTILINE)


class MissingVariable(Exception):
    """A variable that compose demands is empty."""


def compose() -> dict[str, Any]:
    """docker-compose.yml with its anchors followed and its variables still in place."""
    return yaml.safe_load(COMPOSE_FILE.read_text())


def tool(name: str) -> str:
    """A command installed beside the interpreter that runs the tests."""
    return str(Path(sys.executable).parent / name)


def resolve(value: Any, variables: Mapping[str, str]) -> Any:
    """Compose's interpolation, as much of it as the file uses. Raises MissingVariable."""

    def replace(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        given = variables.get(match["name"], "")
        if match["kind"] == ":?" and not given:
            raise MissingVariable(match["word"])
        return given or match["word"] or ""

    if isinstance(value, dict):
        return {key: resolve(inner, variables) for key, inner in value.items()}
    if isinstance(value, list):
        return [resolve(inner, variables) for inner in value]
    return _VARIABLE.sub(replace, value) if isinstance(value, str) else value


def environment(service: str, variables: Mapping[str, str]) -> dict[str, str]:
    """What a container of this service finds in its environment; a name without a value is passed through."""
    given = resolve(compose()["services"][service]["environment"], variables)
    passed = {name: variables.get(name) if value is None else value for name, value in given.items()}
    return {name: value for name, value in passed.items() if value is not None}


def mentioned_variables() -> dict[str, set[str]]:
    """Every variable that docker-compose.yml reads, and how: `:-`, `:?` or passed through."""
    found: dict[str, set[str]] = {}
    for text in _texts(compose()):
        for match in _VARIABLE.finditer(text):
            if not match["escaped"]:
                found.setdefault(match["name"], set()).add(match["kind"] or "")
    for service in compose()["services"].values():
        for name, value in service.get("environment", {}).items():
            if value is None:
                found.setdefault(name, set()).add("passed")
    return found


def example_values() -> dict[str, str]:
    """The values of .env.example that stand uncommented."""
    return {name: value or "" for name, value in dotenv_values(ENV_EXAMPLE, interpolate=False).items()}


def documented_variables() -> set[str]:
    """Every variable of .env.example, also those commented out."""
    return set(example_values()) | set(_COMMENTED.findall(ENV_EXAMPLE.read_text()))


def filled_example() -> dict[str, str]:
    """.env.example with something in every empty place; all of it is 32 bytes in base64."""
    secret = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
    return {name: value or secret for name, value in example_values().items()}


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as pairs of instruction and argument."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    pairs = (line.split(None, 1) for line in joined.splitlines() if line.strip())
    return [(name, " ".join(rest.split())) for name, rest in pairs]


def final_stage() -> list[tuple[str, str]]:
    """The instructions of the stage that becomes the image."""
    pairs = instructions()
    return pairs[max(index for index, (name, _) in enumerate(pairs) if name == "FROM") :]


def exec_form(name: str) -> list[str]:
    """The argv of the image's ENTRYPOINT, CMD or HEALTHCHECK."""
    (argument,) = [rest for instruction, rest in final_stage() if instruction == name]
    return json.loads(argument[argument.index("[") :])


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
