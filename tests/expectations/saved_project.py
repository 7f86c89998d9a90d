"""Runs every checkpoint of a saved project and prints what came out, as a process of its own.

python -m tests.expectations.saved_project PROJECT_FOLDER PARAMETERS_AS_JSON
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import great_expectations

import expectations_plugins
from tests.gx_cases.judging import raised


def answers(folder: str, parameters: Mapping[str, Mapping[str, Any]]) -> dict[str, list[Any]]:
    """What each checkpoint finds.

    Args:
        folder: The project's folder.
        parameters: Batch parameters by the checkpoint's name.
    """
    expectations_plugins.register()
    context = great_expectations.get_context(mode="file", project_root_dir=folder)
    found = {}
    for checkpoint in sorted(context.checkpoints.all(), key=lambda one: one.name):
        result = checkpoint.run(batch_parameters=dict(parameters.get(checkpoint.name, {})))
        [run] = result.run_results.values()
        found[checkpoint.name] = sorted(map(_answer, run.results), key=str)
    return found


def _answer(result: Any) -> list[Any]:
    said = {name: result.result.get(name) for name in ("observed_value", "unexpected_count", "element_count")}
    return [result.expectation_config.type, bool(result.success), str(said), raised(result)]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(answers(sys.argv[1], json.loads(sys.argv[2]))))
