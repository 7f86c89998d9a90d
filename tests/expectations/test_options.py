"""Credentials and the drivers' other options: taken, saved, loaded back, given to the driver, and never shown.

TLS is spoken to real listeners in front of the local servers. Those know no bearer tokens, no Kerberos and no second
database: of these it is tested that the driver is given them.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import great_expectations
import pytest

from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.engine.datasource import without_connecting
from expectations_plugins.milvus.options import GRPC_OPTIONS, sign_on
from expectations_plugins.milvus.options import driver_options as milvus_options
from expectations_plugins.neo4j.options import authentication
from pipeline.local import Endpoints
from tests.security.processes import port_of
from tests.security.tls_front import authority, tls_front

SECRET = "hunter2-horse"
PLAIN: dict[str, tuple[str, dict[str, Any]]] = {
    "in an address": ("mongodb", {"connection_string": f"mongodb://u:{SECRET}@127.0.0.1:1/", "database": "d"}),
    "an address with a variable": (
        "mongodb",
        {"connection_string": f"mongodb://u:{SECRET}@${{A_HOST}}/", "database": "d"},
    ),
    "an option of an address": (
        "mongodb",
        {
            "connection_string": f"mongodb://127.0.0.1:1/?authMechanismProperties=AWS_SESSION_TOKEN:{SECRET}"
            "&authMechanism=MONGODB-AWS",
            "database": "d",
        },
    ),
    "an option": (
        "mongodb",
        {
            "connection_string": "mongodb://127.0.0.1:1/",
            "database": "d",
            "options": {"username": "u", "password": SECRET},
        },
    ),
    "a password": ("neo4j", {"uri": "bolt://127.0.0.1:1", "password": SECRET}),
    "a bearer token": ("neo4j", {"uri": "bolt://127.0.0.1:1", "token": SECRET}),
    "a token": ("milvus", {"uri": "http://127.0.0.1:1", "token": f"root:{SECRET}"}),
    "a password of Milvus": ("milvus", {"uri": "http://127.0.0.1:1", "user": "root", "password": SECRET}),
}


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("A_HOST", "127.0.0.1:1")
    return great_expectations.get_context(mode="file", project_root_dir=tmp_path)


def reopened(context: Any) -> Any:
    return great_expectations.get_context(mode="file", project_root_dir=Path(context.root_directory).parent)


@pytest.mark.parametrize("where", PLAIN)
def test_a_secret_in_plain_text_is_taken_advised_against_and_never_shown(
    where: str, context: Any, caplog: pytest.LogCaptureFixture
) -> None:
    kind, settings = PLAIN[where]
    name = f"s{uuid.uuid4().hex[:8]}"
    add = getattr(context.data_sources, f"add_{kind}")
    with caplog.at_level(logging.WARNING), without_connecting():
        source = add(name, **settings)
        again = reopened(context).data_sources.get(name)
    [warning] = [one for one in caplog.messages if "plain text" in one]  # once, though it was read three times
    assert name in warning
    assert "${VARIABLE}" in warning
    assert SECRET in (Path(context.root_directory) / "great_expectations.yml").read_text("utf-8")
    with pytest.raises(Exception, match=r".") as unreachable:
        add(f"{name}x", **settings | {"timeout": 0.2})
    said = [*caplog.messages, repr(source), str(source), repr(again), str(again), str(unreachable.value)]
    assert [text for text in said if SECRET in text] == []


@pytest.mark.parametrize("address", ["${URI}", "mongodb://u:${PASSWORD}@host/", "mongodb://host/?tlsCAFile=/ca.pem"])
def test_an_address_without_a_plain_secret_is_taken_in_silence(
    address: str, context: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with without_connecting():
        source = context.data_sources.add_mongodb("logs", connection_string=address, database="x")
    assert "plain text" not in caplog.text
    assert address in repr(source)


ALL: dict[str, dict[str, Any]] = {
    "mongodb": {
        "connection_string": "mongodb://127.0.0.1:1/",
        "database": "d",
        "tls": True,
        "tls_ca_file": "${A_FILE}",
        "auth_source": "admin",
        "timeout": 2.5,
        "options": {"maxPoolSize": 7, "username": "u", "password": "${A_PASSWORD}", "retryReads": False},
    },
    "neo4j": {
        "uri": "bolt://127.0.0.1:1",
        "token": "${A_PASSWORD}",
        "auth": "bearer",
        "database": "d",
        "encrypted": True,
        "trusted_certificates": "${A_FILE}",
        "timeout": 2.5,
        "options": {"max_connection_pool_size": 7, "keep_alive": False},
    },
    "milvus": {
        "uri": "http://127.0.0.1:1",
        "user": "root",
        "password": "${A_PASSWORD}",
        "db_name": "d",
        "secure": True,
        "server_pem_path": "${A_FILE}",
        "timeout": 2.5,
        "options": {"server_name": "localhost"},
    },
}


@pytest.mark.parametrize("kind", ALL)
def test_all_settings_are_saved_and_loaded_back(kind: str, context: Any) -> None:
    with without_connecting():
        getattr(context.data_sources, f"add_{kind}")("s", **ALL[kind])
    again = reopened(context).data_sources.get("s")
    for name, value in ALL[kind].items():
        found = getattr(again, name)
        shown = (
            {key: str(one) if isinstance(value[key], str) else one for key, one in found.items()}
            if isinstance(value, dict)
            else (str(found) if isinstance(value, str) else found)
        )
        assert shown == value, name


def test_mongodbs_driver_is_given_them(context: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_FILE", str(authority(tmp_path).file))
    monkeypatch.setenv("A_PASSWORD", SECRET)
    with without_connecting():
        source = context.data_sources.add_mongodb("s", **ALL["mongodb"])
    options = source.get_execution_engine().backend.database.client.options
    pool = options.pool_options
    assert (pool.max_pool_size, pool.connect_timeout, options.retry_reads) == (7, 2.5, False)
    assert pool._ssl_context is not None
    credentials = pool._credentials
    assert (credentials.username, credentials.password, credentials.source) == ("u", SECRET, "admin")


def test_neo4js_driver_is_given_them(context: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_FILE", str(authority(tmp_path).file))
    monkeypatch.setenv("A_PASSWORD", SECRET)
    with without_connecting():
        source = context.data_sources.add_neo4j("s", **ALL["neo4j"])
    graph = source.get_execution_engine().backend.graph
    assert (graph.driver.encrypted, graph.database) == (True, "d")
    assert graph.driver._pool.pool_config.max_connection_pool_size == 7
    assert graph.driver._pool.pool_config.connection_timeout == 2.5


@pytest.mark.parametrize(
    ("given", "scheme", "credentials"),
    [
        ((None, "neo4j", "p", ""), "basic", "p"),
        ((None, "neo4j", "", "t"), "bearer", "t"),
        (("kerberos", "neo4j", "", "t"), "kerberos", "t"),
    ],
)
def test_how_neo4j_is_signed_on_to(given: Any, scheme: str, credentials: str) -> None:
    found = authentication(*given)
    assert (found.scheme, found.credentials) == (scheme, credentials)


def test_neo4j_may_be_signed_on_to_without_anything_and_a_token_goes_with_its_scheme() -> None:
    assert authentication("none", "neo4j", "", "") is None
    for scheme, token in (("basic", "t"), ("none", "t"), ("bearer", ""), ("kerberos", "")):
        with pytest.raises(ConfigurationError, match="A token goes with"):
            authentication(scheme, "neo4j", "p", token)  # type: ignore[arg-type]


def test_milvus_is_signed_on_to_by_a_token_or_by_a_user(tmp_path: Path) -> None:
    assert (sign_on("t", "", ""), sign_on("", "u", "p"), sign_on("", "", "")) == ("t", "u:p", "")
    for given in (("t", "u", "p"), ("", "u", ""), ("", "", "p")):
        with pytest.raises(ConfigurationError):
            sign_on(*given)
    with pytest.raises(ConfigurationError, match=r"the file of server_pem_path cannot be read\. Correct its path"):
        milvus_options(server_pem_path=str(tmp_path / "nowhere.pem"))


def test_grpc_options_of_a_user_leave_ours_in_force() -> None:
    given = milvus_options(options={"grpc_options": {"grpc.max_send_message_length": 1}})["grpc_options"]
    assert given == {**GRPC_OPTIONS, "grpc.max_send_message_length": 1}
    keepalive = {"grpc.keepalive_time_ms": 60_000}
    assert milvus_options(options={"grpc_options": keepalive})["grpc_options"] == {**GRPC_OPTIONS, **keepalive}


@pytest.mark.parametrize("given", [["grpc.keepalive_time_ms"], "none", 1, None])
def test_grpc_options_that_are_no_mapping_are_refused_in_words(given: object) -> None:
    with pytest.raises(ConfigurationError, match=r"grpc_options is a \w+, not a mapping"):
        milvus_options(options={"grpc_options": given})


MISSPELT = [
    ("mongodb", "tlsCaFile", "Did you mean 'tlsCAFile'?"),
    ("mongodb", "max_pool_size", "Did you mean 'maxPoolSize'?"),
    ("mongodb", "tz_aware", "is set by the data source itself"),
    ("neo4j", "max_connection_poolsize", "Did you mean 'max_connection_pool_size'?"),
    ("neo4j", "database", "is set by the data source itself"),
    ("milvus", "server_nam", "Did you mean 'server_name'?"),
    ("milvus", "xyz", "There are ca_pem_path, client_key_path"),
]


@pytest.mark.parametrize(("kind", "option", "says"), MISSPELT)
def test_an_option_that_the_driver_has_not_is_refused_with_the_closest(
    kind: str, option: str, says: str, context: Any
) -> None:
    needed = {name: ALL[kind][name] for name in ("connection_string", "database", "uri") if name in ALL[kind]}
    with pytest.raises(ConfigurationError, match=f"option '{option}'") as refused, without_connecting():
        getattr(context.data_sources, f"add_{kind}")("s", **needed, options={option: "1"})
    assert says in str(refused.value)


def test_a_value_that_the_driver_refuses_is_explained_without_a_secret(context: Any) -> None:
    address = f"mongodb://u:{SECRET}@127.0.0.1:1/"
    with pytest.raises(Exception, match=r"an option cannot be used .*maxPoolSize") as refused:
        context.data_sources.add_mongodb("s", connection_string=address, database="d", options={"maxPoolSize": "many"})
    assert SECRET not in str(refused.value)


@pytest.fixture(scope="module")
def encrypted(endpoints: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    """What leads to the local servers behind TLS whose authority nobody knows, by settings of their own."""
    by = authority(tmp_path_factory.mktemp("front"))
    user = str(endpoints.mongodb_uri).removeprefix("mongodb://").partition("@")[0]
    file = str(by.file)
    with (
        tls_front(port_of(endpoints.mongodb_uri), by, "localhost") as mongodb,
        tls_front(port_of(endpoints.neo4j_uri), by, "localhost") as neo4j,
        tls_front(port_of(endpoints.milvus_uri), by, "localhost", http2=True) as milvus,
    ):
        yield {
            "mongodb": {
                "connection_string": f"mongodb://{user}@localhost:{mongodb}/?directConnection=true",
                "database": "d",
                "auth_source": "admin",
                "tls": True,
                "tls_ca_file": file,
            },
            "neo4j": {
                "uri": f"bolt://localhost:{neo4j}",
                "user": endpoints.neo4j_user,
                "password": endpoints.neo4j_password,
                "database": endpoints.neo4j_database,
                "encrypted": True,
                "trusted_certificates": file,
            },
            "milvus": {"uri": f"http://localhost:{milvus}", "secure": True, "server_pem_path": file},
        }


TRUST = {"mongodb": "tls_ca_file", "neo4j": "trusted_certificates", "milvus": "server_pem_path"}


@pytest.mark.parametrize("kind", TRUST)
def test_tls_is_spoken_by_settings_of_their_own(kind: str, encrypted: dict[str, dict[str, Any]], context: Any) -> None:
    add = getattr(context.data_sources, f"add_{kind}")
    add("trusted", **encrypted[kind])
    settings = {name: value for name, value in encrypted[kind].items() if name != TRUST[kind]}
    with pytest.raises(Exception, match=r"not trusted|certificate"):
        add("untrusted", **settings, timeout=2)
