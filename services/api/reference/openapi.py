"""OpenAPI 3.1 documents."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import orjson

from services.api.reference.model import JSON, Answer, Content, Dialect, Event, Operation, Problem
from services.api.reference.parameters import HEADERS, parameters_of
from services.api.reference.problems import problems_of
from services.api.reference.schema import ref
from services.api.rendering import RENDERERS

REQUEST_ID = "req_01k6x0v7w3h2m9q4x1b8c5d7ef"
Document = dict[str, Any]


def openapi(dialect: Dialect, server_url: str, version: str) -> Document:
    """The whole document; `server_url` is where clients reach the api."""
    paths: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for operation in dialect.operations:
        paths[operation.path][operation.method.lower()] = _operation(dialect, operation)
    document: Document = {
        "openapi": "3.1.0",
        "info": {
            "title": dialect.title,
            "version": version,
            "summary": dialect.summary,
            "description": "\n\n".join(dialect.about),
        },
        "servers": [{"url": server_url}],
        "security": [{"key": []}],
        "paths": dict(paths),
        "components": {
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key, `sk_live_<prefix>_<secret>`.",
                }
            },
            "headers": HEADERS,
            "schemas": dict(dialect.schemas),
        },
    }
    if dialect.events:
        document["webhooks"] = {event.name: {"post": _event(event)} for event in dialect.events}
    return document


def rendered(dialect: Dialect, problem: Problem) -> tuple[int, Any]:
    """Status and body of an error, made by the code that answers it."""
    response = RENDERERS[dialect.name](problem.error, REQUEST_ID)
    return response.status_code, orjson.loads(response.body)


def _operation(dialect: Dialect, operation: Operation) -> Document:
    parameters = parameters_of(operation)
    responses: defaultdict[str, Document] = defaultdict(dict)
    for answer in operation.answers:
        responses[str(answer.status)] = _answer(answer, operation)
    by_status: defaultdict[int, list[tuple[Problem, Any]]] = defaultdict(list)
    for problem in problems_of(operation):
        status, body = rendered(dialect, problem)
        by_status[status].append((problem, body))
    for status, found in sorted(by_status.items()):
        responses[str(status)] = _trouble(found, operation)
    return {
        "operationId": operation.name,
        "summary": operation.summary,
        **({"description": operation.description} if operation.description else {}),
        **({"security": []} if operation.scope is None else {}),
        **({"parameters": list(parameters)} if parameters else {}),
        **({"requestBody": _body(operation.body)} if operation.body else {}),
        "responses": dict(responses),
    }


def _answer(answer: Answer, operation: Operation) -> Document:
    content = {one.media_type: _content(one) for one in answer.contents}
    return {
        "description": answer.summary,
        "headers": _headers(*_rate(operation), *answer.headers),
        **({"content": content} if content else {}),
    }


def _trouble(found: list[tuple[Problem, Any]], operation: Operation) -> Document:
    examples = {
        _title(problem, number): {"summary": problem.when, "value": body}
        for number, (problem, body) in enumerate(found)
    }
    names = list(_rate(operation))
    if any(problem.error.retry_after_seconds is not None for problem, _ in found):
        names.append("Retry-After")
    if any(problem.error.status == 401 for problem, _ in found):
        names.append("WWW-Authenticate")
    description = "; ".join(problem.when for problem, _ in found)
    content = {} if operation.method == "HEAD" else {JSON: {"schema": ref("Error"), "examples": examples}}
    return {
        "description": description[0].upper() + description[1:],
        "headers": _headers(*names),
        **({"content": content} if content else {}),
    }


def _title(problem: Problem, number: int) -> str:
    return problem.error.code if number == 0 else f"{problem.error.code}_{number + 1}"


def _rate(operation: Operation) -> tuple[str, ...]:
    limited = operation.scope is not None and operation.limited
    return tuple(name for name in HEADERS if name.startswith("X-RateLimit-")) if limited else ()


def _headers(*names: str) -> Document:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-Id", *names)}


def _body(body: Content) -> Document:
    return {"required": True, "content": {body.media_type: _content(body)}}


def _content(content: Content) -> Document:
    examples = {
        f"example_{number}": {"summary": title, "value": value}
        for number, (title, value) in enumerate(content.examples.items(), 1)
    }
    return {"schema": content.schema, **({"examples": examples} if examples else {})}


def _event(event: Event) -> Document:
    return {
        "operationId": event.name,
        "summary": event.summary,
        "description": event.description,
        "security": [],
        "parameters": list(event.parameters),
        "requestBody": _body(event.body),
        "responses": {"2XX": {"description": "Delivered; any other answer is tried again."}},
    }
