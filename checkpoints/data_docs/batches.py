"""The page of one batch: where its records are, what each gate said, and what was done about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from checkpoints.data_docs.states import SYMBOLS, VERDICTS, Cell, cells, duration, row
from expectations_plugins.core.masking import Example, Masks
from pipeline.core.outcome import counts_in, passed_over_in
from pipeline.core.policy import DOCS, FLAG
from pipeline.core.rollback_plan import removal
from pipeline.core.topology import GATE_STEPS, STEPS, StepKind
from pipeline.core.verdicts import Verdict
from pipeline.runner.next_steps import NextStep, next_steps

Document = Mapping[str, Any]

EXAMPLES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What of the batches beside a batch can be linked to: there may be no page of them, or no longer.

    Args:
        before, after: Ids of the batches first seen before and after it; None for no page.
        parent: Whether the batch it was replayed from has a page.
    """

    before: str | None = None
    after: str | None = None
    parent: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Records in one place of the flow.

    Args:
        name: The place.
        count: Records there; None when the batch has not come so far.
        aside: What left the flow here, in words.
    """

    name: str
    count: int | None
    aside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step, with its times."""

    cell: Cell
    attempts: int
    start: datetime | None
    end: datetime | None
    seconds: float | None
    told: str


@dataclass(frozen=True, slots=True)
class FindingView:
    """What did not hold at a gate: the worst severity of those that say the same; `hidden` is the masked field."""

    severity: str
    summary: str
    expectation: str
    share: float | None
    column: str
    hidden: str
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class ActionView:
    """What a gate did, or is going to do."""

    action: str
    status: str
    detail: str


@dataclass(frozen=True, slots=True)
class GateView:
    """One gate's verdict and what followed; `page` is the path of its validation result, "" for none."""

    name: str
    state: str
    verdict: str
    passed_over: bool
    at: datetime | None
    page: str
    findings: tuple[FindingView, ...]
    actions: tuple[ActionView, ...]

    @property
    def symbol(self) -> str:
        """The sign of its verdict."""
        return SYMBOLS[self.state]


@dataclass(frozen=True, slots=True)
class BatchPage:
    """What a batch's page shows; `version` tells a page that is out of date."""

    batch_id: str
    name: str
    status: str
    reason: str
    source: str
    parent: str
    first_seen: datetime
    start: datetime | None
    end: datetime | None
    seconds: float
    next_steps: tuple[NextStep, ...]
    flow: tuple[Place, ...]
    steps: tuple[StepRow, ...]
    gates: tuple[GateView, ...]
    embedding: tuple[tuple[str, str], ...]
    beside: Neighbours
    version: str

    @property
    def symbol(self) -> str:
        """The sign of its status."""
        return SYMBOLS[self.status]


def batch_page(document: Document, beside: Neighbours, masks: Masks) -> BatchPage:
    """The page of a batch.

    Args:
        document: The batch's ledger document, whole.
        beside: What it links to.
        masks: Fields whose values are not shown.
    """
    listed, steps = row(document), tuple(_steps(document))
    return BatchPage(
        batch_id=listed.batch_id,
        name=listed.name,
        status=listed.status,
        reason=str(document.get("reason") or ""),
        source=listed.source,
        parent=str(document.get("parent") or ""),
        first_seen=listed.first_seen,
        start=min((step.start for step in steps if step.start), default=None),
        end=max((step.end for step in steps if step.end), default=None),
        seconds=duration(document),
        next_steps=next_steps(document),
        flow=tuple(_flow(document)),
        steps=steps,
        gates=tuple(_gates(document, masks)),
        embedding=tuple(_embedding(document)),
        beside=beside,
        version=version(document, beside),
    )


def _flow(document: Document) -> Iterator[Place]:
    counts, embedding = counts_in(document), document.get("embedding") or {}
    lost = _asides({"duplicate": counts.duplicate, "in the dead letters": counts.dead})
    yield Place("read from the file", counts.read, lost)
    yield Place("in MongoDB", counts.accepted + counts.quarantined, _asides({"quarantined": counts.quarantined}))
    yield Place("counted in published metrics", _counted(document, "stage:publish", "interactions"))
    yield Place("in the graph", _counted(document, "stage:graph", "interactions"), _orphans(document))
    gone = bool(embedding.get("rolled_back_at"))
    rejected = sum(int(count) for count in (embedding.get("rejected") or {}).values())
    written = int(embedding.get("written") or 0) if embedding else None
    wordless = max(counts.accepted - int(embedding.get("expected") or 0), 0) if embedding else 0
    aside = _asides(
        {
            "without a message": wordless,
            "fallback vectors": embedding.get("fallback"),
            "refused by their shape": rejected,
        }
    )
    yield Place("vectors in Milvus", 0 if gone else written, (*aside, "rolled back") if gone else aside)


