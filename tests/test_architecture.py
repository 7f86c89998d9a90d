"""The structure the design promises: layers, one home a driver, no import cycles, small files."""

from __future__ import annotations

import ast
import graphlib
import re
from collections.abc import Container, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("pipeline", "expectations_plugins", "checkpoints")
SOURCES = [*sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")), ROOT / "run.py"]

HOMES = {
    "pymongo": ("pipeline/stores/mongodb/",),
    "bson": ("pipeline/stores/mongodb/",),
    "gridfs": (),
    "neo4j": ("pipeline/stores/neo4j/", "pipeline/local/"),
    "pymilvus": ("pipeline/stores/milvus/",),
    "google.cloud": ("pipeline/stores/bigquery/",),
    "google.generativeai": ("pipeline/embedding/gemini.py",),
    "great_expectations": ("expectations_plugins/", "checkpoints/"),
    "secantus": ("pipeline/local/",),
    "arcadedb_embedded": ("pipeline/local/",),
    "milvus_lite": ("pipeline/local/",),
    "tenacity": ("pipeline/resilience.py",),
    "slack_sdk": ("pipeline/alerts/channels/slack.py",),
    "fsspec": ("pipeline/locations/objects.py",),
    "pagerduty": ("pipeline/alerts/channels/pagerduty.py",),
    "airflow": ("pipeline/airflow/",),
    "opentelemetry": ("pipeline/telemetry/",),
    "prometheus_client": ("pipeline/telemetry/prometheus.py",),
    "openlineage": ("pipeline/telemetry/",),
    "unittest": (),
}
"""Where a driver may be imported; nowhere else."""

LAYERS = {
    "pipeline": ("pipeline",),
    "expectations_plugins": ("expectations_plugins", "pipeline"),
    "checkpoints": ("checkpoints", "expectations_plugins", "pipeline"),
}
"""What each package may import of ours."""


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def module_of(path: Path) -> str:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> Iterator[str]:
    """Every module a file imports, inside functions too, with `from package import module` resolved."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_or_below(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_driver_is_imported_only_in_its_home(path: Path) -> None:
    strays = {
        f"{name_of(path)} imports {module}"
        for module in imported(path)
        for driver, homes in HOMES.items()
        if is_or_below(module, driver) and not name_of(path).startswith(tuple(homes) or ("nowhere",))
    }
    assert not strays


@pytest.mark.parametrize("path", [path for path in SOURCES if path.name != "run.py"], ids=name_of)
def test_imports_point_downwards(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    ours = {module.split(".")[0] for module in imported(path)} & {*PACKAGES, "run", "tests"}
    assert ours <= set(LAYERS[package])


def test_there_are_no_import_cycles() -> None:
    modules = {module_of(path): path for path in SOURCES}
    graph = {module: set(depends_on(path, modules)) - {module} for module, path in modules.items()}
    list(graphlib.TopologicalSorter(graph).static_order())


def depends_on(path: Path, modules: Container[str]) -> Iterator[str]:
    """The modules of ours a file needs: of `from package import module` the module, and not its package."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                yield from [name for name in (submodule, node.module) if name in modules][:1]


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_file_has_at_most_400_lines_and_says_what_lives_in_it(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 400
    assert ast.get_docstring(ast.parse(text))


def test_the_environment_is_read_in_one_place() -> None:
    # an Airflow task passes its worker's environment on, and reads nothing in it
    allowed = ("pipeline/settings/", "pipeline/local/", "pipeline/airflow/sluicegate_dag.py")
    readers = {
        name_of(path)
        for path in SOURCES
        if "os.environ" in path.read_text("utf-8") or "os.getenv" in path.read_text("utf-8")
    }
    assert {name for name in readers if not name.startswith(allowed)} == set()


def test_the_settings_collection_is_asked_for_only_where_new_vectors_go() -> None:
    """All other vectors are where their manifest says (decision 0013): see tests/gates/test_another_model.py."""
    allowed = {
        "pipeline/settings/stores.py",
        "pipeline/connections.py",  # the GX project's variable, for checkpoints that are run by hand
        "pipeline/opened_stores.py",
        "pipeline/stages/placement.py",  # where manifests of earlier versions name none
        "pipeline/stages/embed.py",
        "pipeline/stages/sweep.py",  # as placement
        "pipeline/telemetry/datasets.py",  # until the embedding batch is known
        "checkpoints/gates.py",  # as placement
    }
    names = re.compile(r"(vector_collection|\.milvus_collection|collections\.current)\b")
    assert {name_of(path) for path in SOURCES if names.search(path.read_text("utf-8"))} == allowed


def test_there_is_no_python_and_no_secret_in_the_gx_project() -> None:
    files = [path for path in (ROOT / "gx").rglob("*") if path.is_file() and "uncommitted" not in path.parts]
    assert files
    assert [name_of(path) for path in files if path.suffix == ".py"] == []
