"""Metrics of the process, for Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

EVENTS_PUBLISHED = Counter("hatchery_events_published", "Messages confirmed by the broker.")
EVENTS_UNPUBLISHED = Counter(
    "hatchery_events_unpublished", "Messages not confirmed; their tasks are found by the sweeper."
)
EVENTS_CONSUMED = Counter("hatchery_events_consumed", "Messages handled and acknowledged.")
EVENTS_DEAD = Counter("hatchery_events_dead_lettered", "Messages sent to a dead-letter queue.")

TASKS_SUBMITTED = Counter("hatchery_tasks_submitted", "Tasks accepted.", ["model"])
TASKS_ENDED = Counter("hatchery_tasks_ended", "Tasks settled, by final state.", ["state"])
TASKS_SWEPT = Counter("hatchery_tasks_swept", "Tasks found by `wake_at` instead of an event.")
ATTEMPTS_FAILED = Counter("hatchery_attempts_failed", "Attempts without output.", ["provider", "error_class"])
ORPHANS_SUSPECTED = Counter(
    "hatchery_orphans_suspected", "Provider jobs that may run without anybody collecting them.", ["provider"]
)
BREAKERS_OPENED = Counter(
    "hatchery_breakers_opened", "Routes left alone after repeated failures.", ["provider"]
)
LATE_RESULTS = Counter(
    "hatchery_late_results", "Provider jobs that finished after their attempt was given up.", ["provider"]
)
TASKS_RUNNING = Gauge("hatchery_tasks_running", "Tasks whose lease this worker holds.")

REQUESTS = Histogram(
    "hatchery_request_seconds",
    "Time to answer a request.",
    ["method", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
REQUESTS_UNLOGGED = Counter(
    "hatchery_requests_unlogged", "Requests missing in the request log: the database was away too long."
)
DELIVERIES = Counter("hatchery_delivery_attempts", "Webhook delivery attempts, by outcome.", ["outcome"])

AUDIT_VIOLATIONS = Gauge(
    "hatchery_audit_violations", "Broken invariants that the last audit found.", ["invariant"]
)
AUDIT_FINISHED = Gauge("hatchery_audit_finished_timestamp_seconds", "When the last audit ended.")
HOLDS_RELEASED = Counter(
    "hatchery_holds_released",
    "Holds that the auditor found without a task, or past their task's deadline.",
    ["reason"],
)
LEDGER_CLEAN = Gauge("hatchery_ledger_clean", "1 when the last verification found nothing wrong.", ["kind"])
LEDGER_VERIFIED_AT = Gauge(
    "hatchery_ledger_verified_timestamp_seconds", "When the last verification ended.", ["kind"]
)
LEDGER_VERIFIED_ENTRIES = Gauge(
    "hatchery_ledger_verified_entries", "Entries that the last verification read.", ["kind"]
)
LEDGER_VERIFY_SECONDS = Gauge(
    "hatchery_ledger_verify_seconds", "How long the last verification took.", ["kind"]
)
