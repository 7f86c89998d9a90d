"""What a run notifies people of by itself: what no gate can, because it could not be checked or was never reached."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.core.alert import Alert
from pipeline.core.batches import BatchStatus, short
from pipeline.core.next_steps import look
from pipeline.core.outcome import Ending
from pipeline.core.program import program
from pipeline.ports.steps import Alarms

PIPELINE = "pipeline"
"""Stands for a gate in what is no gate's."""


class RunnerAlarms:
    """Alerts of a run; never raises, for nobody's alert may stop a batch.

    Args:
        alarms: Who notifies people; None notifies nobody.
    """

    def __init__(self, alarms: Alarms | None) -> None:
        self._alarms = alarms

    def held(self, batch_id: str, gate: str, summary: str) -> None:
        """A gate could not be checked, also not on the last attempt."""
        what = f"The {gate} gate could not be checked for"
        self._raise(
            Alert(
                gate=gate,
                severity="error",
                title=f"{what} batch {short(batch_id)}",
                title_of_many=f"{what} {{count}} batches",
                summary=summary,
                batch_id=batch_id,
                failure="outage",
                next_step=look(BatchStatus.HELD, batch_id),
                waits=True,
            )
        )

    def dead(self, batch_id: str, step: str, summary: str) -> None:
        """A batch was moved to the dead-letter queue."""
        self._raise(
            Alert(
                gate=PIPELINE,
                severity="error",
                title=f"Batch {short(batch_id)} is in the dead-letter queue",
                title_of_many="{count} batches are in the dead-letter queue",
                summary=summary,
                batch_id=batch_id,
                failure=f"dead at {step}",
                next_step=look(BatchStatus.DEAD, batch_id),
                waits=True,
            )
        )

    def ledger_down(self, batch_id: str, summary: str) -> None:
        """The ledger could not be reached, so nothing could be done; it ends when the ledger is reached."""
        title = "The ledger cannot be reached"
        self._raise(
            Alert(
                gate=PIPELINE,
                severity="error",
                title=f"{title} for batch {short(batch_id)}" if batch_id else title,
                title_of_many=f"{title} for {{count}} batches",
                summary=summary,
                batch_id=batch_id,
                failure="ledger down",
                next_step=f"{program()} doctor",
            )
        )

    def ended(self, batch_id: str, ending: Ending) -> None:
        """The work on a batch has ended; one that is closed waits nowhere."""
        if self._alarms is not None and ending.fresh:
            self._alarms.batch_ended(batch_id, closed=ending.status is BatchStatus.CLOSED)

    def decided(self, batch_id: str, gates: Sequence[str] | None = None) -> None:
        """A person has decided about the batch, or about these gates of it: what people were asked to do is done."""
        if self._alarms is not None:
            self._alarms.decided(batch_id, gates)

    def _raise(self, alert: Alert) -> None:
        if self._alarms is not None:
            self._alarms.raise_(alert)
