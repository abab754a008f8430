"""What must never stand in a log line does not."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import orjson
import pytest

from shared.accounts.key import new_key
from shared.logging import redact

KEY = new_key()


def logged(**fields: Any) -> dict[str, Any]:
    return dict(redact(None, "info", {"event": "something happened", **fields}))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        pytest.param(f"key {KEY} was refused", "key [redacted] was refused", id="API key"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw and more", "[redacted] and more"),
        ("Authorization: Bearer abcdef0123456789", "Authorization: [redacted]"),
        ("header 'Key 0123-abcd:ef45.6789'", "header '[redacted]'"),
        ("mongodb://root:hunter2@db.internal:27017/?x=1", "mongodb://[redacted]db.internal:27017/?x=1"),
        ("mongodb+srv://root:hunter2@db.internal/", "mongodb+srv://[redacted]db.internal/"),
        ("amqp://guest:guest@10.0.0.7:5672/", "amqp://[redacted]10.0.0.7:5672/"),
        ("amqps://guest:p%40ss@mq/", "amqps://[redacted]mq/"),
        ("https://user:hunter2@hooks.example.org/in", "https://[redacted]hooks.example.org/in"),
        (
            "GET /a.png?X-Amz-Credential=AKIA/x&X-Amz-Signature=ab12&b=1",
            "GET /a.png?[redacted]&[redacted]&b=1",
        ),
    ],
)
def test_a_secret_inside_a_text_is_taken_out_and_the_rest_stays(text: str, left: str) -> None:
    assert logged(reason=text)["reason"] == left


@pytest.mark.parametrize(
    "field", ["authorization", "cookie", "api_key", "secret", "prompt", "negative_prompt"]
)
@pytest.mark.parametrize("value", ["a hen in a hat", ["a hen"], {"text": "a hen"}, b"a hen", None])
def test_some_fields_never_show_their_value(field: str, value: Any) -> None:
    assert logged(**{field: value})[field] == "[redacted]"


@pytest.mark.parametrize(
    "value",
    [
        [f"Bearer {KEY}"],
        (KEY,),
        {"header": KEY},
        {"request": {"headers": [KEY]}},
        {"request": {"prompt": KEY}},
    ],
)
def test_a_secret_in_a_list_or_mapping_is_taken_out_too(value: Any) -> None:
    assert KEY not in str(logged(detail=value))


@pytest.mark.parametrize(
    "fields",
    [
        {"task_id": "gen_01k6x0v7w3h2m9q4x1b8c5d7ef", "count": 3},
        {"route": "fal:fal-ai/nano-banana", "url": "https://files.example.org/images/gen_1/0.png"},
        {"reason": "mail to ops@example.org bounced"},
        {"url": "https://files.example.org/a@b.png", "next": "https://example.org?mail=ops@example.org"},
        {"detail": [1, {"seconds": 2.5}], "nothing": None},
    ],
)
def test_other_fields_are_left_alone(fields: dict[str, Any]) -> None:
    assert logged(**fields) == {"event": "something happened", **fields}


def test_the_message_itself_is_cleaned() -> None:
    assert redact(None, "info", {"event": f"refused {KEY}"}) == {"event": "refused [redacted]"}


def test_a_traceback_is_cleaned_before_it_is_written() -> None:
    program = (
        "import structlog; from shared.logging import configure_logging; configure_logging('json', 'info')\n"
        "try:\n"
        f"    raise ValueError('bad key {KEY}')\n"
        "except ValueError:\n"
        "    structlog.get_logger().exception('it broke', number=7, prompt='a hen')\n"
        "structlog.get_logger().debug('too quiet')\n"
    )
    written = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stderr
    (line,) = written.splitlines()
    event = orjson.loads(line)

    assert KEY not in line
    assert (event["event"], event["level"], event["number"]) == ("it broke", "error", 7)
    assert event["prompt"] == "[redacted]"
    assert "ValueError: bad key [redacted]" in event["exception"]
