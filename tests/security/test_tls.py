"""TLS and credentials of every store by settings alone: each store behind a real TLS listener nobody vouches for."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.milvus.connection import connect as connect_milvus
from expectations_plugins.mongodb.connection import connect as connect_mongodb
from expectations_plugins.neo4j.connection import connect as connect_neo4j
from pipeline.local import Endpoints
from pipeline.stores.bigquery.connection import connect as connect_bigquery
from tests.security.google_front import GoogleFront, google_front
from tests.security.processes import port_of, run
from tests.security.tls_front import Authority, authority, tls_front

STORES = ("mongodb", "neo4j", "milvus", "bigquery", "gemini")
DIRECT = "authSource=admin&tls=true&directConnection=true&serverSelectionTimeoutMS=2000"
SAYS = ("SLUICEGATE_CA_FILE", "not trusted")


@dataclass(frozen=True, slots=True)
class Fronts:
    """TLS listeners before the five stores, their authority, and the settings that lead to them."""

    by: Authority
    google: GoogleFront
    ports: Mapping[str, int]
    settings: Mapping[str, str]


@pytest.fixture(scope="module")
def fronts(endpoints: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronts]:
    folder = tmp_path_factory.mktemp("fronts")
    by = authority(folder)
    addresses = {"mongodb": endpoints.mongodb_uri, "neo4j": endpoints.neo4j_uri, "gemini": endpoints.gemini_endpoint}
    with ExitStack() as stack:
        ports = {name: stack.enter_context(tls_front(port_of(uri), by, "localhost")) for name, uri in addresses.items()}
        milvus = tls_front(port_of(endpoints.milvus_uri), by, "localhost", http2=True)
        ports["milvus"] = stack.enter_context(milvus)
        google = stack.enter_context(google_front(folder, by, port_of(endpoints.bigquery_endpoint)))
        yield Fronts(by, google, ports, _settings(endpoints, ports, google))


def _settings(endpoints: Endpoints, ports: Mapping[str, int], google: GoogleFront) -> dict[str, str]:
    user = str(endpoints.mongodb_uri).removeprefix("mongodb://").partition("@")[0]
    return {
        "MONGODB_URI": f"mongodb://{user}@localhost:{ports['mongodb']}/?{DIRECT}",
        "NEO4J_URI": f"bolt+s://localhost:{ports['neo4j']}",
        "NEO4J_USER": str(endpoints.neo4j_user),
        "NEO4J_PASSWORD": str(endpoints.neo4j_password),
        "NEO4J_DATABASE": str(endpoints.neo4j_database),
        "MILVUS_URI": f"https://localhost:{ports['milvus']}",
        "MILVUS_TOKEN": "root:a-token-nobody-checks",
        "BIGQUERY_PROJECT": "project",
        "BIGQUERY_API_ENDPOINT": google.endpoint,
        "GOOGLE_APPLICATION_CREDENTIALS": str(google.credentials),
        "GEMINI_API_KEY": str(endpoints.gemini_api_key),
        "GEMINI_API_ENDPOINT": f"https://localhost:{ports['gemini']}",
    }


Findings = Mapping[str, Mapping[str, Any]]


def doctor(folder: Path, settings: Mapping[str, str]) -> Findings:
    """What `run.py doctor` says of each store."""
    done = run(folder, "doctor", "--json", **settings)
    assert done.stdout, done.stderr
    return {finding["store"]: finding for finding in json.loads(done.stdout)}


@pytest.fixture(scope="module")
def examined(fronts: Fronts, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Findings]:
    """The doctor's findings under the fronts' settings and these, each combination asked once."""
    known: dict[tuple[tuple[str, str], ...], Findings] = {}

    def ask(**more: str) -> Findings:
        key = tuple(sorted(more.items()))
        if key not in known:
            known[key] = doctor(tmp_path_factory.mktemp("doctor"), {**fronts.settings, **more})
        return known[key]

    return ask


@pytest.mark.parametrize("store", STORES)
def test_a_certificate_nobody_vouches_for_is_refused_and_the_error_says_what_to_do(
    examined: Callable[..., Findings], store: str
) -> None:
    found = examined()[store]
    assert found["state"] == "misconfigured"
    assert all(part in found["problem"] for part in SAYS)


@pytest.mark.parametrize("store", STORES)
def test_one_setting_makes_every_store_trust_an_authority(
    examined: Callable[..., Findings], fronts: Fronts, store: str
) -> None:
    found = examined(SLUICEGATE_CA_FILE=str(fronts.by.file))[store]
    assert (found["state"], found["problem"]) == ("ok", "")


@pytest.mark.parametrize("store", STORES)
def test_a_certificate_for_another_host_is_refused_whoever_vouches_for_it(
    examined: Callable[..., Findings], fronts: Fronts, store: str
) -> None:
    elsewhere = {
        name: value.replace("localhost", "127.0.0.1") for name, value in fronts.settings.items() if "localhost" in value
    }
    found = examined(SLUICEGATE_CA_FILE=str(fronts.by.file), **elsewhere)[store]
    assert found["state"] == "misconfigured"
    assert "mismatch" in found["problem"]
    assert "host name" in found["problem"] or "server_name" in found["problem"]


def test_a_service_accounts_signature_buys_the_token_bigquery_is_asked_with(
    examined: Callable[..., Findings], fronts: Fronts
) -> None:
    examined(SLUICEGATE_CA_FILE=str(fronts.by.file))
    assert "POST /token" in fronts.google.asked
    assert any("/projects/project/datasets" in asked for asked in fronts.google.asked)


@pytest.mark.parametrize("name", ["missing.json", "empty.json", "other.json"])
def test_credentials_that_cannot_be_used_are_a_matter_of_settings(
    fronts: Fronts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "empty.json").write_text("")
    (tmp_path / "other.json").write_text('{"type": "service_account", "private_key": "hunter2-hunter2"}')
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / name))
    with pytest.raises(ConfigurationError, match="GOOGLE_APPLICATION_CREDENTIALS") as caught:
        connect_bigquery("project", endpoint=fronts.google.endpoint)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_neo4js_own_scheme_takes_a_self_signed_certificate(fronts: Fronts) -> None:
    given = fronts.settings
    uri = given["NEO4J_URI"].replace("bolt+s://", "bolt+ssc://")
    graph = connect_neo4j(uri, given["NEO4J_USER"], given["NEO4J_PASSWORD"], database=given["NEO4J_DATABASE"])
    graph.driver.verify_connectivity()
    graph.close()


def test_mongodbs_own_options_are_its_addresss(fronts: Fronts) -> None:
    database = connect_mongodb(f"{fronts.settings['MONGODB_URI']}&tlsCAFile={fronts.by.file}", "x")
    assert database.command("ping")["ok"]
    database.client.close()


@pytest.fixture
def milvus_front(endpoints: Endpoints, tmp_path: Path) -> Iterator[Callable[..., tuple[int, Authority]]]:
    """A TLS listener before Milvus, for names that are given."""
    with ExitStack() as stack:

        def make(*names: str, client: Authority | None = None) -> tuple[int, Authority]:
            by = authority(tmp_path)
            front = tls_front(port_of(endpoints.milvus_uri), by, *names, client=client, http2=True)
            return stack.enter_context(front), by

        yield make


MilvusFront = Callable[..., tuple[int, Authority]]


def test_milvus_takes_an_authority_and_a_server_name_in_its_address(milvus_front: MilvusFront) -> None:
    port, by = milvus_front("vectors.internal")
    options = f"ca_file={by.file}&server_name=vectors.internal"
    connect_milvus(f"https://127.0.0.1:{port}?{options}", timeout=5).close()
    port, by = milvus_front("vectors.internal")
    with pytest.raises(ConfigurationError, match="server_name"):
        connect_milvus(f"https://127.0.0.1:{port}?ca_file={by.file}", timeout=1)


def test_milvus_shows_a_certificate_of_its_own_to_a_server_that_asks(milvus_front: MilvusFront, tmp_path: Path) -> None:
    (tmp_path / "clients").mkdir()
    clients = authority(tmp_path / "clients")
    port, by = milvus_front("localhost", client=clients)
    mine = clients.ca.issue_cert("sluicegate.example")
    mine.private_key_pem.write_to_path(tmp_path / "key.pem")
    for number, blob in enumerate(mine.cert_chain_pems):
        blob.write_to_path(tmp_path / "certificate.pem", append=number > 0)
    options = f"ca_file={by.file}&client_certificate={tmp_path}/certificate.pem&client_key={tmp_path}/key.pem"
    connect_milvus(f"https://localhost:{port}?{options}", timeout=5).close()


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("https://h:1?server_nam=x", "server_nam"),
        ("http://h:1?server_name=x", "https"),
        ("https://h:1?client_key=/k", "go together"),
        ("https://h:1?ca_file=/nowhere.pem", "cannot be read"),
        ("https://user:hunter2@h:1", "MILVUS_TOKEN"),
        ("file.db", "MILVUS_URI"),
    ],
)
def test_an_address_of_milvus_that_cannot_be_used_says_why(uri: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        connect_milvus(uri)
    assert "hunter2" not in str(caught.value)


def test_a_file_without_certificates_is_a_matter_of_settings(tmp_path: Path) -> None:
    (tmp_path / "not.pem").write_text("hello")
    for name in ("not.pem", "missing.pem"):
        done = run(tmp_path, "doctor", MONGODB_URI="mongodb://h", SLUICEGATE_CA_FILE=name, **OTHERS)
        assert (done.returncode, "SLUICEGATE_CA_FILE" in done.stderr) == (2, True)


OTHERS = {"NEO4J_URI": "bolt://h", "MILVUS_URI": "http://h", "BIGQUERY_PROJECT": "p", "GEMINI_API_KEY": "k"}
