"""The settings of the local stack's services, as environment variables and as a file for the CLI."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from deploy.local.cache import REPOSITORY
from deploy.local.ports import HOST
from deploy.local.servers import Servers
from deploy.local.state import Secrets

CATALOG = REPOSITORY / "deploy" / "catalog.yaml"

SIMULATED = {
    "fal": "/fal",
    "replicate": "/replicate",
    "kie": "/kie",
    "gemini": "/gemini",
    "openai": "/openai/v1",
    "openrouter": "/openrouter/api/v1",
}
"""Where the simulator plays each provider."""
SIMULATED_STRIPE_SECRET = "whsec_simulated"  # noqa: S105
"""What the simulator signs events of payments with."""


def service_settings(
    servers: Servers, secrets: Secrets, *, port: int, simulator_url: str, given: Mapping[str, str]
) -> dict[str, str]:
    """Every setting the services need; `given` may name another catalog or real provider keys."""
    defaults = {
        "HATCHERY_CATALOG": str(CATALOG),
        "HATCHERY_LOG_FORMAT": "json",
        "HATCHERY_LOG_LEVEL": "info",
    }
    for provider, path in SIMULATED.items():
        prefix = f"HATCHERY_PROVIDERS__{provider.upper()}__"
        if f"{prefix}KEYS" not in given:
            defaults[f"{prefix}KEYS"] = json.dumps(["sim-key"])
            defaults[f"{prefix}BASE_URL"] = f"{simulator_url}{path}"
    if "HATCHERY_STRIPE__SECRET_KEY" not in given:
        defaults |= {
            "HATCHERY_STRIPE__SECRET_KEY": "sk_test_simulated",
            "HATCHERY_STRIPE__BASE_URL": f"{simulator_url}/stripe",
            "HATCHERY_STRIPE__WEBHOOK_SECRETS": json.dumps([SIMULATED_STRIPE_SECRET]),
        }
    passed_on = ("HATCHERY_PROVIDERS__", "HATCHERY_STRIPE__")
    chosen = {key: value for key, value in given.items() if key in defaults or key.startswith(passed_on)}
    return (
        defaults
        | chosen
        | {
            "HATCHERY_MONGO_URL": servers.mongo_url,
            "HATCHERY_MONGO_DATABASE": "hatchery",
            "HATCHERY_AMQP_URL": servers.amqp_url,
            "HATCHERY_S3__ENDPOINT": servers.s3.endpoint,
            "HATCHERY_S3__REGION": servers.s3.region,
            "HATCHERY_S3__BUCKET": servers.s3.bucket,
            "HATCHERY_S3__ACCESS_KEY": servers.s3.access_key,
            "HATCHERY_S3__SECRET_KEY": servers.s3.secret_key,
            "HATCHERY_KEY_PEPPER": secrets.key_pepper,
            "HATCHERY_SECRETS_KEY": secrets.secrets_key,
            "HATCHERY_LOCAL_DEVELOPMENT": "true",
            "HATCHERY_PUBLIC_URL": f"http://{HOST}:{port}",
            "HATCHERY_HOST": HOST,
            "HATCHERY_PORT": str(port),
        }
    )


def given_settings() -> dict[str, str]:
    """What the person at the terminal has set."""
    return {key: value for key, value in os.environ.items() if key.startswith("HATCHERY_")}


def process_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """For a process of ours: log lines leave it as they are written."""
    return dict(os.environ) | dict(settings) | {"PYTHONUNBUFFERED": "1"}


def as_dotenv(settings: Mapping[str, str]) -> str:
    """One `KEY='value'` per line; no value here holds a single quote."""
    return "".join(f"{key}='{value}'\n" for key, value in sorted(settings.items()))
