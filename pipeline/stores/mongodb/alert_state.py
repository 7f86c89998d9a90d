"""`MongoAlertBook`: who was told what, one document a channel and dedup key."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import pymongo
from pymongo.errors import DuplicateKeyError

from expectations_plugins.mongodb.connection import Database
from expectations_plugins.mongodb.errors import ERRORS
from pipeline.core.alert import Alert, Claim, ClaimAnswer, OpenAlert
from pipeline.ports.alert_state import AlertBook
from pipeline.stores.mongodb import alert_queries as queries
from pipeline.stores.mongodb.ledger_queries import NEVER

TIMEOUT = 5.0
"""Seconds for one call: an alert does not wait long for its book."""


class MongoAlertBook(AlertBook):
    """The collection `alerts`. It holds a few documents a channel and gate, so it needs no index but `_id`.

    Args:
        database: A handle from `connect`; the caller closes its client.
    """

    def __init__(self, database: Database) -> None:
        self._alerts = database.get_collection(queries.ALERTS)

    def claim(self, alert: Alert, channel: str, *, interval: float) -> Claim:
        """Take the right to tell a channel, for a minute, atomically; a refusal is counted as a repeat.

        Args:
            alert: What is to be told.
            channel: Whom.
            interval: Seconds before what is open is told again.
        """
        key, token = queries.key_of(alert.dedup_key, channel), uuid.uuid4().hex
        with self._bounded("claiming an alert"):
            self._ensure(key, alert, channel)
            condition = queries.to_tell_filter(key, alert.rank, interval)
            if self._alerts.update_one(condition, queries.claimed(token)).modified_count:
                return Claim(alert.dedup_key, channel, ClaimAnswer.GRANTED, token)
            claim = self._refused(alert.dedup_key, channel)
            if claim.answer is ClaimAnswer.TOLD:
                self._alerts.update_one({"_id": {"$eq": key}}, queries.repeated(alert.rank))
        return claim

    def claim_resolve(self, dedup_key: str, channel: str) -> Claim:
        """Take the right to tell a channel that an open key is over."""
        key, token = queries.key_of(dedup_key, channel), uuid.uuid4().hex
        with self._bounded("claiming the end of an alert"):
            if self._alerts.update_one(queries.to_resolve_filter(key), queries.claimed(token)).modified_count:
                return Claim(dedup_key, channel, ClaimAnswer.GRANTED, token)
            return self._refused(dedup_key, channel)

    def told(self, claim: Claim, alert: Alert) -> None:
        """The channel was told: the key is open there."""
        self._settle(claim, queries.told(alert))

    def resolved(self, claim: Claim) -> None:
        """The channel was told that it is over."""
        self._settle(claim, queries.resolved())

    def failed(self, claim: Claim, detail: str) -> None:
        """The channel could not be told; whoever comes next may try."""
        self._settle(claim, queries.failed(detail))

    def open_alerts(self, gate: str | None = None) -> Sequence[OpenAlert]:
        """What is open, or just being told, of one gate or of all; by key and channel."""
        with self._bounded("reading the open alerts"):
            rows = list(self._alerts.find(queries.open_filter(gate)))
        return sorted(map(_open_alert, rows), key=lambda row: (row.dedup_key, row.channel))

    def _ensure(self, key: str, alert: Alert, channel: str) -> None:
        with suppress(DuplicateKeyError):  # another run was quicker
            self._alerts.update_one(
                {"_id": {"$eq": key}}, queries.fresh(alert.dedup_key, channel, alert.gate), upsert=True
            )

    def _refused(self, dedup_key: str, channel: str) -> Claim:
        """Why the claim was not granted, a moment ago."""
        key = queries.key_of(dedup_key, channel)
        busy = self._alerts.find_one(queries.claimed_filter(key)) is not None
        row = self._alerts.find_one({"_id": {"$eq": key}}) or {}
        answer = ClaimAnswer.BUSY if busy else ClaimAnswer.TOLD
        return Claim(dedup_key, channel, answer, told_at=_moment(row, "told_at"))

    def _settle(self, claim: Claim, update: queries.Update) -> None:
        with self._bounded("recording what became of an alert"):
            self._alerts.update_one(
                queries.held_filter(queries.key_of(claim.dedup_key, claim.channel), claim.token), update
            )

    @contextmanager
    def _bounded(self, doing: str) -> Iterator[None]:
        with ERRORS.guard(doing), pymongo.timeout(TIMEOUT):
            yield


def _open_alert(row: Mapping[str, Any]) -> OpenAlert:
    texts = {name: str(row.get(name) or "") for name in ("gate", "severity", "title", "batch_id", "next_step")}
    return OpenAlert(
        dedup_key=str(row["dedup_key"]),
        channel=str(row["channel"]),
        **texts,
        opened_at=_moment(row, "opened_at"),
        told_at=_moment(row, "told_at"),
        told=int(row.get("told") or 0),
        repeats=int(row.get("repeats") or 0),
    )


def _moment(row: Mapping[str, Any], name: str) -> Any:
    found = row.get(name)
    return None if found == NEVER else found
