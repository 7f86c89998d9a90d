"""What became of a case in a store: exactly one of five outcomes, and what the store gives where it differs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tests.gx_cases.applicable import engines, not_applicable
from tests.gx_cases.asking import Asked
from tests.gx_cases.definitions import Definition
from tests.gx_cases.verdicts import differences, problems


class Kind(StrEnum):
    """What became of a case."""

    PASS = "pass"
    FAIL = "fail"
    AS_PANDAS = "as pandas"
    REFUSED = "refused"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case in a store.

    Args:
        kind: Which of the five.
        reason: Why it was refused or does not apply; "" for the others.
        gives: What the store gives, part by part, where that differs from the definition (fail) or from what GX's
            pandas engine gives (as pandas).
    """

    kind: Kind
    reason: str = ""
    gives: tuple[str, ...] = ()


def outcome(case: Definition, store: Asked, pandas: Asked) -> Outcome:
    """Ask the store, and GX's own pandas engine where the store's answer is not what the definition says."""
    if reason := not_applicable(case, store.place):
        return Outcome(Kind.NOT_APPLICABLE, reason)
    answer = store.answer(case)
    if answer.refused:
        return Outcome(Kind.REFUSED, answer.refused)
    wrong = problems(case, answer)
    if not wrong:
        return Outcome(Kind.PASS)
    theirs = pandas.answer(case)
    if "pandas" in engines(case) and problems(case, theirs):
        return Outcome(Kind.AS_PANDAS, gives=tuple(differences(answer, theirs)))
    return Outcome(Kind.FAIL, gives=tuple(wrong))


QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


def counts(outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """How many there are of each kind, and why cases do not apply or are refused."""
    found = list(outcomes)
    kinds = Counter(one.kind for one in found)
    return {
        **{str(kind): kinds[kind] for kind in Kind},
        "not applicable, by reason": _by_reason(found, Kind.NOT_APPLICABLE),
        "refused, by reason": _by_reason(found, Kind.REFUSED),
    }


def _by_reason(outcomes: Iterable[Outcome], kind: Kind) -> dict[str, int]:
    reasons = Counter(_general(one.reason) for one in outcomes if one.kind is kind)
    return dict(sorted(reasons.items()))


def _general(reason: str) -> str:
    """A reason without what to use instead and without the case's own names: every store refuses alike."""
    what = reason.rpartition(" cannot compute ")[2].partition(". ")[0]
    return QUOTED.sub("…", what)
