"""The spool's port, one suite over both kinds: a folder of this machine, and folders of objects of each kind."""

from __future__ import annotations

import hashlib
import json
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from expectations_plugins.core.errors import ConfigurationError, TransientError
from pipeline.alerts import transitions
from pipeline.alerts.spooled_incidents import IncidentFiles
from pipeline.core.alert import Alert
from pipeline.core.batches import BatchSource
from pipeline.dead_letters import DeadFolders, Death, Entry, Outages, SpoolError
from pipeline.dead_letters.entry import encoded
from pipeline.dead_letters.pending_replays import Parcels
from pipeline.dead_letters.repair import Repaired
from pipeline.dead_letters.spool import ABANDONED_SECONDS
from pipeline.sources.discovery import discover
from pipeline.sources.reading import read
from pipeline.storage import objects
from pipeline.storage.fetching import local
from pipeline.storage.location import Place, Remote
from pipeline.storage.small_files import small_files
from tests.locations.conftest import FaultyFileSystem
from tests.locations.test_landing import fail, forbid, lines

ID = "ab" * 32
DEATH = Death("graph", "it failed", attempts=4)


@pytest.fixture(params=["folder", "memory", "file", "s3"])
def spool(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty spool of each kind."""
    if request.param == "folder":
        return tmp_path / "spool"
    if request.param == "s3":
        return request.getfixturevalue("s3") / uuid.uuid4().hex  # type: ignore[no-any-return]
    return Remote(f"memory://{uuid.uuid4().hex}" if request.param == "memory" else f"file://{tmp_path / 'objects'}")


def batch(folder: Path, *keys: str, name: str = "0900.jsonl") -> BatchSource:
    path = folder / name
    path.write_bytes(lines(*(keys or ("1", "2"))))
    (source,) = discover([path], max_records=9, min_age=0)
    return source


def kept(folders: DeadFolders, batch_id: str) -> tuple[Entry, bytes]:
    """A batch's entry and the bytes of its raw file."""
    entry = folders.entry(batch_id)
    assert entry is not None
    source = entry.source(folders.path(batch_id))
    assert source is not None
    return entry, local(source.path).read_bytes()


def paths(place: Place) -> list[str]:
    """The files below a place."""
    if isinstance(place, Path):
        return sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())
    return sorted(one.place.url[len(place.url) + 1 :] for one in objects.below(place))


# dead batches


def test_a_dead_batch_is_kept_with_its_file_and_read_again(spool: Place, tmp_path: Path) -> None:
    folders, source = DeadFolders(spool), batch(tmp_path)
    assert (folders.entry(source.batch_id), list(folders.entries())) == (None, [])
    folders.keep(source, DEATH)
    entry, raw = kept(DeadFolders(spool), source.batch_id)
    assert raw == source.path.read_bytes()  # type: ignore[union-attr]
    assert (entry.records, entry.size, entry.file_name, entry.death) == (2, len(raw), "0900.jsonl", DEATH)
    again = entry.source(folders.path(source.batch_id))
    assert again is not None
    assert list(read(again, zone=ZoneInfo("UTC"))) == list(read(source, zone=ZoneInfo("UTC")))
    found = [one.batch_id for one in discover([again.path], max_records=9, min_age=0)]
    assert found == [source.batch_id]


def test_a_batch_that_dies_again_keeps_its_file_and_both_deaths(spool: Place, tmp_path: Path) -> None:
    folders, source = DeadFolders(spool), batch(tmp_path)
    folders.keep(source, DEATH)
    folders.taken_in(source.batch_id)
    first, raw = kept(folders, source.batch_id)
    assert folders.is_taken_in(first)
    source.path.unlink()  # type: ignore[union-attr]
    folders.keep(source, Death("embed", "again"))
    second, same = kept(folders, source.batch_id)
    assert (same, second.file, second.death.stage) == (raw, first.file, "embed")
    assert [death["stage"] for death in second.earlier] == ["graph"]
    assert not folders.is_taken_in(second)
    assert len(paths(spool)) == 2


def test_what_the_ledger_knows_is_pending_no_more_and_what_is_removed_is_gone(spool: Place, tmp_path: Path) -> None:
    folders = DeadFolders(spool)
    sources = [batch(tmp_path, key, name=f"{key}.jsonl") for key in ("1", "2")]
    for source in sources:
        folders.keep(source, DEATH)
    assert {batch_id for batch_id, _ in folders.pending()} == {source.batch_id for source in sources}
    folders.taken_in(sources[0].batch_id)
    assert [batch_id for batch_id, _ in folders.pending()] == [sources[1].batch_id]
    for source in (*sources, sources[0]):
        folders.remove(source.batch_id)
    assert (list(folders.entries()), paths(spool)) == ([], [])


