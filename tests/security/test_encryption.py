"""Connections to other machines that are not encrypted are known as such."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from pipeline.cli.doctor import doctor
from pipeline.config import VARIABLES, load_settings
from pipeline.config.encryption import unencrypted
from pipeline.ports.checkup import Checkup
from tests.fakes.command_app import CommandApp

ENCRYPTED = {
    "MONGODB_URI": "mongodb+srv://u:secret-word@db.example.com/",
    "NEO4J_URI": "neo4j+s://graph.example.com",
    "MILVUS_URI": "https://vectors.example.com:19530",
    "BIGQUERY_PROJECT": "a-project",
    "GEMINI_API_KEY": "a-key-of-ours",
}


@pytest.mark.parametrize(
    ("variable", "address"),
    [
        ("MONGODB_URI", "mongodb://u:secret-word@db.example.com/"),
        ("MONGODB_URI", "mongodb://u:secret-word@127.0.0.1,db.example.com:27017/?replicaSet=rs"),
        ("MONGODB_URI", "mongodb+srv://db.example.com/?tls=false"),
        ("MONGODB_URI", "mongodb://[2001:db8::1]:27017/"),
        ("NEO4J_URI", "bolt://graph.example.com:7687"),
        ("NEO4J_URI", "neo4j://10.0.0.7"),
        ("MILVUS_URI", "http://10.0.0.7:19530"),
        ("BIGQUERY_API_ENDPOINT", "http://bigquery.example.com"),
        ("GEMINI_API_ENDPOINT", "http://gemini.example.com"),
    ],
)
def test_an_unencrypted_connection_to_another_machine_is_known(variable: str, address: str) -> None:
    [store] = unencrypted(load_settings(**ENCRYPTED | {variable: address}))
    assert variable.startswith(store.upper())


@pytest.mark.parametrize(
    ("variable", "address"),
    [
        ("MONGODB_URI", "mongodb://u:secret-word@db.example.com/?TLS=true"),
        ("MONGODB_URI", "mongodb://u:secret-word@db.example.com/?ssl=true"),
        ("MONGODB_URI", "mongodb://u:secret-word@127.0.0.1:27017,[::1]:27018,localhost/"),
        ("MONGODB_URI", "local"),
        ("NEO4J_URI", "bolt+s://graph.example.com"),
        ("NEO4J_URI", "bolt://localhost:7687"),
        ("MILVUS_URI", "http://[::1]:19530"),
        ("MILVUS_URI", "local"),
        ("GEMINI_API_ENDPOINT", "http://127.0.0.1:9000"),
    ],
)
def test_an_encrypted_connection_and_one_that_leaves_no_machine_are_well(variable: str, address: str) -> None:
    assert list(unencrypted(load_settings(**ENCRYPTED | {variable: address}))) == []


def test_doctor_says_what_is_unencrypted_and_how_to_mend_it(tmp_path: Path) -> None:
    app = CommandApp(tmp_path, **ENCRYPTED | {"NEO4J_URI": "bolt://graph.example.com"})
    app.probe_table = dict.fromkeys(VARIABLES, lambda: Checkup("5.26"))
    done = CliRunner().invoke(click.Command("doctor", callback=doctor.callback, params=doctor.params), [], obj=app)
    assert "neo4j: The connection is not encrypted" in done.output
    assert "neo4j+s://" in done.output
    assert done.output.count("not encrypted") == 1
    assert done.exit_code == 0
