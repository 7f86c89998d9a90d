"""A channel is one file: it is found by being there, can be named in a route, and does not touch the others."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pipeline.alerts import channels
from pipeline.alerts.channels import _classes
from pipeline.config.alert_routes import Route, channel_names, parse_routes, routed

FOLDER = Path(channels.__file__).parent


@pytest.mark.parametrize("path", sorted(FOLDER.glob("[!_]*.py")), ids=lambda path: path.stem)
def test_every_file_is_one_channel_of_its_name(path: Path) -> None:
    (kind,) = _classes(path.stem)
    assert kind.name == path.stem
    assert all(callable(getattr(kind, name)) for name in ("configured", "trigger", "resolve"))
    assert path.stem in channel_names()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_no_channel_knows_another(path: Path) -> None:
    nodes = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
    others = {f"pipeline.alerts.channels.{name}" for name in channel_names()}
    assert not {node.module for node in nodes} & others


def test_the_first_route_that_fits_decides() -> None:
    routes = parse_routes(" raw:critical = slack + pagerduty, raw:*=, *:warning=slack ,")
    assert routes == (
        Route("raw", "critical", ("slack", "pagerduty")),
        Route("raw", "*", ()),
        Route("*", "warning", ("slack",)),
    )
    assert routed(routes, "raw", "critical", ()) == ("slack", "pagerduty")
    assert routed(routes, "raw", "warning", ("slack",)) == ()
    assert routed(routes, "graph", "warning", ()) == ("slack",)


@pytest.mark.parametrize(
    ("severity", "told"),
    [("critical", ("pagerduty", "slack")), ("error", ("pagerduty", "slack")), ("warning", ("slack",))],
)
def test_without_a_route_warnings_page_nobody(severity: str, told: tuple[str, ...]) -> None:
    assert routed((), "raw", severity, ("pagerduty", "slack")) == told
