"""`BigQueryOldMetrics`: what versions 1 and 2 wrote, copied into today's tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from google.cloud import bigquery

from pipeline.core.batches import short
from pipeline.stores.bigquery import old_queries as old
from pipeline.stores.bigquery import queries
from pipeline.stores.bigquery.errors import ERRORS
from pipeline.stores.bigquery.tables import CURRENT, Tables

CHANGES: Mapping[str, str] = {
    "lost": "have a value that NUMERIC cannot hold: it is NULL in the copy. Do their batches again: backfill --batch",
    "outside": "have a window before 1900 or after 2199: it is NULL in the copy",
}


class BigQueryOldMetrics:
    """Implements `pipeline.ports.upgrades.OldMetrics`: the tables of versions 1 and 2, which stay as they are.

    Args:
        client: A client from `connect`; the caller closes it.
        dataset: The dataset's name.
    """

    def __init__(self, client: bigquery.Client, dataset: str) -> None:
        self._tables = Tables(client, dataset)

    def left(self) -> int:
        """How many of their batches are not in today's tables yet."""
        with ERRORS.guard("counting the batches of older tables"):
            if self._tables.find(old.METRICS) is None:
                return 0
            into = queries.PUBLICATIONS if self._tables.find(queries.PUBLICATIONS) else None
            return int(self._tables.run(old.left(self._tables.dataset, into))[0]["n"])

    def changes(self) -> Sequence[str]:
        """What of their rows a copy holds otherwise."""
        with ERRORS.guard("looking at the rows of older tables"):
            if self._tables.find(old.METRICS) is None:
                return ()
            [row] = self._tables.run(old.changed(self._tables.dataset))
        return [
            f"{row[what]:,} row{'s' * (row[what] != 1)} of {old.METRICS} ({short(str(row[f'{what}_batch']))}) {why}"
            for what, why in CHANGES.items()
            if row[what]
        ]

    def copy(self) -> None:
        """Copy them and let the view show the copy; what was copied is not copied again."""
        with ERRORS.guard("copying the metrics of older tables"):
            self._tables.make()
            self._tables.changed_by(old.copy_rows(self._tables.dataset, queries.METRICS))
            self._tables.changed_by(old.copy_publications(self._tables.dataset, queries.PUBLICATIONS))
            self._tables.show(CURRENT)
