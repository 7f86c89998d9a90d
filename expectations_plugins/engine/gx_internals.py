"""Every name of Great Expectations that is not its documented API, in one place.

GX's engine extension is not a documented interface; the versions it is known to work with are pinned in
pyproject.toml. When an upgrade breaks something, it breaks here or in a module that imports from here.
"""

from __future__ import annotations

from great_expectations.checkpoint.actions import _VALIDATION_ACTION_REGISTRY, MetaValidationAction, ValidationAction
from great_expectations.compatibility import pydantic
from great_expectations.core.batch import BatchData, BatchMarkers, LegacyBatchDefinition
from great_expectations.core.batch_spec import BatchSpec
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.core.id_dict import IDDict
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.data_context import project_manager
from great_expectations.datasource.fluent import BatchRequest, DataAsset, Datasource
from great_expectations.datasource.fluent.config_str import ConfigStr
from great_expectations.datasource.fluent.interfaces import Batch, TestConnectionError
from great_expectations.exceptions import MetricResolutionError
from great_expectations.execution_engine import ExecutionEngine
from great_expectations.expectations import metrics as _core_metrics  # noqa: F401 - registers GX's own metrics
from great_expectations.expectations.expectation import (
    BatchExpectation,
    ColumnMapExpectation,
    render_suite_parameter_string,
)
from great_expectations.expectations.metrics.metric_provider import MetricProvider
from great_expectations.expectations.registry import _registered_metrics as registered_metrics
from great_expectations.expectations.registry import register_metric
from great_expectations.expectations.row_conditions import (
    RowConditionType,
    deserialize_row_condition,
    validate_row_condition,
)
from great_expectations.render.components import (
    LegacyDescriptiveRendererType,
    LegacyRendererType,
    RenderedStringTemplateContent,
    RenderedTableContent,
)
from great_expectations.render.renderer.renderer import renderer
from great_expectations.validator.exception_info import ExceptionInfo
from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.validator import Validator

registered_actions = _VALIDATION_ACTION_REGISTRY._registered_actions  # noqa: SLF001 - GX offers no way to replace a class
"""The class of each type of action."""

__all__ = [
    "Batch",
    "BatchData",
    "BatchExpectation",
    "BatchMarkers",
    "BatchRequest",
    "BatchSpec",
    "ColumnMapExpectation",
    "ConfigStr",
    "DataAsset",
    "Datasource",
    "ExceptionInfo",
    "ExecutionEngine",
    "ExpectationValidationResult",
    "IDDict",
    "LegacyBatchDefinition",
    "LegacyDescriptiveRendererType",
    "LegacyRendererType",
    "MetaValidationAction",
    "MetricConfiguration",
    "MetricDomainTypes",
    "MetricProvider",
    "MetricResolutionError",
    "RenderedStringTemplateContent",
    "RenderedTableContent",
    "RowConditionType",
    "TestConnectionError",
    "ValidationAction",
    "Validator",
    "deserialize_row_condition",
    "project_manager",
    "pydantic",
    "register_metric",
    "registered_actions",
    "registered_metrics",
    "render_suite_parameter_string",
    "renderer",
    "validate_row_condition",
]
