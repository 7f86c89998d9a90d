"""What commands may ask of the composition root, and how they get it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import click

from pipeline.alerts.router import AlertRouter
from pipeline.config import Settings
from pipeline.core.batch import Batch
from pipeline.ports.checkup import Probe
from pipeline.ports.dead_letters import DeadQueue
from pipeline.ports.health import StandingReader
from pipeline.ports.history import History
from pipeline.ports.ledger import Ledger
from pipeline.ports.pages import Site
from pipeline.ports.steps import Gate, Progress
from pipeline.ports.stores import GraphStore, RawStore, ReviewQueue
from pipeline.ports.tracing import LineageReaders
from pipeline.resources.stores import OpenedStores
from pipeline.runner.runner import Runner
from pipeline.stages import Reembedder, Rollback
from pipeline.upgrades.migration import Migration


class App(Protocol):
    """The parts of Sluicegate, each made when it is first asked for and closed at the end."""

    @property
    def settings(self) -> Settings:
        """The settings."""

    @property
    def progress(self) -> Progress:
        """Where to report."""

    @property
    def ledger(self) -> Ledger:
        """The ledger, connected and prepared."""

    @property
    def raw_store(self) -> RawStore:
        """The raw store, connected and prepared."""

    @property
    def graph_store(self) -> GraphStore:
        """The graph store, connected and prepared."""

    @property
    def stores(self) -> OpenedStores:
        """Every store, for what has no property of its own here."""

    @property
    def dead_queue(self) -> DeadQueue:
        """The dead-letter queue's part of the ledger, connected and prepared."""

    @property
    def alerts(self) -> AlertRouter:
        """Tells people; connects nothing before it must."""

    @property
    def review_queue(self) -> ReviewQueue:
        """The review queue, connected and prepared."""

    @property
    def lineage(self) -> LineageReaders:
        """What each store knows of one record; each is connected when it is asked."""

    @property
    def standing(self) -> StandingReader:
        """How the pipeline stands, connected and prepared."""

    @property
    def docs_index(self) -> Path | str:
        """First page of the Data Docs: an absolute path, or elsewhere an address; it may not exist yet."""

    @property
    def site(self) -> Site:
        """The Data Docs."""

    def configure(self, **overrides: object) -> None:
        """Let options win over the environment, by the variables' names; before the settings are first used."""

    @property
    def rollback(self) -> Rollback:
        """Takes embedding batches back."""

    def reembedder(self) -> Reembedder:
        """Replaces fallback vectors."""

    def fallbacks(self, batch: Batch) -> int:
        """How many vectors of a batch no model made.

        Raises:
            ConfigurationError: The ledger does not say in which collection they are, and it is not the settings' one.
        """

    def gate(self, name: str) -> Gate:
        """One gate."""

    @property
    def history(self) -> History:
        """The ledger as pages read it, connected and prepared."""

    def migration(self) -> Migration:
        """What brings older data to this program's schema versions; nothing is prepared."""

    def schema_note(self, store: str) -> str:
        """What a person ought to know of the schema version of a store that answers; "" when there is nothing."""

    def runner(self, *stores: str) -> Runner:
        """The runner, with every stage and gate; local servers of these stores, or of all, are started first."""

    def probes(self) -> Mapping[str, Probe]:
        """By store name: connects and examines, raising a SluicegateError when the store cannot be used."""

    def addresses(self) -> Mapping[str, str]:
        """By store name: its address without credentials, "" for a local one."""


class RootApp(Protocol):
    """What the command line itself needs of the composition root."""

    json_logs: bool

    @property
    def wants_tracebacks(self) -> bool:
        """Whether a person asked for the details of bugs."""

    @property
    def site(self) -> Site:
        """The Data Docs."""

    def configure(self, **overrides: object) -> None:
        """Let options win over the environment, by the variables' names."""

    def close(self) -> None:
        """Close every client and leave the local stack."""


def app_of(context: click.Context) -> App:
    """The App of this invocation."""
    app: Any = context.obj
    return app  # type: ignore[no-any-return]  # sluicegate/commands.py puts it there
