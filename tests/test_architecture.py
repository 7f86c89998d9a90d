"""The structure the design promises: layers, one home a driver, no import cycles, small files."""

from __future__ import annotations

import ast
import graphlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("expectations_plugins", "pipeline", "checkpoints", "sluicegate")
SOURCES = [*sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")), ROOT / "run.py"]

HOMES = {
    "pymongo": ("expectations_plugins/mongodb/", "pipeline/stores/mongodb/"),
    "bson": ("expectations_plugins/mongodb/", "pipeline/stores/mongodb/"),
    "gridfs": (),
    "neo4j": ("expectations_plugins/neo4j/", "pipeline/local/"),
    "pymilvus": ("expectations_plugins/milvus/", "pipeline/stores/milvus/"),
    "google.cloud": ("pipeline/stores/bigquery/",),
    "google.generativeai": ("pipeline/embedding/gemini.py",),
    "great_expectations": ("expectations_plugins/", "checkpoints/"),
    "secantus": ("pipeline/local/",),
    "arcadedb_embedded": ("pipeline/local/",),
    "milvus_lite": ("pipeline/local/",),
    "tenacity": ("expectations_plugins/core/retry.py",),
    "slack_sdk": ("pipeline/alerts/channels/slack.py",),
    "fsspec": ("pipeline/storage/objects.py",),
    "pagerduty": ("pipeline/alerts/channels/pagerduty.py",),
    "airflow": ("pipeline/airflow/",),
    "opentelemetry": ("pipeline/telemetry/",),
    "prometheus_client": ("pipeline/telemetry/prometheus.py",),
    "openlineage": ("pipeline/telemetry/",),
    "unittest": (),
}
"""Where a driver may be imported; nowhere else."""

STARTS_A_PROCESS = re.compile(
    r"(?:\w+\.)*(?:Popen|subprocess\.\w+|Process|ProcessPoolExecutor|create_subprocess_\w+)"
    r"|os\.(?:exec\w+|spawn\w+|posix_spawnp?|system|popen)"
)

PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8").partition("## A batch")[0]


def rows(first: str) -> list[list[str]]:
    """The names in the first column of a table of the page, row by row."""
    table = PAGE.partition(f"| {first} |")[2].partition("\n\n")[0]
    return [re.findall(r"`([^`]+)`", line.split("|")[1]) for line in table.splitlines()[2:]]


def order() -> dict[str, int]:
    """Every folder's floor, by the tables of the page; the higher imports the lower."""
    ground = [
        [f"expectations_plugins/{name.split('/')[-1]}" for name in row] for row in rows("in `expectations_plugins`")
    ]
    ground[0] = ["expectations_plugins"]
    floors = [*rows("package")[:2], *rows("in `checkpoints`"), *rows("in `pipeline`"), *ground]
    return {name: floor for floor, row in enumerate(reversed(floors)) for name in row} | {"pipeline": -1}


FLOORS = order()


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


MODULES = {module_of(path): path for path in SOURCES}


def folder_of(path: Path) -> str:
    """The folder a file is in, as the tables name it; what is in a folder of a folder is in the outer one."""
    parts = path.relative_to(ROOT).parts
    return "/".join(parts[: min(2, len(parts) - 1)]) or parts[0]


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_folder_imports_what_is_below_it(path: Path) -> None:
    mine = folder_of(path)
    others = {folder_of(MODULES[name]) for name in imported(path) if name in MODULES} - {mine}
    assert [other for other in sorted(others) if FLOORS[other] >= FLOORS[mine]] == []


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_module_below_is_named_to_be_imported_later(path: Path) -> None:
    """Tables of commands and plug-ins name modules as text; such an arrow must point downwards too."""
    named = re.findall(rf'"((?:{"|".join(PACKAGES)})(?:\.\w+)+)(?::\w+)?"', path.read_text("utf-8"))
    others = {folder_of(MODULES[name]) for name in named if name in MODULES} - {folder_of(path)}
    assert [other for other in sorted(others) if FLOORS[other] >= FLOORS[folder_of(path)]] == []


def test_every_folder_has_a_floor_and_the_pipeline_has_no_loose_modules() -> None:
    assert {folder_of(path) for path in SOURCES} <= {*FLOORS, "pipeline"}
    assert [path.name for path in (ROOT / "pipeline").glob("*.py")] == ["__init__.py"]


def test_there_are_no_import_cycles() -> None:
    """A package counts as a module of its own: whoever imports a module of it runs its `__init__`."""
    graph = {
        module: {name for name in imported(path) if name in MODULES} - {module} for module, path in MODULES.items()
    }
    list(graphlib.TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_file_has_at_most_400_lines_and_says_what_lives_in_it(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 400
    assert ast.get_docstring(ast.parse(text))


BATCHES_AS_MAPPINGS = re.compile(
    r"""^Document\ =                                                        # a name for such a mapping
    | \b(?:document|batch)s?:\ [^=),\n]*\b(?:Mapping|dict|Document)\b     # such a parameter
    | (?:\.get\(|\[)"(?:_id|steps|gates|embeddings?|first_seen|span)"[\],)]  # a read of a field""",
    re.MULTILINE | re.VERBOSE,
)


def test_a_batch_leaves_its_store_as_a_value() -> None:
    """`pipeline.core.batch.Batch`: only the stores know what the ledger's documents look like."""
    others = (
        "pipeline/stores/",
        "pipeline/airflow/",  # reads what commands say as JSON
        "pipeline/embedding/gemini.py",  # its answers have a field of the same name
        "expectations_plugins/",
    )
    readers = {
        name_of(path): found
        for path in SOURCES
        if not name_of(path).startswith(others) and (found := BATCHES_AS_MAPPINGS.findall(path.read_text("utf-8")))
    }
    assert readers == {}


def test_only_the_connection_makes_a_client_of_milvus() -> None:
    """One made by hand pings every 10 seconds, which servers hang up on, and shares its connection with ours.

    The oracle imports nothing of ours.
    """
    files = [*SOURCES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    made = {name_of(path) for path in files if "MilvusClient" + "(" in path.read_text("utf-8")}
    assert made == {"expectations_plugins/milvus/connection.py", "tests/end_to_end/oracle.py"}


def test_the_environment_is_read_in_one_place() -> None:
    # an Airflow task and program.py pass an environment on, and read nothing in it
    allowed = ("pipeline/config/", "pipeline/local/", "pipeline/airflow/sluicegate_dag.py", "pipeline/core/program.py")
    readers = {
        name_of(path)
        for path in SOURCES
        if "os.environ" in path.read_text("utf-8") or "os.getenv" in path.read_text("utf-8")
    }
    assert {name for name in readers if not name.startswith(allowed)} == set()


def test_every_child_process_is_given_the_environment_as_it_was_at_the_start() -> None:
    """`own_environment` is the same without what is meant for clients; a task of Airflow has its worker's."""
    given = {
        (name_of(path), ast.unparse(keyword.value) if keyword else "what drivers are left with")
        for path in SOURCES
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call) and STARTS_A_PROCESS.fullmatch(ast.unparse(call.func))
        for keyword in [next((one for one in call.keywords if one.arg == "env"), None)]
    }
    assert given == {
        ("pipeline/airflow/sluicegate_dag.py", "env"),
        ("pipeline/backfill/worker_pool.py", "child_environment()"),
        ("pipeline/local/children.py", "{**own_environment(), **SERVERS[self._name].environment}"),
        ("pipeline/local/stack.py", "own_environment()"),
    }


def test_the_settings_collection_is_asked_for_only_where_new_vectors_go() -> None:
    """All other vectors are where their manifest says (decision 0013): see tests/gates/test_another_model.py."""
    allowed = {
        "pipeline/config/stores.py",
        "pipeline/config/connections.py",  # the GX project's variable, for checkpoints that are run by hand
        "pipeline/resources/stores.py",
        "pipeline/stages/placement.py",  # where manifests of earlier versions name none
        "pipeline/stages/embed.py",
        "pipeline/stages/sweep.py",  # as placement
        "pipeline/telemetry/datasets.py",  # until the embedding batch is known
        "checkpoints/gx_gate.py",  # as placement
    }
    names = re.compile(r"(vector_collection|\.milvus_collection|collections\.current)\b")
    assert {name_of(path) for path in SOURCES if names.search(path.read_text("utf-8"))} == allowed


SPELLED_ONCE = {
    "interaction_id": "pipeline/core/fields.py",
    "user_id": "pipeline/core/fields.py",
    "campaign_id": "pipeline/core/fields.py",
    768: "expectations_plugins/core/defaults.py",
}
"""Values that one file gives a name to, and that the application takes by it."""

FILES_OF_THEIR_OWN = ("pipeline/airflow/sluicegate_dag.py", "pipeline/config/")
"""What stands alone in another environment, and defaults that users read as a table."""


THE_GROUNDS_OWN = (
    "expectations_plugins/engine/",
    "expectations_plugins/expectations/",
    "expectations_plugins/core/masking",
)
"""The ground knows nothing of the application: what its expectations take by default is their own."""


def constants(path: Path) -> set[object]:
    """The values that stand alone in a file; a part of a sentence does not."""
    tree = ast.parse(path.read_text("utf-8"))
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in parts}


@pytest.mark.parametrize("value", SPELLED_ONCE, ids=str)
def test_a_value_that_many_need_is_spelled_in_one_place(value: str | int) -> None:
    others = [path for path in SOURCES if not name_of(path).startswith((*FILES_OF_THEIR_OWN, *THE_GROUNDS_OWN))]
    assert [name_of(path) for path in others if value in constants(path)] == [SPELLED_ONCE[value]]


def test_there_is_no_python_and_no_secret_in_the_gx_project() -> None:
    files = [path for path in (ROOT / "gx").rglob("*") if path.is_file() and "uncommitted" not in path.parts]
    assert files
    assert [name_of(path) for path in files if path.suffix == ".py"] == []
