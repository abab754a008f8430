"""`POST /images/edits`: pictures as a form, kept where providers can fetch them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.api.claims import claim_of
from services.api.dialects.openai.image_mapping import request_of
from services.api.dialects.openai.image_schemas import ImageCall, parse_image_form
from services.api.dialects.openai.images import image_submission, task_answer
from services.api.dialects.openai.offers import Offers
from services.api.errors import InvalidField
from services.api.forms import FormPart, read_form
from services.api.parts import ApiParts
from services.api.request_log import note
from services.api.scopes import Scope
from shared.files import Files
from shared.ids import Prefix, new_id
from shared.images import ImageInfo, NotAnImage, check_image
from shared.ledger.chain import Ledger
from shared.ledger.refusals import InsufficientBalance
from shared.providers.capabilities import Kind
from shared.providers.inputs import MOST_INPUT_BYTES
from shared.tasks.model import Quote

MOST_IMAGES: Final = 16
_MOST_MEGABYTES: Final = MOST_INPUT_BYTES // 2**20

Picture = tuple[bytes, ImageInfo]


def edit_endpoints(parts: ApiParts, offers: Offers) -> APIRouter:
    """An edit is an image task whose input images stand in the bucket, at `inputs/{task}/{n}.{ext}`."""
    router = APIRouter()
    answer = task_answer(parts)

    @router.post("/images/edits")
    async def edit(request: Request) -> Response:
        owner = await parts.admit(request, Scope.IMAGES)
        form = await read_form(request)
        claim = claim_of(request, "openai.images.edits", _digests(form))
        if (kept := await parts.idempotency.replay(owner, claim)) is not None:
            return kept
        call, pictures = _read(form)
        note(request, model=call.model)
        offered = offers.find(call.model, Kind.IMAGE)
        quote = offered.quote(request_of(call), owner.terms, parts.clock.now())
        await _check_money(parts.ledger, owner.account_id, quote)
        task_id = new_id(Prefix.IMAGE)
        keys = await _keep(parts.files, task_id, pictures)
        wanted = request_of(call, tuple(map(parts.file_url, keys)))
        submission = image_submission(request, owner, offered, task_id, wanted, quote, claim)
        return await parts.idempotency.create(submission, answer)

    return router


def _digests(form: Sequence[FormPart]) -> dict[str, str]:
    """What a form says, in short."""
    return {f"{number} {part.name}": sha256(part.data).hexdigest() for number, part in enumerate(form)}


def _read(form: Sequence[FormPart]) -> tuple[ImageCall, list[Picture]]:
    """Raises ModelRequired, PromptRequired and InvalidField."""
    texts: dict[str, str] = {}
    files: list[bytes] = []
    for part in form:
        if part.name in ("image", "image[]"):
            files.append(part.data)
        elif part.name == "mask":
            raise InvalidField("mask is not supported: say in the prompt which part is to change")
        elif not part.is_file:
            texts[part.name] = part.text()
    call = parse_image_form(texts)
    if not files:
        raise InvalidField("image is required: at least one picture, as a file")
    if len(files) > MOST_IMAGES:
        raise InvalidField(f"image must have at most {MOST_IMAGES} items")
    return call, [_checked(number, data) for number, data in enumerate(files)]


def _checked(number: int, data: bytes) -> Picture:
    if len(data) > MOST_INPUT_BYTES:
        raise InvalidField(f"image[{number}] must have at most {_MOST_MEGABYTES} MiB")
    try:
        return data, check_image(data)
    except NotAnImage as error:
        raise InvalidField(f"image[{number}] is not usable: {error.message}") from error


async def _check_money(ledger: Ledger, account_id: str, quote: Quote) -> None:
    """Nothing is stored for a client that cannot pay; the hold itself decides later."""
    balance = (await ledger.balances([account_id]))[account_id]
    if balance.available < quote.hold_nano:
        raise InsufficientBalance


async def _keep(files: Files, task_id: str, pictures: Sequence[Picture]) -> list[str]:
    """Their keys in the bucket. Raises StorageUnavailable."""
    keys = [f"inputs/{task_id}/{number}.{info.extension}" for number, (_, info) in enumerate(pictures)]
    await asyncio.gather(
        *(files.put(key, data, info.content_type) for key, (data, info) in zip(keys, pictures, strict=True))
    )
    return keys
