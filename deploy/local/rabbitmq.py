"""RabbitMQ with its own epmd, so that stacks side by side share nothing and leave nothing behind."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import aiohttp

from deploy.local.apt import scripts_directory
from deploy.local.http import answers_ok
from deploy.local.ports import HOST, Ports, is_free
from deploy.local.process import Child
from deploy.local.server import Server

READY_SECONDS = 60.0
EPMD_SECONDS = 5.0
USER = "guest"
NODE = "hatchery@localhost"

CONFIG = """\
listeners.tcp.1 = {host}:{amqp}
management.tcp.ip = {host}
management.tcp.port = {management}
# Rates cost CPU per message and nothing here reads them.
management.rates_mode = none
collect_statistics_interval = 10000
vm_memory_high_watermark.absolute = 512MB
disk_free_limit.absolute = 50MB
log.console = true
log.console.level = warning
"""
# Names come from this file alone; otherwise Erlang starts helper processes that ask the system.
INETRC = '{lookup, [file]}.\n{host, {127,0,0,1}, ["localhost"]}.\n'


class RabbitMQ(Server):
    """One node with its data below `directory`; ready when AMQP and the management API answer."""

    # Its management plugin alone takes five seconds to end; the messages are on disk long before.
    stop_seconds = 8.0

    def __init__(self, directory: Path, ports: Ports, log_file: Path) -> None:
        self._directory = directory
        self._amqp, self._management = ports.named("amqp"), ports.named("amqp.management")
        self._epmd_port, self._distribution = ports.named("epmd"), ports.named("amqp.distribution")
        self.url = f"amqp://{USER}:{USER}@{HOST}:{self._amqp}/"
        self.management_url = f"http://{USER}:{USER}@{HOST}:{self._management}"
        env = self._environment()
        script = scripts_directory() / "rabbitmq-server"
        names = [_epmd(), "-port", str(self._epmd_port), "-address", HOST]
        self._epmd = Child("epmd", names, log_file=log_file.with_name("epmd.log"), env=env)
        node = Child("rabbitmq", [script], log_file=log_file, env=env)
        super().__init__("rabbitmq", "RabbitMQ", node, self._epmd)

    async def spawn(self) -> None:
        self._write_configuration()
        if self._epmd.pid is None:
            await self._epmd.start()
            await self._epmd.ready(self._epmd_listens, EPMD_SECONDS)
        await super().spawn()

    async def ready(self) -> None:
        health = f"http://{HOST}:{self._management}/api/health/checks/port-listener/{self._amqp}"
        login = aiohttp.encode_basic_auth(USER, USER)
        await self.child.ready(lambda: answers_ok(health, authorization=login), READY_SECONDS)

    async def stop(self) -> None:
        await super().stop()
        await self._epmd.stop(EPMD_SECONDS)

    def wipe(self) -> None:
        """Forget every queue, message and user; only while it is stopped."""
        shutil.rmtree(self._directory / "mnesia", ignore_errors=True)

    async def _epmd_listens(self) -> bool:
        return not is_free(self._epmd_port)

    def _write_configuration(self) -> None:
        for name in ("home", "mnesia", "log"):
            (self._directory / name).mkdir(parents=True, exist_ok=True)
        config = CONFIG.format(host=HOST, amqp=self._amqp, management=self._management)
        (self._directory / "rabbitmq.conf").write_text(config)
        (self._directory / "enabled_plugins").write_text("[rabbitmq_management].\n")
        (self._directory / "inetrc").write_text(INETRC)
        # The script reads the machine's own file unless this one is there.
        (self._directory / "env.conf").touch()

    def _environment(self) -> dict[str, str]:
        inherited = {
            key: value for key, value in os.environ.items() if not key.startswith(("RABBITMQ_", "ERL_"))
        }
        base = self._directory
        return inherited | {
            "HOME": str(base / "home"),  # where Erlang keeps its cookie
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": HOST,
            "ERL_INETRC": str(base / "inetrc"),
            "RABBITMQ_NODENAME": NODE,
            "RABBITMQ_NODE_PORT": str(self._amqp),
            "RABBITMQ_NODE_IP_ADDRESS": HOST,
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_MNESIA_BASE": str(base / "mnesia"),
            "RABBITMQ_MNESIA_DIR": str(base / "mnesia" / "node"),
            "RABBITMQ_LOG_BASE": str(base / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(base / "enabled_plugins"),
            "RABBITMQ_CONFIG_FILE": str(base / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(base / "env.conf"),
            "RABBITMQ_PID_FILE": str(base / "node.pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}"
            ),
            # Makes the script become the Erlang machine instead of staying in front of it as a shell.
            "RUNNING_UNDER_SYSTEMD": "true",
        }


def _epmd() -> str:
    return shutil.which("epmd") or "/usr/lib/erlang/bin/epmd"
