"""What MongoDB servers do differently, in one table: nothing else in the program may depend on which server it is.

The local server (secantusdb) is not MongoDB. Where one form of a query is good on both, both get that form. Where
MongoDB is served better by another form, what builds or asks the query looks here.
tests/stores/mongodb/test_capabilities.py checks every field against the server under test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a server can do."""

    stops_at_limit: bool
    """A query with a sort and a limit reads only that many entries of the index, not the whole range."""

    modifies_by_key: bool
    """findAndModify with an `_id` reads one document, not the whole collection."""

    ids_at_once: int
    """How many ids or lines one `$in` may have; the local server's time grows with the square of their number."""

    combines_eq: bool
    """`{"a": {"$eq": 1}, "b": 2}` uses an index of both fields; every server does so for `{"a": 1, "b": 2}`."""

    serves_exists: bool
    """A query with `$exists` uses a partial index with the same `$exists`; every server does so for ranges."""

    subtracts_now: bool
    """`$$NOW` can be subtracted from a stored date; every server can subtract the milliseconds of both."""

    types_missing: bool
    """`$type` of a field that `$getField` does not find is "missing"."""

    sums_past_int64: bool
    """A `$sum` of integers that needs more than 64 bits is a double, not an error."""

    reads_through_arrays: bool
    """In an expression `$items.sku` is the array of the elements' values, not missing; in a filter every server
    looks at each element."""


MONGODB = Capabilities(
    stops_at_limit=True,
    modifies_by_key=True,
    ids_at_once=1_000,
    combines_eq=True,
    serves_exists=True,
    subtracts_now=True,
    types_missing=True,
    sums_past_int64=True,
    reads_through_arrays=True,
)
"""MongoDB, and every server that is not known here."""

LOCAL = Capabilities(
    stops_at_limit=False,
    modifies_by_key=False,
    ids_at_once=50,
    combines_eq=False,
    serves_exists=False,
    subtracts_now=False,
    types_missing=False,
    sums_past_int64=False,
    reads_through_arrays=False,
)
"""The local server, secantusdb 0.7, which is written in Python."""

COMPILED = replace(LOCAL, modifies_by_key=True, ids_at_once=1_000)
"""The server by the same makers in Rust, secantus-mdb 0.5.3-beta."""


def capabilities_of(build: Mapping[str, Any]) -> Capabilities:
    """The capabilities of a server.

    Args:
        build: Its answer to `buildInfo`.
    """
    if "secantusVersion" not in build:
        return MONGODB
    return COMPILED if "buildEnvironment" in build else LOCAL
