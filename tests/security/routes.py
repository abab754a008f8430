"""The api's own table of routes, so that new ones are attacked without anybody thinking of it."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass

from tests.contract.reference.conftest import built


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one address."""

    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def names_something(self) -> bool:
        return "{" in self.path

    def at(self, task_id: str) -> str:
        """The address with this id in it; `gen_{rest}` stands for a whole one."""
        return re.sub(r"(?:[a-z]+_)?\{[a-z_]+\}", task_id, self.path)


NEEDS_NO_KEY = re.compile(r"/(?:images|videos|inputs|callbacks|v1/files/results)/\{|/callbacks/stripe$")
"""Files, whose addresses cannot be guessed, and providers' callbacks, which are signed."""


async def all_routes() -> list[Route]:
    """Every route of an installation with everything switched on."""
    async with built() as app:
        with warnings.catch_warnings():
            # The framework wants two names for GET and HEAD of one address.
            warnings.simplefilter("ignore", UserWarning)
            paths = app.openapi()["paths"]
    found = [Route(method.upper(), path) for path, methods in paths.items() for method in methods]
    return sorted(found, key=str)


async def keyed_routes() -> list[Route]:
    """Those that belong to customers."""
    return [route for route in await all_routes() if not NEEDS_NO_KEY.match(route.path)]
