"""The reference as one HTML page that needs nothing from elsewhere and works without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape

from services.api.reference.fields import Field, fields_of, parameter_fields
from services.api.reference.llms import SUMMARY, TITLE
from services.api.reference.model import Content, Dialect, Event, Operation
from services.api.reference.openapi import rendered
from services.api.reference.parameters import parameters_of
from services.api.reference.problems import problems_of
from services.api.reference.samples import curl, shown

_CODE = re.compile(r"`([^`]+)`")


def page(dialects: Sequence[Dialect], server_url: str) -> str:
    """The whole page."""
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{TITLE}: API reference</title>",
            '<link rel="stylesheet" href="/docs/page.css"><script src="/docs/page.js" defer></script></head>',
            f'<body><nav aria-label="Endpoints">{"".join(_contents(dialects))}</nav><main>',
            f"<h1>{TITLE}: API reference</h1><p>{_prose(SUMMARY)}</p>",
            f"<p>Send <code>Authorization: Bearer &lt;key&gt;</code> to <code>{escape(server_url)}</code>. ",
            'For machines: <a href="/llms.txt">llms.txt</a>, <a href="/llms-full.txt">llms-full.txt</a>.</p>',
            *(part for dialect in dialects for part in _dialect(dialect, server_url)),
            "</main></body></html>",
        ]
    )


def _contents(dialects: Sequence[Dialect]) -> Iterator[str]:
    for dialect in dialects:
        yield f'<a href="#{dialect.name}"><strong>{escape(dialect.title)}</strong></a><ul>'
        for one in dialect.operations:
            label = f'<span class="method">{one.method}</span> {escape(one.path)}'
            yield f'<li><a href="#{_anchor(dialect, one.name)}">{label}</a></li>'
        for event in dialect.events:
            label = f'<span class="method">HOOK</span> {escape(event.summary)}'
            yield f'<li><a href="#{_anchor(dialect, event.name)}">{label}</a></li>'
        yield "</ul>"


def _dialect(dialect: Dialect, server_url: str) -> Iterator[str]:
    yield f'<section id="{dialect.name}"><h2>{escape(dialect.title)}</h2>'
    yield f'<p>{_prose(dialect.summary)} <a href="/openapi/{dialect.name}.json">OpenAPI 3.1</a></p>'
    yield from (f"<p>{_prose(paragraph)}</p>" for paragraph in dialect.about)
    for operation in dialect.operations:
        yield from _operation(dialect, operation, server_url)
    for event in dialect.events:
        yield from _event(dialect, event)
    yield f'<h3 id="{_anchor(dialect, "objects")}">Objects</h3>'
    for name, schema in dialect.schemas.items():
        rows = fields_of(schema, dialect.schemas)
        if rows:
            yield f"<details><summary><code>{escape(name)}</code></summary>{_table(rows)}</details>"
    yield "</section>"


def _operation(dialect: Dialect, operation: Operation, server_url: str) -> Iterator[str]:
    head = f'<span class="method">{operation.method}</span> <code>{escape(operation.path)}</code>'
    yield f'<article id="{_anchor(dialect, operation.name)}"><h3>{head}</h3>'
    yield f"<p>{_prose(operation.summary)}. {_prose(operation.description)}</p>"
    if operation.scope:
        yield f"<p>Scope: <code>{escape(operation.scope)}</code></p>"
    if parameters_of(operation):
        yield f"<h4>Parameters</h4>{_table(parameter_fields(parameters_of(operation)))}"
    if operation.body is not None:
        yield f"<h4>Body</h4>{_table(fields_of(operation.body.schema, dialect.schemas))}"
        for title, value in operation.body.examples.items():
            yield f"<h4>{escape(title)}</h4>{_pre(curl(operation, server_url, value))}"
    else:
        yield f"<h4>Request</h4>{_pre(curl(operation, server_url))}"
    for answer in operation.answers:
        yield f"<h4>{answer.status}: {_prose(answer.summary)}</h4>"
        for content in answer.contents:
            yield from _examples(content)
    yield f"<h4>Errors</h4>{_errors(dialect, operation)}</article>"


def _event(dialect: Dialect, event: Event) -> Iterator[str]:
    yield f'<article id="{_anchor(dialect, event.name)}"><h3>Webhook: {escape(event.summary)}</h3>'
    yield f"<p>{_prose(event.description)}</p>{_table(parameter_fields(event.parameters))}"
    yield f"<h4>Body</h4>{_table(fields_of(event.body.schema, dialect.schemas))}"
    yield from _examples(event.body)
    yield "</article>"


def _examples(content: Content) -> Iterator[str]:
    for title, value in content.examples.items():
        summary = f"{escape(title)}, <code>{escape(content.media_type)}</code>"
        yield f"<details open><summary>{summary}</summary>{_pre(shown(content, value))}</details>"


def _errors(dialect: Dialect, operation: Operation) -> str:
    rows = []
    for problem in problems_of(operation):
        status, body = rendered(dialect, problem)
        code = escape(body["error"]["code"])
        rows.append(f"<tr><td>{status}</td><td><code>{code}</code></td><td>{_prose(problem.when)}</td></tr>")
    head = "<tr><th>Status</th><th>Code</th><th>When</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def _table(rows: Sequence[Field]) -> str:
    cells = (
        f"<tr><td><code>{escape(row.name)}</code></td><td>{escape(row.kind)}</td>"
        f"<td>{'required' if row.required else ''}</td><td>{_prose(row.meaning)}</td></tr>"
        for row in rows
    )
    head = "<tr><th>Name</th><th>Type</th><th></th><th>Meaning</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{''.join(cells)}</tbody></table>"


def _pre(text: str) -> str:
    return f"<pre><code>{escape(text)}</code></pre>"


def _prose(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _anchor(dialect: Dialect, name: str) -> str:
    return f"{dialect.name}-{name}"
