"""Every public exception of every driver is decided upon: Transient or Terminal."""

from __future__ import annotations

import inspect
from types import ModuleType

import google.api_core.exceptions
import google.auth.exceptions
import neo4j.exceptions
import pymilvus.exceptions
import pytest
import requests.exceptions

from pipeline.embedding.errors import ERRORS as GEMINI
from pipeline.errors import ConfigurationError, SluicegateError, TerminalError, TransientError
from pipeline.stores import bigquery, milvus
from pipeline.stores import neo4j as neo4j_store
from pipeline.stores.error_table import ErrorTable

DRIVERS = [
    (neo4j_store.ERRORS, neo4j.exceptions),
    (milvus.ERRORS, pymilvus.exceptions),
    (bigquery.ERRORS, google.api_core.exceptions),
    (bigquery.ERRORS, google.auth.exceptions),
    (GEMINI, google.api_core.exceptions),
]


def public_exceptions(module: ModuleType) -> set[type[BaseException]]:
    package = module.__name__.split(".")[0]
    found = {value for name, value in vars(module).items() if inspect.isclass(value) and not name.startswith("_")}
    return {kind for kind in found if issubclass(kind, Exception) and kind.__module__.startswith(package)}


@pytest.mark.parametrize(("table", "module"), DRIVERS, ids=lambda value: getattr(value, "store", ""))
def test_the_table_names_every_public_exception_of_the_driver(table: ErrorTable, module: ModuleType) -> None:
    assert public_exceptions(module) - {*table.transient, *table.terminal} == set()


@pytest.mark.parametrize(("table", "module"), DRIVERS, ids=lambda value: getattr(value, "store", ""))
def test_no_exception_is_both(table: ErrorTable, module: ModuleType) -> None:
    del module
    assert not set(table.transient) & set(table.terminal)


def test_an_http_client_error_below_gemini_is_covered_by_its_base_class() -> None:
    kinds = public_exceptions(requests.exceptions)
    assert all(issubclass(kind, GEMINI.base) for kind in kinds if issubclass(kind, requests.RequestException))


def connect_neo4j() -> None:
    graph = neo4j_store.connect("bolt://127.0.0.1:9", "neo4j", "s3cret", database=None, timeout=1)
    graph.read("RETURN 1", {}, doing="asking", timeout=1)


def connect_milvus() -> None:
    milvus.connect("http://127.0.0.1:9", "user:s3cret", timeout=1)


def connect_bigquery() -> None:
    client = bigquery.connect("project", endpoint="http://127.0.0.1:9")
    bigquery.BigQueryMetricsStore(client, "dataset").replace("ab" * 32, [], 0, fence=1)


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
        (google.auth.exceptions.TransportError("no route"), TransientError),
        (google.auth.exceptions.RefreshError("backend", retryable=True), TransientError),
        (google.auth.exceptions.RefreshError("invalid_grant", retryable=False), TerminalError),
        (TimeoutError(), TransientError),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)[:20]),
)
def test_bigquery_is_read_by_its_reasons_where_the_http_status_says_too_little(
    error: BaseException, kind: type[SluicegateError]
) -> None:
    with pytest.raises(kind), bigquery.ERRORS.guard("publishing"):
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
        neo4j_store.connect(address, "u", "s3cret", database=None).read("RETURN 1", {}, doing="asking", timeout=1)
    assert "s3cret" not in str(caught.value)
    assert isinstance(caught.value, ConfigurationError | TransientError | TerminalError)
