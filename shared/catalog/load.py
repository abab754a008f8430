"""Reading the catalog file, with messages that name the line and the fix."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml
from pydantic import ValidationError

from shared.catalog.checks import problems_of
from shared.catalog.lines import line_of, repeated_keys
from shared.catalog.model import Catalog
from shared.catalog.problems import Problem, shape_problems
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
    lines = [
        (line, f"{path}: stands twice, first in line {first}; rename or remove one")
        for line, path, first in repeated_keys(root)
    ]
    try:
        catalog = Catalog.model_validate(content)
    except ValidationError as error:
        lines += _located(root, shape_problems(error.errors()))
    else:
        lines += _located(root, problems_of(catalog))
        if not lines:
            return catalog
    raise BadCatalog("\n".join(f"{name}:{line}: {message}" for line, message in sorted(lines)))


def _located(root: yaml.Node, problems: Iterable[Problem]) -> list[tuple[int, str]]:
    return [
        (
            line_of(root, problem.path),
            f"{'.'.join(map(str, problem.path)) or 'catalog'}: {problem.message}",
        )
        for problem in problems
    ]
