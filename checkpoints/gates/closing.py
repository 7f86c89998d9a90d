"""The closing check: the conservation rule over all four stores. A batch that breaks it is never closed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from great_expectations.expectations.metadata_types import FailureSeverity
from great_expectations.expectations.row_conditions import Column

from checkpoints.core.assets import interactions
from checkpoints.gates import Stores, parameter
from expectations_plugins.core.checksums import Checksum
from expectations_plugins.expectations.ids import ExpectIdsToMatchChecksum, ExpectPublishedCountToMatch
from expectations_plugins.expectations.stores import ExpectStoresToReconcile
from pipeline.config import Settings
from pipeline.core.batch import CHECKSUM, Batch
from pipeline.core.fields import INTERACTION_ID, INTERACTIONS
from pipeline.core.records import MetricRow
from pipeline.stages.placement import current_manifest

EXPECTED = "loaded"
MEANINGS = {
    "accepted": "the records the load stage wrote, without those in quarantine",
    "checksum": "what the load stage wrote down of their ids, without those in quarantine",
    "published": "the interactions that this batch's published metrics add up to",
    "differences": "groups of metrics that differ from what the publish stage wrote",
    "vectorless": "vectors the API returned that must not be written",
}

SHOWN = 20

batches = interactions


def suite() -> list[Any]:
    """The conservation rule, a store at a time; every id of MongoDB is read once for all of them."""
    accepted = Column("quarantine").is_null()
    by_ids: dict[str, Any] = {
        "key": "_id",
        "row_condition": accepted,
        "comparison_key": INTERACTION_ID,
        "by_ids": True,
        "severity": FailureSeverity.CRITICAL,
    }
    return [
        ExpectIdsToMatchChecksum(
            key="_id",
            count=parameter("accepted"),
            checksum=parameter("checksum"),
            row_condition=accepted,
            severity=FailureSeverity.CRITICAL,
            notes="MongoDB holds exactly the records that were loaded. A person removes one that was added.",
        ),
        ExpectPublishedCountToMatch(
            published=parameter("published"),
            where="BigQuery",
            differences=parameter("differences"),
            key="_id",
            row_condition=accepted,
            severity=FailureSeverity.CRITICAL,
            notes="Analysts see each accepted record once, where it was counted.",
        ),
        ExpectStoresToReconcile(
            comparison_data_source="neo4j",
            comparison_asset=INTERACTIONS,
            notes="The graph holds exactly the records MongoDB accepted.",
            **by_ids,
        ),
        ExpectStoresToReconcile(
            comparison_data_source="milvus",
            comparison_asset="embeddings",
            required_condition=Column("message").is_not_null(),
            may_miss=parameter("vectorless"),
            notes="Each accepted record with a text has a vector, and nothing else has.",
            **by_ids,
        ),
    ]


def parameters(_: Settings, batch: Batch, stores: Stores) -> dict[str, Any]:
    """From what the stages wrote down, what is in quarantine, and what is published."""
    counts = batch.counts
    loaded = counts.read - counts.duplicate - counts.dead
    marked = Checksum.of(stores.raw_store.quarantined_ids(batch.batch_id) if counts.quarantined else ())
    kept = Checksum.read(batch.step("stage:load").counts.get(CHECKSUM) or ())
    published = stores.metrics().published(batch.batch_id)
    return {
        "loaded": loaded,
        "accepted": loaded - marked.count,
        "checksum": (kept - marked).as_list() if kept else [],
        "published": sum(row.interactions for row in published),
        "differences": _differences(batch, published, stores),
        "vectorless": _vectorless(batch),
    }


def _differences(batch: Batch, published: Sequence[MetricRow], stores: Stores) -> list[str]:
    """The groups that differ; MongoDB is asked for them only when the checksum says that some do."""
    kept = Checksum.read(batch.step("stage:publish").counts.get(CHECKSUM) or ())
    there = Counter(row.counted for row in published)
    if kept is None or Checksum.of(there.elements()) == kept:
        return []
    here = Counter(row.counted for row in stores.raw_store.metrics(batch.batch_id, include_quarantined=False))
    texts = [f"{one} is published and was not counted" for one in sorted((there - here).elements())]
    texts += [f"{one} was counted and is not published" for one in sorted((here - there).elements())]
    return texts[:SHOWN]


def _vectorless(batch: Batch) -> int:
    manifest = current_manifest(batch)
    if manifest is None or manifest.rolled_back_at:
        return 0
    return sum(manifest.rejected.values())
