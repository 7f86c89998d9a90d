"""SQL of the metrics store. Everything that enters it is checked: names are identifiers, batch ids hexadecimal digits.

Nothing here but `delete` changes or deletes a row: BigQuery cancels what mutates one table at the same time, and
never an INSERT.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from expectations_plugins.core.errors import ConfigurationError
from pipeline.core.fields import CAMPAIGN_ID
from pipeline.stores.bigquery import old_queries as old

METRICS = "metric_revisions"
PUBLICATIONS = "publications"
VIEW = "published_metrics"
COLUMNS = ("batch_id", CAMPAIGN_ID, "type", "window_start", "interactions", "distinct_users", "value")
WRITTEN = (*COLUMNS, "revision", "fence", "loaded_at")
PUBLICATION = ("batch_id", "fence", "sequence", "revision", "interactions", "published", "written_at")
LATEST_FIRST = "fence DESC, sequence DESC, revision DESC"

IDENTIFIER = re.compile(r"^[A-Za-z0-9_]{1,1024}$")
PROJECT = re.compile(r"^[A-Za-z0-9:.\-]{1,255}$")
BATCH_ID = re.compile(r"^[0-9a-f]{12,64}$")
REVISION = re.compile(r"^[0-9a-f]{16}_[0-9a-f]{16}$")


@dataclass(frozen=True, slots=True)
class Layout:
    """Which tables a dataset has.

    Args:
        dataset: `project.dataset`.
        has_new: Those of this version.
        has_old: Those of versions 1 and 2, not migrated yet.
    """

    dataset: str
    has_new: bool = True
    has_old: bool = False

    @property
    def publications(self) -> str:
        """What may follow FROM: every publication."""
        return self._of(PUBLICATIONS, PUBLICATION, old.publications(self.dataset))

    @property
    def rows(self) -> str:
        """What may follow FROM: every revision's rows."""
        return self._of(METRICS, (*COLUMNS, "revision"), old.rows(self.dataset))

    def _of(self, table: str, columns: Sequence[str], older: str) -> str:
        named = f"`{self.dataset}.{table}`"
        if not self.has_old:
            return named
        newer = f"SELECT {', '.join(columns)} FROM {named}\nUNION ALL\n" if self.has_new else ""
        return f"({newer}{older})"


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


def latest(layout: Layout, where: str = "TRUE") -> str:
    """The publication that counts, of each batch: of the highest fence the last one."""
    return f"""SELECT {", ".join(PUBLICATION)} FROM {layout.publications} AS p WHERE {where}
QUALIFY ROW_NUMBER() OVER (PARTITION BY batch_id ORDER BY {LATEST_FIRST}) = 1"""


def latest_of(layout: Layout, batch_id: str) -> str:
    """The publication that counts, of one batch."""
    return latest(layout, f"batch_id = '{checked_batch_id(batch_id)}'")


def view(layout: Layout) -> str:
    """What analysts read: of each published batch the rows of the revision that counts."""
    columns = ", ".join(f"m.{column}" for column in COLUMNS)
    return f"""SELECT {columns}, p.written_at AS published_at
FROM {layout.rows} AS m
JOIN ({latest(layout)}) AS p ON p.batch_id = m.batch_id AND p.revision = m.revision
WHERE p.published"""


def published(dataset: str, batch_id: str) -> str:
    """The rows of a batch that analysts see."""
    columns, batch = ", ".join(COLUMNS), f"'{checked_batch_id(batch_id)}'"
    return f"SELECT {columns} FROM `{dataset}.{VIEW}` WHERE batch_id = {batch}"


def nothing_appended(dataset: str) -> str:
    """A write of nothing, for a dry run: it is allowed when a batch's writes are."""
    return f"{append_from(dataset, METRICS)} WHERE FALSE"


