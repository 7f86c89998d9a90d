"""Folders for what is not for everybody's eyes: raw records, results, pages, credentials of local servers."""

from __future__ import annotations

from pathlib import Path

PRIVATE = 0o700


def make_private(*folders: object) -> None:
    """Make those that are missing, and what they are in, for their owner alone; what is there keeps its mode.

    Args:
        folders: Paths; addresses of buckets and None are passed over.

    Raises:
        OSError: One cannot be made.
    """
    for folder in folders:
        if isinstance(folder, Path) and not folder.exists():
            make_private(folder.parent)
            folder.mkdir(mode=PRIVATE, exist_ok=True)
