"""OpenLineage run events: a job for the batch and for each stage and gate, told when it starts and how it ends.

Run ids follow from batch, step and attempt, so that what several processes tell of one batch joins up. No text of an
error and no value of a record is told: drivers quote records in their errors.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from openlineage.client.event_v2 import InputDataset, OutputDataset, Run, RunEvent, RunState, set_producer

from expectations_plugins.core.errors import ExitCode
from pipeline.config.connections import Connections
from pipeline.core.program import program
from pipeline.core.topology import STEPS, Step, Touched
from pipeline.telemetry import openlineage_events
from pipeline.telemetry.datasets import FILE, VECTORS, DatasetName, file_name, names, rows
from pipeline.telemetry.event_dispatch import Happened, Listener
from pipeline.telemetry.openlineage_events import BATCH_JOB, PRODUCER

RUNS = uuid.UUID("6f1d0c5e-3b0b-5a52-9d0e-6b1f0c9b7a11")
"""Namespace of our run ids, as version 5 of UUIDs has it."""

NOT_OURS = float(ExitCode.LEASE_HELD)


def run_id(batch_id: str, step: str = "", attempt: int = 0) -> str:
    """The id of a batch's run, or of an attempt at one of its steps.

    Args:
        batch_id: The whole id.
        step: `stage:load`, `gate:raw`; "" for the batch.
        attempt: As the ledger counts them, 1-based.
    """
    return str(uuid.uuid5(RUNS, f"{batch_id}/{step}/{attempt}" if step else batch_id))


@dataclass(slots=True)
class _Batch:
    """The batch at work: what was told of it in this process."""

    batch_id: str
    source: str
    is_told: bool = False
    step: str = ""
    attempt: int = 0
    verdict: Happened | None = None
    collection: str = ""
    written: dict[str, OutputDataset] = field(default_factory=dict)


class Lineage(Listener):
    """Makes run events of a run's events.

    Args:
        name: How people know the receiver.
        namespace: Of the jobs.
        send: Takes an event; raises when it cannot.
        connections: Where the stores are; asked when the first event is made.
    """

    def __init__(
        self, name: str, namespace: str, send: Callable[[RunEvent], None], connections: Callable[[], Connections]
    ) -> None:
        set_producer(PRODUCER)
        self.name = name
        self._namespace = namespace
        self._send = send
        self._connections = connections
        self._names: Mapping[str, DatasetName] = {}
        self._batch = _Batch("", "")
        self._heard: Mapping[str, Callable[[Happened], None]] = {
            "batch_started": self._batch_started,
            "embedding_batch": self._embedding_batch,
            "attempt_started": self._attempt_started,
            "retry": self._retry,
            "verdict": self._verdict,
            "step_ended": self._step_ended,
            "step_stopped": self._step_stopped,
            "batch_ended": self._batch_ended,
            "batch_stopped": self._batch_stopped,
        }

    def hear(self, happened: Happened) -> None:
        """Tell of an event.

        Raises:
            Exception: Whatever the receiver raises.
        """
        hear = self._heard.get(happened.name)
        if hear is not None:
            hear(happened)

    def close(self) -> None:
        """Nothing is left: events are sent as they are made."""

    def _batch_started(self, happened: Happened) -> None:
        self._batch = _Batch(happened.text("batch_id"), happened.text("source"))

    def _embedding_batch(self, happened: Happened) -> None:
        self._batch.collection = happened.text("collection")

    def _begin(self, happened: Happened) -> None:
        """Tell that the batch started, once something is done: of one that was done before nothing is told."""
        if not self._batch.is_told:
            self._batch.is_told = True
            self._tell_batch(RunState.START, happened)

    def _attempt_started(self, happened: Happened) -> None:
        batch, attempt = self._batch, int(happened.number("attempt") or 1)
        self._begin(happened)
        batch.collection = batch.collection or happened.text("collection")
        batch.step, batch.verdict = happened.text("step"), None
        if happened.fields.get("after_cut_off") and attempt > 1:
            batch.attempt = attempt - 1  # whoever made it was killed: its run is open still
            self._tell_step(RunState.ABORT, happened)
        batch.attempt = attempt
        self._tell_step(RunState.START, happened)

    def _retry(self, happened: Happened) -> None:
        self._end_step(RunState.FAIL, happened)

    def _verdict(self, happened: Happened) -> None:
        self._batch.verdict = happened

    def _step_ended(self, happened: Happened) -> None:
        self._end_step(RunState.COMPLETE if happened.fields.get("ok") else RunState.FAIL, happened)

    def _step_stopped(self, happened: Happened) -> None:
        self._end_step(RunState.ABORT, happened)

    def _end_step(self, state: RunState, happened: Happened) -> None:
        if self._batch.attempt:
            self._tell_step(state, happened)
            self._batch.attempt = 0

    def _batch_ended(self, happened: Happened) -> None:
        if happened.fields.get("fresh") and happened.number("exit_code") != NOT_OURS:
            self._begin(happened)
        if self._batch.is_told:
            self._tell_batch(_state_of(happened), happened)
        self._batch = _Batch("", "")

    def _batch_stopped(self, happened: Happened) -> None:
        if self._batch.is_told:
            self._tell_batch(RunState.ABORT, happened)
        self._batch = _Batch("", "")

    def _tell_batch(self, state: RunState, happened: Happened) -> None:
        batch, counts = self._batch, happened.fields.get("counts")
        read = counts.get("read") if isinstance(counts, Mapping) else None
        source = openlineage_events.read(file_name(batch.source), read if isinstance(read, int) else None)
        self._tell(
            state,
            happened,
            run=openlineage_events.run(run_id(batch.batch_id), error=_error(state, batch.batch_id)),
            name=BATCH_JOB,
            inputs=[source] if batch.source else [],
            outputs=list(batch.written.values()),
        )

    def _tell_step(self, state: RunState, happened: Happened) -> None:
        batch = self._batch
        parent = openlineage_events.parent(run_id(batch.batch_id), self._namespace)
        error = _error(state, batch.batch_id)
        verdict = batch.verdict if state is not RunState.START else None
        inputs = [self._input(touched, happened, verdict) for touched in _row(batch.step).reads]
        outputs = {touched.dataset: self._output(touched, happened) for touched in _row(batch.step).writes}
        if state is RunState.COMPLETE:
            batch.written |= outputs
        self._tell(
            state,
            happened,
            run=openlineage_events.run(run_id(batch.batch_id, batch.step, batch.attempt), parent=parent, error=error),
            name=openlineage_events.job_name(batch.step),
            inputs=inputs,
            outputs=list(outputs.values()),
        )

    def _input(self, touched: Touched, happened: Happened, verdict: Happened | None) -> InputDataset:
        found = openlineage_events.read(self._name(touched.dataset), rows(touched, happened.fields))
        if verdict is not None and verdict.text("gate") == self._batch.step.partition(":")[2]:
            found.inputFacets = {**(found.inputFacets or {}), **openlineage_events.quality(verdict)}
        return found

    def _output(self, touched: Touched, happened: Happened) -> OutputDataset:
        return openlineage_events.written(self._name(touched.dataset), rows(touched, happened.fields))

    def _name(self, dataset: str) -> DatasetName:
        if dataset == FILE:
            return file_name(self._batch.source)
        if not self._names:
            self._names = names(self._connections())
        found, collection = self._names[dataset], self._batch.collection
        if dataset == VECTORS and collection:
            return replace(found, name=f"{found.name.partition('.')[0]}.{collection}")
        return found

    def _tell(
        self,
        state: RunState,
        happened: Happened,
        *,
        run: Run,
        name: str,
        inputs: Sequence[InputDataset],
        outputs: Sequence[OutputDataset],
    ) -> None:
        self._send(
            RunEvent(
                eventType=state,
                eventTime=datetime.fromtimestamp(happened.at / 1e9, UTC).isoformat(),
                run=run,
                job=openlineage_events.job(self._namespace, name),
                inputs=list(inputs),
                outputs=list(outputs),
                producer=PRODUCER,
            )
        )


def _state_of(happened: Happened) -> RunState:
    """How a batch stands: it fails when it waits for a person, is dead, or an outage ended the run."""
    if happened.text("status") == "closed":
        return RunState.COMPLETE
    goes_on = happened.text("status") == "running" and not happened.number("exit_code")
    return RunState.RUNNING if goes_on else RunState.FAIL


def _error(state: RunState, batch_id: str) -> str:
    return f"{program()} status {batch_id[:12]} says why." if state in {RunState.FAIL, RunState.ABORT} else ""


def _row(key: str) -> Step:
    return next(step for step in STEPS if step.key == key)
