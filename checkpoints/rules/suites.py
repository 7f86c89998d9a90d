"""What each gate expects: one function a suite, in the order a reader wants to know it.

Values that differ from batch to batch, or that a person may set, are suite parameters; where each comes from is said
in `checkpoints.rules.parameters`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import great_expectations.expectations as gxe
from great_expectations.expectations.metadata_types import FailureSeverity

from checkpoints.rules.policy import GRAPH, RAW, VECTORS
from expectations_plugins.expectations import (
    ExpectFallbackEmbeddingRateToBeBelow,
    ExpectInteractionsToReferenceExistingCampaigns,
    ExpectSampledVectorsToBeValid,
    ExpectUserIdsToBeWellFormed,
)
from pipeline.core.embeddings import VECTOR_DIMENSION

Expectations = list[Any]


def raw() -> Expectations:
    """What was loaded into MongoDB."""
    pattern = _parameter("user_id_pattern")
    return [
        ExpectUserIdsToBeWellFormed(
            pattern=pattern,
            tolerance=_parameter("user_id_tolerance"),
            severity=FailureSeverity.CRITICAL,
            notes="Corrupt user_ids stop the batch before it reaches analysts, the graph or the vectors.",
        ),
        ExpectUserIdsToBeWellFormed(
            pattern=pattern,
            tolerance=0.0,
            severity=FailureSeverity.WARNING,
            notes="Even a tolerated bad user_id is quarantined.",
        ),
        gxe.ExpectTableRowCountToEqual(
            value=_parameter("loaded"),
            severity=FailureSeverity.CRITICAL,
            notes="MongoDB holds exactly the records the load stage says it accepted.",
        ),
        gxe.ExpectTableRowCountToBeBetween(
            min_value=_parameter("at_least"),
            severity=FailureSeverity.CRITICAL,
            notes="A file of nothing but dead letters is no empty batch: its format may have changed.",
        ),
        gxe.ExpectColumnValuesToNotBeNull(
            column="timestamp",
            severity=FailureSeverity.WARNING,
            notes="Records without a readable timestamp count in no 10-minute window.",
        ),
        gxe.ExpectColumnValuesToNotBeNull(
            column="type", severity=FailureSeverity.WARNING, notes="Records without a type count under no type."
        ),
    ]


def graph() -> Expectations:
    """What was written to Neo4j."""
    return [
        gxe.ExpectTableRowCountToEqual(
            value=_parameter("accepted"),
            severity=FailureSeverity.CRITICAL,
            notes="The graph holds exactly the records MongoDB accepted.",
        ),
        ExpectInteractionsToReferenceExistingCampaigns(
            severity=FailureSeverity.WARNING,
            notes="Orphans are for review: a campaign may arrive later than its first interaction.",
        ),
    ]


def vectors() -> Expectations:
    """What was written to Milvus."""
    return [
        ExpectSampledVectorsToBeValid(
            sample_ids=_parameter("sample_ids"),
            expected=_parameter("embeddings"),
            embedding_batch_id=_parameter("embedding_batch_id"),
            rejected=_parameter("rejected"),
            dimension=VECTOR_DIMENSION,
            threshold=_parameter("vector_tolerance"),
            min_invalid=_parameter("vector_min_invalid"),
            exact_scan=_parameter("vector_exact_scan"),
            severity=FailureSeverity.CRITICAL,
            notes="Search over broken vectors is silently wrong.",
        ),
        gxe.ExpectColumnValuesToBeInSet(
            column="fence",
            value_set=_parameter("fences"),
            severity=FailureSeverity.CRITICAL,
            notes="A vector with another fence was written by a run that had lost the batch; it is swept.",
        ),
        ExpectFallbackEmbeddingRateToBeBelow(
            max_rate=_parameter("fallback_tolerance"),
            severity=FailureSeverity.WARNING,
            notes="Fallback vectors keep the pipeline flowing while Gemini is down; they are to be replaced.",
        ),
    ]


SUITES: dict[str, Callable[[], Expectations]] = {RAW: raw, GRAPH: graph, VECTORS: vectors}
"""Each gate's suite."""


def _parameter(name: str) -> dict[str, str]:
    return {"$PARAMETER": name}
