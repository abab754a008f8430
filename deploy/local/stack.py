"""The supervisor behind `hatchery up`."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress

from deploy.local.account import Cli, demo_account
from deploy.local.banner import show_banner
from deploy.local.demo import Demo
from deploy.local.errors import StackError
from deploy.local.keeper import Keeper
from deploy.local.leftovers import end_leftovers, forget, record
from deploy.local.logs import LogTail
from deploy.local.parts import Options, Parts, build
from deploy.local.ports import Ports
from deploy.local.ready import ReadyFile
from deploy.local.server import Server, together
from deploy.local.setup import ensure_servers
from deploy.local.state import StateDirectory
from deploy.local.terminal import Terminal


class Stack:
    """Starts everything in order, keeps it running, and stops it in the opposite order."""

    def __init__(self, options: Options, terminal: Terminal) -> None:
        self._options = options
        self._terminal = terminal
        self._state = StateDirectory(options.state_dir)
        self._ready_file = ReadyFile(self._state)
        self._tail = LogTail(terminal.log_line)
        self._keepers: dict[str, Keeper] = {}

    async def run(self) -> None:
        """Until cancelled; everything has stopped when it returns. Raises `StackError`."""
        self._state.lock()
        try:
            with Ports(self._state.path / "ports.json") as ports:
                ports.exactly(self._options.port)
                await self._run(ports)
        finally:
            self._state.unlock()

    def kill(self) -> None:
        """End every process at once; `run` then returns soon."""
        for keeper in self._keepers.values():
            keeper.kept.kill_at_once()

    async def _run(self, ports: Ports) -> None:
        self._terminal.step(f"Hatchery keeps data and logs in {self._state.path}")
        self._ready_file.remove()
        await end_leftovers(self._state, self._terminal.step)
        if self._options.fresh:
            self._state.empty()
        await asyncio.to_thread(ensure_servers, self._terminal.step)
        parts = build(self._options, self._state, ports)
        for own in parts.own:
            self._tail.add(own.child.log_file)
        follow = asyncio.create_task(self._tail.follow(), name="follow the logs")
        try:
            await self._start(parts)
            await self._until_a_task_fails(follow)
        finally:
            await self._stop(parts)
            follow.cancel()
            await asyncio.gather(follow, return_exceptions=True)

    async def _start(self, parts: Parts) -> None:
        for group in (parts.servers.all, [parts.simulator], parts.services):
            self._terminal.step(f"Starting {', '.join(server.title for server in group)}")
            await together("start", group, self._start_one)
        cli = Cli(self._options.commands.hatchery, parts.settings)
        account, is_new = await demo_account(self._state, cli)
        if is_new:
            self._terminal.step(f"Created the demo account {account.account_id} with $100")
        if self._options.demo:
            try:
                await Demo(parts.api_url, parts.simulator.url, account, cli).run(self._terminal)
            except StackError as error:
                self._terminal.trouble(f"{error} The stack runs all the same; its log says more.")
        self._ready_file.publish(parts, account)
        show_banner(self._terminal, parts=parts, account=account, state=self._state.path)

    async def _start_one(self, server: Server) -> None:
        keeper = Keeper(server, say=self._terminal.step, warn=self._terminal.trouble, changed=self._changed)
        self._keepers[server.name] = keeper
        await keeper.start()
        self._terminal.step(f"{server.title} is ready")

    def _changed(self) -> None:
        record(self._state, (pid for keeper in self._keepers.values() for pid in keeper.kept.pids))
        self._ready_file.update()

    async def _until_a_task_fails(self, follow: asyncio.Task[None]) -> None:
        watches = [keeper.watch for keeper in self._keepers.values() if keeper.watch]
        done, _ = await asyncio.wait([follow, *watches], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def _stop(self, parts: Parts) -> None:
        self._ready_file.remove()
        # Before the first process stops, so that none is started again by mistake.
        for keeper in self._keepers.values():
            await keeper.let_go()
        for group in parts.stop_order:
            await together("stop", group, self._stop_one)
        forget(self._state)
        self._terminal.step("Everything has stopped")

    async def _stop_one(self, server: Server) -> None:
        keeper = self._keepers.get(server.name)
        if keeper is not None:
            await keeper.stop()
            self._terminal.step(f"{server.title} has stopped")


async def supervise(options: Options, terminal: Terminal) -> None:
    """Run a stack until SIGINT, SIGTERM or SIGHUP; a second one of these kills what still runs."""
    stack = Stack(options, terminal)
    run = asyncio.create_task(stack.run(), name="stack")
    asked = False

    def interrupted() -> None:
        nonlocal asked
        if asked:
            stack.kill()
            return
        asked = True
        terminal.step("Stopping; once more kills at once")
        run.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, interrupted)
    with suppress(asyncio.CancelledError):
        await run
