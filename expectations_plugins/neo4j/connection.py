"""Connecting to Neo4j from plain values, and the two ways of asking: a read, and a write of many rows."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import wait
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import neo4j
import neo4j.exceptions

from expectations_plugins.core.background import in_background
from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.core.retry import CONTENTION_SECONDS, through_contention
from expectations_plugins.neo4j.errors import ERRORS, is_contention, is_deadlock
from expectations_plugins.neo4j.options import Scheme, authentication

T = TypeVar("T")
Row = dict[str, Any]
Rows = list[Row]

_explaining: ContextVar[bool] = ContextVar("explaining", default=False)
logging.getLogger("neo4j.notifications").addFilter(lambda _: not _explaining.get())
"""The driver logs every notification it is given; those that `Graph.explain` asks for are read, and are not news."""

UNKNOWN_NAMES = {"01N50": "label", "01N51": "relationship type"}
"""Neo4j's statuses of names in a query that nothing in the database has, and what they are names of."""

WRITING = frozenset({"w", "rw", "s"})
"""The types of queries that change data or the schema."""

_NAMED = re.compile(r"`((?:[^`]|``)+)`")

TIMEOUT = 10.0
"""Seconds to wait for a connection."""

FETCHED = 1_000
"""Rows the driver fetches at once."""

LATE = 30.0
"""Seconds an answer may come late: the server itself ends what takes longer than it was given, if it still is there."""


@dataclass(frozen=True, slots=True)
class Explained:
    """What a server says of a query that it does not run; ArcadeDB says nothing.

    Args:
        columns: What it returns, in its order; none where the server does not say.
        unknown: What kind of thing nothing in the database is called so, and the name.
        writes: Whether it would change something.
    """

    columns: tuple[str, ...]
    unknown: tuple[tuple[str, str], ...]
    writes: bool


@dataclass(frozen=True, slots=True)
class Graph:
    """A driver and the database it asks; the caller closes it.

    Args:
        driver: The neo4j driver.
        database: The database; None takes the server's default.
        late: Seconds an answer may come later than the server was given; all it has for what has no time limit.
        patience: Seconds a transaction is written again that the server undoes for another one's sake.
    """

    driver: neo4j.Driver
    database: str | None
    late: float = LATE
    patience: float = CONTENTION_SECONDS

    def close(self) -> None:
        """Close the driver."""
        self.driver.close()

    def version(self) -> str:
        """The server's name and version."""
        with ERRORS.guard("connecting"):
            return str(within(self.late, self.driver.get_server_info).agent)

    def read(self, query: str, parameters: Mapping[str, Any], *, doing: str, timeout: float) -> Rows:
        """Ask, without changing anything.

        Args:
            query: Cypher; values belong in the parameters.
            parameters: The values.
            doing: What is being done, for errors.
            timeout: Seconds the server may take.

        Raises:
            SluicegateError: The driver's error, mapped.
        """
        with ERRORS.guard(doing):
            return within(timeout + self.late, lambda: list(self._rows(query, parameters, timeout)))

    def explain(self, query: str, *, doing: str, timeout: float) -> Explained:
        """Have a reading query planned, not run.

        Args:
            query: Cypher.
            doing: What is being done, for errors.
            timeout: Seconds the server may take.

        Raises:
            SluicegateError: The driver's error, mapped; the query is not valid.
        """

        def planned() -> Explained:
            _explaining.set(True)  # in this thread of its own
            with (
                self.driver.session(
                    database=self.database,
                    default_access_mode=neo4j.READ_ACCESS,
                    notifications_min_severity="WARNING",
                ) as session,
                session.begin_transaction(timeout=timeout) as transaction,
            ):
                result = transaction.run(f"EXPLAIN {query}")
                columns, summary = tuple(result.keys()), result.consume()
                writes = bool(columns) and summary.query_type in WRITING  # ArcadeDB says that all queries write
                return Explained(columns, tuple(_unknown_names(summary)), writes)

        with ERRORS.guard(doing):
            return within(timeout + self.late, planned)

    def stream(
        self, query: str, parameters: Mapping[str, Any], *, doing: str, timeout: float, at_once: int = FETCHED
    ) -> Iterator[dict[str, Any]]:
        """Like `read`, a row at a time; no more rows are held than are fetched at once."""
        rows = self._rows(query, parameters, timeout, at_once)
        with ERRORS.guard(doing):
            while fetched := within(timeout + self.late, lambda: list(islice(rows, at_once))):
                yield from fetched

    def _rows(self, query: str, parameters: Mapping[str, Any], timeout: float, at_once: int = FETCHED) -> Iterator[Row]:
        reading = neo4j.READ_ACCESS
        with (
            self.driver.session(database=self.database, default_access_mode=reading, fetch_size=at_once) as session,
            session.begin_transaction(timeout=timeout) as transaction,
        ):
            for record in transaction.run(query, dict(parameters)):
                yield record.data()
            transaction.rollback()  # nothing was to be changed; there are servers that write in a reading transaction

    def write(
        self,
        queries: Sequence[str],
        parameters: Mapping[str, Any],
        *,
        doing: str,
        timeout: float,
        first: Callable[[Rows], None] | None = None,
    ) -> None:
        """Run queries with the same parameters in one transaction.

        It is tried again only when another transaction was in its way: all other retries are the runner's.

        Args:
            queries: Cypher; values belong in the parameters.
            parameters: The values.
            doing: What is being done, for errors.
            timeout: Seconds the server may take.
            first: Given the rows of the first query; what it raises ends the transaction without a trace.

        Raises:
            SluicegateError: The driver's error, mapped.
        """
        with ERRORS.guard(doing):
            once = partial(self._write_once, queries, parameters, timeout, first)
            through_contention(lambda: within(timeout + self.late, once), is_contention, seconds=self.patience)

    def _write_once(
        self,
        queries: Sequence[str],
        parameters: Mapping[str, Any],
        timeout: float,
        first: Callable[[Rows], None] | None,
    ) -> None:
        with (
            self.driver.session(database=self.database) as session,
            session.begin_transaction(timeout=timeout) as transaction,
        ):
            for number, query in enumerate(queries):
                result = transaction.run(query, dict(parameters))
                if first is not None and number == 0:
                    first([record.data() for record in result])
                else:
                    result.consume()
            transaction.commit()

    def define(self, statement: str) -> None:
        """Run a schema statement, which needs a transaction of its own."""

        def run() -> None:
            with self.driver.session(database=self.database) as session:
                session.run(neo4j.Query(statement)).consume()

        with ERRORS.guard("preparing the schema"):
            # a constraint looks at every node there is
            through_contention(lambda: within(self.late * 4, run), is_deadlock)


