"""What every test folder shares: the real local servers, the real logs, golden files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.mongodb.connection import connect
from pipeline.core.program import started_as
from pipeline.local import Endpoints, LocalStack

started_as("run.py")  # as the tests, and most examples, expect messages to call it

ROOT = Path(__file__).parent.parent
REAL_LOGS = ROOT.parent / "shared" / "data" / "online_retail"
GOLDEN = Path(__file__).parent / "golden"
OTHER_MONGODB = "SLUICEGATE_CONFORMANCE_MONGODB_URI"
"""Names a MongoDB to use in place of the local one: see docs/testing.md."""

OTHER_NEO4J = "SLUICEGATE_CONFORMANCE_NEO4J"
OTHER_MILVUS = "SLUICEGATE_CONFORMANCE_MILVUS"
"""How the variables begin that name another Neo4j and another Milvus."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="Write the golden files instead of comparing.")


@pytest.fixture(scope="session")
def stack_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the session's local servers."""
    return tmp_path_factory.mktemp("stack")


@pytest.fixture(scope="session")
def endpoints(stack_home: Path) -> Iterator[Endpoints]:
    """All five servers, started once for the session; other ones than the local where they are named."""
    with LocalStack(stack_home).use() as found:
        other = os.environ.get(OTHER_MONGODB)
        with_mongodb = replace(found, mongodb_uri=usable(other)) if other else found
        yield other_milvus(other_neo4j(with_mongodb))


def other_neo4j(endpoints: Endpoints) -> Endpoints:
    """The Neo4j that the environment names, in place of the local one."""
    uri = os.environ.get(f"{OTHER_NEO4J}_URI")
    if not uri:
        return endpoints
    return replace(
        endpoints,
        neo4j_uri=uri,
        neo4j_user=os.environ.get(f"{OTHER_NEO4J}_USER", "neo4j"),
        neo4j_password=os.environ.get(f"{OTHER_NEO4J}_PASSWORD", ""),
        neo4j_database=os.environ.get(f"{OTHER_NEO4J}_DATABASE") or None,
    )


def other_milvus(endpoints: Endpoints) -> Endpoints:
    """The Milvus that the environment names, in place of the local one."""
    uri = os.environ.get(f"{OTHER_MILVUS}_URI")
    if not uri:
        return endpoints
    return replace(endpoints, milvus_uri=uri, milvus_token=os.environ.get(f"{OTHER_MILVUS}_TOKEN", ""))


def usable(uri: str) -> str:
    """A connection string that can be used. Else the session ends, for a traceback would show it and its password."""
    try:
        connect(uri, "test").client.close()
    except ConfigurationError:
        pytest.exit(f"{OTHER_MONGODB} cannot be used as a MongoDB connection string.", returncode=2)
    return uri


@pytest.fixture(scope="session")
def real_logs() -> Path:
    """The folder of real logs; tests that need it are skipped where it is missing."""
    if not REAL_LOGS.is_dir():
        pytest.skip(f"the real logs are not at {REAL_LOGS}; see docs/testing.md")
    return REAL_LOGS


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with tests/golden/<name>; `--update-golden` writes it."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"{path} is missing; run pytest --update-golden and review it"
        assert text == path.read_text(encoding="utf-8")

    return compare
