"""From an event of a run to measurements: what a counter grows by, what a histogram sees, what a gauge becomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.telemetry import metrics as table
from pipeline.telemetry.event_dispatch import Happened
from pipeline.telemetry.metrics import Metric
from pipeline.telemetry.progress import STANDING


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value of one metric; None takes a gauge away."""

    metric: Metric
    value: float | None
    labels: Mapping[str, str] = field(default_factory=dict)


def measured(happened: Happened) -> Iterator[Measurement]:
    """The measurements of an event; none of an event no metric is about."""
    make = _MEASURED.get(happened.name)
    if make is not None:
        yield from make(happened)


def _batch_ended(happened: Happened) -> Iterator[Measurement]:
    gained = happened.fields.get("gained")
    for name, metric in _RECORDS.items():
        if isinstance(gained, Mapping) and gained.get(name):
            yield Measurement(metric, float(gained[name]))
    if happened.fields.get("fresh"):
        status = happened.text("status")
        yield Measurement(table.BATCHES, 1, {"status": status, "exit_code": happened.text("exit_code")})
        yield Measurement(table.BATCH_DURATION, happened.number("duration_s") or 0.0, {"status": status})


def _batch_stopped(happened: Happened) -> Iterator[Measurement]:
    yield Measurement(table.BATCHES, 1, {"status": "stopped", "exit_code": ""})
    yield Measurement(table.BATCH_DURATION, happened.number("duration_s") or 0.0, {"status": "stopped"})


def _step_ended(happened: Happened) -> Iterator[Measurement]:
    outcome = "ok" if happened.fields.get("ok") else "failed"
    yield _took(happened, outcome)
    written = happened.number("written")
    if happened.text("step") == "stage:embed" and written is not None and outcome == "ok":
        fallback = happened.number("fallback") or 0.0
        yield Measurement(table.VECTORS, written)
        yield Measurement(table.FALLBACKS, fallback)
        if written:
            yield Measurement(table.FALLBACK_RATE, fallback / written)


def _step_stopped(happened: Happened) -> Iterator[Measurement]:
    yield _took(happened, "stopped")


def _took(happened: Happened, outcome: str) -> Measurement:
    labels = {"step": happened.text("step"), "outcome": outcome}
    return Measurement(table.STEP_DURATION, happened.number("duration_s") or 0.0, labels)


def _verdict(happened: Happened) -> Iterator[Measurement]:
    gate, rate = happened.text("gate"), happened.number("rate")
    yield Measurement(table.VERDICTS, 1, {"gate": gate, "verdict": happened.text("verdict")})
    if rate is not None:
        yield Measurement(table.INVALID, rate, {"gate": gate})


def _retry(happened: Happened) -> Iterator[Measurement]:
    yield Measurement(table.RETRIES, 1, {"step": happened.text("step")})


def _delivery(happened: Happened) -> Iterator[Measurement]:
    yield Measurement(table.DELIVERIES, 1, {"channel": happened.text("channel"), "outcome": happened.text("status")})


def _standing(happened: Happened) -> Iterator[Measurement]:
    fields, now = happened.fields, happened.at / 1e9
    if "ledger_up" not in fields:
        return  # the ledger was not used: nothing is known
    yield Measurement(table.LEDGER_UP, float(bool(fields["ledger_up"])))
    if not fields["ledger_up"]:
        return
    for name, since, age in _SINCE:
        moment = fields.get(name)
        at = moment.timestamp() if isinstance(moment, datetime) else None
        yield Measurement(since, at)
        if age is not None:
            yield Measurement(age, 0.0 if at is None else max(0.0, now - at))


_RECORDS = {
    "read": table.READ,
    "accepted": table.ACCEPTED,
    "quarantined": table.QUARANTINED,
    "duplicate": table.DUPLICATE,
    "dead": table.DEAD,
}

_SINCE: tuple[tuple[str, Metric, Metric | None], ...] = (
    ("halted_since", table.HALTED_SINCE, table.HALTED_AGE),
    ("dead_since", table.DEAD_SINCE, table.DEAD_AGE),
    ("finished_at", table.LAST_FINISHED, None),
)

_MEASURED: Mapping[str, Callable[[Happened], Iterator[Measurement]]] = {
    "batch_ended": _batch_ended,
    "batch_stopped": _batch_stopped,
    "step_ended": _step_ended,
    "step_stopped": _step_stopped,
    "verdict": _verdict,
    "retry": _retry,
    "alert_delivery": _delivery,
    "alert_failed": _delivery,
    STANDING: _standing,
}
