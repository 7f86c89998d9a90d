"""Whether BigQuery can be used, without writing anything."""

from __future__ import annotations

from google.api_core.exceptions import NotFound
from google.cloud.bigquery import Client, QueryJobConfig

from expectations_plugins.core.errors import ConfigurationError
from pipeline.ports.checkup import Checkup
from pipeline.stores.bigquery import queries
from pipeline.stores.bigquery.errors import ERRORS

TIME_LIMIT = 10.0


def examine(client: Client, dataset: str) -> Checkup:
    """Look at the dataset's location, and at what the account may do.

    Args:
        client: A client from `connect`.
        dataset: The dataset's name.

    Raises:
        ConfigurationError: The dataset is elsewhere, or the account may not write.
        TransientError: It cannot be reached.
    """
    path = queries.dataset_path(client.project, dataset)
    with ERRORS.guard(f"looking for dataset {dataset}"):
        try:
            found = client.get_dataset(path, retry=None, timeout=TIME_LIMIT)  # type: ignore[arg-type]
        except NotFound:
            return Checkup("", (f"There is no dataset {dataset}: the first run makes it, in {client.location}.",))
        if str(found.location).casefold() != str(client.location).casefold():
            raise ConfigurationError(
                f"BigQuery: dataset {dataset} is in {found.location}, and BIGQUERY_LOCATION is {client.location}.",
                next_step=f"Set BIGQUERY_LOCATION={found.location}, or name another dataset: BIGQUERY_DATASET.",
            )
        _try_writing(client, path)
    return Checkup("")


def _try_writing(client: Client, path: str) -> None:
    config = QueryJobConfig(dry_run=True)  # planned and allowed, not run
    with ERRORS.guard("trying whether tables may be written"):
        try:
            client.query(queries.nothing_appended(path), config, retry=None, job_retry=None, timeout=TIME_LIMIT)  # type: ignore[arg-type]
        except NotFound:
            return  # the first run makes its tables
