"""The page of a validation result: what was expected, what was found, how bad it is, and how to find all of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dateutil.parser
from markupsafe import Markup

from checkpoints.core.verdicts import verdict_of
from checkpoints.data_docs.sentences import examples_headers, sentence, severity_of
from checkpoints.data_docs.states import SYMBOLS, VERDICTS
from expectations_plugins.core.masking import Example, Masks
from expectations_plugins.engine.observed import observed
from expectations_plugins.engine.rendering import examples_column, raised, share
from pipeline.core.fields import INTERACTION_ID, INTERACTIONS
from pipeline.core.topology import store_title
from pipeline.stores.mongodb.queries import accepted_filter

LANGUAGES = {"MongoDB": "mongosh", "Neo4j": "Cypher", "Milvus": "Python, pymilvus"}
SHOWN = 20
KEY = INTERACTION_ID


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample of vectors: shares in 0..1.

    Args:
        sampled, invalid: Vectors.
        low, high: The 95% interval of the invalid share; equal when every vector was read.
        threshold: The tolerated share.
        scanned, scanned_invalid: All vectors, read because the sample could not decide; 0 when it could.
        reasons: What is wrong, and how often.
    """

    sampled: int
    invalid: int
    low: float
    high: float
    threshold: float
    scanned: int
    scanned_invalid: int
    reasons: tuple[tuple[str, int], ...]

    @property
    def exact(self) -> bool:
        """Whether the sample held every vector."""
        return self.low == self.high

    @property
    def share(self) -> float:
        """The invalid share that was found."""
        return self.invalid / self.sampled if self.sampled else 0.0

    @property
    def scanned_share(self) -> float:
        """The invalid share of all vectors, where all were read."""
        return self.scanned_invalid / self.scanned if self.scanned else 0.0


@dataclass(frozen=True, slots=True)
class ExpectationView:
    """One expectation of a result.

    Args:
        name: GX's name of it.
        sentence: What is expected.
        why: Why it matters.
        severity: critical, warning or info.
        state: A key of `states.SYMBOLS`.
        observed: What was found.
        unexpected, checked: Records.
        raised: Why it could not be checked; "" when it could.
        headers: Names of the columns of examples.
        examples: Records that are not as expected, some of them.
        groups: What is missing, and how many records want it.
        sample: Of the vector gate.
        queries: What finds all unexpected records, each with the language it is in.
        hidden: The field whose values are shown as their shape; "" for none.
    """

    name: str
    sentence: Markup
    why: str
    severity: str
    state: str
    observed: str
    unexpected: int
    checked: int
    raised: str
    headers: tuple[str, str]
    examples: tuple[Example, ...]
    groups: tuple[tuple[str, int], ...]
    sample: Sample | None
    queries: tuple[tuple[str, str], ...]
    hidden: str

    def says_the_same(self, other: ExpectationView) -> bool:
        """Whether another one of a different severity names the same records."""
        return (self.name, self.observed, self.examples) == (other.name, other.observed, other.examples)

    @property
    def symbol(self) -> str:
        """Its sign."""
        return SYMBOLS[self.state]

    @property
    def share(self) -> float | None:
        """Unexpected of checked, 0..1; None when records were not counted."""
        return self.unexpected / self.checked if self.checked else None


@dataclass(frozen=True, slots=True)
class ResultPage:
    """What the page of a validation result shows.

    Args:
        suite: The suite's name, which is the gate's.
        state: A key of `states.SYMBOLS`.
        batch_id: The batch; "" when it was checked by hand.
        run_name, run_time: The check.
        store: Where the data is; "" when it is not one of ours.
        expectations: Worst first.
    """

    suite: str
    state: str
    batch_id: str
    run_name: str
    run_time: datetime | None
    store: str
    expectations: tuple[ExpectationView, ...]

    @property
    def symbol(self) -> str:
        """The sign of the verdict."""
        return SYMBOLS[self.state]


def result_page(result: Any, masks: Masks) -> ResultPage:
    """The page of a validation result.

    Args:
        result: GX's ExpectationSuiteValidationResult.
        masks: Fields whose values are not shown.
    """
    suite, meta = str(result.suite_name), result.meta or {}
    batch_id = str((meta.get("active_batch_definition") or {}).get("batch_identifiers", {}).get("batch_id") or "")
    store, (run_name, run_time) = store_title(suite), _run(meta.get("run_id"))
    views = tuple(_expectation(one, store, batch_id, masks) for one in result.results)
    seen = max((view.checked for view in views), default=0)
    return ResultPage(
        suite=suite,
        state=VERDICTS[verdict_of(result.results, expected=seen)],
        batch_id=batch_id,
        run_name=run_name,
        run_time=run_time,
        store=store,
        expectations=tuple(sorted(views, key=lambda view: WORST_FIRST.index(view.state))),
    )


