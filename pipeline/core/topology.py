"""The steps of a batch in their order: one table, and a row holds all facts of a step.

What a gate expects is the file of its name in `checkpoints/gates`; everything else about a step is read from here by
the runner, the commands, telemetry, the pages, the DAG, the docs and the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.core.batches import BatchStatus
from pipeline.core.fields import DEAD_LETTERS, INTERACTIONS
from pipeline.core.policy import FLAG, QUARANTINE, RECHECK, REDO, RESUME, ROLLBACK, SWEEP, Consequence, policy
from pipeline.core.verdicts import Verdict

MAX_ATTEMPTS = 4
"""One attempt and three retries, per batch and stage."""


class StepKind(StrEnum):
    """A stage moves data; a gate judges it."""

    STAGE = "stage"
    GATE = "gate"


@dataclass(frozen=True, slots=True)
class Touched:
    """A dataset a step reads or writes, and which of the step's counts are its rows; () when they are not counted."""

    dataset: str
    rows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a batch.

    Args:
        name: Its name; a stage and a gate may share one (`graph`), so `key` tells them apart.
        kind: Stage or gate.
        stores: The stores it writes to (stage) or reads (gate).
        purpose: What it does, in words.
        reads, writes: The datasets it reads and writes, by the names of `pipeline.telemetry.datasets`.
        kept: Whether it stays done when a batch's raw records stay, and only what follows of them is done again.
        withdrawn: Whether a rejected batch has it done again without records, which takes back what it published.
        redo: Keys of the steps that `recheck --redo` does again before this gate: what they wrote is what it refused.
        redo_for: Further ones, by the expectation that has to have failed for it.
        actions: Kinds of the actions on records that the gate's checkpoint has, in the order they act.
        policy: What follows from each of the gate's verdicts.
    """

    name: str
    kind: StepKind
    stores: tuple[str, ...]
    purpose: str
    reads: tuple[Touched, ...]
    writes: tuple[Touched, ...] = ()
    kept: bool = False
    withdrawn: bool = False
    redo: tuple[str, ...] = ()
    redo_for: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False, hash=False)
    actions: tuple[str, ...] = ()
    policy: Mapping[Verdict, Consequence] = field(default_factory=dict, repr=False, hash=False)

    def __post_init__(self) -> None:
        """Refuse a row whose facts do not agree.

        Raises:
            ValueError: A gate judges no stage or says nothing of a verdict, or `resume` is offered where no record is
                quarantined, which leaves nothing to go on without.
        """
        if self.kind is not StepKind.GATE:
            return
        if not self.redo:
            raise ValueError(f"The {self.name} gate judges no stage: name those that are done again before it in redo.")
        if missing := set(Verdict) - set(self.policy):
            raise ValueError(f"The {self.name} gate's policy says nothing of {', '.join(sorted(missing))}.")
        if (self.policy[Verdict.FAIL].command == RESUME) is not self.leaves_records_out:
            raise ValueError(f"The {self.name} gate: `resume` goes with the action {QUARANTINE}, and only with it.")

    @property
    def key(self) -> str:
        """The step's name in the ledger, `stage:load` or `gate:raw`."""
        return f"{self.kind}:{self.name}"

    @property
    def leaves_records_out(self) -> bool:
        """Whether the gate quarantines what it refuses, so that a person may let the batch go on without it."""
        return QUARANTINE in self.actions


def _stage(name: str, store: str, purpose: str, reads: Touched, *writes: Touched, kept: bool = False) -> Step:
    return Step(name, StepKind.STAGE, (store,), purpose, (reads,), writes, kept=kept, withdrawn=not kept)


_INTERACTIONS = Touched(INTERACTIONS, ("interactions",))

