"""Charts as inline SVG: Vega-Lite, drawn by vl-convert in this process; no script and no request in a page.

Colours are CSS variables, so that a chart follows the page's light or dark colours; series also differ by shape and
dash, and parts of a bar by hatching. A chart is as wide as a phone, so that its text is never drawn small.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import vl_convert
from markupsafe import Markup

from checkpoints.data_docs.results import Sample

WIDTH, HEIGHT = 320, 170
MOST_LABELS = 6
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
        batches: The batch of each place.
        lines: The series.
        stacked: Bars that add up, rather than lines.
    """

    title: str
    unit: str
    places: tuple[str, ...]
    batches: tuple[str, ...]
    lines: tuple[Line, ...]
    stacked: bool = False


def svg(chart: Chart) -> Markup:
    """The chart, for a page. Values of data reach it as JSON only, and its text is escaped by the drawing library."""
    spec = _spec(chart)
    drawn = vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE)
    if chart.stacked:
        drawn = drawn.replace("</svg>", f"{HATCHES}</svg>")
    return _labelled(drawn, f"{chart.title}. The table below has the numbers.")


def _spec(chart: Chart) -> Spec:
    names = [line.name for line in chart.lines]
    rows = [
        {"at": place, "number": number, "series": line.name, "value": value, "place": height}
        for height, line in enumerate(chart.lines)
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
        return {"type": "bar", "aria": False, "stroke": "var(--card)", "strokeWidth": 0.5}
    return {"type": "line", "aria": False, "strokeWidth": 2, "point": {"size": 40, "filled": True}}


def _x(chart: Chart) -> Spec:
    shown = list(range(0, len(chart.places), -(-len(chart.places) // MOST_LABELS) or 1))
    return {
        "field": "number",
        "type": "ordinal",
        "scale": {"domain": list(range(len(chart.places)))},
        "axis": {"title": None, "labelAngle": 0, "labelExpr": _labels(chart, shown), "values": shown, "grid": False},
    }


def _labels(chart: Chart, shown: Sequence[int]) -> str:
    """A time at each mark, and the day below it where it is another one, as an expression of Vega's."""
    texts, day = [], ""
    for number in shown:
        at = chart.places[number]
        texts.append(f"datum.value === {number} ? ['{at[11:16]}', '{at[5:10] if at[:10] != day else ''}']")
        day = at[:10]
    return " : ".join([*texts, "''"])


def _series(names: Sequence[str], *, stacked: bool) -> Spec:
    drawn = [f"var(--series-{number % 6 + 1})" for number in range(len(names))]
    if stacked:
        drawn = [drawn[0], *(f"url(#hatch-{number + 2})" for number in range(len(names) - 1))]
    legend = _LEGEND if len(names) > 1 else None
    colours = {"domain": names, "range": drawn}
    coded: Spec = {"color": {"field": "series", "type": "nominal", "scale": colours, "legend": legend}}
    if stacked:
        return coded | {"order": {"field": "place", "type": "quantitative"}}
    shapes = {"field": "series", "type": "nominal", "scale": {"domain": names}, "legend": legend}
    return coded | {"strokeDash": shapes | {"legend": None}, "shape": shapes}


_LEGEND: Spec = {
    "title": None,
    "orient": "top",
    "columns": 3,
    "columnPadding": 20,
    "labelOffset": 6,
    "symbolSize": 110,
}


def _hatch(number: int, turn: int, more: str = "") -> str:
    colour = f"var(--series-{number})"
    lines = f'<rect width="4" height="4" fill="var(--card)"/><rect width="4" height="2" fill="{colour}"/>{more}'
    return (
        f'<pattern id="hatch-{number}" width="4" height="4" patternUnits="userSpaceOnUse"'
        f' patternTransform="rotate({turn})">{lines}</pattern>'
    )


HATCHES = (
    "<defs>"
    + _hatch(2, 45)
    + _hatch(3, 0)
    + _hatch(4, 135, '<rect width="1.5" height="4" fill="var(--series-4)"/>')
    + "</defs>"
)
"""Parts of a bar told apart without colour: slanted, level and crossed lines."""


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
    whole = {"share": sample.scanned_share * 100}
    most = min(max(found["high"], whole["share"], sample.threshold * 100) * 1.15, 101)
    place = {
        "type": "quantitative",
        "title": "% of vectors invalid",
        "scale": {"domain": [0, most]},
        "axis": {"tickCount": 6},
    }
    point = {"type": "point", "filled": True, "size": 150, "opacity": 1}
    layers: list[Spec] = [
        {
            "data": {"values": [found]},
            "mark": {"type": "rule", "strokeWidth": 8, "color": "var(--series-1)", "opacity": 0.45},
            "encoding": {"x": {"field": "low", **place}, "x2": {"field": "high"}},
        },
        {
            "data": {"values": [found]},
            "mark": point | {"color": "var(--series-1)"},
            "encoding": {"x": {"field": "share", **place}},
        },
        {
            "data": {"values": [{"at": sample.threshold * 100}]},
            "mark": {"type": "rule", "strokeWidth": 2, "strokeDash": [6, 4], "color": "var(--fail)"},
            "encoding": {"x": {"field": "at", **place}},
        },
    ]
    if sample.scanned:
        mark = point | {"shape": "diamond", "size": 220, "color": "var(--text)"}
        layers.append({"data": {"values": [whole]}, "mark": mark, "encoding": {"x": {"field": "share", **place}}})
    spec = {"width": WIDTH, "height": 60, "background": None, "layer": layers, "config": _CONFIG}
    drawn = vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE)
    told = (
        f"{sample.share:.1%} of the sampled vectors are invalid, 95% interval {sample.low:.1%} to {sample.high:.1%},"
        f" threshold {sample.threshold:.1%}."
    )
    if sample.scanned:
        told += f" All {sample.scanned:,} were read: {sample.scanned_share:.1%} are invalid."
    return _labelled(drawn, told)


INNER_ROLES = re.compile(r' (?:role|aria-roledescription)="[^"]*"')
"""The drawing is one image with one description; its parts are none of their own."""


def _labelled(drawn: str, told: str) -> Markup:
    drawn = INNER_ROLES.sub("", drawn)
    label = f'<svg role="img" aria-label="{escape(told)}" '
    return Markup(drawn.replace("<svg ", label, 1))  # noqa: S704 - its text is escaped by vl-convert and here