def test_of_a_batch_whose_file_is_gone_the_facts_are_kept(spool: Place, tmp_path: Path) -> None:
    folders, source = DeadFolders(spool), batch(tmp_path)
    source.path.unlink()  # type: ignore[union-attr]
    entry = folders.keep(source, DEATH)
    assert (entry.file, entry.records, folders.entry(source.batch_id)) == (None, None, entry)


@pytest.mark.parametrize("name", ["batch.json", "taken-in-x.jsonl", "é ;$(x).jsonl"])
def test_a_log_file_may_be_called_anything(spool: Place, tmp_path: Path, name: str) -> None:
    folders, source = DeadFolders(spool), batch(tmp_path, name=name)
    folders.keep(source, DEATH)
    entry, raw = kept(folders, source.batch_id)
    assert (entry.file_name, raw) == (name, source.path.read_bytes())  # type: ignore[union-attr]


def test_an_objects_name_may_be_longer_than_a_files(tmp_path: Path) -> None:
    landing = Remote(f"memory://{uuid.uuid4().hex}")
    objects.write(landing / f"{'x' * 400}.jsonl", lines("1"))
    (source,) = discover([landing], max_records=9, min_age=0)
    entry, raw = (folders := DeadFolders(tmp_path / "spool")).keep(source, DEATH), b""
    _, raw = kept(folders, source.batch_id)
    assert (entry.file, raw) == ("raw.jsonl", lines("1"))


def test_a_damaged_manifest_is_told_and_names_nothing_elsewhere(spool: Place, tmp_path: Path) -> None:
    folders, source = DeadFolders(spool), batch(tmp_path)
    entry = folders.keep(source, DEATH)
    files = small_files(folders.path(source.batch_id))
    found = json.loads(files.read("batch.json"))
    for damage in (b"{", json.dumps({**found, "file": "../../x"}).encode(), b"[]"):
        files.write("batch.json", damage)
        with pytest.raises(ConfigurationError, match="damaged"):
            folders.entry(source.batch_id)
        ((batch_id, problem),) = folders.entries()
        assert (batch_id, isinstance(problem, ConfigurationError)) == (source.batch_id, True)
    folders.keep(source, DEATH)
    assert kept(folders, source.batch_id)[0].batch_id == entry.batch_id


