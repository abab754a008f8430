"""Aigenway's endpoints."""

from __future__ import annotations

from services.api.dialects.aigenway.targets import Targets
from services.api.reference.aigenway import examples
from services.api.reference.aigenway.generations import estimate, generate
from services.api.reference.aigenway.ledger import ledger_operations, ledger_schemas
from services.api.reference.aigenway.listings import listings
from services.api.reference.aigenway.schemas import schemas
from services.api.reference.aigenway.tasks import task_operations
from services.api.reference.aigenway.topups import topup_operations, topup_schemas
from services.api.reference.model import Content, Dialect, Event
from services.api.reference.parameters import header
from services.api.reference.schema import ref
from services.api.reference.webhooks.operations import endpoint_event, webhook_operations
from services.api.reference.webhooks.schemas import webhook_schemas

ABOUT = (
    "One request form for everything: a provider, one of its models, one of the model's methods, and the "
    "`params` of the method. `GET /v1/methods` lists what is offered.",
    "Image and video methods are asynchronous: the answer is a task's id. Text and embedding methods are "
    "answered in the request.",
    "Amounts are whole units of 10⁻⁸ USD as text: `12000000` is $0.12. The most that a request may cost is "
    "held when it is sent; what was delivered is charged, and a task that fails costs nothing.",
    'Errors are `{"success": false, "error": {"code": …, "message": …, "details": …, "request_id": …}}`.',
)


def aigenway(targets: Targets) -> Dialect:
    """The whole dialect; `targets` are the offers of the catalog."""
    return Dialect(
        name="aigenway",
        title="Hatchery: Aigenway dialect",
        summary="Images, videos, texts and embeddings under /v1, as clients of Aigenway ask for them.",
        about=ABOUT,
        operations=(
            *(estimate(), generate(), *task_operations(), *listings()),
            *ledger_operations(),
            *topup_operations(),
            *webhook_operations(),
        ),
        schemas={**schemas(targets.listed()), **ledger_schemas(), **topup_schemas(), **webhook_schemas()},
        events=(_webhook(), endpoint_event()),
    )


def _webhook() -> Event:
    return Event(
        name="generationCompleted",
        summary="A task has ended",
        description="Sent to the request's `callback_url` when a task succeeds, fails or is cancelled: at "
        "once, then up to seven times more in about 28 hours until an answer of 2xx. Some come twice.",
        parameters=(
            header("X-Aggregator-Event", "`generation.completed`", required=True),
            header("X-Aggregator-Task-Id", "The task's id.", required=True),
            header(
                "X-Aggregator-Signature",
                "`sha256=` and the hex HMAC-SHA256 of the body under the API key's webhook secret.",
                required=True,
            ),
        ),
        body=Content(ref("WebhookBody"), examples.WEBHOOKS),
    )
