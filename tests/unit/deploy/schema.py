"""The part of the compose file format that docker-compose.yml uses; any other key is an error."""

from __future__ import annotations

from typing import Any

_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"type": "array", "items": _TEXT, "minItems": 1}
_DURATION = {"type": "string", "pattern": r"^\d+(ms|s|m|h)$"}
_MEMORY = {"type": "string", "pattern": r"^\d+[KMG]$"}
_SCALAR = {"type": ["string", "null"]}


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


_LIMITS = _object({"cpus": {"type": "string", "pattern": r"^\d+(\.\d+)?$"}, "memory": _MEMORY})

_HEALTHCHECK = _object(
    {
        "test": {
            "type": "array",
            "prefixItems": [{"enum": ["CMD", "CMD-SHELL"]}],
            "items": _TEXT,
            "minItems": 2,
        },
        "interval": _DURATION,
        "timeout": _DURATION,
        "start_period": _DURATION,
        "retries": {"type": "integer", "minimum": 1},
    },
    "test",
    "interval",
    "timeout",
    "retries",
)

_DEPENDENCIES = {
    "type": "object",
    "additionalProperties": _object(
        {"condition": {"enum": ["service_started", "service_healthy", "service_completed_successfully"]}},
        "condition",
    ),
}

_SERVICE = _object(
    {
        "build": _object({"context": _TEXT, "dockerfile": _TEXT}, "context"),
        "cap_add": _TEXTS,
        "cap_drop": _TEXTS,
        "command": _TEXTS,
        "depends_on": _DEPENDENCIES,
        "deploy": _object({"resources": _object({"limits": _LIMITS, "reservations": _LIMITS})}),
        "entrypoint": _TEXTS,
        "environment": {
            "type": "object",
            "propertyNames": {"pattern": "^[A-Z][A-Z0-9_]*$"},
            "additionalProperties": _SCALAR,
        },
        "healthcheck": _HEALTHCHECK,
        "hostname": _TEXT,
        "image": _TEXT,
        "networks": _TEXTS,
        "ports": _TEXTS,
        "profiles": _TEXTS,
        "read_only": {"type": "boolean"},
        "restart": {"enum": ["no", "always", "on-failure", "unless-stopped"]},
        "security_opt": _TEXTS,
        "stop_grace_period": _DURATION,
        "tmpfs": _TEXTS,
        "ulimits": {"type": "object", "additionalProperties": {"type": "integer"}},
        "user": _TEXT,
        "volumes": _TEXTS,
    },
    "image",
)

COMPOSE: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]*$"},
        "services": {"type": "object", "additionalProperties": _SERVICE},
        "networks": {"type": "object", "additionalProperties": _object({"internal": {"type": "boolean"}})},
        "volumes": {"type": "object", "additionalProperties": {"type": "null"}},
    },
    "patternProperties": {"^x-": {}},
    "required": ["name", "services"],
    "additionalProperties": False,
}
