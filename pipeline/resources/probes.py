"""Asking each store whether it can be used, and for its version; writes nothing that stays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from expectations_plugins.core.errors import ConfigurationError, TerminalError, TransientError
from pipeline.core.embeddings import FALLBACK_SOURCE
from pipeline.ports.checkup import Checkup, Probe
from pipeline.ports.vectors import Embedder
from pipeline.resources.stores import OpenedStores


def probes(stores: OpenedStores, embedder: Callable[[], Embedder]) -> Mapping[str, Probe]:
    """By store name, a call that connects and examines.

    Args:
        stores: The stores, none of which is prepared.
        embedder: Makes an embedder that tries once.
    """
    found = {"mongodb": _mongodb, "neo4j": _neo4j, "milvus": _milvus, "bigquery": _bigquery}
    return {
        **{name: partial(_settings_at_fault, stores, name, probe) for name, probe in found.items()},
        "gemini": lambda: _gemini(embedder()),
    }


def _settings_at_fault(stores: OpenedStores, name: str, probe: Callable[[OpenedStores], Checkup]) -> Checkup:
    """What a store refuses before any batch is touched is wrong for every batch: a setting."""
    try:
        with stores.reaching(name):
            return probe(stores)
    except TerminalError as error:
        raise ConfigurationError(error.message, next_step=error.next_step) from error


def _mongodb(stores: OpenedStores) -> Checkup:
    from pipeline.stores.mongodb.checkup import examine  # one driver must do

    return examine(stores.database)


def _neo4j(stores: OpenedStores) -> Checkup:
    from pipeline.stores.neo4j.checkup import examine

    return examine(stores.graph)


def _milvus(stores: OpenedStores) -> Checkup:
    from pipeline.stores.milvus.checkup import examine

    return examine(*stores.collection)


def _bigquery(stores: OpenedStores) -> Checkup:
    from pipeline.stores.bigquery.checkup import examine

    return examine(*stores.dataset)


def _gemini(embedder: Embedder) -> Checkup:
    (answer,) = embedder.embed(["doctor"])
    if answer.source == FALLBACK_SOURCE:
        raise TransientError(
            "Gemini: the API gave no embedding of one word.", next_step="Check GEMINI_API_ENDPOINT and the quota."
        )
    if answer.invalid:
        raise ConfigurationError(
            f"Gemini: {embedder.model} gives no usable vector of one word: {answer.invalid.replace('_', ' ')}.",
            next_step="Name another model: GEMINI_MODEL.",
        )
    return Checkup(answer.source)
