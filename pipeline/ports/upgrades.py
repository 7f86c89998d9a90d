"""What a migration needs of the stores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pipeline.core.batch import Batch


class VersionMark(Protocol):
    """Where one database, dataset, graph or collection says which schema version its data has."""

    @property
    def store(self) -> str:
        """The store's name in `SCHEMAS`."""

    @property
    def where(self) -> str:
        """Which one it is, for people."""

    def found(self) -> int | None:
        """The version of its data, asked without changing anything; None when it holds none."""

    def set(self, version: int) -> None:
        """Write the version down, in place of an older one; writing it twice changes nothing."""


@dataclass(frozen=True, slots=True)
class Held:
    """A lease that has not expired."""

    batch_id: str
    holder: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Home:
    """Where the vectors of an embedding batch are, and the model that it belongs to."""

    collection: str
    model: str


class OldLedger(Protocol):
    """The ledger as a migration reads and completes it."""

    def leases(self) -> Sequence[Held]:
        """Leases that have not expired, by the server's clock."""

    def old(self) -> Iterator[Batch]:
        """Batches that are of an older version, or have a manifest without a collection: only their versions and
        embedding batches.
        """

    def count(self) -> int:
        """How many batches are of an older version."""

    def collections(self) -> Sequence[str]:
        """All collections that manifests name."""

    def replaced_by(self, embedding_batch_id: str) -> Sequence[str]:
        """Embedding batches that wrote over vectors of this one, and were not rolled back."""

    def place(self, batch_id: str, embedding_batch_id: str, home: Home) -> None:
        """Write into a manifest where its vectors are; nothing happens when it says so already."""

    def vanished_indexes(self) -> Sequence[str]:
        """Indexes that were made and are not there any more."""

    def forget_indexes(self) -> None:
        """Have every index made again by the next run."""

    def finish(self, batch_id: str, version: int) -> None:
        """Write down that the batch is of this version."""


class OldMetrics(Protocol):
    """The metrics that older versions wrote into tables of their own."""

    def left(self) -> int:
        """How many of their batches are not copied yet."""

    def changes(self) -> Sequence[str]:
        """What of them a copy holds otherwise, in words with counts."""

    def copy(self) -> None:
        """Copy them, and let analysts see the copy; what was copied is not copied again."""


class OldVectors(Protocol):
    """The settings' collection, as far as a migration asks it; nothing is prepared."""

    @property
    def collection(self) -> str:
        """Its name."""

    def model_of(self, embedding_batch_id: str) -> str | None:
        """The model that made vectors of this embedding batch, the settings' one when no model did.

        Returns:
            None when the collection holds no vector of it.
        """
