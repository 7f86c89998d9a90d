"""The pages of suites: what each gate expects, and what happens when it is not so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from checkpoints.consequences import CONSEQUENCES
from checkpoints.site.results import STORES
from checkpoints.site.states import SYMBOLS, VERDICTS
from checkpoints.site.words import sentence, severity_of
from pipeline.model import Verdict
from pipeline.topology import STEPS, StepKind


@dataclass(frozen=True, slots=True)
class Expected:
    """One expectation of a suite."""

    name: str
    sentence: Markup
    why: str
    severity: str


@dataclass(frozen=True, slots=True)
class Follows:
    """What follows from a verdict of a gate."""

    state: str
    verdict: str
    batch: str
    mark: str
    alert: str
    command: str

    @property
    def symbol(self) -> str:
        """The sign of the verdict."""
        return SYMBOLS[self.state]


@dataclass(frozen=True, slots=True)
class SuitePage:
    """What the page of a suite shows."""

    name: str
    purpose: str
    store: str
    expectations: tuple[Expected, ...]
    follows: tuple[Follows, ...]


def suite_page(suite: Any) -> SuitePage:
    """The page of a suite.

    Args:
        suite: GX's ExpectationSuite.
    """
    name = str(suite.name)
    purposes = {step.name: step.purpose for step in STEPS if step.kind is StepKind.GATE}
    return SuitePage(
        name=name,
        purpose=purposes.get(name, ""),
        store=STORES.get(name, ""),
        expectations=tuple(_expected(expectation.configuration) for expectation in suite.expectations),
        follows=tuple(_follows(name)),
    )


def _expected(configuration: Any) -> Expected:
    notes = configuration.notes
    return Expected(
        name=str(configuration.type),
        sentence=sentence(configuration),
        why="\n".join(notes) if isinstance(notes, list) else str(notes or ""),
        severity=severity_of(configuration),
    )


def _follows(gate: str) -> Iterable[Follows]:
    for verdict in Verdict:
        if found := CONSEQUENCES.get((gate, verdict)):
            yield Follows(
                state=VERDICTS[verdict],
                verdict=str(verdict),
                batch=found.batch,
                mark=found.mark,
                alert=found.severity,
                command=found.command.format(batch="BATCH"),
            )
