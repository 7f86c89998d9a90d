"""The alert book over the store's, with files in the spool for while the store is down: an outage too is told once.

What was told during an outage stays in the spool until it is resolved.
"""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from expectations_plugins.core.errors import SluicegateError, TransientError
from pipeline.core.alert import Alert, Claim, ClaimAnswer, OpenAlert, rank_of
from pipeline.ports.alert_state import AlertBook
from pipeline.storage.location import Place
from pipeline.storage.small_files import small_files

CLAIM_SECONDS = 60.0
"""How long a claim in the spool lasts."""

ROW, CLAIM = ".json", ".claim"
"""How the names of what is open, and of who tells it, end."""

SPOOLED = "spool:"
"""How the token of a claim in the spool starts."""


class SpooledBook(AlertBook):
    """The store's book, and the spool's when the store does not answer.

    Args:
        connect: Gives the store's book; called when it is first needed, and again after it failed.
        folder: Where the spool keeps alerts; made when it is first needed.
    """

    def __init__(self, connect: Callable[[], AlertBook], folder: Place) -> None:
        self._connect = connect
        self._connecting = threading.Lock()
        self._connected: AlertBook | None = None
        self._files = AlertFiles(folder)

    def claim(self, alert: Alert, channel: str, *, interval: float) -> Claim:
        """Take the right to tell a channel, in the store or else in the spool."""
        row = self._files.row(alert.dedup_key, channel)
        if row is not None and not _is_news(row, alert, interval):
            return Claim(alert.dedup_key, channel, ClaimAnswer.TOLD, told_at=row.told_at)
        try:
            return self._store().claim(alert, channel, interval=interval)
        except SluicegateError:
            return self._files.claim(alert.dedup_key, channel)

    def claim_resolve(self, dedup_key: str, channel: str) -> Claim:
        """Take the right to tell a channel that an open key is over, where it is open."""
        if self._files.row(dedup_key, channel) is not None:
            return self._files.claim(dedup_key, channel)
        return self._store().claim_resolve(dedup_key, channel)

    def told(self, claim: Claim, alert: Alert) -> None:
        """The channel was told: the key is open there."""
        if not claim.token.startswith(SPOOLED):
            try:
                self._store().told(claim, alert)
            except SluicegateError:
                self._files.told(claim, alert)
            else:
                self._files.forget(claim)
            return
        self._files.told(claim, alert)

    def resolved(self, claim: Claim) -> None:
        """The channel was told that it is over."""
        if not claim.token.startswith(SPOOLED):
            self._store().resolved(claim)
            return
        self._files.forget(claim)
        with suppress(SluicegateError):  # it may have been open in the store before the outage
            stored = self._store().claim_resolve(claim.dedup_key, claim.channel)
            self._store().resolved(stored)

    def failed(self, claim: Claim, detail: str) -> None:
        """The channel could not be told; whoever comes next may try."""
        if claim.token.startswith(SPOOLED):
            self._files.let_go(claim)
        else:
            self._store().failed(claim, detail)

    def open_alerts(self, gate: str | None = None) -> Sequence[OpenAlert]:
        """What is open, of one gate or of all, in either book."""
        spooled = [row for row in self._files.rows() if gate in (None, row.gate)]
        known = {(row.dedup_key, row.channel) for row in spooled}
        stored = [row for row in self._store().open_alerts(gate) if (row.dedup_key, row.channel) not in known]
        return sorted([*spooled, *stored], key=lambda row: (row.dedup_key, row.channel))

    def _store(self) -> AlertBook:
        with self._connecting:
            if self._connected is None:
                self._connected = self._connect()
            return self._connected


class AlertFiles:
    """One file a channel and key that is open, and one beside it while somebody tells it.

    Args:
        folder: Where they are.
    """

    def __init__(self, folder: Place) -> None:
        self._files = small_files(folder)

    def row(self, dedup_key: str, channel: str) -> OpenAlert | None:
        """What is open of a key on a channel."""
        with _spooling():
            return self._read(_name(dedup_key, channel))

    def rows(self) -> Iterator[OpenAlert]:
        """All that is open."""
        with _spooling():
            for name in self._files.names():
                row = self._read(name) if name.endswith(ROW) and not name.startswith(".") else None
                if row is not None:
                    yield row

    def claim(self, dedup_key: str, channel: str) -> Claim:
        """Take the right to tell a channel, unless another run has it."""
        name = _name(dedup_key, channel, CLAIM)
        with _spooling():
            with suppress(FileNotFoundError):
                if datetime.now(UTC).timestamp() - self._files.changed(name) > CLAIM_SECONDS:
                    self._files.delete(name)  # whoever made it died
            try:
                self._files.create(name)
            except FileExistsError:
                return Claim(dedup_key, channel, ClaimAnswer.BUSY)
        return Claim(dedup_key, channel, ClaimAnswer.GRANTED, SPOOLED + uuid.uuid4().hex)

    def told(self, claim: Claim, alert: Alert) -> None:
        """The key is open now."""
        now, name = datetime.now(UTC), _name(claim.dedup_key, claim.channel)
        with _spooling():
            before = self._read(name) or OpenAlert(claim.dedup_key, claim.channel, alert.gate, opened_at=now)
            said = {name: getattr(alert, name) for name in ("severity", "title", "batch_id", "next_step")}
            row = replace(before, **said, told_at=now, told=before.told + 1)
            self._files.write(name, json.dumps(asdict(row), default=str).encode("ascii"))
        self.let_go(claim)

    def forget(self, claim: Claim) -> None:
        """The key is not open here."""
        with _spooling():
            self._files.delete(_name(claim.dedup_key, claim.channel))
        self.let_go(claim)

    def let_go(self, claim: Claim) -> None:
        """Give the right to tell back."""
        with _spooling():
            self._files.delete(_name(claim.dedup_key, claim.channel, CLAIM))

    def _read(self, name: str) -> OpenAlert | None:
        try:
            found: Mapping[str, Any] = json.loads(self._files.read(name))
            times = {name: datetime.fromisoformat(found[name]) for name in ("opened_at", "told_at")}
            return OpenAlert(**{**found, **times})
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):  # not one of ours: telling twice is better than never
            return None


def _name(dedup_key: str, channel: str, kind: str = ROW) -> str:
    return hashlib.sha256(f"{channel}|{dedup_key}".encode("utf-8", "replace")).hexdigest() + kind


def _is_news(row: OpenAlert, alert: Alert, interval: float) -> bool:
    due = row.told_at is None or datetime.now(UTC) - row.told_at >= timedelta(seconds=interval)
    return due or alert.rank > rank_of(row.severity)


@contextmanager
def _spooling() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TransientError(
            f"The alert book in the spool cannot be used: {error.strerror or type(error).__name__}.",
            next_step="Make room or mend the permissions of the folder SLUICEGATE_SPOOL.",
        ) from error
