"""What a text model would say to a request, in no provider's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from deploy.simulator.faults import Fault, Then
from deploy.simulator.invented import invent
from deploy.simulator.text import NOTHING, Written, prose, seed_of, verbatim

Ending = Literal["stop", "length", "calls", "filter"]

_ASKING_WORDS = ("tool", "function")
_REFUSAL = "I'm sorry, but I can't help with that."


@dataclass(frozen=True, slots=True)
class Function:
    """A function the caller offers. `parameters`: a JSON schema."""

    name: str
    parameters: Any


@dataclass(frozen=True, slots=True)
class FunctionCall:
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a request asks for. `prompt`: the last text of the user. `limit`: most tokens of the answer.

    `calling`: whether functions may or must be called. `answered`: the last turn brings their results.
    `schema`: of the JSON that is asked for; None with `json` leaves the shape open.
    """

    prompt: str
    limit: int | None = None
    functions: Sequence[Function] = ()
    calling: Literal["auto", "always", "never"] = "auto"
    answered: bool = False
    json: bool = False
    schema: Any = None


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: text or calls, and why it ended. `refused`: the text is the model's own refusal."""

    written: Written
    ending: Ending
    calls: Sequence[FunctionCall] = ()
    refused: bool = False

    @property
    def tokens(self) -> int:
        return self.written.tokens + sum(
            len(orjson.dumps(call.arguments)) // 4 + 1 + len(call.name) // 4 for call in self.calls
        )


def reply_to(wish: Wish, then: Then) -> Reply:
    """The reply, bent by the rule: refused, filtered half way, or empty."""
    if then.strikes(Fault.REFUSAL, "result"):
        return Reply(verbatim(_REFUSAL, wish.limit), "stop", refused=True)
    if then.fault is Fault.EMPTY_OUTPUT:
        return Reply(NOTHING, "stop")
    calls = _calls(wish)
    written = NOTHING if calls else _written(wish)
    if then.fault is Fault.CONTENT_FILTER:
        kept = written.pieces[: len(written.pieces) // 2]
        return Reply(Written(kept, written.tokens // 2), "filter")
    if calls:
        return Reply(NOTHING, "calls", calls)
    return Reply(written, "length" if written.cut else "stop")


def _calls(wish: Wish) -> list[FunctionCall]:
    """Every function the prompt names; else the first, when the prompt asks for one or the caller insists."""
    if not wish.functions or wish.calling == "never":
        return []
    insists = wish.calling == "always"
    if wish.answered and not insists:
        return []
    prompt = wish.prompt.lower()
    chosen = [function for function in wish.functions if function.name.lower() in prompt]
    if not chosen and (insists or any(word in prompt for word in _ASKING_WORDS)):
        chosen = [wish.functions[0]]
    seed = seed_of(wish.prompt)
    return [FunctionCall(function.name, _arguments(function, seed)) for function in chosen]


def _arguments(function: Function, seed: int) -> Mapping[str, Any]:
    made = invent(function.parameters or {"type": "object"}, seed)
    return made if isinstance(made, dict) else {}


def _written(wish: Wish) -> Written:
    if not wish.json:
        return prose(wish.prompt, wish.limit)
    if wish.schema is None:
        value: Any = {"answer": prose(wish.prompt, None).text}
    else:
        value = invent(wish.schema, seed_of(wish.prompt))
    return verbatim(orjson.dumps(value).decode(), wish.limit)
