"""Great Expectations for stores: MongoDB, Neo4j and Milvus as data sources whose expectations run inside the store.

`register()` makes the data sources (`context.data_sources.add_mongodb`, `.add_neo4j`, `.add_milvus`) and the custom
expectations known to GX; a project that names them can be opened afterwards. Importing this package alone loads
nothing. Whatever is installed under the entry point group `sluicegate.plugins` is registered too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from great_expectations.data_context import AbstractDataContext

    from expectations_plugins.expectations import (
        ExpectDeadLetterRateToBeBelow,
        ExpectDuplicateRateToBeBelow,
        ExpectFallbackEmbeddingRateToBeBelow,
        ExpectGivenValuesToBeReadable,
        ExpectIdsToMatchChecksum,
        ExpectInteractionsToReferenceExistingCampaigns,
        ExpectPublishedCountToMatch,
        ExpectRecordsNotToWaitElsewhere,
        ExpectRecordsToReferenceExistingTargets,
        ExpectRefusedTextRateToBeBelow,
        ExpectSampledVectorsToBeValid,
        ExpectStoresToReconcile,
        ExpectTruncatedTextRateToBeBelow,
        ExpectUserIdsToBeWellFormed,
    )
    from expectations_plugins.milvus.datasource import MilvusDatasource
    from expectations_plugins.mongodb.datasource import MongoDBDatasource
    from expectations_plugins.neo4j.datasource import Neo4jDatasource
    from expectations_plugins.typed import DataSources

__all__ = [
    "DataSources",
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
    "MilvusDatasource",
    "MongoDBDatasource",
    "Neo4jDatasource",
    "data_sources",
    "register",
]


def register() -> None:
    """Make data sources, expectations and plug-ins known to GX; again, and from several threads, it changes nothing.

    A store whose driver is not installed is left out: its `add_…` says which package to install. A plug-in of somebody
    else that fails is named in a warning and left out.
    """
    from expectations_plugins.registering import register_everything  # noqa: PLC0415 - it loads GX

    register_everything()


def data_sources(context: AbstractDataContext) -> DataSources:
    """`context.data_sources` with the types of our data sources, for editors and type checkers; registers first.

    Args:
        context: A GX data context.
    """
    register()
    return cast("DataSources", context.data_sources)


def __getattr__(name: str) -> Any:
    """An expectation or a data source by its name, registered.

    Raises:
        AttributeError: There is none of that name.
        ConfigurationError: It is the data source of a store whose driver is not installed.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from expectations_plugins.registering import named  # noqa: PLC0415 - it loads GX

    register()
    return named(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
