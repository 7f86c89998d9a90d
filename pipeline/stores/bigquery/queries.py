"""SQL of the metrics store. Everything that enters it is checked: names are identifiers, batch ids hexadecimal digits.

The transaction is one script, and a batch id in it a literal: emulators give no parameters to scripts.
"""

from __future__ import annotations

import re

from expectations_plugins.core.errors import ConfigurationError
from pipeline.core.fields import CAMPAIGN_ID

METRICS = "interaction_metrics"
BATCHES = "batches"
FENCES = "fences"
VIEW = "published_metrics"

COLUMNS = ("batch_id", CAMPAIGN_ID, "type", "window_start", "interactions", "distinct_users", "value")
IDENTIFIER = re.compile(r"^[A-Za-z0-9_]{1,1024}$")
PROJECT = re.compile(r"^[A-Za-z0-9:.\-]{1,255}$")
BATCH_ID = re.compile(r"^[0-9a-f]{12,64}$")


def dataset_path(project: str, dataset: str) -> str:
    """`project.dataset`, checked.

    Raises:
        ConfigurationError: One of them is no BigQuery name.
    """
    if not PROJECT.fullmatch(project) or not IDENTIFIER.fullmatch(dataset):
        raise ConfigurationError(
            f"{project!r}.{dataset!r} is no BigQuery dataset.", next_step="Check BIGQUERY_PROJECT and BIGQUERY_DATASET."
        )
    return f"{project}.{dataset}"


def checked_batch_id(batch_id: str) -> str:
    """The id, which is safe in a name and in a literal.

    Raises:
        ConfigurationError: It is no batch id.
    """
    if not BATCH_ID.fullmatch(batch_id):
        raise ConfigurationError(f"{batch_id!r} is no batch id: it ought to be hexadecimal digits.")
    return batch_id


def staging_table(batch_id: str, content: str) -> str:
    """Name of the table a batch's rows are loaded into before they replace the old ones.

    Args:
        batch_id: The batch.
        content: Hash of the rows: a job of a crashed run that is still at work loads the same rows or another table.
    """
    return f"staging_{checked_batch_id(batch_id)}_{checked_batch_id(content)}"


def staged_sum(dataset: str, staging: str) -> str:
    """How many interactions the staged rows add up to."""
    return f"SELECT COALESCE(SUM(interactions), 0) AS interactions FROM `{dataset}.{staging}`"  # noqa: S608 - checked names


def replace_script(dataset: str, batch_id: str, staging: str, *, published: int | None, fence: int) -> str:
    """One transaction: the batch's rows are replaced by the staged ones, and the batch is published or not.

    Every statement holds only while no later fence has written; `highest_fence` tells afterwards whether one has.

    Args:
        dataset: `project.dataset`.
        batch_id: The batch.
        staging: The table its rows were loaded into.
        published: The interactions it is published with; None leaves it unpublished.
        fence: The writer's.
    """
    columns, batch = ", ".join(COLUMNS), f"'{checked_batch_id(batch_id)}'"
    later = f"SELECT 1 FROM `{dataset}.{FENCES}` WHERE batch_id = {batch} AND fence > {int(fence)}"  # noqa: S608
    held = f"NOT EXISTS ({later})"
    mark = "" if published is None else _mark_published(dataset, batch, published, held)
    return f"""BEGIN TRANSACTION;
DELETE FROM `{dataset}.{FENCES}` WHERE batch_id = {batch} AND fence <= {int(fence)};
INSERT INTO `{dataset}.{FENCES}` (batch_id, fence) SELECT {batch}, {int(fence)} FROM (SELECT 1) WHERE {held};
DELETE FROM `{dataset}.{METRICS}` WHERE batch_id = {batch} AND {held};
DELETE FROM `{dataset}.{BATCHES}` WHERE batch_id = {batch} AND {held};
INSERT INTO `{dataset}.{METRICS}` ({columns})
SELECT {columns} FROM `{dataset}.{staging}` WHERE {held};{mark}
COMMIT TRANSACTION;"""  # noqa: S608 - checked names


def _mark_published(dataset: str, batch: str, interactions: int, held: str) -> str:
    return f"""
INSERT INTO `{dataset}.{BATCHES}` (batch_id, published_at, interactions)
SELECT {batch}, CURRENT_TIMESTAMP(), {int(interactions)} FROM (SELECT 1) WHERE {held};"""  # noqa: S608 - checked names


def highest_fence(dataset: str, batch_id: str) -> str:
    """The highest fence that has written the batch."""
    batch = f"'{checked_batch_id(batch_id)}'"
    return f"SELECT MAX(fence) AS fence FROM `{dataset}.{FENCES}` WHERE batch_id = {batch}"  # noqa: S608


def published(dataset: str, batch_id: str) -> str:
    """The rows of a batch that analysts see."""
    columns, batch = ", ".join(COLUMNS), f"'{checked_batch_id(batch_id)}'"
    return f"SELECT {columns} FROM `{dataset}.{VIEW}` WHERE batch_id = {batch}"  # noqa: S608 - checked names


def view(dataset: str) -> str:
    """What analysts read: metrics of published batches."""
    columns = ", ".join(f"m.{column}" for column in COLUMNS)
    return f"""SELECT {columns}, b.published_at
FROM `{dataset}.{METRICS}` AS m JOIN `{dataset}.{BATCHES}` AS b ON b.batch_id = m.batch_id"""  # noqa: S608


def nothing_deleted(dataset: str) -> str:
    """A write of nothing, for a dry run: it is allowed when the batch's writes are."""
    return f"DELETE FROM `{dataset}.{METRICS}` WHERE FALSE"  # noqa: S608 - checked names
