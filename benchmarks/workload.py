"""What the stores' benchmarks share: where a store is, what a batch is, and how GX judges a batch of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import great_expectations
from great_expectations.core.partitioners import PartitionerColumnValue

import expectations_plugins

FORMAT = {
    "result_format": "COMPLETE",
    "unexpected_index_column_names": ["interaction_id"],
    "partial_unexpected_count": 20,
}
"""As the project's checkpoints have it."""

PUSH_DOWN, FLOOR, PANDAS = "push-down", "floor", "pandas"
SAME_QUERY = "same query"
"""Push-down's own query, sent by the driver alone: what is left of its cost is GX and this project."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a store is and which part of it is the benchmark's own.

    Args:
        uri: The server's address.
        user, password: Its credentials, where they are not in the address; a Milvus token is a password.
        database: The Neo4j database.
        space: Name of the temporary MongoDB database, Neo4j label or Milvus collection.
    """

    uri: str
    space: str
    user: str = ""
    password: str = ""
    database: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of valid records. `sample_ids` are the vectors a sample reads."""

    batch_id: str
    size: int
    sample_ids: tuple[str, ...] = ()


Check = Callable[[Batch], None]
"""Checks a batch and raises `BadAnswerError` when it does not pass."""


class Filler(Protocol):
    """Makes batches and removes them; not measured."""

    def fill(self, size: int) -> Batch:
        """Write a batch of its own of so many valid records."""
        ...

    def drop(self) -> None:
        """Remove everything that was written."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class BadAnswerError(Exception):
    """A check of valid records did not pass: its time would mean nothing."""


def require(holds: bool, what: object) -> None:
    """Raise BadAnswerError unless it holds."""
    if not holds:
        raise BadAnswerError(f"The batch is valid, but the check says: {what}")


def context() -> Any:
    """A GX context in memory, without progress bars."""
    expectations_plugins.register()
    found: Any = great_expectations.get_context(mode="ephemeral")
    found.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return found


def by_batch(asset: Any) -> Any:
    """The batches of an asset of ours, sliced as the project's checkpoints do."""
    return asset.add_batch_definition("by batch_id", partitioner=PartitionerColumnValue(column_name="batch_id"))


def frames(gx: Any) -> Any:
    """Whole data frames as batches of GX's pandas engine."""
    return gx.data_sources.add_pandas("frames").add_dataframe_asset("rows").add_batch_definition_whole_dataframe("all")


def validate(batch: Any, expectations: list[Any]) -> None:
    """Let GX judge a batch by a suite.

    Raises:
        BadAnswerError: It does not pass.
    """
    suite = great_expectations.ExpectationSuite(name="benchmark", expectations=expectations)
    result = batch.validate(suite, result_format=FORMAT)
    require(result.success and len(result.results) == len(expectations), result)


def chunks(size: int, most: int) -> Iterator[range]:
    """0..size-1 in ranges of at most `most`."""
    return (range(start, min(start + most, size)) for start in range(0, size, most))