def test_two_writers_at_once_end_with_one_whole_entry(spool: Place, tmp_path: Path) -> None:
    sources = []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        sources.append(batch(tmp_path / str(number)))
    barrier, problems = threading.Barrier(2), list[Exception]()

    def keep(source: BatchSource) -> None:
        barrier.wait()
        try:
            DeadFolders(spool).keep(source, DEATH)
        except Exception as error:  # noqa: BLE001 - of a thread, for the test
            problems.append(error)

    threads = [threading.Thread(target=keep, args=(source,)) for source in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert problems == []
    ((batch_id, entry),) = DeadFolders(spool).entries()
    assert isinstance(entry, Entry)
    assert kept(DeadFolders(spool), batch_id)[1] == lines("1", "2")


# a process that dies in between


class Killed(BaseException):
    """A kill, where one cannot kill the test."""


def die() -> None:
    raise Killed


def test_a_kill_before_the_note_leaves_no_batch_and_what_it_leaves_is_swept_when_it_is_old(
    faulty: Remote, tmp_path: Path
) -> None:
    folders, source = DeadFolders(faulty), batch(tmp_path)
    FaultyFileSystem.orders["xb batch.json"] = die
    with pytest.raises(Killed):
        folders.keep(source, DEATH)
    FaultyFileSystem.orders.clear()
    assert (list(folders.entries()), folders.entry(source.batch_id), len(paths(faulty))) == ([], None, 1)
    folders.sweep()
    assert len(paths(faulty)) == 1
    age(faulty)
    folders.sweep()
    assert paths(faulty) == []


def test_the_next_run_keeps_what_a_killed_one_did_not(faulty: Remote, tmp_path: Path) -> None:
    folders, source = DeadFolders(faulty), batch(tmp_path)
    FaultyFileSystem.orders["xb batch.json"] = die
    with pytest.raises(Killed):
        folders.keep(source, DEATH)
    FaultyFileSystem.orders.clear()
    folders.keep(source, DEATH)
    age(faulty)
    folders.sweep()
    assert kept(folders, source.batch_id)[1] == lines("1", "2")
    assert len(paths(faulty)) == 2


def test_when_writing_the_note_fails_the_file_stays_for_the_note_may_be_there(faulty: Remote, tmp_path: Path) -> None:
    """A time-out tells nothing of the write; what no note names is swept when it is old."""
    folders, source = DeadFolders(faulty), batch(tmp_path)
    FaultyFileSystem.orders["xb batch.json"] = fail
    with pytest.raises(SpoolError, match="503"):
        folders.keep(source, DEATH)
    FaultyFileSystem.orders.clear()
    (left,) = objects.below(faulty)
    path = f"/{left.place.url.partition('://')[2]}"
    found = FaultyFileSystem.store[path]
    entry = Entry("e" * 32, source.batch_id, left.place.name, "0900.jsonl", "x", 1, 2, 0, None, DEATH)
    objects.write(folders.path(source.batch_id) / "batch.json", encoded(entry))  # type: ignore[operator]
    age(faulty)
    folders.sweep()
    assert (kept(folders, source.batch_id)[0], found is FaultyFileSystem.store[path]) == (entry, True)


def age(place: Remote) -> None:
    """Make all objects of a faulty place old."""
    old = datetime.fromtimestamp(time.time() - ABANDONED_SECONDS - 60, tz=UTC)
    for path, found in FaultyFileSystem.store.items():
        if path.startswith(f"/{place.url.partition('://')[2]}"):
            found.created = old  # type: ignore[attr-defined]


@pytest.mark.parametrize(("order", "words"), [(fail, "503 Slow Down"), (forbid, "Permission denied")])
def test_a_spool_that_cannot_be_written_is_an_outage_and_leaves_nothing(
    faulty: Remote, tmp_path: Path, order: Callable[[], None], words: str
) -> None:
    folders, source = DeadFolders(faulty), batch(tmp_path)
    FaultyFileSystem.orders["wb any"] = order
    with pytest.raises(SpoolError, match=f"cannot be kept in faulty://.*: .*{words}"):
        folders.keep(source, DEATH)
    with pytest.raises(SpoolError, match=words):
        Outages(faulty).count(ID, "down")
    FaultyFileSystem.orders.clear()
    assert list(folders.entries()) == []


# replays on their way


def test_a_parcel_waits_until_it_is_done_and_is_the_same_twice(spool: Place) -> None:
    parcels, repaired = Parcels(spool), Repaired("records.jsonl", lines("1"), (3,))
    assert list(parcels.waiting()) == []
    parcel = parcels.put([ID], repaired)
    assert parcels.put([ID], repaired) == parcel
    assert list(Parcels(spool).waiting()) == [parcel]
    data = local(parcel.path).read_bytes()
    assert (hashlib.sha256(data).hexdigest(), parcel.size) == (parcel.batch_id, len(data))
    assert [one.batch_id for one in discover([parcel.source.path], max_records=9, min_age=0)] == [parcel.batch_id]
    parcels.done(parcel.batch_id)
    parcels.done(parcel.batch_id)
    assert (list(parcels.waiting()), paths(spool), parcel.size) == ([], [], 0)


# what is counted and remembered


def test_runs_without_a_ledger_are_counted_until_it_is_reached(spool: Place) -> None:
    assert [len(Outages(spool).count(ID, f"down {number}")) for number in range(3)] == [1, 2, 3]
    assert [run["error"] for run in Outages(spool).count(ID, "down 3")] == [f"down {number}" for number in range(4)]
    Outages(spool).reached(ID)
    Outages(spool).reached(ID)
    assert len(Outages(spool).count(ID, "down")) == 1


def test_a_batch_without_work_is_remembered_until_there_is_some(spool: Place) -> None:
    outages = Outages(spool)
    assert not outages.is_settled(ID)
    for _ in range(2):
        outages.settled(ID)
    assert Outages(spool).is_settled(ID)
    outages.sweep()
    assert outages.is_settled(ID)
    outages.at_work(ID)
    assert not Outages(spool).is_settled(ID)


def test_an_incident_is_written_by_one_of_two_and_removed(spool: Place) -> None:
    one, other = IncidentFiles(spool / "incidents"), IncidentFiles(spool / "incidents")
    new = transitions.raised(None, Alert("raw", "critical", "down", "", "b", "f"), ["slack"], one.now())
    assert (one.write(new), other.write(new)) == (True, False)
    (found,) = other.unsettled()
    assert (found.alert.title, found.version, one.read(found.key)) == ("down", 1, found)
    assert other.write(found)
    other.remove(found)
    assert (one.read(found.key), list(one.unsettled()), paths(spool)) == (None, [], [])


def test_incidents_that_cannot_be_written_are_an_outage(faulty: Remote) -> None:
    FaultyFileSystem.orders["xb any"] = fail
    files = IncidentFiles(faulty / "incidents")
    with pytest.raises(TransientError, match="incidents in the spool cannot be used"):
        files.write(transitions.raised(None, Alert("raw", "critical", "", "", "b", "f"), [], files.now()))
