"""Free loopback ports that two stacks starting at the same moment never both choose."""

from __future__ import annotations

import json
import random
import socket
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.errors import StackError

HOST = "127.0.0.1"
# Below the range from which Linux takes the ports of outgoing connections.
CHOICES = range(20_000, 32_000)
ATTEMPTS = 200


class PortTakenError(StackError):
    """Somebody else listens there."""

    def __init__(self, port: int) -> None:
        super().__init__(f"Port {port} is taken: end what listens there or choose another with --port.")


class Ports:
    """Ports by name, held until `close` and remembered in a file, so that a next run has the same ones."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._held: dict[int, socket.socket] = {}
        self._named: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}

    def named(self, name: str) -> int:
        """The port this name had before when it is still free, else a new one."""
        known = self._named.get(name)
        if known in self._held:
            return known
        if known is None or not self._hold(known):
            known = self._named[name] = self.any()
            self._file.write_text(json.dumps(self._named, indent=2))
        return known

    def any(self) -> int:
        """A free port that is not remembered."""
        for port in random.sample(CHOICES, ATTEMPTS):
            if self._hold(port):
                return port
        raise StackError(f"No free port among {ATTEMPTS} tried between {CHOICES[0]} and {CHOICES[-1]}.")

    def exactly(self, port: int) -> int:
        """This port or `PortTakenError`."""
        if not self._hold(port):
            raise PortTakenError(port)
        return port

    def close(self) -> None:
        for held in self._held.values():
            held.close()
        self._held.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _hold(self, port: int) -> bool:
        claim = _claim(port)
        if claim is None:
            return False
        if not is_free(port):
            claim.close()
            return False
        self._held[port] = claim
        return True


def is_free(port: int) -> bool:
    """Whether nobody listens on this loopback port."""
    with socket.socket() as probe:
        # Connections of an earlier run that linger in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _claim(port: int) -> socket.socket | None:
    """A name in the kernel that one process at a time can own and that goes away with it."""
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        claim.bind(f"\0hatchery-port-{port}")
    except OSError:
        claim.close()
        return None
    return claim
