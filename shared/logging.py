"""Structured logs: a constant message with fields, JSON lines or console, secrets taken out."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any, Literal

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_SECRET_FIELDS = frozenset({"authorization", "cookie", "api_key", "secret", "prompt", "negative_prompt"})
_SECRET_TEXT = re.compile(
    r"sk_live_[A-Za-z0-9_]+|whsec_[A-Za-z0-9+/=]+|(?:X-Amz-Signature|X-Amz-Credential)=[^&\s\"']+"
    r"|(?:Bearer|Key) [A-Za-z0-9_\-.:]{8,}|(?<=://)[^/\s?#]+@"
)


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Takes keys, secrets, prompts and signed parts of URLs out of a log line."""
    for field, value in event.items():
        event[field] = _clean(field, value)
    return event


def _clean(field: str, value: Any) -> Any:
    if field in _SECRET_FIELDS:
        return "[redacted]"
    if isinstance(value, str):
        return _SECRET_TEXT.sub("[redacted]", value)
    if isinstance(value, dict):
        return {name: _clean(str(name), one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_clean("", one) for one in value]
    return value


def configure_logging(log_format: Literal["json", "console"], level: str) -> None:
    """Set up logging of the process; call once, first."""
    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    if log_format == "json":
        processors.append(structlog.processors.JSONRenderer(serializer=_to_json))
    else:
        processors.append(structlog.dev.ConsoleRenderer(colors=False))
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    # Libraries log through the standard module; their lines take the same way out.
    logging.basicConfig(handlers=[_LibraryLines()], level=max(_LEVELS[level], logging.WARNING), force=True)
    # What these say of lost connections and cancelled calls, the bus says itself.
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)
    logging.getLogger("aio_pika").setLevel(logging.CRITICAL)


class _LibraryLines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(
            record.levelno, "library message", logger=record.name, message=record.getMessage()
        )


def _to_json(event: EventDict, **_: Any) -> str:
    return orjson.dumps(event, default=str).decode()
