"""A receiver of webhooks that keeps the exact bytes and can be told to fail."""

from __future__ import annotations

import base64
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Any

from deploy.simulator.clock import rfc3339


@dataclass(frozen=True, slots=True)
class Post:
    received: float
    headers: dict[str, str]
    body: bytes
    status: int

    def listing(self) -> dict[str, Any]:
        return {
            "received_at": rfc3339(self.received),
            "headers": self.headers,
            "body_base64": base64.b64encode(self.body).decode(),
            "status": self.status,
        }


class Sink:
    """Received posts by name. The oldest of all names go first beyond `most_posts` or `most_bytes`."""

    def __init__(self, most_posts: int = 100_000, most_bytes: int = 64_000_000) -> None:
        self._most_posts, self._most_bytes = most_posts, most_bytes
        self._seen: OrderedDict[str, int] = OrderedDict()
        self._posts: deque[tuple[str, Post]] = deque()
        self._bytes = 0

    def count(self, name: str) -> int:
        """Count a post of this name; returns how many came before."""
        before = self._seen.get(name, 0)
        self._seen[name] = before + 1
        if len(self._seen) > self._most_posts:
            self._seen.popitem(last=False)
        return before

    def record(self, name: str, post: Post) -> None:
        self._posts.append((name, post))
        self._bytes += len(post.body)
        while len(self._posts) > self._most_posts or self._bytes > self._most_bytes:
            self._bytes -= len(self._posts.popleft()[1].body)

    def posts(self, name: str) -> list[Post]:
        return [post for owner, post in self._posts if owner == name]

    def clear(self, name: str) -> None:
        """Forget the posts of a name, so that the next one is its first."""
        self._seen.pop(name, None)
        self._posts = deque((owner, post) for owner, post in self._posts if owner != name)
        self._bytes = sum(len(post.body) for _, post in self._posts)
