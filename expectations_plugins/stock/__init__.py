"""GX's own metrics, restated as conditions, measures and questions; one module a family, one table for all."""

from __future__ import annotations

from expectations_plugins.engine.metrics import MetricSpec
from expectations_plugins.stock.aggregates import AGGREGATES
from expectations_plugins.stock.column_map import COLUMN_MAPS
from expectations_plugins.stock.multicolumn import MULTICOLUMN
from expectations_plugins.stock.pairs import PAIRS
from expectations_plugins.stock.tables import TABLES
from expectations_plugins.stock.values import VALUES

SPECS: dict[str, MetricSpec] = {
    spec.name: spec for spec in (*TABLES, *COLUMN_MAPS, *PAIRS, *MULTICOLUMN, *AGGREGATES, *VALUES)
}
"""Every stock metric a store engine can be asked for, by name."""

__all__ = ["SPECS"]
