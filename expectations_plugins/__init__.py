"""Great Expectations for stores: MongoDB, Neo4j and Milvus as data sources whose expectations run inside the store.

Importing this package registers the data sources (`context.data_sources.add_mongodb`, `.add_neo4j`, `.add_milvus`)
and the custom expectations with GX; a project's great_expectations.yml that names them can be loaded afterwards.
Whatever is installed under the entry point group `sluicegate.plugins` (checkpoint actions, above all) is imported too,
so that a project whose checkpoints use it loads in any process.
"""

from __future__ import annotations

from importlib.metadata import entry_points

from expectations_plugins.engine.isolation import isolate_expectations
from expectations_plugins.engine.type_expectations import teach_type_expectations
from expectations_plugins.expectations import (
    ExpectFallbackEmbeddingRateToBeBelow,
    ExpectInteractionsToReferenceExistingCampaigns,
    ExpectRecordsToReferenceExistingTargets,
    ExpectSampledVectorsToBeValid,
    ExpectStoresToReconcile,
    ExpectUserIdsToBeWellFormed,
)
from expectations_plugins.milvus.datasource import MilvusDatasource
from expectations_plugins.mongodb.datasource import MongoDBDatasource
from expectations_plugins.neo4j.datasource import Neo4jDatasource

__all__ = [
    "ExpectFallbackEmbeddingRateToBeBelow",
    "ExpectInteractionsToReferenceExistingCampaigns",
    "ExpectRecordsToReferenceExistingTargets",
    "ExpectSampledVectorsToBeValid",
    "ExpectStoresToReconcile",
    "ExpectUserIdsToBeWellFormed",
    "MilvusDatasource",
    "MongoDBDatasource",
    "Neo4jDatasource",
]

teach_type_expectations()
isolate_expectations()
for _plugin in entry_points(group="sluicegate.plugins"):
    _plugin.load()
