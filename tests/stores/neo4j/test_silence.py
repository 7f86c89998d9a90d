"""A server that accepts what it is sent and answers nothing any more, as a machine that hangs does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from expectations_plugins.core.errors import TransientError
from expectations_plugins.neo4j.connection import FETCHED, Graph, connect
from pipeline.local import Endpoints
from tests.faults.proxy import Fault, Mode, Proxy

CALLS: dict[str, Callable[[Graph], object]] = {
    "read": lambda graph: graph.read("RETURN 1 AS one", {}, doing="reading", timeout=0),
    "stream": lambda graph: list(graph.stream("RETURN 1 AS one", {}, doing="reading", timeout=0)),
    "write": lambda graph: graph.write(["RETURN 1 AS one"], {}, doing="writing", timeout=0),
    "define": lambda graph: graph.define("CREATE INDEX silent IF NOT EXISTS FOR (n:Silent) ON (n.id)"),
}


@pytest.fixture
def proxy(endpoints: Endpoints) -> Iterator[Proxy]:
    with Proxy(int(urlsplit(str(endpoints.neo4j_uri)).port or 0)) as found:
        yield found


@pytest.mark.parametrize("call", CALLS)
def test_a_server_that_falls_silent_on_an_open_connection_is_an_outage(
    endpoints: Endpoints, proxy: Proxy, call: str
) -> None:
    uri = f"bolt://127.0.0.1:{proxy.port}"
    user, password = str(endpoints.neo4j_user), str(endpoints.neo4j_password)
    graph = connect(uri, user, password, database=endpoints.neo4j_database, late=1.0)
    assert graph.read("RETURN 1 AS one", {}, doing="reading", timeout=30) == [{"one": 1}]
    proxy.order(Fault(Mode.STALL))
    with pytest.raises(TransientError, match=r"no answer within [14] seconds"):
        CALLS[call](graph)
    proxy.heal()
    assert graph.read("RETURN 1 AS one", {}, doing="reading", timeout=30) == [{"one": 1}]
    graph.close()


def test_a_stream_of_more_rows_than_are_fetched_at_once_gives_each_of_them(endpoints: Endpoints) -> None:
    user, password = str(endpoints.neo4j_user), str(endpoints.neo4j_password)
    graph = connect(str(endpoints.neo4j_uri), user, password, database=endpoints.neo4j_database)
    query = "UNWIND range(1, $last) AS number RETURN number"
    rows = graph.stream(query, {"last": 2 * FETCHED + 1}, doing="reading", timeout=30)
    assert [row["number"] for row in rows] == list(range(1, 2 * FETCHED + 2))
    graph.close()