WORST_FIRST = ("error", "fail", "warn", "pass")


def _run(run_id: Any) -> tuple[str, datetime | None]:
    """Name and time of a check, which GX gives as an object, or as a dict of what it has stored."""
    known = (
        run_id
        if isinstance(run_id, Mapping)
        else {name: getattr(run_id, name, None) for name in ("run_name", "run_time")}
    )
    at = known.get("run_time")
    moment = dateutil.parser.isoparse(at) if isinstance(at, str) else at
    return str(known.get("run_name") or ""), moment.astimezone(UTC) if moment else None


def _expectation(result: Any, store: str, batch_id: str, masks: Masks) -> ExpectationView:
    configuration, found = result.expectation_config, result.result or {}
    told = found.get("details")
    details: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    severity, problems, column = severity_of(configuration), raised(result), examples_column(configuration)
    return ExpectationView(
        name=str(configuration.type),
        sentence=sentence(configuration),
        why=_notes(configuration),
        severity=severity,
        state=_state(result.success, severity, problems),
        observed="" if problems else _observed(configuration, found, masks),
        unexpected=int(found.get("unexpected_count") or 0),
        checked=int(found.get("element_count") or 0),
        raised=problems[0] if problems else "",
        headers=examples_headers(configuration),
        examples=_examples(configuration, found, masks),
        groups=tuple((masks.value(column, key), int(count)) for key, count in details.get("missing_targets") or ()),
        sample=_sample(configuration.kwargs, details),
        queries=tuple(_queries(found, store, batch_id)),
        hidden=column if masks.hides(column) else "",
    )


def _queries(found: Mapping[str, Any], store: str, batch_id: str) -> Iterator[tuple[str, str]]:
    query, details = found.get("unexpected_index_query"), found.get("details")
    if not query or not found.get("unexpected_count"):
        return
    yield LANGUAGES.get(store, ""), str(query)
    if batch_id and isinstance(details, Mapping) and "missing" in (details.get("reasons") or ()):
        wanted = json.dumps(accepted_filter(batch_id, "", with_message=True))
        yield (
            "mongosh: the records that ought to have a vector",
            f"db.getCollection({json.dumps(INTERACTIONS)}).find({wanted}, {{_id: 1}})",
        )


def _state(success: bool, severity: str, problems: Sequence[str]) -> str:
    if problems:
        return "error"
    if success:
        return "pass"
    return "fail" if severity == "critical" else "warn"


def _notes(configuration: Any) -> str:
    notes = configuration.notes
    return "\n".join(notes) if isinstance(notes, list) else str(notes or "")


def _observed(configuration: Any, found: Mapping[str, Any], masks: Masks) -> str:
    if text := observed(configuration, found, masks):
        return text
    checked, unexpected = found.get("element_count"), int(found.get("unexpected_count") or 0)
    if checked is None:
        return ""
    if not checked:
        return "there is nothing to check"
    return (
        f"{share(unexpected, int(checked))} records are not as expected"
        if unexpected
        else f"all {int(checked):,} records are as expected"
    )


def _examples(configuration: Any, found: Mapping[str, Any], masks: Masks) -> tuple[Example, ...]:
    details, column = found.get("details"), examples_column(configuration)
    if isinstance(details, Mapping) and details.get("examples"):
        return masks.examples(column, details["examples"][:SHOWN])
    rows = [row for row in found.get("partial_unexpected_index_list") or () if isinstance(row, Mapping)][:SHOWN]
    if column:
        return masks.examples(column, [(row.get(KEY), row.get(column)) for row in rows])
    return tuple(Example(str(row.get(KEY)), _fields(row, masks)) for row in rows)


def _fields(row: Mapping[str, Any], masks: Masks) -> str:
    """What an expectation about several columns shows of a record."""
    return ", ".join(f"{name}: {masks.value(name, value)}" for name, value in row.items() if name != KEY)


def _sample(settings: Mapping[str, Any], details: Mapping[str, Any]) -> Sample | None:
    if "sampled" not in details:
        return None
    share = details["sample_invalid"] / details["sampled"] if details["sampled"] else 0.0
    interval = details.get("interval") or {"low": share, "high": share}
    return Sample(
        sampled=int(details["sampled"]),
        invalid=int(details["sample_invalid"]),
        low=float(interval["low"]),
        high=float(interval["high"]),
        threshold=float(settings.get("threshold", 0.05)),
        scanned=int(details["checked"]) if details.get("scanned") else 0,
        scanned_invalid=int(details["invalid"]) if details.get("scanned") else 0,
        reasons=tuple((str(name).replace("_", " "), int(count)) for name, count in details["reasons"].items() if count),
    )
