"""Stages and gates that are built when they are first used, so that a store that is down fails its own step only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.core.batches import Lease
from pipeline.core.verdicts import GateReport
from pipeline.ports.steps import BatchContext, Gate, Stage


class LazyStage:
    """A stage whose store is connected within its first attempt.

    Args:
        name: The stage's name.
        build: Connects and builds it; tried again with the next attempt when it raises.
    """

    def __init__(self, name: str, build: Callable[[], Stage]) -> None:
        self._name = name
        self._build = build
        self._stage: Stage | None = None

    @property
    def name(self) -> str:
        """The stage's name in the topology."""
        return self._name

    def run(self, context: BatchContext) -> Mapping[str, Any]:
        """Build the stage if this is the first time, then run it."""
        if self._stage is None:
            self._stage = self._build()
        return self._stage.run(context)


class LazyGate:
    """A gate that is built with all others when the first of them is used.

    Args:
        name: The gate's name.
        build: Gives all gates; cheap after the first time.
    """

    def __init__(self, name: str, build: Callable[[], Mapping[str, Gate]]) -> None:
        self._name = name
        self._build = build

    @property
    def name(self) -> str:
        """The gate's name in the topology."""
        return self._name

    def check(self, batch_id: str, lease: Lease | None) -> GateReport:
        """Build the gates if this is the first time, then judge the batch."""
        return self._build()[self._name].check(batch_id, lease)
