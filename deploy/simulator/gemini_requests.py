"""Requests to Gemini, judged and understood."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from deploy.simulator.gemini_problems import BadRequest
from deploy.simulator.replies import Function, Wish
from deploy.simulator.sizes import RATIOS, pixels
from deploy.simulator.text import tokens_of

_RATIOS = tuple(ratio for ratio in RATIOS if ratio not in ("auto", "9:21"))
_IMAGE_SIZES = ("512", "1K", "2K", "4K")
_TOKENS_PER_PICTURE = 258
_CAPITAL = re.compile(r"[A-Z]")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_CALLING: Mapping[str, Literal["auto", "always", "never"]] = {"ANY": "always", "NONE": "never"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentRequest:
    """A request for content. `draws`: a picture is wanted, of `size`; `tells`: a text beside it."""

    wish: Wish
    draws: bool
    tells: bool
    size: tuple[int, int]
    prompt_tokens: int
    pictures: list[bytes]


def prompt_of(body: Mapping[str, Any]) -> str:
    """The last text of the user, which rules look at; empty when there is none."""
    for content in reversed(objects(body.get("contents"))):
        texts = texts_in(content)
        if content.get("role", "user") == "user" and texts:
            return "\n".join(texts)
    return ""


def read_content(model: str, body: Mapping[str, Any]) -> ContentRequest:
    """Understand the body of `generateContent`. Raises BadRequest."""
    contents = objects(body.get("contents"))
    if not contents:
        raise BadRequest("* GenerateContentRequest.contents: contents is not specified")
    for content in contents:
        if content.get("role", "user") not in ("user", "model"):
            raise BadRequest("Please use a valid role: user, model.")
    config = field(body, "generationConfig") or {}
    modalities = {str(name).upper() for name in field(config, "responseModalities") or _usual(model)}
    pictures = [data for content in contents for data in _pictures(content)]
    instruction = texts_in(field(body, "systemInstruction") or {})
    texts = [*instruction, *(text for content in contents for text in texts_in(content))]
    return ContentRequest(
        wish=_wish(body, config, contents),
        draws="IMAGE" in modalities,
        tells="TEXT" in modalities,
        size=_size(field(config, "imageConfig") or {}),
        prompt_tokens=sum(map(tokens_of, texts)) + len(pictures) * _TOKENS_PER_PICTURE + _tool_tokens(body),
        pictures=pictures,
    )


def _usual(model: str) -> tuple[str, ...]:
    return ("TEXT", "IMAGE") if "image" in model else ("TEXT",)


def _wish(body: Mapping[str, Any], config: Mapping[str, Any], contents: list[Mapping[str, Any]]) -> Wish:
    limit = field(config, "maxOutputTokens")
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise BadRequest("max_output_tokens must be positive")
    if field(config, "candidateCount") not in (None, 1):
        raise BadRequest("Only one candidate can be specified")
    calling = field(field(body, "toolConfig") or {}, "functionCallingConfig") or {}
    allowed = field(calling, "allowedFunctionNames")
    return Wish(
        prompt=prompt_of(body),
        limit=limit,
        functions=[function for function in _functions(body) if not allowed or function.name in allowed],
        calling=_CALLING.get(str(calling.get("mode")), "auto"),
        answered=any(field(part, "functionResponse") for part in _parts(contents[-1])),
        json=field(config, "responseMimeType") == "application/json",
        schema=field(config, "responseSchema") or field(config, "responseJsonSchema"),
    )


def _functions(body: Mapping[str, Any]) -> Iterator[Function]:
    for tool in objects(body.get("tools")):
        for declared in objects(field(tool, "functionDeclarations")):
            if not isinstance(declared.get("name"), str):
                raise BadRequest(
                    "* GenerateContentRequest.tools[0].function_declarations[0].name: is required"
                )
            yield Function(
                declared["name"], declared.get("parameters") or field(declared, "parametersJsonSchema")
            )


def _tool_tokens(body: Mapping[str, Any]) -> int:
    return len(orjson.dumps(body["tools"])) // 4 if body.get("tools") else 0


def _size(config: Mapping[str, Any]) -> tuple[int, int]:
    ratio, size = field(config, "aspectRatio"), field(config, "imageSize")
    if ratio is not None and ratio not in _RATIOS:
        raise BadRequest(f"aspect_ratio must be one of {', '.join(_RATIOS)}")
    if size is not None and size not in _IMAGE_SIZES:
        raise BadRequest(f"image_size must be one of {', '.join(_IMAGE_SIZES)}")
    return pixels(ratio, size)


def _pictures(content: Mapping[str, Any]) -> Iterator[bytes]:
    for part in _parts(content):
        inline = field(part, "inlineData")
        if inline is None:
            continue
        try:
            # Google takes both alphabets, and its own client sends the one for URLs.
            data = base64.b64decode(str(inline.get("data")).encode().translate(_URL_SAFE), validate=True)
        except (binascii.Error, AttributeError) as error:
            raise BadRequest(
                "Invalid value at 'contents[0].parts[0].inline_data.data' (TYPE_BYTES)"
            ) from error
        if str(field(inline, "mimeType")).startswith("image/"):
            yield data


def field(holder: Mapping[str, Any], name: str) -> Any:
    """A field by its name in camel case, as Google documents it, or in snake case, which it takes as well."""
    value = holder.get(name)
    return value if value is not None else holder.get(_CAPITAL.sub(r"_\g<0>", name).lower())


def objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list; a lone object counts as a list of one."""
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, Mapping)]


def _parts(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return objects(content.get("parts"))


def texts_in(content: Mapping[str, Any]) -> list[str]:
    """The texts of a content's parts."""
    return [part["text"] for part in _parts(content) if isinstance(part.get("text"), str)]
