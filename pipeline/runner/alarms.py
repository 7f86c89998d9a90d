"""What a run tells people by itself: what no gate can, because it could not be checked or was never reached."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.core.alert import Alert
from pipeline.core.batches import BatchStatus, short
from pipeline.core.next_steps import look
from pipeline.core.program import program
from pipeline.ports.steps import Alarms

PIPELINE = "pipeline"
"""Stands for a gate in what is no gate's."""


class RunnerAlarms:
    """Alerts of a run; never raises, for nobody's alert may stop a batch.

    Args:
        alarms: Who tells people; None tells nobody.
    """

    def __init__(self, alarms: Alarms | None) -> None:
        self._alarms = alarms

    def held(self, batch_id: str, gate: str, summary: str) -> None:
        """A gate could not be checked, also not on the last attempt."""
        title = f"The {gate} gate could not be checked for batch {short(batch_id)}"
        self._raise(batch_id, gate, title, summary, failure="outage", next_step=look(BatchStatus.HELD, batch_id))

    def dead(self, batch_id: str, step: str, summary: str) -> None:
        """A batch was moved to the dead-letter queue."""
        title = f"Batch {short(batch_id)} is in the dead-letter queue"
        next_step = look(BatchStatus.DEAD, batch_id)
        self._raise(batch_id, PIPELINE, title, summary, failure=f"dead at {step}", next_step=next_step)

    def ledger_down(self, batch_id: str, summary: str) -> None:
        """The ledger could not be reached, so nothing could be done."""
        title = "The ledger cannot be reached"
        self._raise(batch_id, PIPELINE, title, summary, failure="ledger down", next_step=f"{program()} doctor")

    def closed(self) -> None:
        """A batch went through: what was open about the pipeline itself is over."""
        if self._alarms is not None:
            self._alarms.all_green(PIPELINE)

    def decided(self, batch_id: str, gates: Sequence[str] | None = None) -> None:
        """A person has decided about the batch, or about these gates of it: what people are told to do is done."""
        if self._alarms is not None:
            self._alarms.decided(batch_id, gates)

    def _raise(self, batch_id: str, gate: str, title: str, summary: str, *, failure: str, next_step: str) -> None:
        if self._alarms is None:
            return
        self._alarms.raise_(
            Alert(
                gate=gate,
                severity="error",
                title=title,
                summary=summary,
                batch_id=batch_id,
                failure=failure,
                next_step=next_step,
            )
        )
