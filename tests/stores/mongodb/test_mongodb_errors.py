"""Which failures of MongoDB are worth another try."""

from __future__ import annotations

import bson.errors
import pymongo.errors
import pytest

from expectations_plugins.core.errors import ConfigurationError, TerminalError, TransientError
from expectations_plugins.mongodb.connection import connect
from expectations_plugins.mongodb.errors import ERRORS

PASSWORD = "hunter2secret"


@pytest.mark.parametrize(
    "error",
    [
        pymongo.errors.ServerSelectionTimeoutError("no server"),
        pymongo.errors.AutoReconnect("connection closed"),
        pymongo.errors.OperationFailure("stepped down", 189),
        pymongo.errors.OperationFailure("unknown", 99999, {"errorLabels": ["RetryableWriteError"]}),
        pymongo.errors.BulkWriteError({"writeErrors": [{"code": 11000}, {"code": 91}], "writeConcernErrors": []}),
    ],
    ids=repr,
)
def test_what_may_heal_is_transient(error: Exception) -> None:
    assert isinstance(ERRORS.classify(error, "loading"), TransientError)


@pytest.mark.parametrize(
    "error",
    [
        pymongo.errors.DocumentTooLarge("too large"),
        pymongo.errors.BulkWriteError({"writeErrors": [{"code": 91}, {"code": 121}], "writeConcernErrors": []}),
        bson.errors.InvalidDocument("cannot encode"),
    ],
    ids=repr,
)
def test_what_does_not_heal_is_terminal(error: Exception) -> None:
    assert isinstance(ERRORS.classify(error, "loading"), TerminalError)


def test_a_server_that_is_not_there_is_transient() -> None:
    database = connect("mongodb://127.0.0.1:1/", "test", timeout=0.2)
    with pytest.raises(TransientError, match="MongoDB: connecting failed"), ERRORS.guard("connecting"):
        database.command("ping")
    database.client.close()


@pytest.mark.parametrize(
    "uri",
    [
        f"http://user:{PASSWORD}@localhost/",
        f"mongodb://user:{PASSWORD}@local:host:port/",
        f"mongodb://user:{PASSWORD}/@localhost/",
        f"mongodb://user:{PASSWORD}@localhost/?w=-1&{PASSWORD}",
        "",
    ],
)
def test_an_address_that_cannot_be_used_is_not_repeated(uri: str) -> None:
    with pytest.raises(ConfigurationError, match="connection string") as caught:
        connect(uri, "test")
    assert PASSWORD not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_database_name_that_cannot_be_used_is_named() -> None:
    with pytest.raises(ConfigurationError, match="MONGODB_DATABASE"):
        connect("mongodb://localhost/", "a b$")
