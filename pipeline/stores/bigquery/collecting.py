"""`BigQueryCollector`: deletes what is superseded, the one thing that is ever deleted from the tables."""

from __future__ import annotations

from datetime import datetime

from google.cloud import bigquery

from pipeline.ports.stores import Superseded
from pipeline.stores.bigquery import queries
from pipeline.stores.bigquery.errors import ERRORS
from pipeline.stores.bigquery.tables import Tables


class BigQueryCollector:
    """Implements `pipeline.ports.stores.MetricsCollector`.

    Args:
        client: A client from `connect`; the caller closes it.
        dataset: The dataset's name.
    """

    def __init__(self, client: bigquery.Client, dataset: str) -> None:
        self._tables = Tables(client, dataset)

    def count(self, before: datetime) -> Superseded:
        """What would be deleted."""
        with ERRORS.guard("counting superseded metrics"):
            return Superseded(*(int(self._tables.run(queries.count(one))[0]["n"]) for one in self._sources(before)))

    def collect(self, before: datetime) -> Superseded:
        """Delete it; what was deleted."""
        with ERRORS.guard("deleting superseded metrics"):
            return Superseded(*(self._tables.changed_by(queries.delete(one)) for one in self._sources(before)))

    def _sources(self, before: datetime) -> tuple[str, str]:
        """The rows first: which of them count is said by the publications."""
        dataset = self._tables.dataset
        return queries.superseded_rows(dataset, before), queries.superseded_publications(dataset, before)
