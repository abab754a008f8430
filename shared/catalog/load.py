"""Reading the catalog file, with messages that name the line and the fix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml
from pydantic import ValidationError

from shared.catalog.model import Catalog
from shared.errors import HatcheryError


class BadCatalog(HatcheryError):
    """The catalog cannot be used."""


def load_catalog(path: Path) -> Catalog:
    """The catalog in a YAML file. Raises BadCatalog with one line per problem."""
    try:
        text = path.read_text()
    except OSError as error:
        raise BadCatalog(
            f"cannot read the catalog {path}: {error.strerror}; set HATCHERY_CATALOG to its path"
        ) from error
    except UnicodeDecodeError as error:
        raise BadCatalog(f"{path}: is not UTF-8 text") from error
    return parse_catalog(text, str(path))


def parse_catalog(text: str, name: str) -> Catalog:
    """The catalog in a YAML text. Raises BadCatalog."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise BadCatalog(f"{name}:{line}: {error.problem}") from error
    except yaml.YAMLError as error:
        raise BadCatalog(f"{name}: {str(error).splitlines()[0]}") from error
    if root is None or not isinstance(content, dict):
        raise BadCatalog(f"{name}:1: the catalog is a mapping with `providers` and `models`")
    try:
        return Catalog.model_validate(content)
    except ValidationError as error:
        problems = [
            f"{name}:{_line_of(root, problem['loc'])}: {'.'.join(map(str, problem['loc'])) or 'catalog'}: "
            f"{problem['msg']}"
            for problem in error.errors()
        ]
        raise BadCatalog("\n".join(problems)) from error


def _line_of(node: yaml.Node, path: Sequence[int | str]) -> int:
    """The line of the deepest node on the path that exists."""
    for step in path:
        child = None
        if isinstance(node, yaml.MappingNode):
            child = next((value for key, value in node.value if key.value == str(step)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            child = node.value[step]
        if child is None:
            break
        node = child
    return int(node.start_mark.line) + 1
