"""What one route of a chain can get wrong. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from shared.catalog.costs import OutputCost
from shared.catalog.model import ModelEntry, Route
from shared.catalog.problems import Problem
from shared.catalog.words import RATIO, RESOLUTIONS, either
from shared.providers.capabilities import Capabilities, Kind, capabilities_of

Path = tuple[int | str, ...]
_PICTURES = frozenset({Kind.IMAGE, Kind.VIDEO})
_COSTS: Final = {
    Kind.IMAGE: ("image", "request", "metered"),
    Kind.VIDEO: ("second", "request", "metered"),
    Kind.CHAT: ("token", "request"),
    Kind.EMBEDDING: ("token", "request"),
}
METERING: Final = frozenset({"fal", "replicate"})
"""The providers whose answers say how much they counted."""


def route_problems(
    path: Path, route: Route, model: ModelEntry, providers: Sequence[str]
) -> Iterator[Problem]:
    """`providers` are those of the catalog."""
    if route.provider not in providers:
        yield Problem(
            (*path, "provider"),
            f"{route.provider!r} is not under `providers`; add it there or use {either(providers)}",
        )
    written = "soft_deadline_seconds" in route.model_fields_set
    if written and route.soft_deadline_seconds > model.deadline_seconds:
        yield Problem(
            (*path, "soft_deadline_seconds"),
            f"it is more than the model's deadline_seconds ({model.deadline_seconds:g}); lower it",
        )
    yield from _cost_problems(path, route, model.kind)
    can = capabilities_of(route.provider, route.generate)
    if can is not None and model.kind not in can.kinds:
        yield Problem((*path, "generate"), _cannot_make(route, route.generate, model.kind, can))
        return
    yield from _edit_problems(path, route, model.kind)
    yield from _when_problems(path, route, model.kind, can)


def _cost_problems(path: Path, route: Route, kind: Kind) -> Iterator[Problem]:
    if route.cost is None:
        return
    units = _COSTS[kind]
    if route.cost.per not in units:
        yield Problem((*path, "cost", "per"), f"of kind {kind} it is per {either(units)}; change it")
    elif route.cost.per == "metered" and route.provider not in METERING:
        yield Problem(
            (*path, "cost", "per"),
            f"{route.provider} does not say what it counts; use {either([*units[:-1]])}",
        )
    elif isinstance(route.cost, OutputCost):
        for resolution in route.cost.by_resolution:
            if resolution not in RESOLUTIONS[kind]:
                yield Problem(
                    (*path, "cost", "by_resolution", resolution),
                    f"there is no resolution {resolution!r} of kind {kind}; use {either(RESOLUTIONS[kind])}",
                )


def _edit_problems(path: Path, route: Route, kind: Kind) -> Iterator[Problem]:
    if route.edit is None:
        if route.when.edit is True:
            yield Problem(
                (*path, "when", "edit"),
                "the route has no `edit`; add the upstream model that takes input images, or remove this",
            )
        return
    if kind not in _PICTURES:
        yield Problem((*path, "edit"), f"a {kind} model edits no images; remove it")
        return
    can = capabilities_of(route.provider, route.edit)
    if can is not None and kind not in can.kinds:
        yield Problem((*path, "edit"), _cannot_make(route, route.edit, kind, can))
    elif can is not None and not can.edit:
        yield Problem((*path, "edit"), f"{route.provider}'s {route.edit!r} takes no input images; remove it")


def _cannot_make(route: Route, upstream_model: str, kind: Kind, can: Capabilities) -> str:
    makes = either(sorted(can.kinds))
    return (
        f"{route.provider}'s {upstream_model!r} makes {makes}, not {kind}; "
        "name another upstream model or remove the route"
    )


def _when_problems(path: Path, route: Route, kind: Kind, can: Capabilities | None) -> Iterator[Problem]:
    when = (*path, "when")
    if kind not in _PICTURES:
        if route.when.model_fields_set:
            yield Problem(when, f"requests of kind {kind} have none of these; remove it")
        return
    known, makes = RESOLUTIONS[kind], can.resolutions if can is not None else frozenset()
    for number, resolution in enumerate(route.when.resolutions):
        here = (*when, "resolutions", number)
        if resolution not in known:
            yield Problem(here, f"there is no resolution {resolution!r} of kind {kind}; use {either(known)}")
        elif makes and resolution not in makes:
            yield Problem(here, f"{route.name} makes no {resolution}; use {either(sorted(makes))}")
    ratios = can.ratios if can is not None else frozenset()
    for number, ratio in enumerate(route.when.ratios):
        here = (*when, "ratios", number)
        if not RATIO.fullmatch(ratio):
            yield Problem(here, f"{ratio!r} is not an aspect ratio; write it like '16:9'")
        elif ratios and ratio not in ratios:
            yield Problem(here, f"{route.name} makes no {ratio}; use {either(sorted(ratios))}")
