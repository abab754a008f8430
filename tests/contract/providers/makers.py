"""Every way in which an adapter makes images, and what sets the ways apart.

A test is for all of them unless it says for which it is not, and why.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from shared.providers.base import GenerationRequest
from shared.providers.errors import ErrorClass


@dataclass(frozen=True, slots=True)
class Maker:
    """`jobs`: a submission is answered with a job to poll, else with the pictures themselves.

    `together`: one call makes all pictures of a request, else one call makes one.
    """

    name: str
    provider: str
    model: str
    edit_model: str
    jobs: bool
    together: bool
    options: Mapping[str, Any] = field(default_factory=dict)
    tells_cost: bool = False

    def request(self, prompt: str = "a hen in space", **values: Any) -> GenerationRequest:
        model = self.edit_model if values.get("image_urls") else self.model
        return GenerationRequest(model, prompt, options=self.options, **values)


MAKERS: Final = (
    Maker("fal", "fal", "fal-ai/nano-banana", "fal-ai/nano-banana/edit", jobs=True, together=True),
    Maker("replicate", "replicate", "google/nano-banana", "google/nano-banana", jobs=True, together=False),
    Maker(
        "kie",
        "kie",
        "google/nano-banana",
        "google/nano-banana-edit",
        jobs=True,
        together=False,
        tells_cost=True,
    ),
    Maker("gemini", "gemini", "gemini-2.5-flash-image", "gemini-2.5-flash-image", jobs=False, together=False),
    Maker("openai", "openai", "gpt-image-1.5", "gpt-image-1.5", jobs=False, together=True),
    Maker(
        "openrouter-chat",
        "openrouter",
        "google/gemini-2.5-flash-image",
        "google/gemini-2.5-flash-image",
        jobs=False,
        together=False,
        tells_cost=True,
    ),
    Maker(
        "openrouter-images",
        "openrouter",
        "google/gemini-2.5-flash-image",
        "google/gemini-2.5-flash-image",
        jobs=False,
        together=True,
        options={"endpoint": "images"},
        tells_cost=True,
    ),
)

ANSWERS_AT_ONCE: Final = {
    maker.name: "answers with the pictures: there is no job to ask for" for maker in MAKERS if not maker.jobs
}
"""Makers that a test about jobs is not for."""

MAKES_TOGETHER: Final = {
    maker.name: "one call makes all pictures: it succeeds or fails as a whole"
    for maker in MAKERS
    if maker.together
}
MAKES_APART: Final = {maker.name: "one call makes one picture" for maker in MAKERS if not maker.together}
TELLS_NO_COST: Final = {
    maker.name: "its answers say nothing of what a picture cost" for maker in MAKERS if not maker.tells_cost
}


def each(but: Mapping[str, str] | None = None) -> pytest.MarkDecorator:
    """The test for every maker `but` those named, each with the reason."""
    left_out = but or {}
    assert set(left_out) < {maker.name for maker in MAKERS}, f"unknown makers, or all of them: {left_out}"
    assert all(left_out.values()), "a maker is left out without a reason"
    chosen = [maker for maker in MAKERS if maker.name not in left_out]
    return pytest.mark.parametrize("maker", chosen, ids=lambda maker: maker.name)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of the simulator and the class it belongs to.

    `differs`: other classes by maker, with the reason; `absent`: makers that cannot fail like this, and why.
    """

    name: str
    then: Mapping[str, Any]
    expected: ErrorClass
    differs: Mapping[str, tuple[ErrorClass, str]] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)

    def expected_of(self, maker: str) -> ErrorClass:
        return self.differs[maker][0] if maker in self.differs else self.expected


def each_fault(faults: Collection[Fault]) -> pytest.MarkDecorator:
    """The test for every fault and every maker that can have it."""
    names = {maker.name for maker in MAKERS}
    for fault in faults:
        assert set(fault.differs) | set(fault.absent) <= names, f"{fault.name} names unknown makers"
        assert not set(fault.differs) & set(fault.absent), f"{fault.name} has a maker twice"
    cases = [
        pytest.param(maker, fault, id=f"{maker.name}-{fault.name}")
        for fault in faults
        for maker in MAKERS
        if maker.name not in fault.absent
    ]
    return pytest.mark.parametrize(("maker", "fault"), cases)
