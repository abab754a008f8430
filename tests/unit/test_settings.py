"""Settings from the environment, and what a missing one is called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.billing.settings import BillingSettings
from services.worker.settings import WorkerSettings
from shared.settings import BadSettings, Settings, read_settings

NEEDED = {
    "HATCHERY_S3__ACCESS_KEY": "access",
    "HATCHERY_S3__SECRET_KEY": "hidden-s3",
    "HATCHERY_KEY_PEPPER": "hidden-pepper",
    "HATCHERY_SECRETS_KEY": "hidden-key",
}


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("HATCHERY_"):
            monkeypatch.delenv(name)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_what_is_needed_is_enough(environment: pytest.MonkeyPatch) -> None:
    settings = read_settings(Settings)

    assert settings.s3.bucket == "media"
    assert settings.mongo_database == "hatchery"
    assert settings.local_development is False
    assert settings.kill_point is None


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_a_missing_variable_is_named(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.delenv(name)

    with pytest.raises(BadSettings, match=rf"^{name}: Field required$"):
        read_settings(Settings)


def test_every_missing_variable_has_a_line_of_its_own() -> None:
    with pytest.raises(BadSettings) as caught:
        read_settings(Settings)

    named = {line.partition(":")[0] for line in caught.value.message.splitlines()}
    assert named >= {"HATCHERY_KEY_PEPPER", "HATCHERY_SECRETS_KEY"}
    assert any(name.startswith("HATCHERY_S3") for name in named)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HATCHERY_PORT", "eighty"),
        ("HATCHERY_LOCAL_DEVELOPMENT", "perhaps"),
        ("HATCHERY_LOG_FORMAT", "xml"),
        ("HATCHERY_PROVIDERS__FAL__KEYS", "not-json"),
        ("HATCHERY_PROVIDERS__FAL__KEYS", '"one"'),
        ("HATCHERY_PROVIDERS", "{"),
        ("HATCHERY_EGRESS_ALLOW_CIDRS", "10.0.0.0/8"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(name, value)

    with pytest.raises(BadSettings, match=name.partition("__")[0]):
        read_settings(Settings)


def test_provider_keys_are_read_by_provider(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HATCHERY_PROVIDERS__FAL__KEYS", '["one", "two"]')
    environment.setenv("HATCHERY_PROVIDERS__REPLICATE__BASE_URL", "http://127.0.0.1:7")
    providers = read_settings(Settings).providers

    assert [key.get_secret_value() for key in providers["fal"].keys] == ["one", "two"]
    assert providers["replicate"].base_url == "http://127.0.0.1:7"


def test_secrets_do_not_show_when_settings_are_printed(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HATCHERY_PROVIDERS__FAL__KEYS", '["hidden-provider"]')

    assert "hidden" not in repr(read_settings(Settings))


def test_the_environment_goes_before_the_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("HATCHERY_PORT=8001\nHATCHERY_OPS_PORT=9001\n")
    environment.setenv("HATCHERY_PORT", "8002")
    settings = read_settings(Settings, file)

    assert (settings.port, settings.ops_port) == (8002, 9001)


def test_services_read_their_own_settings_too(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HATCHERY_WORKER_LEASE_SECONDS", "12")
    environment.setenv("HATCHERY_AUDIT_EVERY_SECONDS", "3")

    assert read_settings(WorkerSettings).lease.total_seconds() == 12
    assert read_settings(BillingSettings).audit_every.total_seconds() == 3


@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_a_worker_without_room_is_refused(environment: pytest.MonkeyPatch, value: str) -> None:
    environment.setenv("HATCHERY_WORKER_CONCURRENCY", value)

    with pytest.raises(BadSettings, match="HATCHERY_WORKER_CONCURRENCY"):
        read_settings(WorkerSettings)
