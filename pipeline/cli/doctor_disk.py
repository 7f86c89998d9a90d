"""The doctor's look at this machine: the folders that are written to, and the space there is."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from pipeline.config import Settings

LITTLE = 1_000_000_000
"""Bytes free below which a disk is nearly full: a day of results and pages takes tens of megabytes."""


def space(settings: Settings) -> str:
    """How much is free where the home folder is, or will be."""
    return f"{shutil.disk_usage(_existing(settings.home)).free / 1e9:,.1f} GB free"


def faults(settings: Settings) -> Iterator[str]:
    """What is wrong with the folders, in whole sentences. Places that are no folders are not looked at."""
    places = {
        "SLUICEGATE_HOME": settings.home,
        "SLUICEGATE_SPOOL": settings.spool_dir,
        "SLUICEGATE_GX": settings.gx_root,
        "SLUICEGATE_RESULTS_URL": settings.results_url,
        "SLUICEGATE_DOCS_URL": settings.docs_url,
    }
    full: set[int] = set()
    for name, place in places.items():
        if not isinstance(place, Path):
            continue
        folder = _existing(place)
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            yield f"{place} ({name}) cannot be written: make it writable, or name another."
        free, device = shutil.disk_usage(folder).free, folder.stat().st_dev
        if free < LITTLE and device not in full:
            full.add(device)
            yield f"The disk of {place} ({name}) has {free / 1e6:,.0f} MB left: make room, or name another."


def _existing(place: Path) -> Path:
    """The folder itself, or the nearest above it that is there."""
    return next(folder for folder in (place.absolute(), *place.absolute().parents) if folder.exists())
