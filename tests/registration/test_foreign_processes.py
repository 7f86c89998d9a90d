"""A process that has `expectations_plugins` only, and a `checkpoints` and a `pipeline` of its own."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

import pytest

from expectations_plugins.mongodb.connection import connect
from pipeline.local import Endpoints
from tests.registration.processes import ROOT, run

PROGRAM = """
import json, pathlib, sys
import checkpoints, pipeline
import great_expectations
import expectations_plugins

expectations_plugins.register()
context = great_expectations.get_context(context_root_dir="gx")
found = []
run = expectations_plugins.actions.StandIn.run
def seen(self, *args, **kwargs):
    found.append(run(self, *args, **kwargs))
    return found[-1]
expectations_plugins.actions.StandIn.run = seen
parameters = {"user_id_pattern": "^u_[0-9]+$", "user_id_tolerance": 0.0, "loaded": 2, "at_least": 1, "read": 2,
    "duplicates": 0, "waiting": {}, "dead_tolerance": 0.0, "unreadable_tolerance": 0.0, "duplicate_tolerance": 0.2}
result = context.checkpoints.get("raw").run(batch_parameters={"batch_id": "b1"}, expectation_parameters=parameters)
others = [one.name for one in context.checkpoints.all()]
context.build_data_docs()
site = pathlib.Path("gx/uncommitted/data_docs/local_site")
pages = sorted({page.relative_to(site).parts[0] for page in site.rglob("*.html")})
print(json.dumps({"success": result.success, "actions": found, "checkpoints": sorted(others), "pages": pages,
    "theirs": [checkpoints.WHOSE, pipeline.WHOSE],
    "modules": sorted(name for name in sys.modules if name.startswith(("checkpoints.", "pipeline.")))}))
"""
NOTHING = "nothing was done: not in a run of Sluicegate; `sluicegate gate raw BATCH` says what would be done"


def only_this_package(folder: Path) -> list[Path]:
    """A path that has `expectations_plugins` as it is installed, and modules of a user's own."""
    theirs, ours = folder / "theirs", folder / "installed"
    for name in ("checkpoints", "pipeline"):
        (theirs / name).mkdir(parents=True)
        (theirs / name / "__init__.py").write_text("WHOSE = 'mine'\n", encoding="utf-8")
    shutil.copytree(ROOT / "expectations_plugins", ours / "expectations_plugins")
    return [theirs, ours]


@pytest.fixture
def database(endpoints: Endpoints) -> str:
    name = f"t{uuid.uuid4().hex[:10]}"
    handle = connect(str(endpoints.mongodb_uri), name)
    rows = [
        {"_id": f"i_{n}", "interaction_id": f"i_{n}", "batch_id": "b1", "user_id": user}
        for n, user in enumerate(["u_1", "x"])
    ]
    handle["interactions"].insert_many(rows)
    handle.client.close()
    return name


def test_our_project_opens_and_its_checkpoints_run_with_this_package_alone(
    endpoints: Endpoints, database: str, tmp_path: Path
) -> None:
    shutil.copytree(ROOT / "gx", tmp_path / "gx", ignore=shutil.ignore_patterns("uncommitted"))
    places = {
        "MONGODB_URI": str(endpoints.mongodb_uri),
        "MONGODB_DATABASE": database,
        "NEO4J_URI": "bolt://127.0.0.1:1",
    }
    places |= {"NEO4J_USER": "u", "NEO4J_PASSWORD": "p", "NEO4J_DATABASE": "d"}
    places |= {"MILVUS_URI": "http://127.0.0.1:1", "MILVUS_TOKEN": "", "MILVUS_COLLECTION": "c"}
    found = run(PROGRAM, folder=tmp_path, path=only_this_package(tmp_path), **places)
    assert found["success"] is False  # one user_id is bad
    assert [(one["action"], one["status"], one["detail"]) for one in found["actions"]] == [
        (kind, "not in a run", NOTHING) for kind in ("quarantine", "alert", "docs")
    ]
    assert found["checkpoints"] == ["closing", "graph", "raw", "vectors"]
    assert found["pages"] == ["expectations", "validations"]  # GX's own; the first page is the ledger's
    assert (found["theirs"], found["modules"]) == (["mine", "mine"], [])


ORDERS = {
    "register first": "expectations_plugins.register(); import checkpoints.actions",
    "actions first": "import checkpoints.actions; expectations_plugins.register()",
    "both again": "expectations_plugins.register(); import checkpoints.actions; expectations_plugins.register(); "
    "expectations_plugins.actions.declare()",
    "declared first": "expectations_plugins.actions.declare(); import checkpoints.actions",
}


def test_the_full_actions_win_whatever_comes_first(tmp_path: Path) -> None:
    programs = "\n".join(
        f"""
import json, os, sys
import expectations_plugins, expectations_plugins.actions
if os.fork() == 0:
    {order}
    from expectations_plugins.engine.gx_internals import registered_actions
    found = [registered_actions[one].__module__.rpartition('.')[0] for one in expectations_plugins.actions.KINDS]
    open({name!r}, "w").write(json.dumps(found))
    os._exit(0)
os.wait()
"""
        for name, order in ORDERS.items()
    )
    reading = f"\nprint(json.dumps([json.load(open(name)) for name in {list(ORDERS)!r}]))\n"
    assert run(programs + reading, folder=tmp_path) == [["checkpoints.actions"] * 6] * len(ORDERS)


def test_every_action_of_ours_has_its_type_declared() -> None:
    from checkpoints.actions import ACTIONS  # noqa: PLC0415 - they load GX
    from expectations_plugins.actions import KINDS  # noqa: PLC0415

    assert {action.__fields__["type"].default: kind for kind, action in ACTIONS.items()} == KINDS
