"""What follows from each verdict of a gate: values that a step's row in the topology is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.core.batches import BatchStatus
from pipeline.core.program import program
from pipeline.core.verdicts import Verdict

QUARANTINE, FLAG, ROLLBACK, SWEEP = "quarantine", "flag", "rollback", "sweep"
"""Kinds of actions that change records: a gate's row names those of its checkpoint."""

ALERT, DOCS = "alert", "docs"
"""Kinds of actions that every gate's checkpoint has."""

CRITICAL, WARNING, OUTAGE = "critical", "warning", "error"

MARKS = {
    QUARANTINE: "the bad records are quarantined",
    FLAG: "the orphans are flagged for review",
    ROLLBACK: "the embedding batch is rolled back",
    SWEEP: "the stale vectors are removed",
}
"""What an action does after an expectation that it acts on has failed, in words."""

GATE_MARKS = {
    QUARANTINE: "records that an expectation names as bad are quarantined",
    FLAG: "orphans, if there are some, are flagged for review",
    ROLLBACK: "the embedding batch is rolled back if its vectors are invalid",
    "": "",
}
"""What an action does after a gate's verdict, whichever of its expectations failed, in words."""

RESUME, RECHECK = "resume {batch}", "recheck {batch}"
SUPERSEDE = "supersede {batch}"
INCOMPLETE = f"{RESUME} --incomplete"
"""Lets a batch go on although records of its file did not arrive."""

WITHOUT_VECTORS = f"{RESUME} --without-vectors"
"""Lets a batch go on without the vectors of texts that the model's API refuses."""

REDO = f"{RECHECK} --redo"

GOES_ON = "goes on"
HELD = "is held; the next run checks it again"


@dataclass(frozen=True, slots=True)
class Consequence:
    """What follows from a verdict.

    Args:
        batch: What becomes of the batch, in words.
        mark: The action that marks or removes records; "" for none.
        severity: The alert's; "" when there is none.
        command: What a person runs next: arguments of this program with `{batch}` in them; "" when there is none.
        status: The batch's in the ledger when it waits for a person; None when it does not.
    """

    batch: str
    mark: str = ""
    severity: str = ""
    command: str = ""
    status: BatchStatus | None = None

    def shown(self, batch: str) -> str:
        """The command as a person types it; "" when there is nothing to do.

        Args:
            batch: What stands for the batch.
        """
        return typed_command(self.command, batch)


def policy(
    mark: str, *, fail: str, warn: str, warn_mark: str | None = None, stopped: BatchStatus = BatchStatus.HALTED
) -> Mapping[Verdict, Consequence]:
    """What follows from a gate's verdicts.

    Args:
        mark: The action on records when it fails or warns; "" for none.
        fail, warn: What a person runs next: the arguments of this program, with `{batch}` in them.
        warn_mark: The action on records when it warns, where it is another one.
        stopped: The batch's status after it failed, one of `WAITING`.
    """
    return {
        Verdict.FAIL: Consequence(f"is {stopped}", mark, CRITICAL, fail, stopped),
        Verdict.WARN: Consequence(GOES_ON, mark if warn_mark is None else warn_mark, WARNING, warn),
        Verdict.ERROR: Consequence(HELD, "", OUTAGE, "doctor"),
        Verdict.PASS: Consequence(GOES_ON),
        Verdict.EMPTY: Consequence(GOES_ON),
    }


def typed_command(command: str, batch: str) -> str:
    """A command as a person types it, after this program's name; "" for none.

    Args:
        command: Arguments of this program, with `{batch}` in them.
        batch: What stands for the batch.
    """
    return f"{program()} {command.format(batch=batch)}" if command else ""
