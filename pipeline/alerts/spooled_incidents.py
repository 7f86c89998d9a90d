"""Incidents in the spool, for while the store is down: an outage of the ledger itself has to be notified, too.

`SpooledIncidents` stands in front of the store. What the spool holds goes into the store when that answers again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from expectations_plugins.core.errors import SluicegateError, TransientError
from pipeline.alerts.transitions import merged
from pipeline.core.former_alerts import incidents_of
from pipeline.core.incident import Incident, as_document, incident_in
from pipeline.ports.incidents import IncidentStore
from pipeline.storage.location import Place
from pipeline.storage.small_files import small_files

T = TypeVar("T")

FILE, LOCK = ".json", ".lock"
LOCK_SECONDS = 10.0
"""Longer than a file takes to be written: the process that made an older lock died."""

REST = 10.0
"""Seconds for which a store that did not answer is not asked again: each question may take seconds."""


class IncidentFiles(IncidentStore):
    """One file a key, in a folder of this machine or of objects.

    Args:
        folder: Where; made when it is first needed.
        clock: The time; this machine's when none is given.
    """

    def __init__(self, folder: Place, clock: Callable[[], datetime] | None = None) -> None:
        self._files = small_files(folder)
        self._clock = clock or (lambda: datetime.now(UTC))

    @property
    def problem(self) -> str:
        """ "": what it gives is all there is."""
        return ""

    def now(self) -> datetime:
        """This machine's clock."""
        return self._clock()

    def read(self, key: str) -> Incident | None:
        """The incident of a key; None when there is none, or the file is not one of ours."""
        with _spooling():
            return self._read(_name(key))

    def write(self, incident: Incident) -> bool:
        """Write an incident if it is still what was read; where no file is, there is nothing to write over."""
        name = _name(incident.key)
        with _spooling(), self._locked(name) as is_ours:
            stored = self._read(name) if is_ours else None
            if not is_ours or (stored is not None and stored.version != incident.version):
                return False
            newer = replace(incident, version=incident.version + 1)
            self._files.write(name, json.dumps(as_document(newer), default=str).encode("ascii"))
        return True

    def unsettled(self) -> Sequence[Incident]:
        """All that are there."""
        with _spooling():
            found = [self._read(name) for name in self._files.names() if name.endswith(FILE) and name[0] != "."]
        return sorted((one for one in found if one is not None), key=lambda one: one.key)

    def remove(self, incident: Incident) -> None:
        """It is in the store now."""
        with _spooling():
            self._files.delete(_name(incident.key))

    @contextmanager
    def _locked(self, name: str) -> Iterator[bool]:
        lock = f"{name}{LOCK}"
        with contextlib.suppress(FileNotFoundError):
            if datetime.now(UTC).timestamp() - self._files.changed(lock) > LOCK_SECONDS:
                self._files.delete(lock)
        try:
            self._files.create(lock)
        except FileExistsError:
            yield False
            return
        try:
            yield True
        finally:
            self._files.delete(lock)

    def _read(self, name: str) -> Incident | None:
        try:
            return incident_in(json.loads(self._files.read(name)))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError):  # not one of ours: sending twice is better than never
            return None


class SpooledIncidents(IncidentStore):
    """The store's incidents, and the spool's while the store does not answer.

    Args:
        connect: Gives the store; called when it is first needed, and again after it failed.
        spool: The spool.
        clock: The time; the store's, or this machine's while that is down, when none is given.
    """

    def __init__(
        self, connect: Callable[[], IncidentStore], spool: Place, clock: Callable[[], datetime] | None = None
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._connecting = threading.RLock()
        self._connected: IncidentStore | None = None
        self._failed: tuple[float, SluicegateError] | None = None
        self._is_imported = False
        self._files = IncidentFiles(spool / "incidents", clock)
        self._former = small_files(spool / "alerts")

    @property
    def problem(self) -> str:
        """Why only the spool's incidents are known."""
        return self._failed[1].message if self._failed else ""

    def now(self) -> datetime:
        """The store's clock; this machine's while the store is down."""
        return self._clock() if self._clock else self._either(lambda store: store.now())

    def read(self, key: str) -> Incident | None:
        """The latest incident of a key, in the store or else in the spool."""
        return self._either(lambda store: store.read(key))

    def write(self, incident: Incident) -> bool:
        """Write an incident where it was read, or in the spool when the store has failed since."""
        return self._either(lambda store: store.write(incident))

    def unsettled(self) -> Sequence[Incident]:
        """What is open, or over without a channel knowing it."""
        return self._either(lambda store: store.unsettled())

    def _either(self, ask: Callable[[IncidentStore], T]) -> T:
        try:
            return self._asked(ask)
        except SluicegateError:
            return ask(self._files)

    def _asked(self, ask: Callable[[IncidentStore], T]) -> T:
        with self._connecting:
            if self._failed is not None and time.monotonic() < self._failed[0] + REST:
                raise self._failed[1]
            try:
                if self._connected is None:
                    self._connected = self._connect()
                if not self._is_imported:
                    self._import(self._connected)
                    self._is_imported = True
                answer = ask(self._connected)
            except SluicegateError as error:
                self._failed, self._is_imported = (time.monotonic(), error), False
                raise
            self._failed = None
            return answer

    def _import(self, store: IncidentStore) -> None:
        """Put into the store what was noted while it was down. Another run may do the same: nothing is added twice."""
        spooled = _or_nothing(self._files.unsettled)
        for incident in spooled:
            if _import_one(store, incident):
                self._files.remove(incident)
        for name, incident in _or_nothing(lambda: list(self._former_alerts())):
            if _import_one(store, incident):
                with _spooling():
                    self._former.delete(name)

    def _former_alerts(self) -> Iterator[tuple[str, Incident]]:
        """What a program before incidents noted in the spool."""
        for name in self._former.names():
            with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError, FileNotFoundError):
                if name.endswith(FILE) and not name.startswith("."):
                    yield from ((name, one) for one in incidents_of([json.loads(self._former.read(name))]))


def _import_one(store: IncidentStore, incident: Incident) -> bool:
    return store.write(merged(store.read(incident.key), incident))


def _or_nothing(read: Callable[[], Sequence[T]]) -> Sequence[T]:
    """What the spool holds; a spool that cannot be read must not keep the store from being used."""
    try:
        return read()
    except (SluicegateError, OSError):
        return ()


def _name(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest() + FILE


@contextmanager
def _spooling() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TransientError(
            f"The incidents in the spool cannot be used: {error.strerror or type(error).__name__}.",
            next_step="Make room, or correct the permissions of the folder SLUICEGATE_SPOOL.",
        ) from error
