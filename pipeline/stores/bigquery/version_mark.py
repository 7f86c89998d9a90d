"""`BigQueryVersionMark`: the dataset's schema version, a label of its table of metrics."""

from __future__ import annotations

from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from pipeline.core.schema_versions import version_in
from pipeline.stores.bigquery import queries
from pipeline.stores.bigquery.errors import ERRORS
from pipeline.stores.bigquery.metrics_store import LABEL, RETRY, TIMEOUT


class BigQueryVersionMark:
    """Implements `pipeline.ports.upgrades.VersionMark`.

    Args:
        client: A client from `connect`; the caller closes it.
        dataset: The dataset's name.
    """

    store = "bigquery"

    def __init__(self, client: bigquery.Client, dataset: str) -> None:
        self._client = client
        self._table = f"{queries.dataset_path(client.project, dataset)}.{queries.METRICS}"
        self.where = f"dataset {dataset}"

    def found(self) -> int | None:
        """The dataset's version; None when it, or its table of metrics, does not exist."""
        with ERRORS.guard("reading the dataset's schema version"):
            try:
                table = self._client.get_table(self._table, retry=RETRY, timeout=TIMEOUT)
            except NotFound:
                return None
        return version_in((table.labels or {}).get(LABEL), self.store, self.where)

    def set(self, version: int) -> None:
        """Write the version down; other labels stay."""
        with ERRORS.guard("writing the dataset's schema version"):
            table = self._client.get_table(self._table, retry=RETRY, timeout=TIMEOUT)
            table.labels = {**(table.labels or {}), LABEL: str(version)}
            self._client.update_table(table, ["labels"], retry=RETRY, timeout=TIMEOUT)
