"""Ports for test programs."""

from __future__ import annotations

import atexit
from pathlib import Path

from deploy.local.ports import Ports

_HELD = Ports(Path("never written"))
atexit.register(_HELD.close)


def free_port() -> int:
    """A loopback port that nothing listens on and that no other run of ours is given while this one lasts."""
    return _HELD.any()
