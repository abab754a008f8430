"""RabbitMQ from the system's packages, without letting the package start a node of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.cache import one_at_a_time
from deploy.local.errors import StackError

HOME = Path("/usr/lib/rabbitmq/lib")
POLICY = Path("/usr/sbin/policy-rc.d")
APT = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300")
ALTERNATIVE = (
    "Install the package `rabbitmq-server` (3.10 or later) yourself, "
    "or run `docker compose up`, which brings its own."
)


class RabbitMQMissingError(StackError):
    """RabbitMQ is missing and cannot be installed from here."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"RabbitMQ is missing and {reason}. {ALTERNATIVE}")


def scripts_directory() -> Path:
    """Where `rabbitmq-server` itself lies, below the wrapper that changes to another user."""
    found = sorted(HOME.glob("rabbitmq_server-*/sbin/rabbitmq-server"))
    if not found:
        raise RabbitMQMissingError(f"{HOME} holds none; `make setup` installs it")
    return found[-1].parent


def install_rabbitmq(say: Callable[[str], None]) -> None:
    """Do nothing when it is there; else install it as root or through a sudo that asks nothing."""
    if _installed():
        return
    if shutil.which("apt-get") is None:
        raise RabbitMQMissingError("this system has no apt-get to install it with")
    become_root = _become_root()
    with one_at_a_time("rabbitmq"):
        if _installed():
            return
        say("Installing rabbitmq-server with apt (about half a minute)")
        _run([*become_root, *APT, "update"])
        with _services_kept_from_starting(become_root):
            _run([*become_root, *APT, "install", "-y", "--no-install-recommends", "rabbitmq-server"])


def _installed() -> bool:
    return any(HOME.glob("rabbitmq_server-*/sbin/rabbitmq-server"))


def _become_root() -> list[str]:
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:  # noqa: S603
        return [sudo, "-n"]
    raise RabbitMQMissingError("installing it takes root or a sudo without a password")


@contextmanager
def _services_kept_from_starting(become_root: list[str]) -> Iterator[None]:
    """Exit code 101 of this script forbids a package to start services; one that is there stays as it is."""
    if POLICY.exists():
        yield
        return
    with tempfile.TemporaryDirectory() as scratch:
        script = Path(scratch, "policy-rc.d")
        script.write_text("#!/bin/sh\nexit 101\n")
        _run([*become_root, "install", "-m", "755", str(script), str(POLICY)])
    try:
        yield
    finally:
        _run([*become_root, "rm", "-f", str(POLICY)])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)  # noqa: S603
    if done.returncode:
        raise RabbitMQMissingError(f"`{' '.join(command)}` failed:\n{done.stdout}{done.stderr}\n")
