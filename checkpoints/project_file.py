"""Whether there is a GX project that this program can use; GX, whose import takes seconds, is not imported for it."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from expectations_plugins.core.errors import ConfigurationError
from pipeline.core.program import program
from pipeline.core.topology import GATES

PROJECT_FILE = "great_expectations.yml"
OUR_MODULES = re.compile(r"^\s*module_name: ((?:checkpoints|expectations_plugins)(?:\.\w+)+)\s*$", re.MULTILINE)
"""Classes of ours that a project names by their module."""


def has_project(root: Path) -> bool:
    """Whether there is a project at `root`."""
    return (root / PROJECT_FILE).is_file()


def refuse_outdated(root: Path) -> None:
    """Refuse a project that another version of this program wrote, before any batch is touched.

    Args:
        root: The project's folder.

    Raises:
        ConfigurationError: It names modules of ours that have moved, or has no checkpoint for one of our gates: every
            check would fail on that. Or it cannot be read.
    """
    try:
        text = (root / PROJECT_FILE).read_text("utf-8", errors="replace")
    except OSError as error:
        raise ConfigurationError(
            f"The Great Expectations project at {root} cannot be read: {error.strerror}.",
            next_step="Make it readable, or set SLUICEGATE_GX to another project.",
        ) from None
    moved = [name for name in dict.fromkeys(OUR_MODULES.findall(text)) if not _is_module(name)]
    if moved:
        raise _outdated(root, f"it names {moved[0]}, which has moved")
    missing = [gate for gate in GATES if not (root / "checkpoints" / f"{gate}.json").is_file()]
    if missing:
        raise _outdated(root, f"it has no checkpoint for the {missing[0]} gate")


def _outdated(root: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"The Great Expectations project at {root} is not of this version: {why}.",
        next_step=f"Write it again: {program()} gx sync. It is generated; keep a copy of what you changed in it.",
    )


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # a package above it is gone too
        return False
