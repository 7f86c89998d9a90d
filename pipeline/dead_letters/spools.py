"""The shelf of a place: the one line that knows both kinds."""

from __future__ import annotations

from pipeline.dead_letters.spool import Shelf
from pipeline.dead_letters.spool_local import LocalShelf
from pipeline.dead_letters.spool_remote import RemoteShelf
from pipeline.storage.location import Place, Remote


def shelf_at(root: Place, note: str) -> Shelf:
    """The shelf at a place.

    Args:
        root: Where.
        note: Name of the file that says what a folder is.
    """
    return RemoteShelf(root, note) if isinstance(root, Remote) else LocalShelf(root)
