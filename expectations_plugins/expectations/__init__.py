"""Expectations that stock GX cannot say; importing this registers them with GX."""

from __future__ import annotations

from expectations_plugins.expectations.arrival import ExpectDeadLetterRateToBeBelow, ExpectDuplicateRateToBeBelow
from expectations_plugins.expectations.fallbacks import ExpectFallbackEmbeddingRateToBeBelow
from expectations_plugins.expectations.given_values import ExpectGivenValuesToBeReadable
from expectations_plugins.expectations.ids import ExpectIdsToMatchChecksum, ExpectPublishedCountToMatch
from expectations_plugins.expectations.references import (
    ExpectInteractionsToReferenceExistingCampaigns,
    ExpectRecordsToReferenceExistingTargets,
)
from expectations_plugins.expectations.repeats import ExpectRecordsNotToWaitElsewhere
from expectations_plugins.expectations.stores import ExpectStoresToReconcile
from expectations_plugins.expectations.texts import ExpectRefusedTextRateToBeBelow, ExpectTruncatedTextRateToBeBelow
from expectations_plugins.expectations.user_ids import ExpectUserIdsToBeWellFormed
from expectations_plugins.expectations.vectors import ExpectSampledVectorsToBeValid

__all__ = [
    "ExpectDeadLetterRateToBeBelow",
    "ExpectDuplicateRateToBeBelow",
    "ExpectFallbackEmbeddingRateToBeBelow",
    "ExpectGivenValuesToBeReadable",
    "ExpectIdsToMatchChecksum",
    "ExpectInteractionsToReferenceExistingCampaigns",
    "ExpectPublishedCountToMatch",
    "ExpectRecordsNotToWaitElsewhere",
    "ExpectRecordsToReferenceExistingTargets",
    "ExpectRefusedTextRateToBeBelow",
    "ExpectSampledVectorsToBeValid",
    "ExpectStoresToReconcile",
    "ExpectTruncatedTextRateToBeBelow",
    "ExpectUserIdsToBeWellFormed",
]
