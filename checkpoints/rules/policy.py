"""What follows from each gate's verdict: one table that the actions, the alerts and the docs read."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.core.batches import short
from pipeline.core.topology import GATES
from pipeline.core.verdicts import Verdict

RAW, GRAPH, VECTORS = GATES

QUARANTINE = "quarantine"
FLAG = "flag"
ROLLBACK = "rollback"
SWEEP = "sweep"
ALERT = "alert"
DOCS = "docs"

CRITICAL, WARNING, OUTAGE = "critical", "warning", "error"


MARKS = {
    QUARANTINE: "bad records are quarantined",
    FLAG: "orphans are flagged for review",
    ROLLBACK: "the embedding batch is rolled back",
    "": "",
}
"""What an action does with records, in words."""

RESUME, RECHECK = "run.py resume {batch}", "run.py recheck {batch}"
REDO = f"{RECHECK} --redo"


@dataclass(frozen=True, slots=True)
class Consequence:
    """What follows from a verdict.

    Args:
        batch: What becomes of the batch, in words.
        mark: The action that marks or removes records; "" for none.
        severity: The alert's; "" when there is none.
        command: What a person runs next, with `{batch}` in it; "" when there is nothing to do.
    """

    batch: str
    mark: str = ""
    severity: str = ""
    command: str = ""

    def next_step(self, batch_id: str, *, records_left_out: bool = True, complete: bool = True) -> str:
        """The command for one batch.

        Args:
            batch_id: The batch.
            records_left_out: Whether there are records that could be left out; there is nothing to resume without.
            complete: Whether the store holds what was loaded; leaving records out mends nothing when it does not.
        """
        command = self.command
        if command == RESUME and not (records_left_out and complete):
            command = RECHECK if complete else REDO
        return command.format(batch=short(batch_id))


GOES_ON = "goes on"
HALTED = "is halted"
HELD = "is held; the next run checks it again"

CONSEQUENCES: dict[tuple[str, Verdict], Consequence] = {
    (RAW, Verdict.FAIL): Consequence(HALTED, QUARANTINE, CRITICAL, RESUME),
    (RAW, Verdict.WARN): Consequence(GOES_ON, QUARANTINE, WARNING, "run.py quarantine list --batch {batch}"),
    (GRAPH, Verdict.FAIL): Consequence(HALTED, FLAG, CRITICAL, REDO),
    (GRAPH, Verdict.WARN): Consequence(GOES_ON, FLAG, WARNING, "run.py review list --batch {batch}"),
    (VECTORS, Verdict.FAIL): Consequence(HALTED, ROLLBACK, CRITICAL, REDO),
    (VECTORS, Verdict.WARN): Consequence(GOES_ON, "", WARNING, "run.py reembed --batch {batch}"),
    **{(gate, Verdict.ERROR): Consequence(HELD, "", OUTAGE, "run.py doctor") for gate in GATES},
    **{(gate, Verdict.PASS): Consequence(GOES_ON) for gate in GATES},
    **{(gate, Verdict.EMPTY): Consequence(GOES_ON) for gate in GATES},
}
"""By gate and verdict."""


def consequence(gate: str, verdict: Verdict) -> Consequence:
    """What follows when a gate says this."""
    return CONSEQUENCES[gate, verdict]
