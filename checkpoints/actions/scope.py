"""The run an action acts in: set by the gate, absent when a checkpoint is run by hand.

Before the first action acts, the verdict and what all of them intend are written to the ledger; each outcome is
written there too. So a crash between any two of them loses none and repeats none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from expectations_plugins.core.errors import LeaseLostError
from expectations_plugins.core.masking import Masks
from pipeline.core.batch import Batch
from pipeline.core.batches import Lease
from pipeline.core.rollback_plan import RollbackPlan
from pipeline.core.verdicts import ActionOutcome, GateReport, Intent
from pipeline.ports.ledger import Ledger
from pipeline.ports.steps import Alarms
from pipeline.ports.stores import MetricsStore, RawStore

PENDING = "pending"
DONE = "done"
NOTHING = "nothing to do"
WOULD = "would do"
FAILED = "failed"


class FlagsOrphans(Protocol):
    """The part of the review queue that a gate needs."""

    def flag(self, batch_id: str, *, gate: str, run_id: str, fence: int) -> int:
        """Flag every orphan of the batch; how many are flagged now."""


class Sweeps(Protocol):
    """Removes vectors of runs that had lost their batch."""

    def perform(self, lease: Lease, batch: Batch) -> Sequence[str]:
        """Remove them; their ids."""


class RollsBack(Protocol):
    """Takes an embedding batch back."""

    def perform(self, lease: Lease, batch_id: str, embedding_batch_id: str) -> RollbackPlan:
        """Remove what the embedding batch wrote, and put back what it replaced."""


class Pages(Protocol):
    """Data Docs, as far as a check needs them."""

    def address(self, identifiers: Sequence[Sequence[Any]]) -> str:
        """Where the page of the first of these results is, or is going to be."""

    def path(self, identifiers: Sequence[Sequence[Any]]) -> str:
        """Where that is from the site's first page."""

    def publish(self, identifiers: Sequence[Sequence[Any]]) -> None:
        """Make the pages of these results."""


@dataclass(frozen=True, slots=True)
class Effects:
    """What actions act on; what is a callable is connected when it is first needed.

    Args:
        ledger: Where verdicts, intents and outcomes go.
        raw_store: Where records are quarantined.
        metrics: Where metrics are published.
        review: Where orphans are flagged.
        rollback: Takes embedding batches back.
        sweep: Removes vectors that do not count.
        alarms: Tells people.
    """

    ledger: Ledger
    raw_store: RawStore
    metrics: Callable[[], MetricsStore]
    review: Callable[[], FlagsOrphans]
    rollback: Callable[[], RollsBack]
    sweep: Callable[[], Sweeps]
    alarms: Callable[[], Alarms]


class Acts(Protocol):
    """A checkpoint action, as the scope sees it."""

    def kind_of_action(self) -> str:
        """The kind of its intents."""

    def intend(self, report: GateReport, results: Sequence[Any], scope: ActionScope) -> Mapping[str, Any] | None:
        """What it is going to do, as plain data; None for nothing."""


Perform = Callable[[Mapping[str, Any], "ActionScope"], str]
"""Does what an intent says; a sentence about what was done."""


Would = Callable[[Mapping[str, Any]], str]
"""A sentence about what an intent would do."""