def _unknown_names(summary: neo4j.ResultSummary) -> Iterator[tuple[str, str]]:
    for status in summary.gql_status_objects:
        named = _NAMED.search(status.status_description)
        if status.gql_status in UNKNOWN_NAMES and named is not None:
            yield UNKNOWN_NAMES[status.gql_status], named[1].replace("``", "`")


def within(seconds: float, call: Callable[[], T]) -> T:
    """What a call of the driver returns, unless the server has fallen silent on an open connection.

    The driver waits for ever for a server that did not say how long it may be silent (Neo4j says so). The thread that
    waits is left behind then: it ends with its connection, or with the process.

    Args:
        seconds: How long to wait.
        call: The call.

    Raises:
        ServiceUnavailable: There was no answer.
    """
    answer = in_background(call, "neo4j")
    wait([answer], timeout=seconds)
    if not answer.done():
        raise neo4j.exceptions.ServiceUnavailable(f"no answer within {seconds:.0f} seconds")
    return answer.result()


def connect(
    uri: str,
    user: str,
    password: str,
    *,
    database: str | None,
    timeout: float = TIMEOUT,
    late: float = LATE,
    token: str = "",
    auth: Scheme | None = None,
    options: Mapping[str, Any] | None = None,
) -> Graph:
    """A handle of a database. Connects when it is first used.

    Args:
        uri: bolt:// or neo4j:// address; +s encrypts, +ssc accepts a self-signed certificate.
        user: The user.
        password: Its password.
        database: The database; None takes the server's default.
        timeout: Seconds to wait for a connection.
        late: As in `Graph`.
        token: A bearer token or a Kerberos ticket, in place of user and password.
        auth: How to sign on, where that does not follow from the others.
        options: What `driver_options` gives.

    Raises:
        ConfigurationError: The address or an option cannot be used.
    """
    ours: dict[str, Any] = {
        "connection_timeout": timeout,
        "connection_acquisition_timeout": timeout,
        "max_transaction_retry_time": 0,
        "user_agent": "sluicegate",
        "notifications_min_severity": "OFF",
    }
    try:
        driver = neo4j.GraphDatabase.driver(
            uri,
            auth=authentication(auth, user, password, token),
            **ours | dict(options or {}),
        )
    except (neo4j.exceptions.DriverError, ValueError, TypeError, OSError) as error:
        raise ConfigurationError(
            f"The Neo4j address{' or an option' if options else ''} cannot be used ({type(error).__name__}).",
            next_step="Check NEO4J_URI: bolt://host:port or neo4j+s://host.",
        ) from None
    return Graph(driver, database, late)
