"""What versions 1 and 2 wrote, as SQL: read beside today's tables, until it is copied into them.

One table held the rows that counted (sums as FLOAT64, a partition a year), one the published batches, one the fences.
"""

from __future__ import annotations

from pipeline.core.fields import CAMPAIGN_ID

METRICS, BATCHES, FENCES = "interaction_metrics", "batches", "fences"

KEPT = ("batch_id", CAMPAIGN_ID, "type", "interactions", "distinct_users")
MIGRATED = "CONCAT('migrated_', CAST(o.fence AS STRING))"
FIRST_WINDOW, END_OF_WINDOWS = "TIMESTAMP '1900-01-01 00:00:00+00'", "TIMESTAMP '2200-01-01 00:00:00+00'"
"""Windows that a copy keeps: 3,600 months, of the 4,000 partitions that one statement may write to."""


def rows(dataset: str) -> str:
    """The rows, as one revision of each batch."""
    return f"""SELECT batch_id, {CAMPAIGN_ID}, type, window_start, interactions, distinct_users,
  SAFE_CAST(value AS NUMERIC) AS value, 'old' AS revision FROM `{dataset}.{METRICS}`"""


def publications(dataset: str) -> str:
    """What is said of each batch, as a publication."""
    return f"""SELECT k.batch_id, COALESCE(f.fence, 0) AS fence, 0 AS sequence, 'old' AS revision,
  COALESCE(b.interactions, 0) AS interactions, b.batch_id IS NOT NULL AS published,
  COALESCE(b.published_at, TIMESTAMP '1970-01-01 00:00:00+00') AS written_at
FROM (SELECT batch_id FROM `{dataset}.{METRICS}` UNION DISTINCT SELECT batch_id FROM `{dataset}.{BATCHES}`) AS k
LEFT JOIN (
  SELECT batch_id, MAX(fence) AS fence FROM `{dataset}.{FENCES}` GROUP BY batch_id
) AS f ON f.batch_id = k.batch_id
LEFT JOIN (
  SELECT batch_id, MAX(interactions) AS interactions, MAX(published_at) AS published_at
  FROM `{dataset}.{BATCHES}` GROUP BY batch_id
) AS b ON b.batch_id = k.batch_id"""


def copy_rows(dataset: str, into: str) -> str:
    """Append the rows that were not appended yet to a table; one INSERT.

    Args:
        dataset: `project.dataset`.
        into: The table.
    """
    return f"""INSERT INTO `{dataset}.{into}` ({", ".join(KEPT)}, window_start, value, revision, fence, loaded_at)
SELECT {", ".join(f"m.{name}" for name in KEPT)},
  IF(m.window_start >= {FIRST_WINDOW} AND m.window_start < {END_OF_WINDOWS}, m.window_start, NULL),
  SAFE_CAST(m.value AS NUMERIC), {MIGRATED}, o.fence, CURRENT_TIMESTAMP()
FROM `{dataset}.{METRICS}` AS m
JOIN ({publications(dataset)}) AS o ON o.batch_id = m.batch_id
LEFT JOIN (SELECT DISTINCT batch_id, revision FROM `{dataset}.{into}`) AS n
  ON n.batch_id = m.batch_id AND n.revision = {MIGRATED}
WHERE n.batch_id IS NULL"""


def copy_publications(dataset: str, into: str) -> str:
    """Append what is said of each batch and was not appended yet to a table; one INSERT.

    Args:
        dataset: `project.dataset`.
        into: The table.
    """
    return f"""INSERT INTO `{dataset}.{into}` (batch_id, fence, sequence, revision, interactions, published, written_at)
SELECT o.batch_id, o.fence, 1, {MIGRATED}, o.interactions, o.published, o.written_at
FROM {_not_in(dataset, into)}"""


def left(dataset: str, into: str | None) -> str:
    """How many batches were not copied yet.

    Args:
        dataset: `project.dataset`.
        into: The table of publications; None when there is none yet.
    """
    source = f"({publications(dataset)}) AS o" if into is None else _not_in(dataset, into)
    return f"SELECT COUNT(*) AS n FROM {source}"


def changed(dataset: str) -> str:
    """How many rows have a sum that NUMERIC cannot hold, or a window that is not kept, and the first batch of each."""
    lost = "SAFE_CAST(value AS NUMERIC) IS NULL"
    outside = f"(window_start < {FIRST_WINDOW} OR window_start >= {END_OF_WINDOWS})"
    return f"""SELECT COUNTIF({lost}) AS lost, MIN(IF({lost}, batch_id, NULL)) AS lost_batch,
  COUNTIF({outside}) AS outside, MIN(IF({outside}, batch_id, NULL)) AS outside_batch
FROM `{dataset}.{METRICS}`"""


def _not_in(dataset: str, into: str) -> str:
    return f"""({publications(dataset)}) AS o
LEFT JOIN (SELECT DISTINCT batch_id, revision FROM `{dataset}.{into}`) AS n
  ON n.batch_id = o.batch_id AND n.revision = {MIGRATED}
WHERE n.batch_id IS NULL"""
