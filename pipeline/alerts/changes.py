"""What happens to incidents: a batch is added, ends, or is seen in the ledger to wait no longer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count

from expectations_plugins.core.errors import SluicegateError
from pipeline.alerts import transitions
from pipeline.alerts.delivery import update
from pipeline.core.alert import Alert
from pipeline.core.batch import Batch
from pipeline.core.batches import BatchStatus, short
from pipeline.core.incident import Incident, IncidentBatch
from pipeline.ports.incidents import IncidentStore

PIPELINE = "pipeline"
"""Stands for a gate in what is no gate's."""

LEDGER_DOWN = f"sluicegate:{PIPELINE}:ledger down"
"""The key of the incident that the ledger cannot be reached."""

States = Callable[[Sequence[str]], Mapping[str, Batch]]
Gone = Callable[[Incident, IncidentBatch], bool]


class Changes:
    """Each change gives the incidents of which something may be owed now.

    Args:
        store: The incidents.
        states: By id, those of these batches that the ledger knows.
    """

    def __init__(self, store: IncidentStore, states: States) -> None:
        self._store = store
        self._states = states

    def raised(self, alert: Alert, channels: Sequence[str]) -> Sequence[Incident]:
        """A batch shows a failure. Where it waited before it waits no longer: it waits in one place."""
        alert = self._with_room(alert)
        key, now = alert.dedup_key, self._store.now()
        changed = update(self._store, key, lambda found: transitions.raised(found, alert, channels, now))
        if not alert.waits:
            return [changed] if changed else []
        why = f"Batch {short(alert.batch_id)} waits elsewhere now."
        moved = self._without(lambda incident, one: _waits(one, alert.batch_id) and incident.key != key, why)
        return [*([changed] if changed else []), *(one for one in moved if one.key != key)]

    def passed(self, gate: str, batch_id: str, keep: Sequence[str]) -> Sequence[Incident]:
        """A batch with checked records passed the gate, but for what is in `keep`."""

        def gone(incident: Incident, one: IncidentBatch) -> bool:
            return (
                incident.gate == gate
                and replace(incident.alert, part=1).dedup_key not in keep
                and (one.batch_id == batch_id or not one.alert.waits)
            )

        return self._without(gone, f"Batch {short(batch_id)} does not show it.")

    def decided(self, batch_id: str, gates: Sequence[str] | None) -> Sequence[Incident]:
        """A person has decided about a batch."""

        def gone(incident: Incident, one: IncidentBatch) -> bool:
            return one.batch_id == batch_id and (gates is None or incident.gate in gates)

        return self._without(gone, f"A person has decided about batch {short(batch_id)}.")

    def recovered(self, key: str, why: str) -> Sequence[Incident]:
        """A condition is over."""
        return [self._resolved(one, why) for one in self._store.unsettled() if one.key == key and not one.is_over]

    def batch_ended(self, batch_id: str, *, closed: bool) -> Sequence[Incident]:
        """A run has ended the work on a batch: all incidents, so that what is owed of any is sent."""
        why = f"Batch {short(batch_id)} is closed."
        return self._reached(self._without(lambda _, one: closed and _waits(one, batch_id), why))

    def settled(self) -> Sequence[Incident]:
        """All incidents, without the batches that wait no longer by the ledger: a run that ended them was killed."""
        found = self._store.unsettled()
        ids = sorted({one.batch_id for incident in found for one in incident.waiting})
        try:
            states = self._states(ids or ("",)) if found else {}  # also when none waits: to see that the ledger answers
        except SluicegateError:
            return found

        def gone(_: Incident, one: IncidentBatch) -> bool:
            return one.alert.waits and one.batch_id in states and not _still_waits(one, states[one.batch_id])

        return self._reached(self._without(gone, "The ledger says that its batch waits no longer."))

    def _reached(self, found: Sequence[Incident]) -> Sequence[Incident]:
        """The ledger has answered."""
        why = "The ledger can be reached again."
        return [self._resolved(one, why) if one.key == LEDGER_DOWN else one for one in found]

    def _without(self, gone: Gone, why: str) -> Sequence[Incident]:
        """All that is unsettled, after these batches were taken out of it."""
        return [self._one_without(incident, gone, why) for incident in self._store.unsettled()]

    def _one_without(self, incident: Incident, gone: Gone, why: str) -> Incident:
        if incident.is_over or not any(gone(incident, one) for one in incident.batches):
            return incident
        now = self._store.now()

        def take_out(found: Incident | None) -> Incident | None:
            if found is None or found.occurrence != incident.occurrence:
                return None
            return transitions.without(found, lambda one: gone(found, one), why, now)

        return update(self._store, incident.key, take_out) or incident

    def _resolved(self, incident: Incident, why: str) -> Incident:
        now = self._store.now()

        def resolve(found: Incident | None) -> Incident | None:
            return transitions.resolved(found, why, now) if found else None

        return update(self._store, incident.key, resolve) or incident

    def _with_room(self, alert: Alert) -> Alert:
        """The alert, for the first incident of its kind that has room for its batch."""
        parts = (replace(alert, part=number) for number in count(1))
        return next(one for one in parts if transitions.has_room(self._store.read(one.dedup_key), alert.batch_id))


def _waits(one: IncidentBatch, batch_id: str) -> bool:
    return one.alert.waits and one.batch_id == batch_id


def _still_waits(one: IncidentBatch, batch: Batch) -> bool:
    """Whether the ledger agrees that a batch waits; one that is being worked on is not decided yet."""
    if batch.status is BatchStatus.DEAD:
        return one.alert.gate == PIPELINE and batch.dropped is None
    return batch.status is not BatchStatus.CLOSED