def _asides(counts: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{int(count):,} {name}" for name, count in counts.items() if count)


def _orphans(document: Document) -> tuple[str, ...]:
    flags = next((name for name, step in GATE_STEPS.items() if FLAG in step.actions), "")
    findings = ((document.get("gates") or {}).get(flags) or {}).get("findings") or ()
    orphans = max((int(found.get("unexpected") or 0) for found in findings), default=0)
    return _asides({"orphaned": orphans})


def _counted(document: Document, step: str, name: str) -> int | None:
    known = (document.get("steps") or {}).get(step) or {}
    count = (known.get("counts") or {}).get(name)
    return None if count is None else int(count)


def _steps(document: Document) -> Iterator[StepRow]:
    for step, cell in zip(STEPS, cells(document), strict=True):
        known = (document.get("steps") or {}).get(step.key) or {}
        took = known.get("duration_s")
        yield StepRow(
            cell=cell,
            attempts=int(known.get("attempts") or 0),
            start=_utc(known.get("start_time")),
            end=_utc(known.get("end_time")),
            seconds=None if took is None else float(took),
            told=str(known.get("error") or step.purpose),
        )


def _gates(document: Document, masks: Masks) -> Iterator[GateView]:
    passed_over = passed_over_in(document)
    gates = document.get("gates") or {}
    for step in STEPS:
        if step.kind is StepKind.GATE and (gate := gates.get(step.name)):
            yield GateView(
                name=step.name,
                state=VERDICTS[Verdict(gate["verdict"])],
                verdict=str(gate["verdict"]),
                passed_over=step.name in passed_over,
                at=_utc(gate.get("at")),
                page=str(gate.get("page") or ""),
                findings=tuple(_findings(gate.get("findings") or (), masks)),
                actions=tuple(_actions(gate)),
            )


def _findings(found: Any, masks: Masks) -> Iterator[FindingView]:
    by_text: dict[tuple[Any, Any], list[Mapping[str, Any]]] = {}
    for finding in found:
        by_text.setdefault((finding.get("expectation"), finding.get("summary")), []).append(finding)
    for same in by_text.values():
        first, column = same[0], str(same[0].get("column") or "")
        checked, unexpected = int(first.get("checked") or 0), int(first.get("unexpected") or 0)
        yield FindingView(
            severity=str(first.get("severity")),
            summary=str(first.get("summary") or ""),
            expectation=str(first.get("expectation") or ""),
            share=unexpected / checked if checked else None,
            column=column,
            hidden=column if masks.hides(column) else "",
            examples=masks.examples(column, (first.get("examples") or ())[:EXAMPLES_SHOWN]),
        )


def _actions(gate: Mapping[str, Any]) -> Iterator[ActionView]:
    for intent in gate.get("intents") or ():
        if intent.get("action") != DOCS:  # this page is what became of it
            yield ActionView(
                action=str(intent.get("action")),
                status=str(intent.get("status")),
                detail=str(intent.get("detail") or ""),
            )


def _embedding(document: Document) -> Iterator[tuple[str, str]]:
    embedding = document.get("embedding") or {}
    if not embedding:
        return
    yield "embedding batch", str(embedding.get("embedding_batch_id"))
    if collection := embedding.get("collection"):
        yield "collection", f"{collection}, model {embedding.get('model')}"
    yield "written", f"{int(embedding.get('written') or 0):,} of {int(embedding.get('expected') or 0):,}"
    for reason, count in (embedding.get("rejected") or {}).items():
        yield "not written", f"{int(count):,}: {reason}"
    if at := _utc(embedding.get("rolled_back_at")):
        back = embedding.get("rolled_back") or {}
        yield "rolled back", f"{at:%Y-%m-%d %H:%M:%S}: {removal(back)}"


def _utc(at: Any) -> datetime | None:
    return at.astimezone(UTC) if isinstance(at, datetime) else None


def version(document: Document, beside: Neighbours) -> str:
    """Another one for every change of what a batch's page shows."""
    updated = _utc(document.get("updated"))
    return f"{updated.isoformat() if updated else '-'} {beside.before or '-'} {beside.after or '-'}"
