"""Charts as inline SVG: Vega-Lite, drawn by vl-convert in this process; no script and no request in a page.

Colours are CSS variables, so that a chart follows the page's light or dark colours; series also differ by shape and
dash.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import vl_convert
from markupsafe import Markup

from checkpoints.site.results import Sample

WIDTH, HEIGHT = 640, 170
VEGA_LITE = "5.20"

Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a chart: a value, or None for none, at each of the chart's places."""

    name: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart shows; the page also shows it as a table.

    Args:
        title: What it shows.
        unit: Of the values: "s", "records" or "%".
        places: ISO times, oldest first.
        lines: The series.
        stacked: Bars that add up, rather than lines.
    """

    title: str
    unit: str
    places: tuple[str, ...]
    lines: tuple[Line, ...]
    stacked: bool = False


def svg(chart: Chart) -> Markup:
    """The chart, for a page. Values of data reach it as JSON only, and its text is escaped by the drawing library."""
    spec = _spec(chart)
    drawn = vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE)
    return _labelled(drawn, f"{chart.title}. The table below has the numbers.")


def _spec(chart: Chart) -> Spec:
    names = [line.name for line in chart.lines]
    rows = [
        {"at": place, "number": number, "series": line.name, "value": value}
        for line in chart.lines
        for number, (place, value) in enumerate(zip(chart.places, line.values, strict=True))
        if value is not None
    ]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "data": {"values": rows},
        "background": None,
        "mark": _mark(chart),
        "encoding": {
            "x": _x(chart),
            "y": {"field": "value", "type": "quantitative", "title": chart.unit, "axis": {"tickCount": 5}},
            **_series(names, stacked=chart.stacked),
        },
        "config": _CONFIG,
    }


def _mark(chart: Chart) -> Spec:
    if chart.stacked:
        return {"type": "bar", "aria": False}
    return {"type": "line", "aria": False, "strokeWidth": 2, "point": {"size": 40, "filled": True}}


def _x(chart: Chart) -> Spec:
    labels = {str(number): place[11:16] for number, place in enumerate(chart.places)}
    texts = " : ".join(f"datum.value === {number} ? '{text}'" for number, text in labels.items()) + " : ''"
    step = max(1, len(chart.places) // 8)
    return {
        "field": "number",
        "type": "ordinal",
        "scale": {"domain": list(range(len(chart.places)))},
        "axis": {
            "title": None,
            "labelAngle": 0,
            "labelExpr": texts if labels else "''",
            "values": list(range(0, len(chart.places), step)),
            "grid": False,
        },
    }


def _series(names: Sequence[str], *, stacked: bool) -> Spec:
    colours = {"domain": names, "range": [f"var(--series-{number % 6 + 1})" for number in range(len(names))]}
    legend = {"title": None, "orient": "top", "symbolSize": 80} if len(names) > 1 else None
    coded: Spec = {"color": {"field": "series", "type": "nominal", "scale": colours, "legend": legend}}
    if stacked:
        return coded | {"order": {"field": "series", "sort": "ascending"}}
    shapes = {"field": "series", "type": "nominal", "scale": {"domain": names}, "legend": legend}
    return coded | {"strokeDash": shapes | {"legend": None}, "shape": shapes}


_CONFIG: Mapping[str, Any] = {
    "aria": False,
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--muted)",
        "titleColor": "var(--muted)",
        "gridColor": "var(--line)",
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
    },
    "legend": {"labelColor": "var(--text)", "labelFontSize": 13},
}


def interval(sample: Sample) -> Markup:
    """A sample's invalid share with its 95% interval, beside the threshold."""
    found = {"share": sample.share * 100, "low": sample.low * 100, "high": sample.high * 100}
    most = min(max(found["high"], sample.threshold * 100) * 1.15, 101)
    place = {"type": "quantitative", "title": "% of vectors invalid", "scale": {"domain": [0, most]}}
    threshold = {"at": sample.threshold * 100}
    spec = {
        "width": WIDTH,
        "height": 60,
        "background": None,
        "layer": [
            {
                "data": {"values": [found]},
                "mark": {"type": "rule", "strokeWidth": 8, "color": "var(--series-1)", "opacity": 0.45},
                "encoding": {"x": {"field": "low", **place}, "x2": {"field": "high"}},
            },
            {
                "data": {"values": [found]},
                "mark": {"type": "point", "filled": True, "size": 160, "color": "var(--series-1)", "opacity": 1},
                "encoding": {"x": {"field": "share", **place}},
            },
            {
                "data": {"values": [threshold]},
                "mark": {"type": "rule", "strokeWidth": 2, "strokeDash": [6, 4], "color": "var(--fail)"},
                "encoding": {"x": {"field": "at", **place}},
            },
        ],
        "config": _CONFIG,
    }
    drawn = vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE)
    told = (
        f"{sample.share:.1%} of the sampled vectors are invalid, 95% interval {sample.low:.1%} to {sample.high:.1%},"
        f" threshold {sample.threshold:.1%}."
    )
    return _labelled(drawn, told)


INNER_ROLES = re.compile(r' (?:role|aria-roledescription)="[^"]*"')
"""The drawing is one image with one description; its parts are none of their own."""


def _labelled(drawn: str, told: str) -> Markup:
    drawn = INNER_ROLES.sub("", drawn)
    label = f'<svg role="img" aria-label="{escape(told)}" '
    return Markup(drawn.replace("<svg ", label, 1))  # noqa: S704 - its text is escaped by vl-convert and here
