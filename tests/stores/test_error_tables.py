"""Every exception of every driver is decided upon: an outage, a refusal of our settings, or for good."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import google.api_core.exceptions
import google.auth.exceptions
import google.cloud.bigquery
import google.generativeai
import grpc
import neo4j.exceptions
import pymongo.errors
import pytest
import requests.exceptions

from expectations_plugins.core.error_table import ErrorTable
from expectations_plugins.core.errors import ConfigurationError, SluicegateError, TerminalError, TransientError
from expectations_plugins.milvus.connection import connect as connect_vectors
from expectations_plugins.milvus.errors import ERRORS as MILVUS
from expectations_plugins.mongodb.errors import ERRORS as MONGODB
from expectations_plugins.neo4j.connection import connect as connect_graph
from expectations_plugins.neo4j.errors import ERRORS as NEO4J
from pipeline.embedding.errors import ERRORS as GEMINI
from pipeline.stores.bigquery.connection import connect as connect_metrics
from pipeline.stores.bigquery.errors import ERRORS as BIGQUERY
from pipeline.stores.bigquery.metrics_store import BigQueryMetricsStore

DRIVERS = [
    (MONGODB, ("pymongo", "bson", "gridfs")),
    (NEO4J, ("neo4j",)),
    (MILVUS, ("pymilvus", "grpc")),
    (BIGQUERY, ("google.api_core", "google.auth", "google.cloud", "google.resumable_media", "requests")),
    (GEMINI, ("google.api_core", "google.generativeai", "google.ai", "requests")),
]
"""Each table, and the packages whose exceptions it decides upon."""

NOT_RAISED_AT_US = {
    "google.api_core.iam": "access policies, which we do not touch",
    "google.api_core.universe": "Google's sovereign clouds, which no setting leads to",
    "google.cloud.bigquery.exceptions": "pandas, pyarrow and the Storage API, which we do not use",
    "google.generativeai.types.generation_types": "texts that a model writes",
    "google.resumable_media.common": "the client raises google.api_core's in their place",
    "grpc.aio": "asyncio",
    "grpc.experimental": "experiments",
    "requests.cookies": "cookies",
}
"""Modules whose exceptions need no verdict, and what they are about."""


def exceptions_of(
    packages: tuple[str, ...], kind: type[BaseException] = BaseException
) -> Iterator[type[BaseException]]:
    """Every public exception class of the packages that is loaded, in whatever module; warnings are none."""
    for one in kind.__subclasses__():
        if issubclass(one, Warning):
            continue
        yield from exceptions_of(packages, one)
        private = any(part.startswith("_") for part in (*one.__module__.split("."), one.__name__))
        if not private and any(f"{one.__module__}.".startswith(f"{package}.") for package in packages):
            yield one


def name_of(kind: type[BaseException]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def unraised(kind: type[BaseException]) -> bool:
    return any(f"{kind.__module__}.".startswith(f"{module}.") for module in NOT_RAISED_AT_US)


@pytest.mark.parametrize(("table", "packages"), DRIVERS, ids=lambda value: getattr(value, "store", ""))
def test_the_table_names_every_exception_of_the_driver(table: ErrorTable, packages: tuple[str, ...]) -> None:
    kinds = {kind for kind in exceptions_of(packages) if not unraised(kind)}
    assert len(kinds) > 20
    assert {name_of(kind) for kind in kinds - {*table.transient, *table.terminal}} == set()
    assert {name_of(kind) for kind in kinds if not issubclass(kind, table.base)} == set()


@pytest.mark.parametrize("table", [table for table, _ in DRIVERS], ids=lambda table: table.store)
def test_no_exception_is_of_two_kinds(table: ErrorTable) -> None:
    assert not set(table.transient) & set(table.terminal)
    assert not set(table.transient) & set(table.refused)
    assert set(table.refused) <= set(table.terminal)


class Refusal(grpc.RpcError):  # type: ignore[misc]
    """A gRPC status as a call raises it."""

    def __init__(self, status: grpc.StatusCode) -> None:
        super().__init__(status.name)
        self._status = status

    def code(self) -> grpc.StatusCode:
        return self._status


def neo4j_error(code: str) -> BaseException:
    return neo4j.exceptions.Neo4jError._hydrate_neo4j(code=code, message="no")


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


UNTRUSTED = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1006)"
CUT = ssl.SSLEOFError(8, "EOF occurred in violation of protocol")
BAD_KEY = "API key not valid. Please pass a valid API key."


@pytest.mark.parametrize(
    ("table", "error", "kind"),
    [
        (MONGODB, pymongo.errors.OperationFailure("no", 18), ConfigurationError),
        (MONGODB, pymongo.errors.OperationFailure("no", 13), ConfigurationError),
        (MONGODB, pymongo.errors.OperationFailure("bad auth", 8000), ConfigurationError),
        (MONGODB, pymongo.errors.ServerSelectionTimeoutError(UNTRUSTED), ConfigurationError),
        (MONGODB, pymongo.errors.AutoReconnect("closed"), TransientError),
        (NEO4J, neo4j_error("Neo.ClientError.Security.Unauthorized"), ConfigurationError),
        (NEO4J, neo4j_error("Neo.ClientError.Security.Forbidden"), ConfigurationError),
        (NEO4J, neo4j_error("Neo.ClientError.Database.DatabaseNotFound"), ConfigurationError),
        (NEO4J, neo4j_error("Neo.ClientError.Security.AuthorizationExpired"), TransientError),
        (NEO4J, neo4j_error("Neo.TransientError.Transaction.DeadlockDetected"), TransientError),
        (NEO4J, neo4j_error("Neo.ClientError.Statement.SyntaxError"), TerminalError),
        (MILVUS, Refusal(grpc.StatusCode.UNAUTHENTICATED), ConfigurationError),
        (MILVUS, Refusal(grpc.StatusCode.PERMISSION_DENIED), ConfigurationError),
        (MILVUS, Refusal(grpc.StatusCode.UNAVAILABLE), TransientError),
        (MILVUS, Refusal(grpc.StatusCode.INVALID_ARGUMENT), TerminalError),
        (BIGQUERY, google.api_core.exceptions.Unauthorized("no"), ConfigurationError),
        (BIGQUERY, google.auth.exceptions.DefaultCredentialsError("no"), ConfigurationError),
        (BIGQUERY, google.auth.exceptions.TransportError(UNTRUSTED), ConfigurationError),
        (GEMINI, google.api_core.exceptions.Forbidden("suspended"), ConfigurationError),
        (GEMINI, google.api_core.exceptions.BadRequest(BAD_KEY), ConfigurationError),
        (GEMINI, google.api_core.exceptions.BadRequest("text too long"), TerminalError),
        (GEMINI, google.api_core.exceptions.TooManyRequests("quota"), TransientError),
        *(
            (table, error, kind)
            for table in (BIGQUERY, GEMINI)
            for error, kind in (
                (requests.exceptions.SSLError("[SSL: WRONG_VERSION_NUMBER] wrong version number"), ConfigurationError),
                (caused(requests.exceptions.SSLError("cut"), CUT), TransientError),
                (requests.exceptions.ConnectTimeout("slow"), TransientError),
                (requests.exceptions.InvalidURL("no"), TerminalError),
            )
        ),
    ],
    ids=lambda value: getattr(value, "store", getattr(value, "__name__", type(value).__name__)),
)
def test_each_kind_of_failure_is_told_from_the_others(
    table: ErrorTable, error: BaseException, kind: type[SluicegateError]
) -> None:
    with pytest.raises(kind), table.guard("asking"):
        raise error


def connect_neo4j() -> None:
    graph = connect_graph("bolt://127.0.0.1:9", "neo4j", "s3cret", database=None, timeout=1)
    graph.read("RETURN 1", {}, doing="asking", timeout=1)


def connect_milvus() -> None:
    connect_vectors("http://127.0.0.1:9", "user:s3cret", timeout=1)


def connect_bigquery() -> None:
    client = connect_metrics("project", endpoint="http://127.0.0.1:9")
    BigQueryMetricsStore(client, "dataset").replace("ab" * 32, [], 0, fence=1)


@pytest.mark.parametrize(
    "connect", [connect_neo4j, connect_milvus, connect_bigquery], ids=["neo4j", "milvus", "bigquery"]
)
def test_a_store_that_is_down_is_transient_and_the_error_holds_no_password(connect: object) -> None:
    with pytest.raises(TransientError) as caught:
        connect()  # type: ignore[operator]
    assert "s3cret" not in str(caught.value)
    assert caught.value.next_step


def reason(name: str, text: str = "no") -> list[dict[str, str]]:
    return [{"reason": name, "message": text}]


ABORTED = "Transaction is aborted due to concurrent update against table p:d.interaction_metrics. Transaction ID: 1"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (google.api_core.exceptions.BadRequest(ABORTED, errors=reason("invalidQuery", ABORTED)), TransientError),
        (google.api_core.exceptions.BadRequest("Syntax error", errors=reason("invalidQuery")), TerminalError),
        (google.api_core.exceptions.Forbidden("Quota exceeded", errors=reason("quotaExceeded")), TransientError),
        (google.api_core.exceptions.Forbidden("Exceeded", errors=reason("rateLimitExceeded")), TransientError),
        (google.api_core.exceptions.Forbidden("Access Denied", errors=reason("accessDenied")), ConfigurationError),
        (google.api_core.exceptions.from_http_status(200, "timed out", errors=reason("stopped")), TransientError),
        (
            google.api_core.exceptions.NotFound("PUT http://h/upload/b: Upload session not found"),
            TransientError,
        ),
        (google.api_core.exceptions.NotFound("POST http://h/upload/b: Table not found"), TerminalError),
        (google.auth.exceptions.TransportError("no route"), TransientError),
        (google.auth.exceptions.RefreshError("backend", retryable=True), TransientError),
        (google.auth.exceptions.RefreshError("invalid_grant", retryable=False), ConfigurationError),
        (TimeoutError(), TransientError),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)[:20]),
)
def test_bigquery_is_read_by_its_reasons_where_the_http_status_says_too_little(
    error: BaseException, kind: type[SluicegateError]
) -> None:
    with pytest.raises(kind), BIGQUERY.guard("publishing"):
        raise error


def test_an_unknown_exception_is_terminal() -> None:
    class NewError(Exception):
        pass

    table = ErrorTable("Store", transient=(TimeoutError,), terminal=(), base=(NewError,))
    with pytest.raises(TerminalError), table.guard("asking"):
        raise NewError


@pytest.mark.parametrize("address", ["nonsense://host", "bolt://"])
def test_an_address_that_cannot_be_used_is_a_configuration_error(address: str) -> None:
    with pytest.raises(SluicegateError) as caught:
        connect_graph(address, "u", "s3cret", database=None).read("RETURN 1", {}, doing="asking", timeout=1)
    assert "s3cret" not in str(caught.value)
    assert isinstance(caught.value, ConfigurationError | TransientError | TerminalError)
