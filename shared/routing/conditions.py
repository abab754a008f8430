"""Whether a route can serve a request. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from shared.catalog.model import ModelEntry, Route
from shared.providers.capabilities import Kind, capabilities_of
from shared.tasks.model import TaskRequest


def upstream_of(request: TaskRequest, route: Route) -> str:
    """The upstream model that serves this request on this route."""
    return (route.edit or route.generate) if request.image_urls else route.generate


def misfits(request: TaskRequest, route: Route, kind: Kind) -> tuple[str, ...]:
    """What the route cannot do of what the request asks, as ends of "this route …"; empty: it fits."""
    can = capabilities_of(route.provider, upstream_of(request, route))
    resolutions = can.resolutions if can is not None else frozenset()
    ratios = can.ratios if can is not None else frozenset()
    found = []
    edits = bool(request.image_urls)
    if edits and (route.edit is None or route.when.edit is False):
        found.append("can edit images" if kind is Kind.IMAGE else "takes input images")
    if not edits and route.when.edit is True:
        found.append("works without input images")
    if not _takes(request.resolution, route.when.resolutions, resolutions):
        found.append(f"makes {request.resolution}")
    if not _takes(request.aspect_ratio, route.when.ratios, ratios):
        found.append(f"makes {request.aspect_ratio}")
    return tuple(found)


def _takes(asked: str | None, *allowed: Sequence[str] | frozenset[str]) -> bool:
    return asked is None or all(asked in some for some in allowed if some)


def no_fit(request: TaskRequest, model: ModelEntry) -> str | None:
    """Why no route of the model can ever serve the request; None if one can."""
    misfits_by_route = [misfits(request, route, model.kind) for route in model.chain]
    if not all(misfits_by_route):
        return None
    asked = list(dict.fromkeys(what for found in misfits_by_route for what in found))
    nowhere = [what for what in asked if all(what in found for found in misfits_by_route)]
    if nowhere:
        return f"no route of this model {nowhere[0]}"
    return f"no route of this model {', '.join(asked[:-1])} and {asked[-1]} at the same time"
