"""`MongoIncidents`: one document an incident, written only over the version that was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pymongo
from pymongo.errors import DuplicateKeyError

from expectations_plugins.mongodb.connection import Database
from expectations_plugins.mongodb.errors import ERRORS
from pipeline.core.former_alerts import incidents_of
from pipeline.core.incident import Incident, incident_in
from pipeline.ports.incidents import IncidentStore
from pipeline.stores.mongodb import incident_queries as queries
from pipeline.stores.mongodb.indexes import ensure

TIMEOUT = 5.0
"""Seconds for one call: an alert does not wait long for the store."""


class MongoIncidents(IncidentStore):
    """The collection `incidents`; what an older program left open in `alerts` is taken over when it is first used.

    Args:
        database: A handle from `connect`; the caller closes its client.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._incidents = database.get_collection(queries.INCIDENTS)
        self._is_prepared = False

    @property
    def problem(self) -> str:
        """ "": what it gives is all there is."""
        return ""

    def now(self) -> datetime:
        """The server's clock."""
        with self._bounded("asking for the time"):
            return self._database.server_time()

    def read(self, key: str) -> Incident | None:
        """The latest incident of a key; None when there never was one."""
        self._prepare()
        with self._bounded("reading an incident"):
            found = self._incidents.find_one(queries.of_key_filter(key), sort=queries.LATEST_FIRST)
        return _incident(found) if found else None

    def write(self, incident: Incident) -> bool:
        """Write an incident if it is still what was read."""
        self._prepare()
        document = queries.document_of(incident)
        with self._bounded("writing an incident"):
            if incident.version:
                unchanged = queries.unchanged_filter(incident)
                return self._incidents.replace_one(unchanged, document).matched_count == 1
            try:
                self._incidents.insert_one(document)
            except DuplicateKeyError:  # another run was quicker
                return False
        return True

    def unsettled(self) -> Sequence[Incident]:
        """Incidents that are open, or of which a channel has to be sent the end; by key."""
        self._prepare()
        with self._bounded("reading the open incidents"):
            found = [_incident(row) for row in self._incidents.find(queries.unsettled_filter())]
        return sorted(found, key=lambda one: (one.key, one.occurrence))

    def _prepare(self) -> None:
        if self._is_prepared:
            return
        with self._bounded("preparing the incidents"):
            ensure(self._database, queries.INCIDENTS, queries.INDEXES)
        self._is_prepared = True
        self._take_over()

    def _take_over(self) -> None:
        """What an older program left open, once: it is neither lost nor sent again."""
        former = self._database.get_collection(queries.FORMER)
        with self._bounded("reading the alerts of an older program"):
            rows = list(former.find(queries.former_filter()))
        for incident in incidents_of(rows):
            found = self.read(incident.key)
            if found is None or found.is_settled:  # else this program has opened it already
                self.write(incident)
        with self._bounded("marking the alerts of an older program"):
            former.update_many({"_id": {"$in": [row["_id"] for row in rows]}}, queries.former_moved())

    @contextmanager
    def _bounded(self, doing: str) -> Iterator[None]:
        with ERRORS.guard(doing), pymongo.timeout(TIMEOUT):
            yield


def _incident(row: Mapping[str, Any]) -> Incident:
    return incident_in(queries.plain_channels(row))
