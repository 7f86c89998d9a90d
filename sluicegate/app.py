"""Sluicegate's command line and composition root: the only place that wires settings, stores, stages, gates and runner.

Imports are lazy on purpose: `run.py --help` imports click and nothing else of weight.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from zoneinfo import ZoneInfo

from checkpoints.project_file import has_project, refuse_outdated
from expectations_plugins.core.errors import SluicegateError
from pipeline.core.topology import GATES, MAX_ATTEMPTS
from pipeline.ports.pages import Publishing
from pipeline.resources.reach import Reached
from pipeline.resources.stores import OpenedStores, Port, Through
from sluicegate.commands import sluicegate, start

if TYPE_CHECKING:
    from checkpoints.actions.scope import Effects
    from checkpoints.data_docs.site import Site
    from pipeline.alerts.router import AlertRouter
    from pipeline.config import Settings
    from pipeline.config.connections import Connections
    from pipeline.core.batch import Batch
    from pipeline.local import Endpoints
    from pipeline.ports.checkup import Probe
    from pipeline.ports.dead_letters import DeadQueue
    from pipeline.ports.health import StandingReader
    from pipeline.ports.history import History
    from pipeline.ports.ledger import Ledger
    from pipeline.ports.steps import Gate, Progress, Stage
    from pipeline.ports.stores import GraphStore, RawStore, ReviewQueue
    from pipeline.ports.tracing import LineageReaders
    from pipeline.ports.vectors import Embedder
    from pipeline.runner.runner import Runner
    from pipeline.stages import Reembedder, Rollback, Supersede
    from pipeline.telemetry.progress import TelemetryProgress
    from pipeline.upgrades.migration import Migration

__all__ = ["App", "main", "sluicegate"]


class App:
    """Everything a command may ask for, made when first asked for, handed out `through` a seam, closed at the end."""

    def __init__(self, through: Through | None = None) -> None:
        self.json_logs = False
        self._through: Through = through or _as_it_is
        self._overrides: dict[str, object] = {}
        self._resources = contextlib.ExitStack()
        self._started: set[str] = set()
        self._endpoints: Endpoints | None = None
        self._telemetry: TelemetryProgress | None = None
        reached = Reached(lambda: self.settings.home / "answered")
        self.stores = OpenedStores(self.connections, self._through, self._resources, reached)

    def close(self) -> None:
        """Let telemetry deliver what is left, close every client, leave the local stack, drop copies of objects."""
        if self._telemetry is not None:
            self._telemetry.finish(lambda: self.stores.standing_if_used)
        self._resources.close()
        if "settings" in self.__dict__:
            from pipeline.storage import cache

            cache.clear()

    def configure(self, **overrides: object) -> None:
        """Let options win over the environment, by the variables' names."""
        self._overrides.update(overrides)
        self.__dict__.pop("settings", None)

    @property
    def wants_tracebacks(self) -> bool:
        """Whether a person asked for the details of bugs."""
        return self._overrides.get("SLUICEGATE_LOG_LEVEL") == "DEBUG"

    @cached_property
    def settings(self) -> Settings:
        """The settings."""
        from pipeline.config import load_settings

        return load_settings(**self._overrides)

    @cached_property
    def progress(self) -> Progress:
        """What shows progress, and tells whoever else is configured to hear of it."""
        from pipeline.telemetry.assembly import telemetry

        shown = self._shown()
        self._telemetry = telemetry(self.settings, shown, self.connections)
        return self._telemetry or shown

    def _shown(self) -> Progress:
        """Lines and bars on a terminal, JSON lines elsewhere."""
        level = self.settings.log_level.upper()
        if sys.stderr.isatty() and not self.json_logs:
            from pipeline.cli.console import console_progress

            return self._resources.enter_context(contextlib.closing(console_progress(level=level)))
        from pipeline.cli.logs import JsonProgress, set_up_logging

        set_up_logging(level)
        return JsonProgress()

    @property
    def docs_index(self) -> Path | str:
        """First page of the Data Docs: an absolute path, or elsewhere an address; it may not exist yet."""
        return self.settings.docs_index

    @property
    def ledger(self) -> Ledger:
        """The ledger, connected and prepared."""
        return self.stores.ledger

    @property
    def raw_store(self) -> RawStore:
        """The raw store, connected and prepared."""
        return self.stores.raw_store

    @property
    def dead_queue(self) -> DeadQueue:
        """The dead-letter queue's part of the ledger, connected and prepared."""
        return self.stores.dead_queue

    @property
    def graph_store(self) -> GraphStore:
        """The graph store, connected and prepared."""
        return self.stores.graph_store

    @property
    def review_queue(self) -> ReviewQueue:
        """The review queue, connected and prepared."""
        return self.stores.review_queue

    @property
    def lineage(self) -> LineageReaders:
        """What each store knows of one record; local servers start together, and one that does not is told of later."""
        with contextlib.suppress(SluicegateError):
            self.connections("mongodb", "bigquery", "neo4j", "milvus")
        return self.stores.lineage

    @property
    def standing(self) -> StandingReader:
        """How the pipeline stands, connected and prepared."""
        return self.stores.standing

    @cached_property
    def alerts(self) -> AlertRouter:
        """Incidents, and who is notified of them, also while MongoDB is down."""
        from pipeline.alerts.assembly import alert_router
        from pipeline.stores.mongodb.incidents import MongoIncidents

        def states(ids: Sequence[str]) -> Mapping[str, Batch]:
            return self.stores.history.states(ids)

        router = alert_router(self.settings, lambda: MongoIncidents(self.stores.database), self.progress, states=states)
        return self._through("alerts", router)

    @cached_property
    def rollback(self) -> Rollback:
        """Takes embedding batches back."""
        from pipeline.stages import Rollback

        return Rollback(self.stores.vectors, self.stores.journal, self.ledger)

    @cached_property
    def supersede(self) -> Supersede:
        """Gives a batch the records of older ones that it brings again."""
        from pipeline.stages import Supersede

        return Supersede(self.raw_store, self.ledger, **self._times())

    def reembedder(self) -> Reembedder:
        """Replaces fallback vectors."""
        from pipeline.stages import Reembedder

        size = self.settings.vector_sample
        stores, embedder = self.stores, self._embedder()
        return Reembedder(stores.raw_store, stores.vectors, stores.journal, embedder, stores.ledger, sample_size=size)

    def fallbacks(self, batch: Batch) -> int:
        """How many vectors of a batch no model made."""
        from pipeline.stages.placement import count_fallbacks

        return count_fallbacks(self.stores.vectors, batch)

    def gate(self, name: str) -> Gate:
        """One gate."""
        self._require_gx_project()
        return self._gates[name]

    @property
    def history(self) -> History:
        """The ledger as pages read it, connected and prepared."""
        return self.stores.history

    def runner(self, *stores: str) -> Runner:
        """The runner, with every stage and gate; each connects its stores within its first attempt.

        Args:
            stores: Whose local servers are started now; all when none is named.
        """
        from expectations_plugins.core.retry import RetryPolicy
        from pipeline.config.connections import ALL_STORES
        from pipeline.runner.effects import DecisionEffects
        from pipeline.runner.lazy import LazyGate, LazyStage
        from pipeline.runner.lease import new_holder
        from pipeline.runner.runner import Runner

        self._require_gx_project()
        if stores:
            self.connections(*stores)
        else:
            with self._importing_gates():
                self.connections(*ALL_STORES)
        return Runner(
            stages={name: LazyStage(name, build) for name, build in self._stages().items()},
            gates={name: LazyGate(name, lambda: self._gates) for name in GATES},
            ledger=lambda: self.ledger,
            policy=RetryPolicy(MAX_ATTEMPTS, self.settings.retry_wait, self.settings.retry_wait_max),
            progress=self.progress,
            holder=new_holder(),
            lease_seconds=self.settings.lease_seconds,
            raw_store=lambda: self.raw_store,
            spool=self.settings.spool_dir,
            halts_pipeline=self.settings.halt_scope == "pipeline",
            alarms=self.alerts,
            publish=Publishing(lambda: self.site, self.progress),
            effects=DecisionEffects(
                lambda: self.raw_store, lambda: self.dead_queue, lambda: self.rollback, lambda: self.supersede
            ),
        )

    @cached_property
    def site(self) -> Site:
        """The Data Docs."""
        from checkpoints.data_docs.site import Site

        return Site(self._project, self.settings, self.stores.history, lambda: self.review_queue)

    def connections(self, *names: str) -> Connections:
        """Where these stores are; those of them that are local are started if need be, and stay up until `close`."""
        from pipeline.config import shield_drivers
        from pipeline.config.connections import resolve
        from pipeline.local import Endpoints, LocalStack

        progress, local = self.progress, set(self.settings.local_stores())
        shield_drivers(self.settings, self.settings.home)
        wanted = self._started | (local & set(names))
        if wanted != self._started:
            progress.event("waiting", what=f"waiting for local servers: {', '.join(sorted(wanted))}")
            stack = LocalStack(self.settings.home, self.settings.start_seconds)
            self._endpoints = self._resources.enter_context(stack.use(wanted))
            self._started = wanted
            progress.event("ready", what="local servers")
        return resolve(self.settings, self._endpoints or Endpoints())

    def environment(self) -> Mapping[str, str]:
        """The variables the GX project refers to."""
        return self.connections("mongodb", "neo4j", "milvus").environment()

    def addresses(self) -> Mapping[str, str]:
        """By store name: its address without credentials, "" for a local one."""
        return self.connections().addresses()

    def probes(self) -> Mapping[str, Probe]:
        """By store name: connects and examines, raising a SluicegateError when the store cannot be used."""
        from pipeline.resources.probes import probes

        return probes(self.stores, lambda: self._embedder(attempts=1))

    @cached_property
    def _project(self) -> Any:
        from checkpoints.gx_gate import open_project  # Great Expectations takes seconds to import

        self._require_gx_project()
        return open_project(self.settings.gx_root, self.environment(), self.settings)

    @cached_property
    def _gates(self) -> Mapping[str, Gate]:
        from checkpoints.gx_gate import build_gates  # Great Expectations takes seconds to import

        gates = build_gates(self.settings, self.environment(), self._effects(), self._project)
        for gate in gates.values():
            self._resources.callback(gate.close)
        return {name: self._through("gate", gate) for name, gate in gates.items()}

    def _effects(self) -> Effects:
        from checkpoints.actions.scope import Effects
        from pipeline.stages import Sweep

        return Effects(
            ledger=self.ledger,
            raw_store=self.raw_store,
            metrics=lambda: self.stores.metrics,
            review=lambda: self.review_queue,
            rollback=lambda: self.rollback,
            sweep=lambda: Sweep(self.stores.vectors, self.stores.journal),
            alarms=lambda: self.alerts,
        )

    def _stages(self) -> dict[str, Callable[[], Stage]]:
        from pipeline import stages

        return {
            "load": self._load_stage,
            "aggregate": lambda: stages.AggregateStage(self.raw_store, self.stores.metrics),
            "publish": lambda: stages.PublishStage(self.raw_store, self.stores.metrics),
            "graph": lambda: stages.GraphStage(self.raw_store, self.graph_store),
            "embed": lambda: stages.EmbedStage(
                self.raw_store,
                self.stores.vectors,
                self.stores.journal,
                self._embedder(),
                self.ledger,
                sample_size=self.settings.vector_sample,
            ),
        }

    def _load_stage(self) -> Stage:
        from pipeline.stages import LoadStage

        # before the first record is anywhere; a local server is not started for it
        self.stores.check_versions(but=set(self.settings.local_stores()) - self._started)
        return LoadStage(self.raw_store, self.ledger, **self._times())

    def _times(self) -> dict[str, Any]:
        """How a record's time is read, and which it may be."""
        from pipeline.stages import Plausible

        plausible = Plausible(self.settings.earliest, timedelta(hours=self.settings.ahead_hours))
        return {"zone": ZoneInfo(self.settings.source_timezone), "plausible": plausible}

    def migration(self) -> Migration:
        """What brings older data to this program's schema versions."""
        self.connections("mongodb", "bigquery", "neo4j", "milvus")
        return self.stores.migration(self.settings.gemini_model)

    def schema_note(self, store: str) -> str:
        """What a person ought to know of the schema version of a store that is not a local one; "" for nothing."""
        return self.stores.schema_note(store)

    def _embedder(self, attempts: int = MAX_ATTEMPTS) -> Embedder:
        from pipeline.resources.embedding import embedder

        reaching = partial(self.stores.reaching, "gemini")
        return self._through("embedder", embedder(self.connections("gemini"), self.settings, attempts, reaching))

    @contextlib.contextmanager
    def _importing_gates(self) -> Iterator[None]:
        """While local servers start, import what takes seconds; nothing else is imported meanwhile."""
        from pipeline.local import LocalStack, ServerState

        local = self.settings.local_stores()
        servers = LocalStack(self.settings.home).status() if local else ()
        if all(server.state is ServerState.UP for server in servers if server.name in local):
            yield
            return
        importing = threading.Thread(target=_import_gates, daemon=True)
        importing.start()
        try:
            yield
        finally:
            importing.join()

    def _require_gx_project(self) -> None:
        """Make the GX project where there is none yet: the first run in a folder does."""
        root = self.settings.gx_root
        if has_project(root):
            refuse_outdated(root)
            return
        from checkpoints.sync import ensure  # Great Expectations takes seconds to import

        if ensure(root):
            self.progress.event("gx_made", folder=str(root))


def _as_it_is(name: str, port: Port) -> Port:
    del name
    return port


def _import_gates() -> None:
    with contextlib.suppress(Exception):  # it is raised again, and told, where it is needed
        import checkpoints.gx_gate  # noqa: F401


def main() -> NoReturn:
    """The console script."""
    start(App)
