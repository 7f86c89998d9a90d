"""Bad folders: files that vanish, change, may not be read, lead elsewhere or cannot be named; disks that are full.

One run meets them all, beside files nothing is wrong with; a second one, after they were mended.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from expectations_plugins.core.errors import ConfigurationError, SluicegateError
from pipeline.core.records import DeadLetter
from pipeline.local import Endpoints
from pipeline.sources.discovery import discover
from pipeline.sources.files import WaitingFileError
from pipeline.sources.passed_over import Reason
from pipeline.sources.reading import read
from tests.faults.permissions import heed_permissions
from tests.faults.readback import Stores, not_conserved
from tests.faults.workplace import Ended, Workplace

NAME = "bad_folders"
NOT_UTF8 = os.fsdecode(b"12-\xff.jsonl")
WAITING = {"02-vanishes.jsonl": "is gone", "03-grows.jsonl": "still being", "04-rewritten.jsonl": "still being"}
REFUSED = {
    "05-secret.jsonl": "Permission denied",
    "06-outside.jsonl": "leads out of its folder",
    "07-loop.jsonl": "leads nowhere",
    "08-nowhere.jsonl": "leads nowhere",
    "09-environment.jsonl": "leads out of its folder",
    "12-\\xff.jsonl": "is not UTF-8",
}


def line(key: str) -> bytes:
    record = {
        "interaction_id": key,
        "user_id": "u_100",
        "campaign_id": "c_0",
        "type": "click",
        "timestamp": "2026-11-20T09:00:00Z",
        "message": f"hello {key}",
    }
    return json.dumps(record).encode() + b"\n"


def have_a_full_log() -> None:
    os.dup2(os.open("/dev/full", os.O_WRONLY), 2)


def have_no_room() -> None:
    have_a_full_log()
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


@dataclass(frozen=True, slots=True)
class Runs:
    """The run over everything bad, and the one after it was mended."""

    workplace: Workplace
    bad: Ended
    mended: Ended


@pytest.fixture(scope="module")
def workplace(endpoints: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return Workplace.prepared(endpoints, tmp_path_factory.mktemp(NAME), NAME)


@pytest.fixture(scope="module")
def stores(endpoints: Endpoints) -> Iterator[Stores]:
    found = Stores(endpoints, NAME)
    yield found
    found.close()


@pytest.fixture(scope="module")
def runs(workplace: Workplace) -> Runs:
    landing = workplace.landing
    land_bad_ones(workplace)
    running = workplace.start("run", "--json", first=heed_permissions)
    running.until("batch_started")  # of the first file: the others are listed and wait
    (landing / "02-vanishes.jsonl").unlink()
    with (landing / "03-grows.jsonl").open("ab") as growing:
        growing.write(line("appended"))
    (landing / "04-rewritten.jsonl").write_bytes(line("new"))
    bad = running.end()
    (landing / "05-secret.jsonl").chmod(0o600)
    for name in ("06-outside.jsonl", "07-loop.jsonl", "08-nowhere.jsonl", "09-environment.jsonl"):
        (landing / name).unlink()
    (landing / NOT_UTF8).rename(landing / "12-renamed.jsonl")
    return Runs(workplace, bad, workplace.command("run", "--json", first=heed_permissions))


def land_bad_ones(workplace: Workplace) -> None:
    landing = workplace.landing
    files = ("01-good", "02-vanishes", "03-grows", "04-rewritten", "05-secret", "14-good")
    for name in files:
        workplace.land(f"{name}.jsonl", line(name))
    (landing / "05-secret.jsonl").chmod(0)
    (landing / "06-outside.jsonl").symlink_to(workplace.land("outside.jsonl", line("outside"), under="elsewhere"))
    (landing / "07-loop.jsonl").symlink_to("07-loop.jsonl")
    (landing / "08-nowhere.jsonl").symlink_to("nowhere.jsonl")
    (landing / "09-environment.jsonl").symlink_to("/proc/self/environ")
    workplace.land("inside.jsonl", line("inside"), under="landing/10-folder.jsonl")
    (landing / "11-within.jsonl").symlink_to("10-folder.jsonl/inside.jsonl")
    workplace.land(NOT_UTF8, line("not-utf8"))
    os.mkfifo(landing / "13-fifo.jsonl")
    for name in (".hidden.jsonl", "unfinished.jsonl.part", "unfinished.jsonl.tmp", "README.txt"):
        workplace.land(name, line(name))


def test_the_good_files_of_a_bad_folder_flow(runs: Runs, stores: Stores) -> None:
    batches = runs.bad.batches
    assert {name: batch["status"] for name, batch in batches.items()} == dict.fromkeys(
        ("01-good.jsonl", "inside.jsonl", "14-good.jsonl"), "closed"
    )
    flowed = {key for batch in batches.values() for key in stores.raw(batch["batch_id"])}
    assert flowed == {"01-good", "inside", "14-good"}
    assert [list(not_conserved(stores, batch["batch_id"])) for batch in batches.values()] == [[]] * 3


def test_every_file_that_was_left_out_is_named_with_its_reason(runs: Runs) -> None:
    left_out = {Path(one["file"]).name: one for one in json.loads(runs.bad.stdout)["left_out"]}
    assert set(left_out) == {*WAITING, *REFUSED}
    for name, words in (WAITING | REFUSED).items():
        assert words in left_out[name]["message"]
    assert {name for name, one in left_out.items() if one["exit_code"] == 2} == set(REFUSED)
    assert runs.bad.stderr.count('"event": "file_left_out"') == len(left_out)
    assert "Traceback" not in runs.bad.stderr


def test_every_file_that_was_passed_over_is_named_with_its_reason(runs: Runs) -> None:
    reasons = json.loads(runs.bad.stdout)["passed_over"]["reasons"]
    named = {Path(name).name: one["reason"] for one in reasons for name in one["examples"]}
    assert named == {
        "11-within.jsonl": Reason.SAME_FILE,
        "13-fifo.jsonl": Reason.NO_FILE,
        ".hidden.jsonl": Reason.HIDDEN,
        "unfinished.jsonl.part": Reason.UNFINISHED,
        "unfinished.jsonl.tmp": Reason.UNFINISHED,
        "README.txt": Reason.NAME,
    }


def test_the_exit_code_says_that_a_file_cannot_be_read(runs: Runs) -> None:
    assert runs.bad.code == 2, str(runs.bad)


def test_the_next_run_takes_what_was_mended_as_it_is_then(runs: Runs, stores: Stores) -> None:
    assert runs.mended.code == 0, str(runs.mended)
    fresh = {name: batch["batch_id"] for name, batch in runs.mended.batches.items() if batch["fresh"]}
    assert {name: set(stores.raw(batch_id)) for name, batch_id in fresh.items()} == {
        "03-grows.jsonl": {"03-grows", "appended"},
        "04-rewritten.jsonl": {"new"},
        "05-secret.jsonl": {"05-secret"},
        "12-renamed.jsonl": {"not-utf8"},
    }
    assert [list(not_conserved(stores, batch_id)) for batch_id in fresh.values()] == [[]] * 4


def test_the_ledger_knows_no_batch_that_did_not_flow(runs: Runs, stores: Stores) -> None:
    taken = {batch["batch_id"] for run in (runs.bad, runs.mended) for batch in run.batches.values()}
    mine = stores.mongodb["batches"].find({"source": {"$regex": "landing"}})
    assert {(row["_id"], row["status"]) for row in mine} == {(batch_id, "closed") for batch_id in taken}


def test_a_folder_without_files_is_nothing_to_do(workplace: Workplace) -> None:
    (workplace.folder / "empty").mkdir()
    ended = workplace.command("run", "empty")
    assert (ended.code, ended.stderr) == (0, "")
    assert "nothing to do" in ended.stdout


def test_a_folder_that_may_not_be_read_is_an_error_that_names_it(workplace: Workplace) -> None:
    (workplace.folder / "locked").mkdir(mode=0)
    ended = workplace.command("run", "locked", first=heed_permissions)
    assert ended.code == 2, str(ended)
    assert "'locked' is not readable" in ended.stderr


def test_a_full_disk_is_an_outage_and_a_full_log_is_none(workplace: Workplace, stores: Stores) -> None:
    path = workplace.land("full.jsonl", line("full"), under="full")
    full = workplace.command("run", path, first=have_no_room)
    assert full.code == 3, str(full)
    ended = workplace.command("run", "--json", path, first=have_a_full_log)
    assert ended.code == 0, str(ended)
    (batch,) = ended.batches.values()
    assert (batch["status"], batch["fresh"], set(stores.raw(batch["batch_id"]))) == ("closed", True, {"full"})
    assert list(not_conserved(stores, batch["batch_id"])) == []


def test_output_that_cannot_be_written_is_an_outage_in_words(workplace: Workplace) -> None:
    ended = workplace.command("--help", first=have_full_output)
    assert ended.code == 3, str(ended)
    assert "No space left on device" in ended.stderr


def have_full_output() -> None:
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)


def test_what_is_appended_after_the_listing_is_not_read_with_the_batch(tmp_path: Path) -> None:
    path = tmp_path / "growing.jsonl"
    path.write_bytes(line("a") + line("b")[:40])
    (source,) = discover([path], max_records=10, min_age=0)
    with path.open("ab") as growing:
        growing.write(line("b")[40:] + line("c"))
    first, second = read(source, zone=ZoneInfo("UTC"))
    assert not isinstance(first, DeadLetter)
    assert isinstance(second, DeadLetter)
    assert (first.interaction_id, second.raw) == ("a", line("b")[:40].decode())


def test_a_file_that_is_written_to_while_it_is_looked_at_waits(tmp_path: Path) -> None:
    path = tmp_path / "busy.jsonl"
    path.write_bytes(b"".join(line(str(n)) for n in range(20_000)))
    left_out: list[tuple[Path, SluicegateError]] = []
    with written_to(path):
        batches = discover([path], max_records=10, min_age=0, leave_out=lambda *one: left_out.append(one))
        assert list(batches) == []
    ((where, why),) = left_out
    assert (where, type(why)) == (path, WaitingFileError)


@contextlib.contextmanager
def written_to(path: Path) -> Iterator[None]:
    """Somebody appends to a file all the time."""
    begun, enough = threading.Event(), threading.Event()

    def append() -> None:
        with path.open("ab", buffering=0) as growing:
            while not enough.wait(0.0005):
                growing.write(line("more"))
                begun.set()

    thread = threading.Thread(target=append)
    thread.start()
    begun.wait()
    yield
    enough.set()
    thread.join()


def test_without_anyone_to_tell_a_bad_file_of_a_folder_is_raised(tmp_path: Path) -> None:
    (tmp_path / "loop.jsonl").symlink_to("loop.jsonl")
    with pytest.raises(ConfigurationError, match="leads nowhere"):
        list(discover([tmp_path], max_records=10, min_age=0))
