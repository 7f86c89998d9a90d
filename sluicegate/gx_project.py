"""Whether this program can use the GX project that is there; without Great Expectations, whose import takes seconds."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from expectations_plugins.core.errors import ConfigurationError
from pipeline.core.program import program

PROJECT_FILE = "great_expectations.yml"
OUR_MODULES = re.compile(r"^\s*module_name: ((?:checkpoints|expectations_plugins)(?:\.\w+)+)\s*$", re.MULTILINE)
"""Classes of ours that a project names by their module."""


def is_there(root: Path) -> bool:
    """Whether there is a project that this program can use.

    Args:
        root: Its folder.

    Raises:
        ConfigurationError: An older program wrote it, whose modules have moved since: every gate would fail on that.
    """
    try:
        text = (root / PROJECT_FILE).read_text("utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return False
    gone = [name for name in dict.fromkeys(OUR_MODULES.findall(text)) if not _is_module(name)]
    if gone:
        raise ConfigurationError(
            f"The Great Expectations project at {root} was written by an older Sluicegate: it names {gone[0]}, which"
            " has moved.",
            next_step=f"Write it again: {program()} gx sync. It is generated; keep a copy of what you changed in it.",
        )
    return True


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # a package above it is gone too
        return False
