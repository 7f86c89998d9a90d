"""The graph gate: what was written to Neo4j."""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe
from great_expectations.expectations.metadata_types import FailureSeverity

from checkpoints.core.assets import graph
from checkpoints.gates import Stores, parameter
from expectations_plugins.expectations.references import ExpectInteractionsToReferenceExistingCampaigns
from pipeline.config import Settings
from pipeline.core.batch import Batch

EXPECTED = "accepted"
MEANINGS = {
    "accepted": "the batch's records in MongoDB that are not in quarantine",
}

batches = graph


def suite() -> list[Any]:
    """What was written to Neo4j."""
    return [
        gxe.ExpectTableRowCountToEqual(
            value=parameter("accepted"),
            severity=FailureSeverity.CRITICAL,
            notes="The graph holds as many records as MongoDB accepted; the closing check compares their ids.",
        ),
        ExpectInteractionsToReferenceExistingCampaigns(
            severity=FailureSeverity.WARNING,
            notes="Orphans are for review: a campaign may arrive later than its first interaction.",
        ),
    ]


def parameters(_: Settings, batch: Batch, stores: Stores) -> dict[str, Any]:
    """What MongoDB holds and has not quarantined."""
    accepted, _quarantined = stores.raw_store.counts(batch.batch_id)
    return {"accepted": accepted}
