"""`BigQueryVersionMark`: the dataset's schema version, a label of its table of metrics."""

from __future__ import annotations

from google.cloud import bigquery

from pipeline.stores.bigquery import queries
from pipeline.stores.bigquery.errors import ERRORS
from pipeline.stores.bigquery.tables import LABEL, RETRY, STORE, TIMEOUT, Tables


class BigQueryVersionMark:
    """Implements `pipeline.ports.upgrades.VersionMark`.

    Args:
        client: A client from `connect`; the caller closes it.
        dataset: The dataset's name.
    """

    store = STORE

    def __init__(self, client: bigquery.Client, dataset: str) -> None:
        self._client = client
        self._tables = Tables(client, dataset)
        self.where = f"dataset {dataset}"

    def found(self) -> int | None:
        """The dataset's version; None when it, or its table of metrics, does not exist."""
        with ERRORS.guard("reading the dataset's schema version"):
            return self._tables.version()

    def set(self, version: int) -> None:
        """Write the version down; other labels stay."""
        with ERRORS.guard("writing the dataset's schema version"):
            table = self._client.get_table(f"{self._tables.dataset}.{queries.METRICS}", retry=RETRY, timeout=TIMEOUT)
            table.labels = {**(table.labels or {}), LABEL: str(version)}
            self._client.update_table(table, ["labels"], retry=RETRY, timeout=TIMEOUT)
