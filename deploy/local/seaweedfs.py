"""SeaweedFS as the S3 store, in one process."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from deploy.local.http import answers_ok
from deploy.local.ports import HOST, Ports
from deploy.local.process import Child
from deploy.local.server import Server

READY_SECONDS = 30.0
LISTENERS = ("master", "volume", "filer", "s3", "admin")


@dataclass(frozen=True, kw_only=True)
class S3Access:
    """What a client needs; path-style addressing, signature v4."""

    endpoint: str
    bucket: str = "media"
    access_key: str = "hatchery"
    # It opens nothing but a store on this machine's own loopback address.
    secret_key: str = "hatchery-local"  # noqa: S105
    region: str = "auto"


class SeaweedFS(Server):
    """One weed with its data below `directory` and the bucket made."""

    stop_seconds = 8.0

    def __init__(self, binary: Path, directory: Path, ports: Ports, log_file: Path) -> None:
        numbers = {name: (ports.named(name), ports.named(f"{name}.grpc")) for name in LISTENERS}
        self.access = S3Access(endpoint=f"http://{HOST}:{numbers['s3'][0]}")
        self._data = directory / "data"
        env = dict(os.environ) | {
            "AWS_ACCESS_KEY_ID": self.access.access_key,
            "AWS_SECRET_ACCESS_KEY": self.access.secret_key,
            # It rests at 110 MB; a limit near that keeps its collector busy for nothing.
            "GOMEMLIMIT": "512MiB",
        }
        argv = _argv(binary, self._data, self.access.bucket, numbers)
        super().__init__("s3", "S3", Child("s3", argv, log_file=log_file, env=env, cwd=directory))

    async def spawn(self) -> None:
        self._data.mkdir(parents=True, exist_ok=True)
        await super().spawn()

    async def ready(self) -> None:
        await self.child.ready(lambda: answers_ok(f"{self.access.endpoint}/healthz"), READY_SECONDS)


def _argv(binary: Path, data: Path, bucket: str, numbers: dict[str, tuple[int, int]]) -> list[str]:
    listeners = [
        flag
        for name, (plain, grpc) in numbers.items()
        for flag in (f"-{name}.port={plain}", f"-{name}.port.grpc={grpc}")
    ]
    return [
        str(binary),
        "-logtostderr=true",
        "mini",
        f"-dir={data}",
        f"-ip={HOST}",
        f"-ip.bind={HOST}",
        *listeners,
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-webdav=false",
        "-admin.ui=false",
        "-master.telemetry=false",
        f"-bucket={bucket}",
        # Without these three a stop takes half a minute.
        "-idleTimeout=2",
        "-s3.idleTimeout=2",
        "-volume.preStopSeconds=0",
        "-master.volumeSizeLimitMB=64",
        "-volume.max=50",
    ]
