"""The servers that every other test stands on: real ones, ours alone, and gone afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aio_pika
import aioboto3
import aiohttp
import psutil
import pytest
from botocore.config import Config
from pymongo import AsyncMongoClient

from deploy.local.ports import Ports, PortTakenError
from deploy.local.servers import Servers

S3_CONFIG = Config(
    signature_version="s3v4",
    s3={"addressing_style": "path"},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


@pytest.fixture(scope="module")
async def own_servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    """Apart from those of other tests, because these ones are killed."""
    async with Servers(tmp_path_factory.mktemp("servers")) as running:
        yield running


def _of(directory: Path) -> list[psutil.Process]:
    """Every process, helpers included, that names this directory in its arguments or environment."""
    found = []
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), *process.environ().values()]
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
        if any(str(directory) in word for word in words):
            found.append(process)
    return found


def _mongo(servers: Servers) -> AsyncMongoClient[dict[str, Any]]:
    return AsyncMongoClient(servers.mongo_url, serverSelectionTimeoutMS=10_000)


async def _queue_exists(servers: Servers, name: str) -> bool:
    url = f"{servers.amqp_management_url}/api/queues/%2F/{name}"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status == 200


async def test_mongodb_commits_transactions(own_servers: Servers) -> None:
    async with _mongo(own_servers) as client, client.start_session() as session:
        async with await session.start_transaction():
            await client.lab.eggs.insert_one({"_id": "counted"}, session=session)
        assert await client.lab.eggs.count_documents({"_id": "counted"}) == 1


async def test_rabbitmq_hands_on_a_message(own_servers: Servers) -> None:
    async with await aio_pika.connect(own_servers.amqp_url) as connection, connection.channel() as channel:
        queue = await channel.declare_queue("hello", auto_delete=True)
        await channel.default_exchange.publish(aio_pika.Message(b"egg"), routing_key="hello")
        message = await queue.get(timeout=10)
        await message.ack()
        assert message.body == b"egg"


async def test_s3_returns_what_was_put_and_refuses_a_wrong_key(own_servers: Servers) -> None:
    s3 = own_servers.s3
    session = aioboto3.Session()
    where = {"endpoint_url": s3.endpoint, "region_name": s3.region, "config": S3_CONFIG}
    async with session.client(
        "s3", aws_access_key_id=s3.access_key, aws_secret_access_key=s3.secret_key, **where
    ) as client:
        await client.put_object(Bucket=s3.bucket, Key="egg.txt", Body=b"white")
        answer = await client.get_object(Bucket=s3.bucket, Key="egg.txt")
        assert await answer["Body"].read() == b"white"
    async with session.client(
        "s3", aws_access_key_id=s3.access_key, aws_secret_access_key="wrong", **where
    ) as stranger:
        with pytest.raises(stranger.exceptions.ClientError, match="SignatureDoesNotMatch"):
            await stranger.get_object(Bucket=s3.bucket, Key="egg.txt")


async def test_a_killed_mongod_comes_back_with_its_data_on_its_port(own_servers: Servers) -> None:
    async with _mongo(own_servers) as client:
        await client.lab.eggs.insert_one({"_id": "kept"})
        before = own_servers.pids["mongod"]
        await own_servers.kill_mongod()
        assert own_servers.pids["mongod"] == []
        await own_servers.start_mongod()
        assert own_servers.pids["mongod"] not in ([], before)
        assert await client.lab.eggs.count_documents({"_id": "kept"}) == 1


async def test_rabbitmq_keeps_its_queues_over_a_kill_and_loses_them_when_wiped(own_servers: Servers) -> None:
    async with await aio_pika.connect(own_servers.amqp_url) as connection, connection.channel() as channel:
        await channel.declare_queue("kept", durable=True)
    await own_servers.restart_rabbitmq()
    assert await _queue_exists(own_servers, "kept")
    await own_servers.stop_rabbitmq()
    own_servers.wipe_rabbitmq()
    await own_servers.start_rabbitmq()
    assert not await _queue_exists(own_servers, "kept")


async def test_everything_listens_on_loopback_only(own_servers: Servers) -> None:
    listening = {
        connection.laddr.ip
        for process in _of(own_servers.directory)
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening
    assert listening <= {"127.0.0.1", "::1"}


async def test_after_a_stop_no_process_is_left(tmp_path: Path) -> None:
    async with Servers(tmp_path):
        assert {"mongod", "weed", "beam.smp", "epmd"} <= {process.name() for process in _of(tmp_path)}
    assert _of(tmp_path) == []


async def test_data_survive_a_change_of_all_ports(tmp_path: Path) -> None:
    async with Servers(tmp_path) as first, _mongo(first) as client:
        await client.lab.eggs.insert_one({"_id": "moved"})
        old_url = first.mongo_url
    (tmp_path / "ports.json").unlink()
    async with Servers(tmp_path) as second, _mongo(second) as client:
        assert second.mongo_url != old_url
        assert await client.lab.eggs.count_documents({"_id": "moved"}) == 1


def test_a_port_is_held_by_one_at_a_time_and_remembered(tmp_path: Path) -> None:
    with Ports(tmp_path / "a.json") as mine, Ports(tmp_path / "b.json") as other:
        port = mine.named("api")
        assert mine.named("api") == port
        with pytest.raises(PortTakenError, match=f"Port {port} is taken"):
            other.exactly(port)
    with Ports(tmp_path / "a.json") as again:
        assert again.named("api") == port
