"""The pages of suites: what each gate expects, and what happens when it is not so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from checkpoints.core.acted_on import actions_of
from checkpoints.data_docs.sentences import parameters_of, sentence, severity_of
from checkpoints.data_docs.states import SYMBOLS, VERDICTS
from checkpoints.gates import gate_file
from pipeline.core.policy import GATE_MARKS, MARKS, Consequence
from pipeline.core.topology import GATE_STEPS, GATES, store_title
from pipeline.core.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Expected:
    """One expectation of a suite; `state` is its verdict when it does not hold, `follows` what happens then."""

    name: str
    sentence: Markup
    why: str
    severity: str
    state: str
    follows: str


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
    parameters: tuple[tuple[str, str], ...]
    follows: tuple[Follows, ...]


def suite_page(suite: Any) -> SuitePage:
    """The page of a suite.

    Args:
        suite: GX's ExpectationSuite.
    """
    name = str(suite.name)
    step, meanings = GATE_STEPS.get(name), gate_file(name).MEANINGS if name in GATES else {}
    configurations = [expectation.configuration for expectation in suite.expectations]
    sentences = [sentence(one) for one in configurations]
    named = dict.fromkeys(parameter for one in configurations for parameter in parameters_of(one))
    return SuitePage(
        name=name,
        purpose=step.purpose if step else "",
        store=store_title(name),
        expectations=tuple(_expected(name, *pair) for pair in zip(configurations, sentences, strict=True)),
        parameters=tuple(
            (parameter, meanings.get(parameter, "")) for parameter in named if _is_in(parameter, sentences)
        ),
        follows=tuple(_follows(name)),
    )


def suite_pages(suites: Iterable[Any]) -> list[SuitePage]:
    """The pages of suites in the order a batch meets their gates; others after them, by name."""
    known = {gate: number for number, gate in enumerate(GATES)}
    return sorted(map(suite_page, suites), key=lambda page: (known.get(page.name, len(known)), page.name))


def _is_in(parameter: str, sentences: Iterable[str]) -> bool:
    return any(f"({parameter})" in one for one in sentences)


def _expected(gate: str, configuration: Any, words: Markup) -> Expected:
    notes, severity = configuration.notes, severity_of(configuration)
    verdict = Verdict.FAIL if severity == "critical" else Verdict.WARN
    return Expected(
        name=str(configuration.type),
        sentence=words,
        why="\n".join(notes) if isinstance(notes, list) else str(notes or ""),
        severity=severity,
        state=VERDICTS[verdict],
        follows=_in_words(_policy(gate).get(verdict), actions_of(gate, configuration, verdict)),
    )


def _policy(gate: str) -> Mapping[Verdict, Consequence]:
    return GATE_STEPS[gate].policy if gate in GATE_STEPS else {}


def _in_words(follows: Consequence | None, actions: Iterable[str]) -> str:
    if follows is None:
        return ""
    alert = f"a {follows.severity} alert" if follows.severity else ""
    marks = [MARKS[kind] for kind in actions]
    return ", ".join(part for part in (f"the batch {follows.batch}", *marks, alert) if part)


def _follows(gate: str) -> Iterable[Follows]:
    for verdict in Verdict:
        if found := _policy(gate).get(verdict):
            yield Follows(
                state=VERDICTS[verdict],
                verdict=str(verdict),
                batch=found.batch,
                mark=GATE_MARKS[found.mark],
                alert=found.severity,
                command=found.shown("BATCH"),
            )
