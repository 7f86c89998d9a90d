"""Which version of Sluicegate this is; the ledger keeps it with every step."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

UNKNOWN = "0"
"""Where Sluicegate was not installed as a package: older than every release."""


@cache
def code_version() -> str:
    """The installed version, as PEP 440 spells it."""
    try:
        return version("sluicegate")
    except PackageNotFoundError:
        return UNKNOWN
