"""Objects that land are taken by the rules of files: complete ones only, each named by its bytes, wherever it is."""

from __future__ import annotations

import gzip
import json
import os
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from expectations_plugins.core.errors import ConfigurationError, ExitCode, SluicegateError, TransientError
from pipeline.core.batches import BatchSource
from pipeline.sources.discovery import changed, discover
from pipeline.sources.files import UnreadableFileError, WaitingFileError
from pipeline.sources.reading import read
from pipeline.storage import cache, objects
from pipeline.storage.location import Place, Remote, written
from tests.locations.conftest import FaultyFileSystem

CSV = b"interaction_id,user_id,type\r\na,u_1,click\r\nb,u_2,click\r\nc,u_3,click\r\n"
UTC = ZoneInfo("UTC")


def lines(*keys: str) -> bytes:
    return b"".join(json.dumps({"interaction_id": key, "user_id": "u_1", "type": "x"}).encode() + b"\n" for key in keys)


LOGS = {
    "a.jsonl": lines("1", "2", "3"),
    "b.jsonl.gz": gzip.compress(lines("4")),
    "c.csv": CSV,
    "d.csv.gz": gzip.compress(CSV.replace(b"u_", b"v_")),
    "e.ndjson": b"not json\n" + lines("5"),
    "f.jsonl.gz": gzip.compress(lines("6"))[:-9],
    "g.jsonl": b"",
}


def land(place: Place, logs: dict[str, bytes]) -> None:
    for name, data in logs.items():
        if isinstance(place, Remote):
            objects.write(place / name, data)
        else:
            place.mkdir(exist_ok=True)
            (place / name).write_bytes(data)


def found(place: Place, *, most: int = 2) -> list[BatchSource]:
    return list(discover([place], max_records=most, min_age=0))


def refused(place: Place) -> dict[str, SluicegateError]:
    told: dict[str, SluicegateError] = {}
    sources = discover([place], max_records=9, min_age=0, leave_out=lambda where, why: told.update({where.name: why}))
    assert list(sources) == []
    return told


def test_the_same_bytes_are_the_same_batches_with_the_same_records_wherever_they_are(
    elsewhere: Remote, tmp_path: Path
) -> None:
    land(elsewhere, LOGS)
    land(tmp_path / "here", LOGS)
    there, here = found(elsewhere), found(tmp_path / "here")
    assert [replace(one, path=Path(one.path.name)) for one in there] == [
        replace(one, path=Path(one.path.name)) for one in here
    ]
    for one, other in zip(there, here, strict=True):
        assert list(read(one, zone=UTC)) == list(read(other, zone=UTC))
        assert changed(one) is None


def test_only_complete_log_files_are_taken_by_name(elsewhere: Remote) -> None:
    odd = ("README.txt", ".hidden.jsonl", "x.jsonl.part", "x.jsonl.tmp", "_deep/x.jsonl", "x")
    land(elsewhere, {name: lines(name) for name in (*odd, "deep/c.jsonl", "b.jsonl", "a.jsonl", "$(id) ;&.jsonl")})
    assert [one.path.name for one in found(elsewhere)] == ["$(id) ;&.jsonl", "a.jsonl", "b.jsonl", "c.jsonl"]


def test_an_object_is_given_by_its_own_address_and_known_by_it(elsewhere: Remote) -> None:
    land(elsewhere, {"a.jsonl": lines("1"), "b.jsonl": lines("2")})
    (source,) = discover([elsewhere / "b.jsonl", elsewhere / "b.jsonl"], max_records=9, min_age=0)
    assert written(source.path) == f"{elsewhere}/b.jsonl"


def test_young_objects_wait(elsewhere: Remote) -> None:
    land(elsewhere, {"a.jsonl": lines("1")})
    assert list(discover([elsewhere], max_records=9, min_age=3600)) == []


def test_a_folder_in_which_nothing_has_landed_is_an_empty_one(s3: Remote) -> None:
    assert found(s3 / "nothing" / "here") == []


