"""The program of fdfb3e9 and this one on the same stores, one after the other and at the same time."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.commands import environment
from tests.upgrades import old_logs
from tests.upgrades.conftest import LEDGER, MARKED, Place, said
from tests.upgrades.old_program import HANGS, NoHistoryError, OldProgram, unpacked

OPENED_EARLIER = """
import sys
from pathlib import Path
from pipeline.intake import discover
from run import App
app = App()
runner = app.runner()
app.ledger, app.raw_store, app.graph_store, app.stores.metrics
print("opened", flush=True)
sys.stdin.readline()
for source in discover([Path(sys.argv[1])], max_records=1000, min_age=0, leave_out=print):
    print(runner.process(source).status, flush=True)
app.close()
"""
"""A run of the old program that has opened its stores, and takes its batch later."""


@dataclass(frozen=True, slots=True)
class Both:
    """A place, and the old program at it."""

    place: Place
    old: OldProgram
    files: dict[str, Path]

    def ids(self, fate: str) -> tuple[set[str], set[str], set[str]]:
        """A batch's records in MongoDB, the graph and Milvus."""
        stores = self.place.stores
        [row] = stores.mongodb["batches"].find({"source": {"$regex": f"/{fate}.jsonl$"}})
        return set(stores.raw(row["_id"])), set(stores.graph(row["_id"])), stores.vectors(row["_id"])


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the old program is."""
    try:
        return unpacked(tmp_path_factory.mktemp("old"))
    except NoHistoryError as error:
        pytest.skip(f"the old program cannot be had from this clone: {error}")


@pytest.fixture
def both(program: Path, make_place: Callable[..., Place]) -> Both:
    """Both programs at an empty place; each has the GX project of its own version."""
    place = make_place(loaded=False)
    folder = place.work.folder / "old"
    folder.mkdir()
    shutil.copytree(program / "gx", folder / "gx")
    settings = place.work.variables() | {"SLUICEGATE_GX": str(folder / "gx")}
    files = {fate: place.work.landing / f"{fate}.jsonl" for fate in old_logs.FATES}
    return Both(place, OldProgram(program, folder, settings), files)


@contextmanager
def opened_earlier(both: Both, file: Path) -> Iterator[Callable[[], str]]:
    """An old run that has opened its stores; calling it lets it take its batch, and gives what it said."""
    process = subprocess.Popen(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(both.old.home)!r})\n{OPENED_EARLIER}", str(file)],
        cwd=both.old.home,
        env=environment(**dict(both.old.settings)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def go() -> str:
        out, err = process.communicate("\n", timeout=HANGS)
        assert process.returncode == 0, err[-3000:]
        return out

    assert process.stdout is not None
    assert process.stdout.readline().strip() == "opened"
    try:
        yield go
    finally:
        process.kill()
        process.wait()


def everywhere(fate: str) -> tuple[set[str], set[str], set[str]]:
    keys = {old_logs.key(fate, number) for number in range(old_logs.RECORDS)}
    return keys, keys, keys


def test_before_a_migration_both_go_on_with_each_others_batches_and_nothing_is_twice(both: Both) -> None:
    place, files = both.place, both.files
    catalogue = place.work.folder / "campaigns.jsonl"
    assert both.old.batches(files["closed"], "--campaigns", catalogue)["closed.jsonl"]["status"] == "closed"
    new = said(place.command("run", "--json", files["closed"], files["orphans"]))["batches"]
    assert [(batch["status"], batch["fresh"]) for batch in new] == [("closed", False), ("closed", True)]
    again = both.old.batches(files["closed"], files["orphans"], files["rolled_back"])
    assert {name: (one["status"], one["fresh"]) for name, one in again.items()} == {
        "closed.jsonl": ("closed", False),
        "orphans.jsonl": ("closed", False),
        "rolled_back.jsonl": ("closed", True),
    }
    for fate in ("closed", "orphans", "rolled_back"):
        assert both.ids(fate) == everywhere(fate)
    assert place.stores.mongodb["ledger_meta"].find_one({"_id": "schema"}) == {"_id": "schema", "version": 1}
    place.command("rollback", str(new[1]["batch_id"]), "--yes")
    assert both.ids("orphans")[2] == set()


def test_after_a_migration_the_old_program_is_refused_and_changes_nothing(both: Both) -> None:
    place, files = both.place, both.files
    assert both.old.batches(files["closed"])["closed.jsonl"]["status"] == "closed"
    place.command("migrate")
    assert place.versions() == MARKED
    before = place.held()
    for arguments in (("run", files["rolled_back"]), ("status",), ("rollback", "abc", "--yes"), ("reembed",)):
        refused = both.old.command(*arguments)
        assert refused.code == 2, str(refused)
        assert f"schema version is {LEDGER}, this program's is 1" in refused.stderr
    assert place.held() == before


def test_what_a_run_that_had_opened_the_ledger_before_writes_after_it_is_read_counted_and_completed(both: Both) -> None:
    place, files = both.place, both.files
    assert both.old.batches(files["closed"])["closed.jsonl"]["status"] == "closed"
    with opened_earlier(both, files["rolled_back"]) as go:
        place.command("migrate")
        assert "closed" in go()
    check = place.command("migrate", "--check", code=2)
    assert "write collection and model into 1 manifest; write the version into 1 batch" in check.stdout
    assert "An older program wrote batches" in place.command("doctor").stdout
    again = said(place.command("run", "--json", files["closed"], files["rolled_back"]))["batches"]
    assert [(batch["status"], batch["fresh"]) for batch in again] == [("closed", False)] * 2
    assert both.ids("rolled_back") == everywhere("rolled_back")
    assert "copy the metrics of 1 batch" in check.stdout
    place.command("migrate")
    assert "The stores agree." in place.command("trace", old_logs.key("rolled_back", 0)).stdout
    place.command("migrate", "--check")
    assert "An older program" not in place.command("doctor").stdout
    assert all(
        one["collection"] == place.stores.name
        for row in place.stores.mongodb["batches"].find()
        for one in row["embeddings"].values()
    )
