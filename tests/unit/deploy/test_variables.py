"""Variables: explained in .env.example, known to the settings, and demanded where nothing can stand in."""

from __future__ import annotations

import importlib
import importlib.util
import os
import pkgutil
import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from pydantic import BaseModel

import services
from shared.secrets import SecretBox
from shared.settings import Settings, read_settings
from tests.unit.deploy.files import (
    ENV_EXAMPLE,
    SERVICES,
    MissingVariable,
    compose,
    documented_variables,
    environment,
    example_values,
    filled_example,
    final_stage,
    mentioned_variables,
    resolve,
)

SECRETS = (
    "HATCHERY_KEY_PEPPER",
    "HATCHERY_SECRETS_KEY",
    "HATCHERY_S3__ACCESS_KEY",
    "HATCHERY_S3__SECRET_KEY",
    "MONGO_ROOT_PASSWORD",
    "MONGO_PASSWORD",
    "RABBITMQ_PASSWORD",
)


def _settings_class(service: str) -> type[Settings]:
    """The service's own class, or the shared one where it has none."""
    if importlib.util.find_spec(f"services.{service}.settings") is None:
        return Settings
    module = importlib.import_module(f"services.{service}.settings")
    own = [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Settings) and kind is not Settings
    ]
    return own[0]


def _settings_variables() -> set[str]:
    """A pattern for every variable that some settings class reads."""
    names = [module.name for module in pkgutil.iter_modules(services.__path__)]
    return {f"HATCHERY_{pattern}" for name in names for pattern in _patterns(_settings_class(name))}


def _patterns(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        kinds = _kinds(field.annotation)
        inner = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if not inner:
            yield name.upper()
            continue
        # In a mapping, any key stands between its name and the fields of its values.
        key = "__[A-Z0-9]+" if getattr(field.annotation, "__origin__", None) is dict else ""
        yield from (f"{name.upper()}{key}__{rest}" for rest in _patterns(inner[0]))


def _kinds(annotation: object) -> tuple[object, ...]:
    return (annotation, *getattr(annotation, "__args__", ()))


def _is_setting(variable: str) -> bool:
    return any(re.fullmatch(pattern, variable) for pattern in _settings_variables())


def _variables_of_the_containers() -> set[str]:
    inside = {name for service in compose()["services"].values() for name in service.get("environment", {})}
    image = {name for kind, rest in final_stage() if kind == "ENV" for name in re.findall(r"(\w+)=", rest)}
    return inside | image


def test_every_hatchery_variable_is_a_setting() -> None:
    named = documented_variables() | set(mentioned_variables()) | _variables_of_the_containers()
    unknown = {name for name in named if name.startswith("HATCHERY_") and not _is_setting(name)}
    assert unknown == set()


def test_a_misspelt_variable_would_be_noticed() -> None:
    assert _is_setting("HATCHERY_S3__ACCESS_KEY")
    assert _is_setting("HATCHERY_PROVIDERS__FAL__BASE_URL")
    assert not _is_setting("HATCHERY_S3__ACCES_KEY")
    assert not _is_setting("HATCHERY_PROVIDERS__FAL__KEY")
    assert not _is_setting("HATCHERY_WORKERS_CONCURRENCY")


def test_the_example_names_exactly_what_compose_reads() -> None:
    assert documented_variables() == set(mentioned_variables())


def test_every_variable_of_the_example_has_a_line_of_explanation() -> None:
    lines = ENV_EXAMPLE.read_text().splitlines()
    for before, line in pairwise(lines):
        if re.match(r"(# )?[A-Z][A-Z0-9_]*=", line):
            assert re.match(r"# [A-Za-z].*\w", before), line
            assert not re.match(r"# [A-Z][A-Z0-9_]*=", before), line


def test_the_example_holds_no_secret() -> None:
    assert {name for name, value in example_values().items() if not value} == set(SECRETS)


@pytest.mark.parametrize("name", SECRETS)
def test_compose_refuses_to_start_without_a_secret(name: str) -> None:
    with pytest.raises(MissingVariable, match=rf"set {name} in \.env"):
        resolve(compose(), filled_example() | {name: ""})


def test_nothing_but_secrets_is_demanded() -> None:
    demanded = {name for name, kinds in mentioned_variables().items() if ":?" in kinds}
    assert demanded == set(SECRETS)


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_settings_accept_what_compose_gives_it(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("HATCHERY_")]:
        monkeypatch.delenv(name)
    for name, value in environment(service, filled_example()).items():
        monkeypatch.setenv(name, value)

    settings = read_settings(_settings_class(service))

    assert settings.host == "0.0.0.0"
    assert (settings.port, settings.ops_port) == (8000, 9090)
    assert settings.s3.endpoint == "http://s3:8333"
    assert settings.s3.bucket == "media"
    assert settings.files_url is None
    assert settings.local_development is False
    assert "${" not in settings.mongo_url + settings.amqp_url
    assert "guest" not in settings.amqp_url
    SecretBox(settings.secrets_key.get_secret_value())


def test_provider_settings_of_the_environment_reach_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    given = filled_example() | {
        "HATCHERY_PROVIDERS__FAL__KEYS": '["one", "two"]',
        "HATCHERY_PROVIDERS__FAL__BASE_URL": "http://simulator:9000/fal",
    }
    for name, value in environment("worker", given).items():
        monkeypatch.setenv(name, value)

    providers = read_settings(_settings_class("worker")).providers

    assert [key.get_secret_value() for key in providers["fal"].keys] == ["one", "two"]
    assert providers["fal"].base_url == "http://simulator:9000/fal"
    assert providers["replicate"].keys == []
    assert providers["replicate"].base_url is None
