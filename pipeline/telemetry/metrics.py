"""Every metric there is: one table of plain data. Exporters, the documentation and the tests read it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
"""Upper bounds of the histograms' buckets, in seconds."""


class Kind(StrEnum):
    """How a metric behaves."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Args:
        name: Its name in OpenTelemetry.
        kind: How it behaves.
        unit: Its unit (UCUM): `s`, `1` for a share, `{thing}` for a count, "" for none.
        meaning: What it counts or measures, one sentence.
        labels: Names of its labels.
    """

    name: str
    kind: Kind
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()

    @property
    def prometheus_name(self) -> str:
        """Its name in Prometheus, the one OpenTelemetry's own rules of translation give it."""
        suffix = {"s": "_seconds", "1": "_ratio"}.get(self.unit, "")
        total = "_total" if self.kind is Kind.COUNTER else ""
        return f"{self.name.replace('.', '_')}{suffix}{total}"


_C, _H, _G = Kind.COUNTER, Kind.HISTOGRAM, Kind.GAUGE

BATCHES = Metric(
    "sluicegate.batches", _C, "{batch}", "Batches a run worked on, by what became of them", ("status", "exit_code")
)
BATCH_DURATION = Metric("sluicegate.batch.duration", _H, "s", "Time a run spent on a batch", ("status",))
STEP_DURATION = Metric(
    "sluicegate.step.duration",
    _H,
    "s",
    "Time a stage or gate took, waits between its attempts included; `outcome` is ok, failed or stopped",
    ("step", "outcome"),
)
RETRIES = Metric(
    "sluicegate.step.retries", _C, "{retry}", "Attempts of a stage or gate that failed and were retried", ("step",)
)
READ = Metric("sluicegate.records.read", _C, "{record}", "Records read from log files")
ACCEPTED = Metric("sluicegate.records.accepted", _C, "{record}", "Records that flow on")
QUARANTINED = Metric("sluicegate.records.quarantined", _C, "{record}", "Records a gate put into quarantine")
DUPLICATE = Metric("sluicegate.records.duplicate", _C, "{record}", "Records that were there before, with equal content")
DEAD = Metric(
    "sluicegate.records.dead", _C, "{record}", "Records that went to the dead letters, alone or with their batch"
)
VERDICTS = Metric("sluicegate.gate.verdicts", _C, "{verdict}", "Verdicts of gates", ("gate", "verdict"))
INVALID = Metric(
    "sluicegate.gate.invalid", _G, "1", "Share of records, or vectors, the gate's latest check found bad", ("gate",)
)
VECTORS = Metric("sluicegate.vectors.written", _C, "{vector}", "Vectors written, fallbacks included")
FALLBACKS = Metric(
    "sluicegate.vectors.fallback", _C, "{vector}", "Fallback vectors written, because the model was down"
)
FALLBACK_RATE = Metric("sluicegate.fallback", _G, "1", "Share of fallback vectors among those the latest batch wrote")
DELIVERIES = Metric(
    "sluicegate.alert.deliveries",
    _C,
    "{delivery}",
    "Alerts by channel and outcome: delivered, suppressed (sent a short while ago), failed, not configured",
    ("channel", "outcome"),
)
HALTED_AGE = Metric(
    "sluicegate.halted.oldest.age",
    _G,
    "s",
    "How long the batch halted, or inconsistent, longest has waited; 0 when none is",
)
DEAD_AGE = Metric(
    "sluicegate.dead_letter.oldest.age",
    _G,
    "s",
    "How long the oldest dead batch or record has waited; 0 when none does",
)
HALTED_SINCE = Metric(
    "sluicegate.halted.oldest.timestamp",
    _G,
    "s",
    "When the batch halted, or inconsistent, longest was stopped (Unix time); absent when none is",
)
DEAD_SINCE = Metric(
    "sluicegate.dead_letter.oldest.timestamp",
    _G,
    "s",
    "When the oldest dead batch or record died (Unix time); absent when none waits",
)
LAST_FINISHED = Metric(
    "sluicegate.batch.last_finished.timestamp",
    _G,
    "s",
    "When a batch last closed (Unix time); absent when none ever did",
)
LEDGER_UP = Metric(
    "sluicegate.ledger.up", _G, "", "1 when the ledger answered at the end of the run, or just now; else 0"
)

METRICS: tuple[Metric, ...] = (
    BATCHES,
    BATCH_DURATION,
    STEP_DURATION,
    RETRIES,
    READ,
    ACCEPTED,
    QUARANTINED,
    DUPLICATE,
    DEAD,
    VERDICTS,
    INVALID,
    VECTORS,
    FALLBACKS,
    FALLBACK_RATE,
    DELIVERIES,
    HALTED_AGE,
    DEAD_AGE,
    HALTED_SINCE,
    DEAD_SINCE,
    LAST_FINISHED,
    LEDGER_UP,
)

STANDING_METRICS = (HALTED_AGE, DEAD_AGE, HALTED_SINCE, DEAD_SINCE, LAST_FINISHED, LEDGER_UP)
"""What comes from the ledger, not from the events of a run."""
