"""Where stores are: configured ones from the settings, the others from the local stack."""

from __future__ import annotations

import pytest

from expectations_plugins.core.errors import ConfigurationError
from pipeline.config import load_settings
from pipeline.config.connections import Connections, resolve, without_credentials
from pipeline.local import Endpoints

LOCAL = Endpoints(mongodb_uri="mongodb://u:p@127.0.0.1:1", neo4j_uri="bolt://127.0.0.1:2", neo4j_user="root")
CONFIGURED = {
    "MONGODB_URI": "mongodb://db.example",
    "NEO4J_URI": "neo4j+s://graph.example",
    "MILVUS_URI": "https://vectors.example",
    "BIGQUERY_PROJECT": "project",
    "GEMINI_API_KEY": "key",
}


def resolved(**variables: str) -> Connections:
    return resolve(load_settings(**variables), LOCAL)


def test_with_nothing_configured_every_store_is_local() -> None:
    found = resolved()
    assert (found.mongodb_uri, found.neo4j_user) == (LOCAL.mongodb_uri, "root")


def test_a_configured_store_is_not_looked_for_on_this_machine() -> None:
    found = resolved(**CONFIGURED)
    assert (found.mongodb_uri, found.neo4j_user) == ("mongodb://db.example", "neo4j")


def test_one_store_can_be_local_while_the_others_are_configured() -> None:
    found = resolved(**CONFIGURED | {"NEO4J_URI": "local"})
    assert (found.neo4j_uri, found.milvus_uri) == ("bolt://127.0.0.1:2", "https://vectors.example")


def test_a_forgotten_store_is_an_error_not_a_local_one() -> None:
    with pytest.raises(ConfigurationError, match="milvus"):
        resolved(**{name: value for name, value in CONFIGURED.items() if name != "MILVUS_URI"})


def test_the_gx_project_gets_every_variable_it_refers_to() -> None:
    assert all(isinstance(value, str) for value in resolved(**CONFIGURED).environment().values())


def test_a_connection_does_not_show_its_secrets() -> None:
    assert "u:p" not in repr(resolved())


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("mongodb://user:p%40ss@db.example:27017/?authSource=admin", "mongodb://db.example:27017"),
        ("mongodb+srv://user:pass@cluster.example", "mongodb+srv://cluster.example"),
        ("bolt://graph.example:7687", "bolt://graph.example:7687"),
        ("https://vectors.example/path?token=secret", "https://vectors.example"),
    ],
)
def test_an_address_is_shown_without_credentials_and_options(uri: str, shown: str) -> None:
    assert without_credentials(uri) == shown
