"""Everything the official fal client is asked to do, run by itself: it reads its environment at import.

Prints one JSON object: scenario → what came back or was raised.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import fal_client

_APP = "fal-ai/nano-banana"


def _run(prompt: str, app: str = _APP, **values: Any) -> dict[str, Any]:
    handle = fal_client.submit(app, {"prompt": prompt, **values})
    return {"url": handle.response_url, "result": handle.get(interval=0.01)}


def _statuses() -> list[str]:
    handle = fal_client.submit(_APP, {"prompt": "three polls"})
    return [type(event).__name__ for event in handle.iter_events(with_logs=True, interval=0.01)]


def _failed_status() -> dict[str, Any]:
    handle = fal_client.submit(_APP, {"prompt": "job_fails"})
    status = handle.status()
    assert isinstance(status, fal_client.Completed)
    return {"error": status.error, "error_type": status.error_type}


def _cancel() -> dict[str, Any]:
    handle = fal_client.submit(_APP, {"prompt": "never_finishes"})
    handle.cancel()
    status = handle.status()
    assert isinstance(status, fal_client.Completed)
    return {"error_type": status.error_type}


def _cancel_twice() -> None:
    handle = fal_client.submit(_APP, {"prompt": "never_finishes"})
    handle.cancel()
    handle.cancel()


def _late() -> dict[str, Any]:
    handle = fal_client.submit(_APP, {"prompt": "late"})
    handle.cancel()
    return {"result": handle.get(interval=0.01)}


def _start_timeout() -> None:
    fal_client.submit(_APP, {"prompt": "slow start"}, start_timeout=1.1).get(interval=0.05)


def _poll_500() -> None:
    fal_client.submit(_APP, {"prompt": "poll_500"}).status()


def _unknown_status() -> None:
    fal_client.submit(_APP, {"prompt": "unknown_status"}).status()


_SCENARIOS: dict[str, Callable[[], Any]] = {
    "success": lambda: _run("a hen", num_images=2, aspect_ratio="16:9"),
    "edit": lambda: _run("a hat", f"{_APP}/edit", image_urls=["https://images.example/hen.png"]),
    "waits out a limit": lambda: _run("busy"),
    "statuses": _statuses,
    "failed status": _failed_status,
    "cancel": _cancel,
    "cancel_twice": _cancel_twice,
    "unknown_status": _unknown_status,
    "late": _late,
    "start timeout": _start_timeout,
    "poll_500": _poll_500,
    "video": lambda: _run("a hen", "fal-ai/kling-video/v2.6/pro/text-to-video", duration="5"),
    "later caller_fault": lambda: _run("wrong in the end"),
    **{
        fault: lambda fault=fault: _run(fault)
        for fault in ("http_500", "quota", "credential", "model_gone", "caller_fault", "job_fails")
    },
    **{fault: lambda fault=fault: _run(fault) for fault in ("refusal", "no_media_generated", "empty_output")},
    **{fault: lambda fault=fault: _run(fault) for fault in ("nsfw", "user_deadline")},
}


def _outcome(scenario: Callable[[], Any]) -> dict[str, Any]:
    try:
        return {"value": scenario()}
    except fal_client.FalClientHTTPError as error:
        return {
            "raised": type(error).__name__,
            "status": error.status_code,
            "message": error.message,
            "error_type": error.error_type,
        }
    except ValueError as error:
        return {"raised": type(error).__name__, "message": str(error)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps({name: _outcome(scenario) for name, scenario in _SCENARIOS.items()}))