def publish_revision(
    dataset: str, batch_id: str, revision: str, *, rows: int, interactions: int, published: bool, fence: int
) -> str:
    """Say that a revision counts, if its rows are all there, each once; one INSERT.

    Args:
        dataset: `project.dataset`.
        batch_id: The batch.
        revision: Under which its rows were appended.
        rows: How many that are.
        interactions: What they add up to.
        published: Whether analysts see them.
        fence: The writer's.
    """
    batch, named = f"'{checked_batch_id(batch_id)}'", f"'{_checked_revision(revision)}'"
    number = f"SELECT COALESCE(MAX(sequence), 0) + 1 FROM `{dataset}.{PUBLICATIONS}` WHERE batch_id = {batch}"
    return f"""INSERT INTO `{dataset}.{PUBLICATIONS}` ({", ".join(PUBLICATION)})
SELECT {batch}, {int(fence)}, ({number}), {named}, {int(interactions)}, {_bool(published)}, CURRENT_TIMESTAMP()
FROM (
  SELECT COUNT(*) AS n, COALESCE(SUM(interactions), 0) AS interactions
  FROM `{dataset}.{METRICS}` WHERE batch_id = {batch} AND revision = {named}
) AS found
WHERE found.n = {int(rows)} AND found.interactions = {int(interactions)}"""


def publish_latest(dataset: str, batch_id: str, content: str, *, interactions: int, fence: int) -> str:
    """Publish the revision that counts as it is, if the same fence has appended it with the same content; one INSERT.

    Args:
        dataset: `project.dataset`.
        batch_id: The batch.
        content: Hash of the rows, with which the revision begins.
        interactions: What they add up to.
        fence: The writer's.
    """
    same = f"p.fence = {int(fence)} AND p.interactions = {int(interactions)}"
    return f"""INSERT INTO `{dataset}.{PUBLICATIONS}` ({", ".join(PUBLICATION)})
SELECT p.batch_id, p.fence, p.sequence + 1, p.revision, p.interactions, TRUE, CURRENT_TIMESTAMP()
FROM ({latest_of(Layout(dataset), batch_id)}) AS p
WHERE {same} AND STARTS_WITH(p.revision, '{checked_batch_id(content)}_')"""


def append_from(dataset: str, table: str) -> str:
    """Append the rows of another table; one INSERT."""
    columns = ", ".join(WRITTEN)
    return f"INSERT INTO `{dataset}.{METRICS}` ({columns}) SELECT {columns} FROM `{dataset}.{table}`"


def superseded_rows(dataset: str, before: datetime) -> str:
    """What may follow FROM: rows, called `m`, that were appended before a time and do not count."""
    counted = (
        f"SELECT 1 FROM ({latest(Layout(dataset))}) AS p WHERE p.batch_id = m.batch_id AND p.revision = m.revision"
    )
    return f"`{dataset}.{METRICS}` AS m WHERE m.loaded_at < {_instant(before)} AND NOT EXISTS ({counted})"


def superseded_publications(dataset: str, before: datetime) -> str:
    """What may follow FROM: publications, called `q`, that were written before a time and do not count."""
    same = "p.batch_id = q.batch_id AND p.fence = q.fence AND p.sequence = q.sequence AND p.revision = q.revision"
    counted = f"SELECT 1 FROM ({latest(Layout(dataset))}) AS p WHERE {same}"
    return f"`{dataset}.{PUBLICATIONS}` AS q WHERE q.written_at < {_instant(before)} AND NOT EXISTS ({counted})"


def count(source: str) -> str:
    """How many there are."""
    return f"SELECT COUNT(*) AS n FROM {source}"


def delete(source: str) -> str:
    """Delete them."""
    return f"DELETE FROM {source}"


def _checked_revision(revision: str) -> str:
    if not REVISION.fullmatch(revision):
        raise ValueError(f"{revision!r} is no revision")
    return revision


def _bool(value: bool) -> str:
    return "TRUE" if value else "FALSE"


def _instant(at: datetime) -> str:
    return f"TIMESTAMP '{at:%Y-%m-%d %H:%M:%S}+00'"
