"""`python -m deploy.local.setup`: everything the servers need on this machine."""

from __future__ import annotations

import sys
from collections.abc import Callable

from deploy.local.apt import install_rabbitmq
from deploy.local.download import Programs, programs
from deploy.local.errors import StackError


def ensure_servers(say: Callable[[str], None]) -> Programs:
    """MongoDB, RabbitMQ and SeaweedFS, installed when missing; `say` hears of what takes long."""
    found = programs(say)
    install_rabbitmq(say)
    return found


def main() -> int:
    try:
        ensure_servers(lambda text: print(f"    {text}", flush=True))  # noqa: T201
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
