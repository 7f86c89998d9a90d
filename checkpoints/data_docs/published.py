"""Which change of which batch the pages show: a small file beside them, so that what was not published is found again.

It holds the batches that changed last, and no more. A batch it does not know is published once more than it had to be.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC

from checkpoints.data_docs import addresses
from checkpoints.data_docs.storage import SiteFiles
from pipeline.core.batch import Batch


class Published:
    """What is known to be on the pages.

    Args:
        files: Where pages go.
    """

    def __init__(self, files: SiteFiles) -> None:
        self._files = files

    def left_out(self, changed: Sequence[Batch]) -> list[str]:
        """Ids of the batches whose last change is not on their pages."""
        known = self._known()
        return [name for name, change in _changes(changed).items() if known.get(name) != change]

    def note(self, changed: Sequence[Batch]) -> None:
        """Remember that these batches' last changes are on their pages; what else was known is forgotten."""
        if (found := _changes(changed)) != self._known():
            self._files.write(addresses.PUBLISHED, json.dumps(found))

    def _known(self) -> Mapping[str, str]:
        try:
            found = json.loads(self._files.read(addresses.PUBLISHED) or "{}")
        except ValueError:  # somebody wrote something else there
            return {}
        return found if isinstance(found, dict) else {}


def _changes(changed: Sequence[Batch]) -> dict[str, str]:
    return {one.batch_id: one.updated.astimezone(UTC).isoformat() for one in changed if one.updated}
