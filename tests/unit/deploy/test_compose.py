"""docker-compose.yml: well-formed, consistent in itself, and as closed as it claims to be."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from shared.runtime import DRAIN_SECONDS
from tests.unit.deploy.files import (
    COMPOSE_FILE,
    OURS,
    ROOT,
    SERVERS,
    SERVICES,
    compose,
    exec_form,
    filled_example,
)
from tests.unit.deploy.schema import COMPOSE


def _compose_plugin() -> bool:
    docker = shutil.which("docker")
    return (
        docker is not None
        and subprocess.run([docker, "compose", "version"], capture_output=True).returncode == 0
    )


def test_it_follows_the_file_format() -> None:
    problems = [
        f"{error.json_path}: {error.message}"
        for error in Draft202012Validator(COMPOSE).iter_errors(compose())
    ]
    assert problems == []


@pytest.mark.skipif(not _compose_plugin(), reason="docker has no compose plugin here")
def test_compose_itself_accepts_it(tmp_path: Path) -> None:
    env_file = tmp_path / "env"
    env_file.write_text("".join(f"{name}='{value}'\n" for name, value in filled_example().items()))
    argv = ["docker", "compose", "--env-file", str(env_file), "-f", str(COMPOSE_FILE), "config", "--quiet"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_it_holds_the_five_services_the_simulator_and_three_servers() -> None:
    assert set(compose()["services"]) == {*OURS, *SERVERS}


def test_everything_waited_for_tells_whether_it_is_healthy() -> None:
    services = compose()["services"]
    for name, service in services.items():
        for wanted, rule in service.get("depends_on", {}).items():
            assert rule == {"condition": "service_healthy"}, name
            assert "healthcheck" in services[wanted], wanted


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_for_every_server(name: str) -> None:
    assert set(compose()["services"][name]["depends_on"]) == set(SERVERS)


def test_networks_and_volumes_are_declared_and_used() -> None:
    file = compose()
    services = file["services"].values()
    assert {network for service in services for network in service["networks"]} == set(file["networks"])
    mounted = {volume.split(":")[0] for service in services for volume in service.get("volumes", [])}
    assert mounted == set(file["volumes"])


def test_only_the_api_has_a_published_port() -> None:
    published = {
        name: service["ports"] for name, service in compose()["services"].items() if "ports" in service
    }
    assert published == {"api": ["${HATCHERY_PORT:-8000}:8000"]}


def test_servers_and_simulator_live_on_the_internal_network_alone() -> None:
    file = compose()
    assert file["networks"]["backend"] == {"internal": True}
    for name in (*SERVERS, "simulator"):
        assert file["services"][name]["networks"] == ["backend"], name


def test_only_those_with_business_outside_have_a_way_out() -> None:
    services = compose()["services"]
    assert {name for name in services if "egress" in services[name]["networks"]} == {
        "api",
        "worker",
        "notifier",
    }


@pytest.mark.parametrize("name", [*OURS, *SERVERS])
def test_a_container_starts_with_no_rights_to_gain(name: str) -> None:
    service = compose()["services"][name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"
    assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"])


@pytest.mark.parametrize("name", OURS)
def test_our_containers_cannot_write_to_their_image(name: str) -> None:
    service = compose()["services"][name]
    assert service["read_only"] is True
    assert [mount.split(":")[0] for mount in service["tmpfs"]] == ["/tmp"]  # noqa: S108 - inside the container


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_given_the_time_it_needs_to_stop(name: str) -> None:
    grace = compose()["services"][name]["stop_grace_period"]
    assert int(grace.removesuffix("s")) > DRAIN_SECONDS + 5


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_runs_under_its_own_name_by_the_images_entrypoint(name: str) -> None:
    service = compose()["services"][name]
    assert "entrypoint" not in service
    assert service["command"] == [name]
    assert exec_form("ENTRYPOINT") == ["hatchery", "run"]


def test_provider_keys_reach_those_alone_that_call_providers() -> None:
    services = compose()["services"]
    holders = {
        name
        for name, service in services.items()
        if any(re.search(r"PROVIDERS__\w+__KEYS", variable) for variable in service.get("environment", {}))
    }
    assert holders == {"api", "worker"}


def test_api_and_worker_are_given_the_same_keys_and_addresses() -> None:
    services = compose()["services"]
    given = [
        {
            name: value
            for name, value in services[service]["environment"].items()
            if "PROVIDERS__" in name and not name.endswith("WEBHOOK_SECRET")
        }
        for service in ("api", "worker")
    ]
    assert given[0] == given[1]
    assert len(given[0]) >= 12


def test_server_images_are_pinned() -> None:
    images = {name: compose()["services"][name]["image"] for name in SERVERS}
    assert images == {
        "mongo": "mongo:8.0",
        "rabbitmq": "rabbitmq:4.3-management",
        "s3": "chrislusf/seaweedfs:4.48",
    }


def test_the_database_is_a_set_with_passwords_and_short_transactions() -> None:
    mongo = compose()["services"]["mongo"]
    command = " ".join(mongo["command"])
    assert "--replSet rs0 --keyFile /tmp/keyfile" in command
    assert "--setParameter transactionLifetimeLimitSeconds=5" in command
    assert re.search(r'host: "mongo:27017"', mongo["healthcheck"]["test"][-1])


def test_the_simulator_comes_only_when_asked_for() -> None:
    services = compose()["services"]
    assert {name: service["profiles"] for name, service in services.items() if "profiles" in service} == {
        "simulator": ["simulator"]
    }
