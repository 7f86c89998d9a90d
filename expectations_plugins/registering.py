"""What `expectations_plugins.register` does: everything of ours, and of other people's plug-ins, becomes known to GX.

Each step can be done again and changes nothing then, so a registration that was interrupted is simply repeated.
"""

from __future__ import annotations

import logging
import threading
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from expectations_plugins.actions import declare
from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.core.redaction import hidden
from expectations_plugins.engine.absent import AbsentStore, stand_in
from expectations_plugins.engine.isolation import isolate_expectations
from expectations_plugins.engine.registration import register_engine
from expectations_plugins.engine.type_expectations import teach_type_expectations

STORES = (
    AbsentStore("Milvus", "milvus", "pymilvus", ("milvus_collection",)),
    AbsentStore("MongoDB", "mongodb", "pymongo", ("mongodb_collection",)),
    AbsentStore("Neo4j", "neo4j", "neo4j", ("neo4j_node", "neo4j_relationship", "neo4j_query")),
)
"""The stores there are data sources for, as far as they can be named without their drivers."""

PLUG_INS = "sluicegate.plugins"
"""The group of entry points of other people's expectations, stores and actions."""

NOT_A_DRIVER = ("expectations_plugins", "great_expectations")

_logger = logging.getLogger(__name__)
_lock = threading.RLock()
_done: list[bool] = []
"""Holds False while the registration runs, True when it is done."""


def register_everything() -> None:
    """Register data sources, metrics, expectations, actions and plug-ins; the next calls do nothing.

    A thread that comes while another one registers waits for it. A plug-in that asks for it while it is itself being
    registered goes on at once.
    """
    with _lock:
        if _done:
            return
        _done.append(False)
        try:
            _register()
            _done[0] = True
        finally:
            if not _done[0]:
                _done.clear()


def _register() -> None:
    import_module("expectations_plugins.expectations")
    teach_type_expectations()
    isolate_expectations()
    declare()
    for store in STORES:
        try:
            register_engine(_data_source(store).engine_type)
        except ConfigurationError as missing:
            stand_in(store, missing)
    for plug_in in entry_points(group=PLUG_INS):
        _plug_in(plug_in)


def named(name: str) -> Any:
    """An expectation, a data source or a type of ours.

    Raises:
        ConfigurationError: It is the data source of a store whose driver is not installed.
    """
    if name == "DataSources":
        return import_module("expectations_plugins.typed").DataSources
    for store in STORES:
        if name == store.data_source:
            return _data_source(store)
    return getattr(import_module("expectations_plugins.expectations"), name)


def _data_source(store: AbsentStore) -> Any:
    """The store's data source.

    Raises:
        ConfigurationError: Its driver is not installed; it says what to install.
    """
    try:
        return getattr(import_module(f"expectations_plugins.{store.type}.datasource"), store.data_source)
    except ImportError as error:
        if (error.name or "").partition(".")[0] in NOT_A_DRIVER:
            raise
        raise store.missing(str(error)) from None


def _plug_in(entry: EntryPoint) -> None:
    """Load what the entry point names, and call it when it is a function; whatever it raises concerns only itself."""
    try:
        found = entry.load()
        if callable(found) and not isinstance(found, type):
            found()
    except Exception as error:  # noqa: BLE001 - somebody else's code; ours must be usable without it
        distribution = entry.dist.name if entry.dist else "an unknown distribution"
        # not by `warnings`: GX sends those to a logger that nobody hears where logging is not set up
        _logger.warning(
            "The plug-in %r of %s (%s) was left out, because it raised %s: %s. Correct it or uninstall %s.",
            entry.name,
            distribution,
            entry.value,
            type(error).__name__,
            hidden(str(error)),
            distribution,
        )
