"""What each gate expects: a file a gate, by its name in the topology. Another gate is a row there and a file here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol, cast

from expectations_plugins.core.errors import ConfigurationError
from pipeline.config import Settings
from pipeline.core.batch import Batch
from pipeline.ports.ledger import Ledger
from pipeline.ports.stores import MetricsStore, RawStore


class Stores(Protocol):
    """The stores a gate may ask for its parameters."""

    @property
    def ledger(self) -> Ledger:
        """The batches."""

    @property
    def raw_store(self) -> RawStore:
        """The records in MongoDB."""

    @property
    def metrics(self) -> Callable[[], MetricsStore]:
        """Gives the metrics in BigQuery, connected when it is first needed."""


class GateFile(Protocol):
    """What such a file holds."""

    EXPECTED: str
    """The suite parameter that says how many records the gate ought to find; with none, its verdict is EMPTY."""

    MEANINGS: Mapping[str, str]
    """What the parameters that are named in sentences stand for."""

    def batches(self, context: Any, /) -> Any:
        """The batch definition the suite is asked of, see `checkpoints.core.assets`."""

    def suite(self) -> list[Any]:
        """The expectations, in the order a reader wants to know them.

        Values that differ from batch to batch, or that a person may set, are suite parameters.
        """

    def parameters(self, settings: Settings, batch: Batch, stores: Stores, /) -> dict[str, Any]:
        """The suite parameters for one batch: from the settings, what the ledger has of it, and what stores hold."""


def gate_file(name: str) -> GateFile:
    """The file of a gate.

    Raises:
        ConfigurationError: The topology names a gate that has none.
    """
    module = f"{__name__}.{name}"
    if find_spec(module) is None:
        raise ConfigurationError(
            f"The topology has a gate {name}, but nothing says what it expects.",
            next_step=f"Write checkpoints/gates/{name}.py, as docs/adding-a-gate.md shows.",
        )
    return cast("GateFile", import_module(module))


def parameter(name: str) -> dict[str, str]:
    """The place of a suite parameter in an expectation."""
    return {"$PARAMETER": name}
