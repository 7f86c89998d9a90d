"""What the DAG's files may import, also at second hand: Airflow, the topology, the exit codes, the standard library."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FILES = sorted((ROOT / "pipeline" / "airflow").glob("*.py"))
OURS = ("pipeline.airflow", "pipeline.core.topology", "expectations_plugins.core.errors")
WITHOUT_AIRFLOW = (
    "pipeline.airflow.meanings",
    "pipeline.airflow.commands",
    "pipeline.core.topology",
    "expectations_plugins.core.errors",
)


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            assert node.module
            yield node.module


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_imports_airflow_the_topology_and_the_standard_library(path: Path) -> None:
    strays = {
        module
        for module in imported(path)
        if module.split(".")[0] not in {*sys.stdlib_module_names, "airflow"} and not module.startswith(OURS)
    }
    assert strays == set()


@pytest.mark.parametrize("module", WITHOUT_AIRFLOW)
def test_what_it_stands_on_needs_nothing_installed(module: str) -> None:
    """Python alone, without site-packages, imports it."""
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import {module}; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert loaded - {"pipeline", "__main__"} <= set(sys.stdlib_module_names)


def test_the_example_is_the_factory_and_nothing_else() -> None:
    [example] = (ROOT / "docs" / "airflow").glob("*.py")
    assert list(imported(example)) == ["pipeline.airflow.dag"]
