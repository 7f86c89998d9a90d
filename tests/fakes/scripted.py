"""Stages, gates and progress that do what a test has written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.core.batches import Lease
from pipeline.core.verdicts import Finding, GateReport, Verdict
from pipeline.ports.steps import BatchContext

Happening = BaseException | Callable[[BatchContext], None]


class ScriptedStage:
    """Implements pipeline.ports.Stage: each run takes the next happening of the script; after the last all is well."""

    def __init__(self, name: str, *script: Happening, counts: Mapping[str, Any] | None = None) -> None:
        self._name = name
        self._script = list(script)
        self._counts = counts or {}
        self.runs = 0
        self.contexts: list[BatchContext] = []

    @property
    def name(self) -> str:
        return self._name

    def run(self, context: BatchContext) -> Mapping[str, Any]:
        self.runs += 1
        self.contexts.append(context)
        happening = self._script.pop(0) if self._script else None
        if isinstance(happening, BaseException):
            raise happening
        if happening is not None:
            happening(context)
        return self._counts


class ScriptedGate:
    """Implements pipeline.ports.Gate: each check gives the next verdict of the script; after the last PASS."""

    def __init__(self, name: str, *verdicts: Verdict, transient: bool = False) -> None:
        self._name = name
        self._verdicts = list(verdicts)
        self._transient = transient
        self.leases: list[Lease | None] = []

    @property
    def name(self) -> str:
        return self._name

    def check(self, batch_id: str, lease: Lease | None) -> GateReport:
        self.leases.append(lease)
        verdict = self._verdicts.pop(0) if self._verdicts else Verdict.PASS
        bad = verdict not in {Verdict.PASS, Verdict.EMPTY}
        finding = Finding("expect_user_ids", "critical", "3 of 60 user_ids are malformed", 3, 60, (("i_1", "bad"),))
        return GateReport(
            gate=self._name,
            verdict=verdict,
            run_id=f"{batch_id[:6]}-{self._name}-{len(self.leases)}",
            findings=(finding,) if bad else (),
            transient=self._transient and verdict is Verdict.ERROR,
        )


class RecordedProgress:
    """Implements pipeline.ports.steps.Progress: keeps what it was told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, object]]] = []
        self.advances: list[tuple[str, int, int | None]] = []

    def event(self, name: str, **fields: object) -> None:
        self.events.append((name, fields))

    def advance(self, step: str, done: int, total: int | None) -> None:
        self.advances.append((step, done, total))

    def named(self, name: str) -> list[dict[str, object]]:
        return [fields for event, fields in self.events if event == name]