STEPS: tuple[Step, ...] = (
    _stage(
        "load",
        "mongodb",
        "raw records into MongoDB, unreadable ones to the dead letters",
        Touched("file", ("read",)),
        Touched(INTERACTIONS, ("accepted", "quarantined")),
        Touched(DEAD_LETTERS, ("dead",)),
        kept=True,
    ),
    _stage(
        "aggregate",
        "bigquery",
        "metrics of the batch into BigQuery, not yet published",
        _INTERACTIONS,
        Touched("metrics", ("rows",)),
        kept=True,  # its metrics stay until they are published again
    ),
    Step(
        "raw",
        StepKind.GATE,
        ("mongodb",),
        "user_ids, volume and schema of what was loaded",
        reads=(Touched(INTERACTIONS),),
        redo=("stage:load", "stage:aggregate"),
        actions=(QUARANTINE,),
        policy=policy(QUARANTINE, fail=RESUME, warn="quarantine list --batch {batch}"),
    ),
    _stage(
        "publish",
        "bigquery",
        "metrics without quarantined records become visible to analysts",
        _INTERACTIONS,
        Touched("published", ("rows",)),
    ),
    _stage(
        "graph",
        "neo4j",
        "users and interactions, linked to their campaigns",
        _INTERACTIONS,
        Touched("graph", ("interactions",)),
    ),
    Step(
        "graph",
        StepKind.GATE,
        ("neo4j",),
        "orphaned interactions; the graph holds what MongoDB accepted",
        reads=(Touched("graph"),),
        redo=("stage:graph",),
        actions=(FLAG,),
        policy=policy(FLAG, fail=REDO, warn="review list --batch {batch}"),
    ),
    _stage(
        "embed",
        "milvus",
        "messages embedded by Gemini, vectors into Milvus",
        Touched(INTERACTIONS, ("expected",)),
        Touched("vectors", ("written",)),
    ),
    Step(
        "vectors",
        StepKind.GATE,
        ("milvus",),
        "100 sampled vectors: dimension, zeros, non-finite, missing",
        reads=(Touched("vectors"),),
        redo=("stage:embed",),
        actions=(ROLLBACK, SWEEP),
        policy=policy(ROLLBACK, fail=REDO, warn="reembed --batch {batch}", warn_mark=""),
    ),
    Step(
        "closing",
        StepKind.GATE,
        ("mongodb", "bigquery", "neo4j", "milvus"),
        "closing check: all four stores hold the accepted records, and no others",
        reads=(Touched(INTERACTIONS), Touched("published"), Touched("graph"), Touched("vectors")),
        redo=("stage:publish", "stage:graph", "gate:graph", "stage:embed", "gate:vectors"),
        redo_for={"expect_ids_to_match_checksum": ("stage:load", "stage:aggregate", "gate:raw")},
        policy=policy("", fail=REDO, warn=RECHECK, stopped=BatchStatus.INCONSISTENT),
    ),
)

EMBED = "stage:embed"
"""The stage whose gate rolls embedding batches back."""

STAGES: tuple[str, ...] = tuple(step.name for step in STEPS if step.kind is StepKind.STAGE)
"""Names of the stages, in order."""

GATE_STEPS: Mapping[str, Step] = {step.name: step for step in STEPS if step.kind is StepKind.GATE}
"""The gates by name, in order."""

GATES: tuple[str, ...] = tuple(GATE_STEPS)
"""Names of the gates, in order."""

REDONE: tuple[str, ...] = tuple(step.key for step in STEPS if not step.kept)
"""What is done again of a batch whose raw records stay."""

STORE_TITLES: Mapping[str, str] = {
    "mongodb": "MongoDB",
    "bigquery": "BigQuery",
    "neo4j": "Neo4j",
    "milvus": "Milvus",
}
"""What people call the stores."""


def gates_after(gate: Step) -> tuple[str, ...]:
    """Keys of the gates a batch comes to after this one: they are checked again when this one is."""
    return tuple(step.key for step in STEPS[STEPS.index(gate) + 1 :] if step.kind is StepKind.GATE)


def gate_of(stage: str) -> Step:
    """The first gate that judges what a stage wrote.

    Args:
        stage: The stage's key.
    """
    return next(step for step in GATE_STEPS.values() if stage in step.redo)


def store_title(gate: str) -> str:
    """What people call the stores a gate looks at; "" of what is no gate."""
    return ", ".join(STORE_TITLES[store] for store in GATE_STEPS[gate].stores) if gate in GATE_STEPS else ""
