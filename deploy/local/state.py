"""The state directory: who uses it, what is kept in it between runs, how it is emptied."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import shutil
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from deploy.local.errors import StackError

DIRECTORIES = ("mongod", "rabbitmq", "s3", "logs")
FILES = ("ports.json", "processes.json", "secrets.json", "settings.env", "account.json", "ready.json")


class StateInUseError(StackError):
    """Another supervisor works in this directory."""

    def __init__(self, path: Path, owner: str) -> None:
        super().__init__(
            f"{path} is in use by another `hatchery up`{f' (process {owner})' if owner else ''}: "
            "end that one, or name another directory with --state-dir and another --port."
        )


@dataclass(frozen=True)
class Secrets:
    """Made once, because changing them voids every key and every stored webhook secret."""

    key_pepper: str
    secrets_key: str


class StateDirectory:
    """Owned by one supervisor from `lock` to `unlock`."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._lock: TextIO | None = None

    def lock(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        lock = (self.path / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip()
            lock.close()
            raise StateInUseError(self.path, owner) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def empty(self) -> None:
        """Delete what earlier runs made here, and nothing else."""
        for name in DIRECTORIES:
            shutil.rmtree(self.path / name, ignore_errors=True)
        for name in FILES:
            self.remove(name)

    def secrets(self) -> Secrets:
        kept = self.read("secrets.json")
        if kept is None:
            made = Secrets(key_pepper=_random_key(), secrets_key=_random_key())
            self.write("secrets.json", asdict(made))
            return made
        return Secrets(**kept)

    def read(self, name: str) -> dict[str, Any] | None:
        file = self.path / name
        if not file.exists():
            return None
        content: dict[str, Any] = json.loads(file.read_text())
        return content

    def write(self, name: str, content: object) -> None:
        self.write_text(name, json.dumps(content, indent=2) + "\n")

    def write_text(self, name: str, text: str) -> None:
        """Readers see the old file or the new one; only the owner may read either."""
        handle, scratch = tempfile.mkstemp(dir=self.path, prefix=f".{name}-")
        try:
            with os.fdopen(handle, "w") as file:
                file.write(text)
            Path(scratch).replace(self.path / name)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(scratch).unlink()
            raise

    def remove(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)

    def new_logs(self) -> Path:
        """An empty log directory; the logs of the last run lie beside it as `previous`."""
        logs = self.path / "logs"
        previous = logs / "previous"
        shutil.rmtree(previous, ignore_errors=True)
        previous.mkdir(parents=True)
        for file in logs.glob("*.log"):
            file.rename(previous / file.name)
        return logs


def _random_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()
