"""Where stores disagree about one record: what an operator has to know, in words, with the command that helps.

Each rule looks only at what was answered: a store that is down contradicts nobody.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterator

from expectations_plugins.core.defaults import VECTOR_DIMENSION
from pipeline.core.batches import BatchStatus, short
from pipeline.core.fields import CAMPAIGN_ID, USER_ID
from pipeline.core.program import program
from pipeline.core.traces import BatchSeen, Contradiction, EmbeddingSeen, Neighbourhood, RawRecord, Trace, VectorSeen

Found = Iterator[Contradiction]


def contradictions(found: Trace) -> Found:
    """Every disagreement, MongoDB's first."""
    for rule in RULES:
        yield from rule(found)


def _ledger(found: Trace) -> Found:
    if found.raw.value is not None and found.batch.value is None and not found.batch.problem:
        batch = short(found.raw.value.batch_id)
        yield Contradiction(
            f"MongoDB holds the record, but the ledger does not know its batch {batch}: the ledger was lost.",
            f"Restore the ledger from its backup, or run the batch's file again: {program()} run FILE",
        )


def _not_in_mongodb(found: Trace) -> Found:
    if found.raw.value is not None or found.raw.problem:
        return
    holders = [name for name, there in (("the graph", found.graph.value), ("Milvus", found.vector.value)) if there]
    if holders:
        yield Contradiction(
            f"MongoDB does not hold the record, but {' and '.join(holders)} {'do' if len(holders) > 1 else 'does'}.",
            f"Restore MongoDB from its backup, or run the file that brought it again: {program()} run FILE",
        )


def _quarantined_elsewhere(found: Trace) -> Found:
    raw = found.raw.value
    if raw is None or raw.quarantine is None:
        return
    for name, there in (("in the graph", found.graph.value), ("among the vectors", found.vector.value)):
        if there is not None:
            yield Contradiction(
                f"The record is in quarantine, but it is {name}: nothing of it may be there.", _judged_again(found)
            )


def _judged_again(found: Trace) -> str:
    batch = found.batch.value
    if batch is None or batch.status != BatchStatus.CLOSED:
        return _look(batch)
    return (
        f"Have it judged again, which writes its batch's graph and vectors anew: {program()} quarantine release"
        f" {shlex.quote(found.interaction_id)}"
    )


def _missing_from_graph(found: Trace) -> Found:
    batch = _went_through(found, "stage:graph")
    if batch is not None and found.graph.value is None and not found.graph.problem:
        yield Contradiction(
            f"The record is accepted and batch {short(batch.batch_id)} was written to the graph, but it is not there.",
            _graph_again(batch),
        )


def _missing_vector(found: Trace) -> Found:
    batch, raw = _went_through(found, "stage:embed"), found.raw.value
    if batch is None or raw is None or not raw.has_message or found.vector.value or found.vector.problem:
        return
    latest = batch.embeddings[-1] if batch.embeddings else None
    if latest is not None and latest.rolled_back_at is not None:
        return
    if latest is not None and latest.rejected:
        yield Contradiction(
            f"The record is accepted and has a message, but no vector: of its batch {latest.rejected:,} answers of the"
            " model could not be written, and this may be one.",
            _again(batch),
        )
        return
    if latest is not None and not latest.collection:
        yield Contradiction(
            "The record is accepted and its batch was embedded, but the settings' collection does not hold its vector,"
            " and the version that embedded it did not note in which collection.",
            f"If GEMINI_MODEL or MILVUS_COLLECTION was another then, trace it with that. {_again(batch)}",
        )
        return
    yield Contradiction(
        "The record is accepted, its batch was embedded, and it has a message, but no vector.", _again(batch)
    )


def _vector_without_message(found: Trace) -> Found:
    raw = found.raw.value
    if raw is not None and not raw.has_message and found.vector.value is not None:
        yield Contradiction("The record has no message, but a vector.", _look(found.batch.value))


def _vector_of_another(found: Trace) -> Found:
    vector, batch = found.vector.value, found.batch.value
    if vector is None or batch is None:
        return
    if vector.batch_id != batch.batch_id:
        yield Contradiction(
            f"Its vector is of batch {short(vector.batch_id)}, the record of batch {short(batch.batch_id)}.",
            _look(batch),
        )
        return
    wrote = next((one for one in batch.embeddings if one.embedding_batch_id == vector.embedding_batch_id), None)
    if problem := _writer_problem(vector, wrote):
        yield Contradiction(problem, _again(batch))


def _writer_problem(vector: VectorSeen, wrote: EmbeddingSeen | None) -> str:
    name = vector.embedding_batch_id
    if wrote is None:
        return f"The ledger does not know embedding batch {name}, which wrote its vector."
    if wrote.rolled_back_at is not None:
        return f"Embedding batch {name} was rolled back, but this vector of it is still there."
    if wrote.fence != vector.fence:
        return "Its vector was written by a run that had lost the batch (another fence); the next check sweeps it."
    return ""


