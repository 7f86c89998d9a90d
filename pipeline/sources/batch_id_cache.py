"""Which batches an object holds, remembered by its version: what has landed is fetched once, not with every run.

A file for each object below SLUICEGATE_HOME. Losing one costs a fetch.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pipeline.core.batches import BatchSource, FileStamp
from pipeline.storage import cache
from pipeline.storage.location import Remote
from pipeline.storage.private_folders import make_private

Limits = tuple[int, int, int]
"""Most records of a batch, most bytes of a file, most bytes of a record: they decide what is a batch."""


def recalled(place: Remote, stamp: FileStamp, limits: Limits) -> list[BatchSource] | None:
    """The batches of an object; None when they are not known, or are those of another version or other limits."""
    try:
        found = json.loads(_path(place).read_bytes())
        if not place.version or found["version"] != place.version or tuple(found["limits"]) != limits:
            return None
        return [
            BatchSource(str(batch_id), place, int(first), None if most is None else int(most), stamp, str(looks_like))
            for batch_id, first, most, looks_like in found["batches"]
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember(place: Remote, limits: Limits, batches: Sequence[BatchSource]) -> None:
    """Remember them; a disk that cannot be written costs a fetch."""
    found = [[one.batch_id, one.first_record, one.max_records, one.looks_like] for one in batches]
    document = {"version": place.version, "limits": limits, "batches": found}
    path = _path(place)
    part = path.with_name(f".{uuid.uuid4().hex}.part")
    with suppress(OSError):
        make_private(path.parent)
        part.write_text(json.dumps(document), "utf-8")
        part.replace(path)


def _path(place: Remote) -> Path:
    name = hashlib.sha256(place.url.encode("utf-8", "surrogatepass")).hexdigest()
    return cache.root() / "landed" / f"{name}.json"