@dataclass(slots=True)
class ActionScope:
    """One check, and what its actions may touch.

    Args:
        gate, batch_id, run_id: The check; actions are idempotent by its run id.
        lease: The run's lease; None when the run only looks.
        effects: What actions act on; None when a checkpoint is run by hand.
        judge: Makes the report of GX's results.
        pages: Makes and finds the pages of results.
        identifiers: GX's names of this check's results, as plain data.
        report: The check's report, once it is made.
        faults: Why marking records failed; a verdict that relies on marked records does not hold then.
        masks: Fields whose values people are not shown.
    """

    gate: str
    batch_id: str
    run_id: str
    lease: Lease | None
    effects: Effects | None
    judge: Callable[[Sequence[Any]], GateReport]
    pages: Pages | None = None
    identifiers: list[list[Any]] = field(default_factory=list)
    report: GateReport | None = None
    faults: list[Exception] = field(default_factory=list)
    masks: Masks = field(default_factory=Masks)

    def plan(self, actions: Sequence[Any], checkpoint_result: Any) -> GateReport:
        """The report with the intents of all actions, in the ledger if this run may act; made once."""
        if self.report is None:
            results = [result for suite in checkpoint_result.run_results.values() for result in suite.results]
            self.identifiers = [_plain(name) for name in checkpoint_result.run_results]
            report = self.judge(results)
            if self.pages:
                found = self.identifiers
                report = replace(report, docs=self.pages.address(found), page=self.pages.path(found))
            self.report = replace(report, intents=tuple(self._intents(actions, report, results)))
            self._record()
        return self.report

    def _intents(self, actions: Sequence[Acts], report: GateReport, results: Sequence[Any]) -> Iterator[Intent]:
        for action in actions:
            data = action.intend(report, results, self)
            if data is not None:
                yield Intent(action.kind_of_action(), data)

    def _record(self) -> None:
        if self.lease is None or self.effects is None or self.report is None:
            return
        try:
            self.effects.ledger.record_gate(self.lease, self.report)
        except Exception as error:  # noqa: BLE001 - nothing may act that is not written down
            self.faults.append(error)

    def publish(self, identifiers: Sequence[Sequence[Any]]) -> None:
        """Make the pages of these results."""
        if self.pages is not None:
            self.pages.publish(identifiers)

    def act(
        self, kind: str, perform: Perform, *, would: Would, marks_records: bool, harmless: bool = False
    ) -> ActionOutcome:
        """Do what the intent of this kind says, once; never raises.

        Args:
            kind: The intent's kind.
            perform: Does it.
            would: Says what it would do, where it may not.
            marks_records: Whether the batch must not flow on when it failed.
            harmless: Whether it acts by hand too, without a lease.
        """
        intent = self._intent(kind)
        if intent is None:
            return ActionOutcome(kind, NOTHING, "nothing to do")
        if (self.lease is None or self.effects is None) and not harmless:
            outcome = ActionOutcome(kind, WOULD, would(intent.data))
        elif self.faults:
            return ActionOutcome(kind, PENDING, "waits, for something before it failed")
        else:
            outcome = self._performed(kind, perform, intent, marks_records=marks_records)
        self._settle(outcome)
        return outcome

    def _performed(self, kind: str, perform: Perform, intent: Intent, *, marks_records: bool) -> ActionOutcome:
        try:
            return ActionOutcome(kind, DONE, perform(intent.data, self))
        except Exception as error:  # noqa: BLE001 - an action that raises would stop the ones after it
            if marks_records or isinstance(error, LeaseLostError):
                self.faults.append(error)
            return ActionOutcome(kind, PENDING if marks_records else FAILED, f"{type(error).__name__}: {error}")

    def _intent(self, kind: str) -> Intent | None:
        intents = self.report.intents if self.report else ()
        return next((intent for intent in intents if intent.action == kind and intent.status == PENDING), None)

    def _settle(self, outcome: ActionOutcome) -> None:
        assert self.report is not None
        settled = tuple(
            replace(intent, status=outcome.status, detail=outcome.detail) if intent.action == outcome.action else intent
            for intent in self.report.intents
        )
        self.report = replace(self.report, intents=settled, actions=(*self.report.actions, outcome))
        if self.lease is None or self.effects is None:
            return
        try:
            self.effects.ledger.record_action(self.lease, self.gate, self.run_id, outcome)
        except Exception as error:  # noqa: BLE001 - done, but not written down: it is done again, which changes nothing
            self.faults.append(error)


def _plain(identifier: Any) -> list[Any]:
    return [str(part) for part in identifier.to_tuple()]


_current: ContextVar[ActionScope | None] = ContextVar("action_scope", default=None)


@contextmanager
def acting(scope: ActionScope) -> Iterator[ActionScope]:
    """Let the actions of a checkpoint act within this run."""
    token = _current.set(scope)
    try:
        yield scope
    finally:
        _current.reset(token)


def current() -> ActionScope | None:
    """The run a checkpoint is in."""
    return _current.get()
