"""GX's store of results and pages in a folder, a whole file at a time: our GX project names it in every process.

A reader never meets half a file: it is written beside its place and then moved there.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from pathlib import Path
from typing import Any

from great_expectations.data_context.store.tuple_store_backend import TupleFilesystemStoreBackend

LEFT_BEHIND_S = 3_600.0
"""Seconds after which a file beside its place belongs to a process that was killed before it could move it there."""


class AtomicFilesystemStoreBackend(TupleFilesystemStoreBackend):
    """GX's store in a folder, but a file is replaced at once or not at all."""

    def _set(self, key: Any, value: Any, **kwargs: Any) -> Any:
        del kwargs
        parts = key if isinstance(key, tuple) else key.to_tuple()
        below: Any = self._convert_key_to_filepath
        target = Path(self.full_base_directory, below(parts))
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name[:80]}.{uuid.uuid4().hex[:8]}")
        try:
            beside.write_bytes(value.encode("utf-8") if isinstance(value, str) else value)
            beside.replace(target)
        except OSError:
            beside.unlink(missing_ok=True)
            raise
        return str(target)

    def sweep(self) -> None:
        """Remove what processes that were killed had not moved to its place."""
        for beside in Path(self.full_base_directory).rglob(".*.????????"):  # as `_set` names them
            with contextlib.suppress(FileNotFoundError):  # it was moved meanwhile
                if time.time() - beside.stat().st_mtime > LEFT_BEHIND_S:
                    beside.unlink()

    def get_url_for_key(self, key: Any, protocol: Any = None) -> str:
        """Where a browser finds a file, also in a folder whose name has spaces."""
        del protocol
        below: Any = self._convert_key_to_filepath
        return Path(self.full_base_directory, below(key)).absolute().as_uri()
