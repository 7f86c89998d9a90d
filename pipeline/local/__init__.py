"""The local stack: real servers on loopback, for when no store URI is set.

`LocalStack` starts, shares and stops them; `SERVERS` says which there are. Importing this package imports no driver and
no server: each server lives in a process of its own, and only that process imports it.
"""

from __future__ import annotations

from pipeline.local.endpoints import Endpoints
from pipeline.local.errors import MissingPackageError, StackError
from pipeline.local.specs import ALL, SERVERS, ServerSpec
from pipeline.local.stack import LocalStack
from pipeline.local.state import ServerState, ServerStatus

__all__ = [
    "ALL",
    "SERVERS",
    "Endpoints",
    "LocalStack",
    "MissingPackageError",
    "ServerSpec",
    "ServerState",
    "ServerStatus",
    "StackError",
]
