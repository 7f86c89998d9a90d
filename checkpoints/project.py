"""The GX project as code: data sources, suites, validation definitions and checkpoints, built into any context.

`gx/` is what this writes, with ids that follow from names, so that two people who generate it get the same bytes.
"""

from __future__ import annotations

from typing import Any

import great_expectations
from great_expectations.checkpoint import Checkpoint
from great_expectations.core import ExpectationSuite
from great_expectations.core.validation_definition import ValidationDefinition

import expectations_plugins
from checkpoints.actions import ACTIONS
from checkpoints.data_docs import gx_site
from checkpoints.data_docs.storage import SITE
from checkpoints.gates import gate_file
from expectations_plugins.engine.datasource import without_connecting
from pipeline.core.fields import INTERACTION_ID
from pipeline.core.topology import GATE_STEPS, GATES

RESULT_FORMAT = {
    "result_format": "COMPLETE",
    "unexpected_index_column_names": [INTERACTION_ID],
    "partial_unexpected_count": 20,
}
ATOMIC_FILES = {"module_name": "expectations_plugins.files", "class_name": "AtomicFilesystemStoreBackend"}
_PAGES = "expectations_plugins.site"
SITE_CONFIGURATION: Any = {
    "class_name": "SiteBuilder",
    "show_how_to_buttons": False,
    "store_backend": {**ATOMIC_FILES, "base_directory": "uncommitted/data_docs/local_site/"},
    "site_index_builder": {"module_name": _PAGES, "class_name": "StartPageBuilder"},
    "site_section_builders": {
        "expectations": {
            "class_name": "DefaultSiteSectionBuilder",
            "source_store_name": "expectations_store",
            "renderer": {"module_name": _PAGES, "class_name": "SuiteRenderer"},
            "view": {"module_name": _PAGES, "class_name": "PageView"},
        },
        "validations": {
            "class_name": "DefaultSiteSectionBuilder",
            "source_store_name": "validation_results_store",
            "renderer": {"module_name": _PAGES, "class_name": "ResultRenderer"},
            "view": {"module_name": _PAGES, "class_name": "PageView"},
        },
        "profiling": "none",
    },
}
"""GX's site, with our pages in our own processes: GX finds results and suites; `store_backend` says where pages are."""

NO_PROGRESS_BARS: Any = {"globally": False, "metric_calculations": False}


def build(context: Any) -> None:
    """Add everything to an empty context; connects to no store.

    Args:
        context: A GX data context.
    """
    expectations_plugins.register()
    with without_connecting():
        batches = {gate: gate_file(gate).batches(context) for gate in GATES}
    for gate in GATES:
        suite = context.suites.add(ExpectationSuite(name=gate, expectations=gate_file(gate).suite()))
        definition = context.validation_definitions.add(
            ValidationDefinition(name=gate, data=batches[gate], suite=suite)
        )
        context.checkpoints.add(
            Checkpoint(
                name=gate,
                validation_definitions=[definition],
                actions=actions(gate),
                result_format=RESULT_FORMAT,
            )
        )


def actions(gate: str) -> list[Any]:
    """The actions of a gate's checkpoint, in the order they act: records first, then people, pages last."""
    of_rows = {kind for step in GATE_STEPS.values() for kind in step.actions}
    mine = GATE_STEPS[gate].actions
    wanted: list[Any] = [
        action for kind, action in ACTIONS.items() if (kind in mine if kind in of_rows else gate in action.gates)
    ]
    return [action(name=action.title) for action in wanted]


def new_context(folder: str) -> Any:
    """A new file context in `folder`/gx, without telemetry and without progress bars."""
    expectations_plugins.register()
    gx_site.use()
    context = great_expectations.get_context(mode="file", project_root_dir=folder)
    context.variables.progress_bars = NO_PROGRESS_BARS
    context.variables.analytics_enabled = False
    context.variables.data_docs_sites = {SITE: SITE_CONFIGURATION}
    stores: Any = context.variables.stores
    stores["validation_results_store"]["store_backend"] |= ATOMIC_FILES
    context.variables.save()
    return context