def _broken_vector(found: Trace) -> Found:
    vector = found.vector.value
    if vector is None:
        return
    faults = {
        f"it has {vector.dimension} components, not {VECTOR_DIMENSION}": vector.dimension != VECTOR_DIMENSION,
        "all its components are zero": vector.norm == 0,
        "a component is not finite": not math.isfinite(vector.norm),
    }
    for words, holds in faults.items():
        if holds:
            yield Contradiction(f"Its vector is broken: {words}.", _again(found.batch.value))


def _graph_of_another(found: Trace) -> Found:
    graph, raw = found.graph.value, found.raw.value
    if graph is None or raw is None:
        return
    if graph.batch_id != raw.batch_id:
        yield Contradiction(
            f"The graph has it from batch {short(graph.batch_id)}, MongoDB from batch {short(raw.batch_id)}.",
            _look(found.batch.value),
        )
    yield from (Contradiction(words, _graph_again(found.batch.value)) for words in _differing(graph, raw))


def _differing(graph: Neighbourhood, raw: RawRecord) -> Iterator[str]:
    user, campaign = raw.fields.get(USER_ID), raw.fields.get(CAMPAIGN_ID)
    if not graph.users:
        yield "In the graph it is linked to no user."
    elif graph.users != (user,) and raw.quarantine is None:
        yield "In the graph it is linked to another user than the one MongoDB names."
    if graph.campaign_id != (campaign if isinstance(campaign, str) else None):
        yield "The graph and MongoDB name different campaigns."


def _unlinked(found: Trace) -> Found:
    graph = found.graph.value
    if graph is not None and graph.campaign_exists and not graph.in_catalogue:
        yield Contradiction(
            "The catalogue has its campaign, but the record is not linked to it.",
            f"Load the campaign again, which links what waits for it: {program()} campaigns load FILE",
        )


def _unflagged(found: Trace) -> Found:
    graph, batch = found.graph.value, found.batch.value
    if graph is None or batch is None or graph.in_catalogue or not batch.did("gate:graph"):
        return
    if graph.review is None:
        yield Contradiction("The record is an orphan, but nobody flagged it for review.", _look(batch))


def _flagged_for_nothing(found: Trace) -> Found:
    graph = found.graph.value
    if graph is not None and graph.in_catalogue and graph.review is not None and graph.review.state == "open":
        yield Contradiction(
            "It waits for review as an orphan, but its campaign is there and it is linked.",
            f"Say that it was looked at: {program()} review resolve {shlex.quote(found.interaction_id)} --note TEXT",
        )


def _metrics(found: Trace) -> Found:
    batch, raw, seen = found.batch.value, found.raw.value, found.metrics.value
    if batch is None or raw is None or found.metrics.problem or found.place is None:
        return
    name = short(batch.batch_id)
    if batch.status == BatchStatus.CLOSED and (seen is None or seen.published_at is None):
        yield Contradiction(f"Batch {name} is closed, but analysts do not see it: BigQuery has not published it.")
        return
    if seen is None:
        return
    if raw.quarantine is None and not seen.rows and batch.did("stage:aggregate"):
        yield Contradiction("The record is accepted, but no metrics row counts it.", _look(batch))
    if len(seen.rows) > 1:
        yield Contradiction(f"{len(seen.rows):,} metrics rows have its batch, campaign, type and window, not one.")
    if batch.status == BatchStatus.CLOSED and seen.published != batch.accepted:
        yield Contradiction(
            f"Batch {name} was published with {seen.published:,} interactions, the ledger says {batch.accepted:,}.",
            _look(batch),
        )


RULES: tuple[Callable[[Trace], Found], ...] = (
    _ledger,
    _not_in_mongodb,
    _quarantined_elsewhere,
    _metrics,
    _missing_from_graph,
    _graph_of_another,
    _unlinked,
    _unflagged,
    _flagged_for_nothing,
    _missing_vector,
    _vector_without_message,
    _vector_of_another,
    _broken_vector,
)
"""In the order in which a record meets the stores."""


def _went_through(found: Trace, step: str) -> BatchSeen | None:
    """The batch of an accepted record, when this step of it is done and nothing has taken it back."""
    raw, batch = found.raw.value, found.batch.value
    if raw is None or raw.quarantine is not None or batch is None:
        return None
    return batch if batch.did(step) and batch.status != BatchStatus.DEAD else None


def _again(batch: BatchSeen | None) -> str:
    """What writes the vectors of a batch again."""
    if batch is None or batch.status != BatchStatus.CLOSED:
        return _look(batch)
    name = short(batch.batch_id)
    return f"Embed the batch again: {program()} rollback {name}, then {program()} recheck {name} --redo"


def _graph_again(batch: BatchSeen | None) -> str:
    if batch is None or batch.status != BatchStatus.CLOSED:
        return _look(batch)
    return "A closed batch is not written to the graph again: restore Neo4j from its backup (docs/operations.md)."


def _look(batch: BatchSeen | None) -> str:
    return "" if batch is None else f"Look: {program()} status {short(batch.batch_id)}"
