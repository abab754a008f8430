"""Rules that bend a provider's behaviour, matched in order when a job is submitted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictInt, TypeAdapter, ValidationError

from deploy.simulator.faults import Then


class RulesError(ValueError):
    """The rules cannot be used; the message names the field."""


class When(BaseModel):
    """Conditions on a submission; an empty one matches everything."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt_contains: str | None = None
    key: str | None = None
    """The key that the caller shows."""


class Rule(BaseModel):
    """One rule as `PUT /_sim/rules` takes it. `times` None never wears out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: str = "*"
    when: When = When()
    times: StrictInt | None = Field(default=None, ge=1)
    then: Then = Then()
    latency_ms: StrictInt | None = Field(default=None, ge=0)
    polls: StrictInt | None = Field(default=None, ge=0)
    chunk_delay_ms: StrictInt = Field(default=0, ge=0)

    def matches(self, provider: str, prompt: str, key: str) -> bool:
        if self.provider not in ("*", provider) or self.when.key not in (None, key):
            return False
        return self.when.prompt_contains is None or self.when.prompt_contains in prompt


@dataclass(frozen=True, slots=True)
class Plan:
    """What one submission meets. `latency`, and `chunk_delay` between the chunks of a stream, in seconds."""

    then: Then
    latency: float
    polls: int
    chunk_delay: float = 0.0


@dataclass(slots=True)
class _Live:
    rule: Rule
    matched: int = 0

    @property
    def spent(self) -> bool:
        return self.rule.times is not None and self.matched >= self.rule.times


_RULES = TypeAdapter(list[Rule])


class RuleBook:
    """The rules in force."""

    def __init__(self, providers: Collection[str], *, latency: float, polls: int) -> None:
        self._providers = providers
        self._latency, self._polls = latency, polls
        self._live: list[_Live] = []

    def replace(self, document: object) -> None:
        """Put a JSON list of rules in place of all others. Raises RulesError and then changes nothing."""
        try:
            rules = _RULES.validate_python(document)
        except ValidationError as error:
            raise RulesError(_first_fault(error)) from error
        for index, rule in enumerate(rules):
            if rule.provider != "*" and rule.provider not in self._providers:
                known = ", ".join(["*", *self._providers])
                raise RulesError(f"rules[{index}].provider: {rule.provider!r} is none of {known}")
        self._live = [_Live(rule) for rule in rules]

    def clear(self) -> None:
        self._live = []

    def listing(self) -> list[dict[str, Any]]:
        """Every rule as it was given, with `matched` and `spent`."""
        return [
            live.rule.model_dump(mode="json", exclude_unset=True)
            | {"matched": live.matched, "spent": live.spent}
            for live in self._live
        ]

    def plan(self, provider: str, prompt: str, key: str) -> Plan:
        """What a submission with this key meets; uses up one `times` of the rule that matches."""
        for live in self._live:
            if live.spent or not live.rule.matches(provider, prompt, key):
                continue
            live.matched += 1
            rule = live.rule
            latency = self._latency if rule.latency_ms is None else rule.latency_ms / 1000
            polls = self._polls if rule.polls is None else rule.polls
            return Plan(rule.then, latency, polls, rule.chunk_delay_ms / 1000)
        return Plan(Then(), self._latency, self._polls)


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault["loc"])
    return f"rules{path}: {fault['msg']}"
