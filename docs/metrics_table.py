"""Writes docs/observability.md: every metric, from the table the exporters read.

Usage: python docs/metrics_table.py   A test holds the page equal to the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.telemetry.metrics import METRICS

FOLDER = Path(__file__).parent
PAGE = FOLDER / "observability.md"
UNITS = {"s": "seconds", "1": "share, 0 to 1", "": "0 or 1"}


def rows() -> Iterator[str]:
    """The table, line by line."""
    yield "| in Prometheus | in OpenTelemetry | kind | unit | labels | meaning |"
    yield "|---|---|---|---|---|---|"
    for metric in METRICS:
        labels = ", ".join(f"`{label}`" for label in metric.labels) or "-"
        unit = UNITS.get(metric.unit) or f"{metric.unit.strip('{}')}s".replace("batchs", "batches").replace("ys", "ies")
        names = f"`{metric.prometheus_name}` | `{metric.name}`"
        yield f"| {names} | {metric.kind} | {unit} | {labels} | {metric.meaning} |"


def page() -> str:
    """The page's text."""
    return (FOLDER / "observability.template.md").read_text("utf-8").replace("{{ table }}", "\n".join(rows()))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
