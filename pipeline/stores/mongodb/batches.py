"""A batch's document in the ledger, read as the value it stands for: pure functions.

Programs of other versions wrote some of the documents: what is missing, or is of another type, becomes its default, and
what is not known is left out. So no document keeps a page or a run from the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from math import isfinite
from typing import Any, TypeVar

from pipeline.core.batch import Batch, EmbeddingState, GateState, IntentState, Span, StepState, StepStatus, Tombstone
from pipeline.core.batches import BatchStatus, LoadCounts
from pipeline.core.decision import Decision, DecisionKind
from pipeline.core.rollback_plan import RollbackNumbers
from pipeline.core.verdicts import ActionOutcome, Finding, Verdict
from pipeline.stores.mongodb.ledger_queries import NEVER, Document

Found = Mapping[str, Any]
E = TypeVar("E", bound=Enum)
T = TypeVar("T")


def batch_in(found: Found) -> Batch:
    """The batch of a document, or of a part of one."""
    return Batch(
        batch_id=text(found, "_id"),
        status=_member(BatchStatus, found, "status"),
        source=text(found, "source"),
        size=number(found, "size"),
        reason=text(found, "reason"),
        parent=text(found, "parent"),
        first_seen=moment(found, "first_seen"),
        start_time=moment(found, "start_time"),
        end_time=moment(found, "end_time"),
        updated=moment(found, "updated"),
        counted=LoadCounts.of(counts) if (counts := _object(found, "counts")) else None,
        span=_span(span) if (span := _object(found, "span")) else None,
        steps=_each(_step, found, "steps"),
        gates=_each(_gate, found, "gates"),
        embedding=_embedding(latest) if (latest := _object(found, "embedding")) else None,
        embeddings=_each(_embedding, found, "embeddings"),
        dropped=tombstone_in(found),
        decision=_decision(_object(found, "decision")),
        decisions=tuple(one for each in _objects(found, "decisions") if (one := _decision(each))),
        attempts=number(found, "attempts"),
        fence=number(found, "fence"),
        schema_version=number(found, "schema_version"),
    )


def tombstone_in(found: Found) -> Tombstone | None:
    """Who dropped what a document stands for; None when nobody did."""
    stone = _object(found, "dropped")
    return Tombstone(text(stone, "by"), text(stone, "why"), moment(stone, "at") or NEVER) if stone else None


def _decision(found: Found) -> Decision | None:
    """A decision; None where there is none."""
    kind = _member(DecisionKind, found, "kind") or DecisionKind.UNKNOWN
    return Decision(kind, _object(found, "data"), text(found, "by"), moment(found, "at")) if found else None


def text(found: Found, name: str) -> str:
    """A field as text; "" when there is none."""
    value = found.get(name)
    return "" if value is None else str(value)


def number(found: Found, name: str, default: int = 0) -> int:
    """A field as a whole number."""
    value = _number(found, name)
    return default if value is None else int(value)


def moment(found: Found, name: str) -> datetime | None:
    """A field as a time; None when it is none."""
    value = found.get(name)
    return value if isinstance(value, datetime) else None


def _number(found: Found, name: str) -> float | None:
    value = found.get(name)
    return value if isinstance(value, int | float) and isfinite(value) else None


def _flag(found: Found, name: str, *, default: bool = False) -> bool:
    value = found.get(name)
    return default if value is None else bool(value)


def _member(members: type[E], found: Found, name: str) -> E | None:
    try:
        return members(found.get(name))
    except ValueError:
        return None


def _object(found: Found, name: str) -> Document:
    value = found.get(name)
    return dict(value) if isinstance(value, Mapping) else {}


def _objects(found: Found, name: str) -> Iterator[Found]:
    return (one for one in _list(found, name) if isinstance(one, Mapping))


def _each(make: Callable[[Found], T], found: Found, name: str) -> dict[str, T]:
    """By name, the objects of an object."""
    return {key: make(one) for key, one in _object(found, name).items() if isinstance(one, Mapping)}


def _span(found: Found) -> Span:
    return Span(moment(found, "oldest"), moment(found, "newest"))


def _step(found: Found) -> StepState:
    return StepState(
        status=_member(StepStatus, found, "status"),
        attempts=number(found, "attempts"),
        start_time=moment(found, "start_time"),
        end_time=moment(found, "end_time"),
        duration_s=_number(found, "duration_s"),
        counts=_object(found, "counts"),
        error=text(found, "error"),
        code_version=text(found, "code_version"),
    )


def _gate(found: Found) -> GateState:
    return GateState(
        verdict=_member(Verdict, found, "verdict"),
        run_id=text(found, "run_id"),
        findings=tuple(map(_finding, _objects(found, "findings"))),
        actions=tuple(
            ActionOutcome(text(one, "action"), text(one, "status"), text(one, "detail"))
            for one in _objects(found, "actions")
        ),
        docs=text(found, "docs"),
        page=text(found, "page"),
        rate=_number(found, "rate"),
        parameters=_object(found, "parameters"),
        transient=_flag(found, "transient"),
        intents=tuple(map(_intent, _objects(found, "intents"))),
        at=moment(found, "at"),
        superseded=_flag(found, "superseded"),
    )


def _finding(found: Found) -> Finding:
    return Finding(
        expectation=text(found, "expectation"),
        severity=text(found, "severity"),
        summary=text(found, "summary"),
        unexpected=number(found, "unexpected"),
        checked=number(found, "checked"),
        examples=_pairs(found, "examples"),
        column=text(found, "column"),
    )


def _pairs(found: Found, name: str) -> tuple[tuple[str, str], ...]:
    return tuple((str(pair[0]), str(pair[1])) for pair in _list(found, name) if _is_pair(pair))


def _is_pair(value: object) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2  # noqa: PLR2004 - that is what a pair is


def _list(found: Found, name: str) -> Sequence[Any]:
    value = found.get(name)
    return value if isinstance(value, list | tuple) else ()


def _intent(found: Found) -> IntentState:
    status, detail = text(found, "status"), text(found, "detail")
    return IntentState(text(found, "action"), _object(found, "data"), status, detail, moment(found, "at"))


def _embedding(found: Found) -> EmbeddingState:
    rejected = _object(found, "rejected")
    return EmbeddingState(
        embedding_batch_id=text(found, "embedding_batch_id"),
        expected=number(found, "expected"),
        written=number(found, "written"),
        fallback=number(found, "fallback"),
        rejected={reason: number(rejected, reason) for reason in rejected},
        truncated=number(found, "truncated"),
        truncated_ids=tuple(map(str, _list(found, "truncated_ids"))),
        refused=_pairs(found, "refused"),
        accepted=number(found, "accepted"),
        sample_ids=tuple(map(str, _list(found, "sample_ids"))),
        number=number(found, "number", default=1),
        kind=text(found, "kind") or "embed",
        finished=_flag(found, "finished", default=True),
        was_finished=_flag(found, "was_finished"),
        fence=number(found, "fence"),
        collection=text(found, "collection"),
        model=text(found, "model"),
        rollback=_numbers(begun) if (begun := _object(found, "rollback")) else None,
        rolled_back=_numbers(done) if (done := _object(found, "rolled_back")) else None,
        rolled_back_at=moment(found, "rolled_back_at"),
    )


def _numbers(found: Found) -> RollbackNumbers:
    expected = _number(found, "expected")
    return RollbackNumbers(
        collection=text(found, "collection"),
        removed=number(found, "removed"),
        restored=number(found, "restored"),
        expected=None if expected is None else int(expected),
        exists=_flag(found, "exists", default=True),
    )
