"""Errors a MongoDB is told to answer with. A mongod can only when it was started with `enableTestCommands`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pymongo.database import Database
from pymongo.errors import OperationFailure

NO_SUCH_COMMAND = 59
EXCEEDED_TIME_LIMIT = 262
"""An answer that says an outage: the command took too long."""


class FailPoints:
    """The fail point `failCommand` of a server.

    Args:
        admin: Its database `admin`.
    """

    def __init__(self, admin: Database[dict[str, Any]]) -> None:
        self._admin = admin

    def fail(self, command: str, code: int, times: int) -> None:
        """The next so many of a command are answered with an error code."""
        self._set({"times": times}, data={"failCommands": [command], "errorCode": code})

    def heal(self) -> None:
        """Nothing fails any more."""
        self._set("off")

    def _set(self, mode: object, **more: object) -> None:
        try:
            self._admin.command("configureFailPoint", "failCommand", mode=mode, **more)
        except OperationFailure as error:
            if error.code != NO_SUCH_COMMAND:
                raise
            pytest.skip("this MongoDB has no fail points: see docs/testing.md")


@contextmanager
def fail_points(database: Database[dict[str, Any]]) -> Iterator[FailPoints]:
    """Those of the server of a database, healed at the end."""
    found = FailPoints(database.client.admin)
    found.heal()
    try:
        yield found
    finally:
        found.heal()
