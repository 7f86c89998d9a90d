"""Metrics of the fallback rate and of reconciliation with another store; every store's engine has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from threading import Lock
from typing import Any

from expectations_plugins.conditions.expressions import (
    Compare,
    Condition,
    Count,
    Field,
    LeadsThroughList,
    Op,
    any_element,
    both,
)
from expectations_plugins.core.checksums import Checksum, number_of
from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.engine import existence
from expectations_plugins.engine.backend import Backend, Slice, UnsupportedError
from expectations_plugins.engine.datasource import StoreAsset
from expectations_plugins.engine.execution import StoreExecutionEngine
from expectations_plugins.engine.gx_internals import project_manager
from expectations_plugins.engine.id_comparison import IdReader, compare_ids
from expectations_plugins.engine.metrics import Measures, MetricCall, MetricSpec, Plan, Remembered
from expectations_plugins.engine.reconciliation import EXAMPLES, Side, reconcile
from expectations_plugins.engine.registration import COLUMN_DOMAIN, TABLE_DOMAIN

FALLBACK_COUNTS = "sluicegate.fallbacks.counts"
RECONCILED = "sluicegate.stores.reconciled"
IDS_CHECKED = "sluicegate.ids.checksum"
IDS_COUNTED = "sluicegate.ids.count"
_CONNECTING = Lock()
"""Metrics ask side by side, and a data source connects when it is first asked."""


def _fallback_counts(call: MetricCall) -> Plan:
    field = Field.of(call.domain["column"])
    is_fallback = any_element(field, Compare(Op.EQ, field, call.values["fallback_value"]))
    parts = (Count(call.where), Count(both(call.where, is_fallback)))
    return Measures(parts, lambda found: dict(zip(("checked", "fallbacks"), map(int, found), strict=True)))


FALLBACK_SPECS: dict[str, MetricSpec] = {
    FALLBACK_COUNTS: MetricSpec(
        FALLBACK_COUNTS, _fallback_counts, domain_keys=COLUMN_DOMAIN, value_keys=("fallback_value",)
    )
}
"""Metrics of ExpectFallbackEmbeddingRateToBeBelow."""


def _reconciled(call: MetricCall) -> Plan:
    def ask(backend: Backend, data: Slice, reader: IdReader) -> Mapping[str, Any]:
        here = _this_side(call, backend, data)
        there, required = other_side(call.values, data), _required(call.values)
        for side in (here, there):
            _check_key(side)
        if not call.values.get("by_ids"):
            return reconcile(here, there).as_dict()
        may_miss = int(call.values.get("may_miss") or 0)
        found = compare_ids(here, there, reader, required=required, may_miss=may_miss)
        return (found or reconcile(replace(here, where=both(here.where, required)), there)).as_dict()

    return Remembered(ask)


def _this_side(call: MetricCall, backend: Backend, data: Slice) -> Side:
    return Side(backend.store, backend, data, Field.of(call.values["key"]), call.where)


def _ids_checked(call: MetricCall) -> Plan:
    def ask(backend: Backend, data: Slice, reader: IdReader) -> Mapping[str, Any]:
        side = _this_side(call, backend, data)
        _check_key(side)
        ids, expected = reader.read(side), Checksum.read(call.values["checksum"] or ())
        more = Checksum.of(ids.known) - expected if expected and ids.complete else Checksum()
        added = more.added()
        named = [key for key in ids.known if number_of(key) == added] if added is not None else []
        return {"count": ids.records, "same": more == Checksum() and not ids.without, "added": named[:EXAMPLES]}

    return Remembered(ask)


def _ids_counted(call: MetricCall) -> Plan:
    return Remembered(lambda backend, data, reader: reader.read(_this_side(call, backend, data)).records)


def _check_key(side: Side) -> None:
    """Refuse a key that has several values in a record, or none.

    Raises:
        UnsupportedError: Its path leads through a list.
    """
    if len(side.key.parts) == 1:
        return
    [records] = side.backend.measure(side.data, [Count(both(side.where, LeadsThroughList(side.key)))])
    if records:
        what = f"a reconciliation by {side.key.path!r}, whose path leads through a list in {records:,} records"
        raise UnsupportedError(side.backend.store, what, "Give a key that has one value in each record.")


def other_side(values: Mapping[str, Any], here: Slice) -> Side:
    """The same batch of the asset to compare with, of the records the asset's own filter leaves.

    Raises:
        ConfigurationError: There is no such data source or asset, or it is not a store of ours.
        SluicegateError: The store could not be connected to; an outage is a TransientError.
    """
    asset = _asset(str(values["comparison_data_source"]), str(values["comparison_asset"]))
    with _CONNECTING:
        engine = asset.datasource.get_execution_engine()
    assert isinstance(engine, StoreExecutionEngine)
    of_asset = both(here.where, engine.row_condition(asset.where, None))
    data = Slice(asset.target(), of_asset, asset.record_key(), allow_missing=asset.allow_missing)
    where = engine.row_condition(values.get("comparison_row_condition"), None)
    key = Field.of(values.get("comparison_key") or values["key"])
    backend = existence.backend_for(engine.backend, data)
    return Side(f"{asset.datasource.name}/{asset.name}", backend, data, key, where)


def _required(values: Mapping[str, Any]) -> Condition:
    """Which records of this side the other one must have; row conditions are the same in every store."""
    source = _asset(str(values["comparison_data_source"]), str(values["comparison_asset"])).datasource
    with _CONNECTING:
        engine = source.get_execution_engine()
    condition: Condition = engine.row_condition(values.get("required_condition"), None)
    return condition


def _asset(source_name: str, asset_name: str) -> StoreAsset:
    sources = project_manager.get_datasources()
    if source_name not in sources:
        raise ConfigurationError(
            f"There is no data source {source_name!r} to compare with; there are: {_listed(sources)}.",
            next_step="Correct comparison_data_source.",
        )
    source = sources[source_name]
    asset = next((asset for asset in source.assets if asset.name == asset_name), None)
    if asset is None:
        raise ConfigurationError(
            f"Data source {source_name!r} has no asset {asset_name!r} to compare with; "
            f"it has: {_listed(asset.name for asset in source.assets)}.",
            next_step="Correct comparison_asset.",
        )
    if not isinstance(asset, StoreAsset):
        raise ConfigurationError(
            f"Data source {source_name!r} is of type {source.type!r}, which cannot be reconciled with.",
            next_step="Compare with an asset of a mongodb, neo4j or milvus data source.",
        )
    found: StoreAsset = source.get_asset(asset_name)  # ties the asset to its data source
    return found


def _listed(names: Any) -> str:
    return ", ".join(sorted(names)) or "none"


RECONCILIATION_SPECS: dict[str, MetricSpec] = {
    RECONCILED: MetricSpec(
        RECONCILED,
        _reconciled,
        domain_keys=TABLE_DOMAIN,
        value_keys=(
            "key",
            "comparison_data_source",
            "comparison_asset",
            "comparison_key",
            "comparison_row_condition",
            "by_ids",
            "required_condition",
            "may_miss",
        ),
    )
}
"""Metrics of ExpectStoresToReconcile."""

ID_SPECS: dict[str, MetricSpec] = {
    IDS_CHECKED: MetricSpec(IDS_CHECKED, _ids_checked, domain_keys=TABLE_DOMAIN, value_keys=("key", "checksum")),
    IDS_COUNTED: MetricSpec(IDS_COUNTED, _ids_counted, domain_keys=TABLE_DOMAIN, value_keys=("key",)),
}
"""Metrics of ExpectIdsToMatchChecksum and ExpectPublishedCountToMatch."""

STORE_SPECS: dict[str, MetricSpec] = {**FALLBACK_SPECS, **RECONCILIATION_SPECS, **ID_SPECS}
"""All metrics of this module."""