def test_a_bucket_that_is_not_there_and_an_object_that_is_not_there_are_errors(s3: Remote) -> None:
    for missing in (Remote("s3://no-such-bucket/landing"), s3 / "gone.jsonl"):
        with pytest.raises(ConfigurationError, match="there is no such object or bucket"):
            found(missing)
    objects.write(s3 / "readme.txt", b"x")
    with pytest.raises(ConfigurationError, match=r"readme\.txt is not a log file"):
        found(s3 / "readme.txt")


def test_an_object_that_vanished_or_was_replaced_since_it_was_listed_waits(elsewhere: Remote) -> None:
    land(elsewhere, {"a.jsonl": lines("1"), "b.jsonl": lines("2")})
    gone, other = found(elsewhere)
    cache.clear()
    objects.remove(elsewhere / "a.jsonl")
    land(elsewhere, {"b.jsonl": lines("3", "4")})
    for source, words in ((gone, "is gone"), (other, "still being written")):
        why = changed(source)
        assert isinstance(why, WaitingFileError)
        assert words in str(why)
    with pytest.raises(WaitingFileError, match="still being written") as waits:
        list(read(other, zone=UTC))
    assert waits.value.exit_code == ExitCode.OK
    with pytest.raises(UnreadableFileError, match="no such object"):
        list(read(gone, zone=UTC))


def test_an_object_that_is_replaced_while_it_is_fetched_waits(faulty: Remote) -> None:
    land(faulty, {"a.jsonl": lines("1"), "b.jsonl": lines("2")})
    FaultyFileSystem.orders["rb a.jsonl"] = lambda: land(faulty, {"a.jsonl": lines("1", "2")})
    assert [one.path.name for one in found(faulty)] == ["b.jsonl"]


def test_an_object_that_may_not_be_read_is_left_out_and_the_others_flow(faulty: Remote) -> None:
    land(faulty, {"a.jsonl": lines("1")})
    FaultyFileSystem.orders["rb a.jsonl"] = forbid
    (why,) = refused(faulty).values()
    assert (why.exit_code, "Permission denied" in str(why)) == (ExitCode.USAGE, True)
    land(faulty, {"b.jsonl": lines("2")})
    told: list[Place] = []
    sources = discover([faulty], max_records=9, min_age=0, leave_out=lambda where, _: told.append(where))
    assert ([one.path.name for one in sources], told) == (["b.jsonl"], [faulty / "a.jsonl"])


def test_a_store_that_fails_is_an_outage(faulty: Remote) -> None:
    land(faulty, {"a.jsonl": lines("1")})
    FaultyFileSystem.orders["rb a.jsonl"] = fail
    assert [type(why) for why in refused(faulty).values()] == [TransientError]


def test_a_name_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / os.fsdecode(b"\xff.jsonl")).write_bytes(lines("1"))
    (why,) = refused(Remote(f"file://{tmp_path / 'x'}")).values()
    assert r"\xff.jsonl is not UTF-8" in str(why)


def test_what_has_landed_is_fetched_once_a_version(faulty: Remote) -> None:
    land(faulty, {"a.jsonl": lines("1", "2", "3"), "b.jsonl": lines("4")})
    first = found(faulty)
    assert FaultyFileSystem.opened == ["a.jsonl", "b.jsonl"]
    cache.clear()
    assert found(faulty) == first
    assert FaultyFileSystem.opened == ["a.jsonl", "b.jsonl"]
    land(faulty, {"b.jsonl": lines("5")})
    assert found(faulty)[:2] == first[:2]
    found(faulty, most=3)
    assert FaultyFileSystem.opened[2:] == ["b.jsonl", "a.jsonl"]  # b, and a with other limits


def test_what_is_remembered_wrongly_is_fetched_again(faulty: Remote, home: Path) -> None:
    land(faulty, {"a.jsonl": lines("1")})
    first = found(faulty)
    for path in (home / "landed").iterdir():
        path.write_text("{]")
    cache.clear()
    assert found(faulty) == first


def forbid() -> None:
    raise PermissionError("403")


def fail() -> None:
    raise OSError("503 Slow Down")
