"""Disks that are full where a run writes: exit code 3, the reason, and nothing lost once there is room again."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from expectations_plugins.core.errors import ExitCode, TerminalError
from pipeline.core.batches import BatchStatus
from pipeline.local import Endpoints
from tests.fakes.bench import Bench
from tests.faults.readback import Stores, not_conserved
from tests.faults.workplace import Workplace

NAME = "full_disks"

PLACES = {
    "spool": "SLUICEGATE_SPOOL",
    "results": "SLUICEGATE_RESULTS_URL",
    "docs": "SLUICEGATE_DOCS_URL",
    "home": "SLUICEGATE_HOME",
}
"""The folders a run writes to, by their settings."""


class Disk:
    """A small file system."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def fill(self) -> None:
        """Use all the room there is."""
        with self._filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"\0" * 1024)

    def free(self) -> None:
        """Give it back."""
        self._filler.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def workplace(endpoints: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return Workplace.prepared(endpoints, tmp_path_factory.mktemp(NAME), NAME)


@pytest.fixture(scope="module")
def stores(endpoints: Endpoints) -> Iterator[Stores]:
    found = Stores(endpoints, NAME)
    yield found
    found.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    path = tmp_path / "disk"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "sluicegate-test", str(path)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield Disk(path)
    finally:
        subprocess.run(["umount", str(path)], check=True)


def line(key: str, **others: object) -> bytes:
    record = {"interaction_id": key, "user_id": "u_100", "type": "view", "timestamp": "2026-11-20T09:00:00Z"}
    return json.dumps({**record, "message": f"message of {key}", **others}).encode() + b"\n"


def closed(workplace: Workplace, stores: Stores, path: Path, **where: Path) -> None:
    """The file's batch is whole after another run."""
    again = workplace.command("run", "--json", path, **where)
    assert again.code == 0, str(again)
    (batch,) = again.batches.values()
    assert batch["status"] == "closed"
    assert list(not_conserved(stores, batch["batch_id"])) == []


@pytest.mark.parametrize("place", ["results", "docs"])
def test_a_good_batch_is_whole_once_there_is_room(workplace: Workplace, stores: Stores, disk: Disk, place: str) -> None:
    path = workplace.land(f"{place}.jsonl", line(f"{place}-1") + line(f"{place}-2"), under=f"full-{place}")
    where = {PLACES[place]: disk.path / place}
    disk.fill()
    full = workplace.command("run", "--json", path, **where)
    assert (full.code, "No space left on device" in full.stdout) == (3, True), str(full)
    disk.free()
    closed(workplace, stores, path, **where)


def test_pages_that_could_not_be_written_are_written_with_the_next_batch(workplace: Workplace, disk: Disk) -> None:
    where = {PLACES["docs"]: disk.path / "docs"}
    first, second = (workplace.land(f"{name}.jsonl", line(name), under=name) for name in ("page-1", "page-2"))
    disk.fill()
    full = workplace.command("run", "--json", first, **where)
    (batch,) = full.batches.values()
    assert (full.code, batch["status"], "docs build" in batch["next_step"]) == (3, "closed", True), str(full)
    disk.free()
    assert workplace.command("run", second, **where).code == 0
    assert list((disk.path / "docs").rglob(f"{batch['batch_id']}.html"))


def test_a_batch_that_is_rejected_while_the_spool_is_full_is_rejected_by_the_next_run(
    workplace: Workplace, stores: Stores, disk: Disk
) -> None:
    path = workplace.land("rejected.jsonl", line("r-1", user_id="nobody") + line("r-2"), under="rejected")
    other = workplace.land("other.jsonl", line("other"), under="other")
    where = {PLACES["spool"]: disk.path / "spool"}
    halted = workplace.command("run", "--json", path, **where)
    (batch,) = halted.batches.values()
    assert batch["status"] == "halted"
    disk.fill()
    rejected = workplace.command("reject", batch["batch_id"], "--yes", **where)
    assert (rejected.code, "No space left on device" in rejected.stdout) == (3, True), str(rejected)
    while_full = workplace.command("run", path, **where)
    assert while_full.code == 3, str(while_full)
    assert stores.batch(batch["batch_id"])["status"] == "running"
    disk.free()
    assert workplace.command("run", other, **where).code == 0
    document = stores.batch(batch["batch_id"])
    assert (document["status"], document["counts"]["quarantined"], document.get("decision")) == ("dead", 2, None)
    assert [kept.read_bytes() for kept in (disk.path / "spool").rglob("rejected.jsonl")] == [path.read_bytes()]


def test_a_batch_that_dies_while_the_spool_is_full_is_not_dead_until_its_file_is_kept(
    disk: Disk, tmp_path: Path
) -> None:
    bench = Bench(tmp_path)
    bench.spool = disk.path / "spool"
    bench.fail("graph", *[TerminalError("Neo4j: no such database")] * 2)
    disk.fill()
    full = bench.runner().process(bench.source)
    assert (full.exit_code, full.status) == (ExitCode.OUTAGE, BatchStatus.RUNNING)
    assert "No space left on device" in full.message
    disk.free()
    assert bench.runner().process(bench.source).status is BatchStatus.DEAD
    assert list(bench.spool.rglob(bench.source.path.name))
