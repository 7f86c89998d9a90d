"""The order of stages and gates: one table of plain data that the runner, the docs and the tests read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class StepKind(StrEnum):
    """A stage moves data; a gate judges it."""

    STAGE = "stage"
    GATE = "gate"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a batch.

    Args:
        name: Its name; a stage and a gate may share one (`graph`), so `key` tells them apart.
        kind: Stage or gate.
        stores: The stores it writes to (stage) or reads (gate).
        purpose: What it does, in words.
    """

    name: str
    kind: StepKind
    stores: tuple[str, ...]
    purpose: str

    @property
    def key(self) -> str:
        """The step's name in the ledger, `stage:load` or `gate:raw`."""
        return f"{self.kind}:{self.name}"


STEPS: tuple[Step, ...] = (
    Step("load", StepKind.STAGE, ("mongodb",), "raw records into MongoDB, unreadable ones to the dead letters"),
    Step("aggregate", StepKind.STAGE, ("bigquery",), "metrics of the batch into BigQuery, not yet published"),
    Step("raw", StepKind.GATE, ("mongodb",), "user_ids, volume and schema of what was loaded"),
    Step("publish", StepKind.STAGE, ("bigquery",), "metrics without quarantined records become visible to analysts"),
    Step("graph", StepKind.STAGE, ("neo4j",), "users and interactions, linked to their campaigns"),
    Step("graph", StepKind.GATE, ("neo4j",), "orphaned interactions; the graph holds what MongoDB accepted"),
    Step("embed", StepKind.STAGE, ("milvus",), "messages embedded by Gemini, vectors into Milvus"),
    Step("vectors", StepKind.GATE, ("milvus",), "100 sampled vectors: dimension, zeros, non-finite, missing"),
)

STAGES: tuple[str, ...] = tuple(step.name for step in STEPS if step.kind is StepKind.STAGE)
"""Names of the stages, in order."""

REDONE: tuple[str, ...] = tuple(step.key for step in STEPS if step.key not in ("stage:load", "stage:aggregate"))
"""What is done again of a batch whose raw records stay: its metrics stay too until they are published anew."""

GATES: tuple[str, ...] = tuple(step.name for step in STEPS if step.kind is StepKind.GATE)
"""Names of the gates, in order."""

MAX_ATTEMPTS = 4
"""One attempt and three retries, per batch and stage."""
