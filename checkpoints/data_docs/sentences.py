"""GX's renderers as sentences: what an expectation expects, with the values it is configured with set apart.

GX's renderers give a template with `$name` where a value belongs, and the values apart from it. Here both become HTML
of ours, escaped value by value, so that nothing a value holds is read as markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.registry import get_expectation_impl, get_renderer_impl
from markupsafe import Markup, escape

from expectations_plugins.engine.rendering import examples_column
from pipeline.core.fields import INTERACTION_ID

PLACE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
PRESCRIPTIVE = "renderer.prescriptive"
MOST_LETTERS = 300


def sentence(configuration: Any) -> Markup:
    """What an expectation expects, as HTML.

    Args:
        configuration: GX's configuration of it.
    """
    try:
        drawn = list(_rendered(_with_words(configuration)))
    except Exception:  # noqa: BLE001 - a renderer that fails on unusual settings must not take the page with it
        drawn = []
    parts = [_template(one["template"], one.get("params") or {}) for one in drawn]
    return Markup(" ").join(parts) if parts else _plainly(configuration)


def parameters_of(configuration: Any) -> list[str]:
    """Names of the suite parameters an expectation takes its settings from."""
    given = configuration.kwargs.values()
    return [str(one["$PARAMETER"]) for one in given if isinstance(one, Mapping) and "$PARAMETER" in one]


def severity_of(configuration: Any) -> str:
    """critical, warning or info."""
    given = configuration.severity
    return str(getattr(given, "value", given) or "critical")


def examples_headers(configuration: Any) -> tuple[str, str]:
    """What the two columns of an expectation's examples are called."""
    known = getattr(get_expectation_impl(configuration.type), "example_columns", None)
    return known or (INTERACTION_ID, examples_column(configuration) or "value")


def _with_words(configuration: Any) -> Any:
    """The configuration with `(name)` where GX's renderers take a suite parameter for a list of values."""
    sets = {name: value for name, value in configuration.kwargs.items() if name.endswith("_set")}
    named = {name: [f"({one['$PARAMETER']})"] for name, one in sets.items() if isinstance(one, Mapping)}
    if not named:
        return configuration
    return ExpectationConfiguration(type=configuration.type, kwargs={**configuration.kwargs, **named})


def _rendered(configuration: Any) -> Iterator[Mapping[str, Any]]:
    found_renderer: Any = get_renderer_impl(object_name=configuration.type, renderer_type=PRESCRIPTIVE)
    _, renderer = found_renderer
    for content in renderer(configuration=configuration, runtime_configuration={"include_column_name": True}):
        found = content.to_json_dict() if hasattr(content, "to_json_dict") else content
        if "string_template" in found:
            yield found["string_template"]


def _template(template: str, params: Mapping[str, Any]) -> Markup:
    without_severity = template.removesuffix(" [$severity]")
    pieces, at = [], 0
    for place in PLACE.finditer(without_severity):
        name = place.group(1) or place.group(2)
        pieces.append(escape(without_severity[at : place.start()]))
        pieces.append(_value(params[name]) if name in params else escape(place.group()))
        at = place.end()
    pieces.append(escape(without_severity[at:]))
    return Markup("").join(pieces)


def _value(value: Any) -> Markup:
    if isinstance(value, Mapping) and "$PARAMETER" in value:
        return Markup("({})").format(value["$PARAMETER"])
    text = str(value)
    return Markup("<code>{}</code>").format(text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}…")


def _plainly(configuration: Any) -> Markup:
    """The expectation's name in words, and its settings."""
    name = str(configuration.type).replace("_", " ").capitalize()
    settings = [Markup("{} {}").format(key, _value(value)) for key, value in configuration.kwargs.items()]
    return Markup("{}: {}.").format(name, Markup(", ").join(settings)) if settings else Markup("{}.").format(name)
