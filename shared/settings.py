"""Settings that every process reads, from `HATCHERY_…` environment variables."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from shared.errors import HatcheryError

_PREFIX = "HATCHERY_"


class BadSettings(HatcheryError):
    """The environment lacks a setting or has one that cannot be used."""


class S3Settings(BaseModel):
    """Where generated files are kept."""

    endpoint: str = "http://127.0.0.1:8333"
    region: str = "auto"
    bucket: str = "media"
    access_key: SecretStr
    secret_key: SecretStr


class ProviderSettings(BaseModel):
    """How to reach one provider. Keys come from here and never from the catalog."""

    keys: list[SecretStr] = Field(default_factory=list)
    base_url: str | None = None
    """Another address than the provider's own, such as the simulator's."""
    webhook_secret: SecretStr | None = None
    """What the provider signs its callbacks with, where it gives out such a secret."""
    callback_keys_url: str | None = None
    """Another address of the public keys for the provider's callbacks."""


class Settings(BaseSettings):
    """What all services share. Nested values use two underscores: `HATCHERY_S3__BUCKET`."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_nested_delimiter="__", extra="ignore")

    mongo_url: str = "mongodb://127.0.0.1:27017/?replicaSet=rs0"
    mongo_database: str = "hatchery"
    amqp_url: str = "amqp://guest:guest@127.0.0.1:5672/"
    s3: S3Settings
    providers: dict[str, ProviderSettings] = Field(default_factory=dict)

    key_pepper: SecretStr
    """Mixed into the digests of API keys; changing it voids every key."""
    secrets_key: SecretStr
    """32 bytes in base64: encrypts webhook secrets at rest."""

    catalog: Path = Path("deploy/catalog.yaml")
    public_url: str = "http://127.0.0.1:8000"
    """The address clients use; links to files start with it unless `files_url` is set."""
    files_url: str | None = None
    """The address of a public bucket or CDN in front of it."""
    hints_url: str | None = None
    """Where providers reach the api for callbacks; None: they are not asked to call back."""

    local_development: bool = False
    """Lets callbacks and input images use http and loopback addresses."""
    egress_allow_cidrs: list[str] = Field(default_factory=list)
    """Private networks that callbacks and input images may reach all the same."""

    docs_enabled: bool = True
    """Shows the API reference: /docs, /openapi/…, /llms.txt."""

    host: str = "127.0.0.1"
    port: int = 8000
    """Where the api listens."""
    ops_port: int = 9090
    """Where every process answers /livez, /readyz and /metrics."""

    log_format: Literal["json", "console"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    kill_point: str | None = None
    """Only for fault tests: the process exits at this named point."""


S = TypeVar("S", bound=BaseSettings)


def read_settings(kind: type[S], env_file: Path | None = None) -> S:
    """Settings from the environment and, below it, from a dotenv file.

    Raises BadSettings with one line per variable that is missing or wrong.
    """
    try:
        return kind(_env_file=env_file)
    except ValidationError as error:
        lines = [
            f"{_PREFIX}{'__'.join(str(step) for step in problem['loc']).upper()}: {problem['msg']}"
            for problem in error.errors()
        ]
        raise BadSettings("\n".join(lines)) from error
    except SettingsError as error:
        # The one place where the field stands: error parsing value for field "providers" from source …
        field = str(error).partition('"')[2].partition('"')[0]
        raise BadSettings(f'{_PREFIX}{field.upper()}: lists and objects are JSON, such as ["one"]') from error
