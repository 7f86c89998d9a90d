"""Sluicegate, as it is installed: the command line, and the place where everything is wired together.

Importing this package imports nothing else; in Sluicegate's own processes `sluicegate.launcher` finds the others.
"""

from __future__ import annotations

__all__ = ["__version__"]

__version__: str
"""The installed version; "0" where Sluicegate runs from a checkout that was not installed."""


def __getattr__(name: str) -> str:
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - only where it is asked for

    try:
        return version("sluicegate")
    except PackageNotFoundError:
        return "0"
