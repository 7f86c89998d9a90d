"""How our expectations speak in Data Docs: one sentence before, one after, and a table of examples.

An expectation says what it expects (`sentence`) and what was found (`observed_value`) plainly. GX's view escapes the
parameters of a template and nothing else: observed values and examples, which hold data, are escaped here.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any, ClassVar

from great_expectations.expectations.registry import get_expectation_impl
from great_expectations.render.components import CollapseContent, LegacyDiagnosticRendererType

from expectations_plugins.engine.gx_internals import (
    BatchExpectation,
    LegacyRendererType,
    RenderedStringTemplateContent,
    RenderedTableContent,
    renderer,
)


class ReadableExpectation(BatchExpectation):
    """An expectation whose pages an analyst understands without reading code."""

    example_columns: ClassVar[tuple[str, str]] = ("Record", "Value")
    """Headers of the table of examples."""

    @classmethod
    def sentence(cls, settings: Mapping[str, Any]) -> str:
        """What is expected, with `$name` where a setting's value belongs.

        Args:
            settings: Every setting, defaults included; a suite parameter is a mapping.
        """
        raise NotImplementedError

    @classmethod
    @renderer(renderer_type=LegacyRendererType.PRESCRIPTIVE)
    def _prescriptive_renderer(
        cls, configuration: Any = None, result: Any = None, runtime_configuration: Any = None
    ) -> list[RenderedStringTemplateContent]:
        del runtime_configuration
        given = configuration or (result.expectation_config if result else None)
        defaults = {name: field.default for name, field in cls.__fields__.items()}
        settings = defaults | (dict(given.kwargs) if given else {})
        severity = getattr(given, "severity", None) or "critical"
        template = f"{cls.sentence(settings)} [$severity]"
        params = {name: _words(value) for name, value in settings.items() if f"${name}" in template}
        params["severity"] = getattr(severity, "value", severity)
        return [
            RenderedStringTemplateContent(
                content_block_type="string_template", string_template={"template": template, "params": params}
            )
        ]

    @classmethod
    @renderer(renderer_type=LegacyDiagnosticRendererType.OBSERVED_VALUE)
    def _diagnostic_observed_value_renderer(
        cls, configuration: Any = None, result: Any = None, runtime_configuration: Any = None
    ) -> str:
        del configuration, runtime_configuration
        found = result.result.get("observed_value") if result and result.result else None
        return html.escape(str(found)) if found is not None else "could not be checked"

    @classmethod
    @renderer(renderer_type=LegacyDiagnosticRendererType.UNEXPECTED_STATEMENT)
    def _diagnostic_unexpected_statement_renderer(
        cls, configuration: Any = None, result: Any = None, runtime_configuration: Any = None
    ) -> list[Any]:
        if raised(result):
            return super()._diagnostic_unexpected_statement_renderer(
                configuration=configuration, result=result, runtime_configuration=runtime_configuration
            )
        return []

    @classmethod
    @renderer(renderer_type=LegacyDiagnosticRendererType.UNEXPECTED_TABLE)
    def _diagnostic_unexpected_table_renderer(
        cls, configuration: Any = None, result: Any = None, runtime_configuration: Any = None
    ) -> list[RenderedTableContent | CollapseContent] | None:
        del configuration, runtime_configuration
        details = (result.result or {}).get("details") if result else None
        examples = (details or {}).get("examples")
        if not examples:
            return None
        rows = [[html.escape(str(key)), html.escape(_words(value))] for key, value in examples]
        return [
            RenderedTableContent(
                content_block_type="table",
                table=rows,
                header_row=list(cls.example_columns),
                styling={"body": {"classes": ["table-bordered", "table-sm", "mt-3"]}},
            )
        ]


def share(part: int, whole: int) -> str:
    """`3 of 120 (2.5%)`, as every page of ours writes it."""
    return f"{part:,} of {whole:,} ({part / whole:.2%})" if whole else "0 of 0"


def tolerated(value: Any) -> str:
    """A tolerated share in words: `2.5%`, or the name of the suite parameter it comes from."""
    return _words(value) if isinstance(value, Mapping) else f"{float(value) * 100:.4g}%"


def examples_column(configuration: Any) -> str:
    """The field whose values an expectation's examples show; "" when they say what is wrong in words."""
    if column := configuration.kwargs.get("column"):
        return str(column)
    fields: Mapping[str, Any] = getattr(get_expectation_impl(configuration.type), "__fields__", {})
    return str(fields["column"].default or "") if "column" in fields else ""


def raised(result: Any) -> list[str]:
    """What an expectation's metrics raised; empty when it could be checked. GX calls both a failure."""
    info = (result.exception_info or {}) if result else {}
    parts = [info] if "raised_exception" in info else info.values()
    return [str(p.get("exception_message")) for p in parts if isinstance(p, Mapping) and p.get("raised_exception")]


def _words(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, Mapping) and "$PARAMETER" in value:
        return f"({value['$PARAMETER']})"
    return str(value)
