"""The data sources of one store alone: a wheel of their own, in an environment that has nothing else of ours."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
import uuid
import venv
import zipfile
from pathlib import Path

import pytest

from expectations_plugins.mongodb.connection import connect
from pipeline.local import Endpoints
from tests.registration.processes import ROOT

PROGRAM = """
import importlib.metadata, json, os
import great_expectations
import expectations_plugins

context = great_expectations.get_context(mode="ephemeral")
sources = expectations_plugins.data_sources(context)
source = sources.add_mongodb("logs", connection_string="${MONGODB_URI}", database=os.environ["A_DATABASE"])
batch = source.add_collection("rows").add_batch_definition("all").get_batch()
result = batch.validate(expectations_plugins.ExpectUserIdsToBeWellFormed(pattern="^u_[0-9]+$"))
try:
    sources.add_neo4j("graph", uri="bolt://127.0.0.1:1")
except Exception as error:
    said = str(error)
names = {one.name for one in importlib.metadata.distributions()}
drivers = sorted(names & {"pymongo", "neo4j", "pymilvus", "sluicegate", "slack-sdk"})
print(json.dumps([bool(result.success), said, drivers,
    importlib.metadata.version("sluicegate-datasources"), expectations_plugins.__file__]))
"""


def call(*command: object, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=kept | variables,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel, and the Python of an environment that has it with one driver."""
    folder = tmp_path_factory.mktemp("light")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    if call(python, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, "hatchling", folder=folder).returncode:
        pytest.skip("no package index can be reached, and the wheel is installed with what it needs from one")
    built = call(
        python, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, ROOT / "expectations_plugins", folder=folder
    )
    assert built.returncode == 0, built.stderr
    [wheel] = folder.glob("sluicegate_datasources-*.whl")
    done = call(python, "-m", "pip", "install", "-q", f"{wheel}[mongodb]", folder=folder)
    assert done.returncode == 0, done.stderr
    return wheel, python


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_its_types(installed: tuple[Path, Path]) -> None:
    names = set(zipfile.ZipFile(installed[0]).namelist())
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "expectations_plugins").rglob("*.py")}
    assert {one for one in names if ".dist-info/" not in one} == {*sources, "expectations_plugins/py.typed"}


@pytest.mark.slow
def test_a_store_is_checked_where_only_its_driver_is_installed(
    installed: tuple[Path, Path], endpoints: Endpoints, tmp_path: Path
) -> None:
    name = f"t{uuid.uuid4().hex[:10]}"
    database = connect(str(endpoints.mongodb_uri), name)
    database["rows"].insert_one({"_id": "i_1", "user_id": "u_1"})
    done = call(installed[1], "-c", PROGRAM, folder=tmp_path, MONGODB_URI=str(endpoints.mongodb_uri), A_DATABASE=name)
    database.client.drop_database(name)
    database.client.close()
    assert done.returncode == 0, done.stderr
    success, said, drivers, version, file = json.loads(done.stdout.splitlines()[-1])
    assert (success, drivers) == (True, ["pymongo"])
    assert said.endswith("Install it: pip install neo4j")
    assert version == tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert str(ROOT) not in file


def test_both_distributions_ask_for_the_same_versions() -> None:
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    light = tomllib.loads((ROOT / "expectations_plugins" / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [*light["dependencies"], *(one for extra in light["optional-dependencies"].values() for one in extra)]
    assert [one for one in asked if one not in ours] == []
