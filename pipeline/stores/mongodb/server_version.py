"""Which servers are too old: no batch could be done on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from expectations_plugins.core.errors import ConfigurationError

OLDEST = 5
"""Of its queries `$dateTrunc`, `$getField` and `$setWindowFields` came with 5.0."""


def refuse_old(build_info: Mapping[str, Any]) -> None:
    """Refuse a server that lacks what our queries use; one that does not say its version is taken for new enough.

    Args:
        build_info: What the command `buildInfo` answers.

    Raises:
        ConfigurationError: It is too old.
    """
    major = next(iter(build_info.get("versionArray") or ()), OLDEST)
    if int(major) < OLDEST:
        raise ConfigurationError(
            f"MongoDB {build_info.get('version')} is older than {OLDEST}.0, whose queries are used.",
            next_step="Upgrade the server, or name another: MONGODB_URI.",
        )
