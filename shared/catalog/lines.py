"""Where things stand in a YAML text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import yaml

Path = Sequence[int | str]


def line_of(node: yaml.Node, path: Path) -> int:
    """The line of the last step on the path that exists: of its key, or of the item of a list."""
    mark = node.start_mark
    for step in path:
        if isinstance(node, yaml.MappingNode):
            pair = next((pair for pair in node.value if pair[0].value == str(step)), None)
            if pair is None:
                break
            mark, node = pair[0].start_mark, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            mark = node.start_mark
        else:
            break
    return int(mark.line) + 1


def repeated_keys(root: yaml.Node) -> Iterator[tuple[int, str, int]]:
    """Keys that stand twice in one mapping: line, path, line of the first."""
    seen: set[int] = set()
    waiting: list[tuple[yaml.Node, tuple[str, ...]]] = [(root, ())]
    while waiting:
        node, path = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += [(child, (*path, str(number))) for number, child in enumerate(node.value)]
        if not isinstance(node, yaml.MappingNode):
            continue
        first: dict[str, int] = {}
        for key, value in node.value:
            word, line = str(key.value), int(key.start_mark.line) + 1
            if word in first and word != "<<":
                yield line, ".".join((*path, word)), first[word]
            first.setdefault(word, line)
            waiting.append((value, (*path, word)))
