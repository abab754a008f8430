"""The reference as plain text for language models, in the form of llmstxt.org."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.api.reference.fields import Field, fields_of, parameter_fields
from services.api.reference.model import Content, Dialect, Operation
from services.api.reference.openapi import rendered
from services.api.reference.parameters import parameters_of
from services.api.reference.problems import problems_of
from services.api.reference.samples import curl, shown

TITLE = "Hatchery"
SUMMARY = (
    "One REST API for AI generation over many providers: images, videos, chats and embeddings, with exact "
    "money and signed webhooks. Three dialects; every key works in all of them."
)


def llms(dialects: Sequence[Dialect], server_url: str) -> str:
    """`/llms.txt`: where to find what."""
    lines = [f"# {TITLE}", "", f"> {SUMMARY}", "", "Send `Authorization: Bearer <key>` with every request."]
    lines += ["", "## Documentation", ""]
    lines += [
        f"- [Everything in one text]({server_url}/llms-full.txt): all endpoints, fields, errors and examples",
        f"- [Reference page]({server_url}/docs): the same for people",
    ]
    lines += [f"- [{one.title}]({server_url}/openapi/{one.name}.json): OpenAPI 3.1" for one in dialects]
    for dialect in dialects:
        lines += ["", f"## {dialect.title}", "", dialect.summary, ""]
        lines += [f"- `{one.method} {one.path}`: {one.summary}" for one in dialect.operations]
    return "\n".join(lines) + "\n"


def llms_full(dialects: Sequence[Dialect], server_url: str) -> str:
    """`/llms-full.txt`: everything."""
    lines = [f"# {TITLE}", "", f"> {SUMMARY}", ""]
    for dialect in dialects:
        lines += [f"## {dialect.title}", "", dialect.summary, ""]
        for paragraph in dialect.about:
            lines += [paragraph, ""]
        for operation in dialect.operations:
            lines += _operation(dialect, operation, server_url)
        for event in dialect.events:
            lines += [f"### Webhook: {event.summary}", "", event.description, ""]
            lines += _fields(parameter_fields(event.parameters))
            lines += _body(dialect, event.body)
        for name, schema in dialect.schemas.items():
            lines += [f"### Object: {name}", "", *_fields(fields_of(schema, dialect.schemas))]
    return "\n".join(lines)


def _operation(dialect: Dialect, operation: Operation, server_url: str) -> Iterator[str]:
    yield from (f"### {operation.method} {operation.path}", "", f"{operation.summary}.")
    yield from (operation.description, "") if operation.description else ("",)
    yield from _fields(parameter_fields(parameters_of(operation)))
    if operation.body is not None:
        yield from _fields(fields_of(operation.body.schema, dialect.schemas))
        for title, value in operation.body.examples.items():
            yield from (f"{title}:", "", *_fenced(curl(operation, server_url, value), "sh"))
    else:
        yield from _fenced(curl(operation, server_url), "sh")
    for answer in operation.answers:
        yield from (f"{answer.status}: {answer.summary}", "")
        for content in answer.contents:
            yield from _body(dialect, content)
    for problem in problems_of(operation):
        status, body = rendered(dialect, problem)
        yield f"- {status} `{body['error']['code']}`: {problem.when}"
    yield ""


def _body(dialect: Dialect, content: Content) -> Iterator[str]:
    for title, value in content.examples.items():
        yield from (f"{title} (`{content.media_type}`):", "", *_fenced(shown(content, value)))


def _fields(rows: Sequence[Field]) -> list[str]:
    lines = [
        f"- `{row.name}` ({row.kind}{', required' if row.required else ''}): {row.meaning}".removesuffix(": ")
        for row in rows
    ]
    return [*lines, ""] if lines else []


def _fenced(text: str, language: str = "json") -> list[str]:
    return [f"```{language}", text, "```", ""]
