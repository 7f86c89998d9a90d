"""Which files are batches, and what their ids are."""

from __future__ import annotations

import gzip
import hashlib
import os
import time
from pathlib import Path

import pytest

from expectations_plugins.core.errors import ConfigurationError
from pipeline.core.batches import BatchSource
from pipeline.sources.discovery import discover

THREE = b'{"interaction_id": "a"}\n{"interaction_id": "b"}\n{"interaction_id": "c"}\n'


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def found(*paths: Path, max_records: int = 1000, min_age: float = 0.0, **limits: int) -> list[BatchSource]:
    return list(discover(paths, max_records=max_records, min_age=min_age, **limits))


def written(path: Path, data: bytes = THREE) -> Path:
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def test_a_batch_is_named_by_the_bytes_of_its_file(tmp_path: Path) -> None:
    path = written(tmp_path / "log.jsonl")
    assert found(path) == [BatchSource(sha256(THREE), path)]


def test_a_renamed_a_zipped_and_a_differently_zipped_file_are_the_same_batch(tmp_path: Path) -> None:
    written(tmp_path / "a.jsonl")
    (tmp_path / "b.ndjson.gz").write_bytes(gzip.compress(THREE, 1, mtime=1))
    (tmp_path / "c.json.gz").write_bytes(gzip.compress(THREE[:30], 9) + gzip.compress(THREE[30:], 9))
    assert [source.batch_id for source in found(tmp_path)] == [sha256(THREE)] * 3


def test_a_folder_gives_its_log_files_by_name(tmp_path: Path) -> None:
    names = ["b.csv", "a.jsonl", "d.json.gz", "c.ndjson", "e.csv.gz"]
    for name in names:
        written(tmp_path / name)
    assert [source.path.name for source in found(tmp_path)] == sorted(names)


@pytest.mark.parametrize("name", [".hidden.jsonl", "log.jsonl.part", "log.jsonl.tmp", "README.md", "log.gz", "log.xml"])
def test_a_folder_does_not_give_files_that_are_unfinished_or_no_logs(tmp_path: Path, name: str) -> None:
    written(tmp_path / name)
    assert found(tmp_path) == []


def test_a_file_that_changed_just_now_is_left_for_the_next_run(tmp_path: Path) -> None:
    young, old = written(tmp_path / "young.jsonl"), written(tmp_path / "old.jsonl")
    an_hour_ago = time.time() - 3600
    os.utime(old, (an_hour_ago, an_hour_ago))
    assert [source.path for source in found(tmp_path, young, min_age=600)] == [old]


def test_a_file_given_twice_is_taken_once(tmp_path: Path) -> None:
    path = written(tmp_path / "log.jsonl")
    assert len(found(tmp_path, path, path)) == 1


def test_an_empty_file_is_a_batch_without_records(tmp_path: Path) -> None:
    written(tmp_path / "a.jsonl", b"")
    written(tmp_path / "b.jsonl.gz", b"")
    assert {source.batch_id for source in found(tmp_path)} == {sha256(b"")}


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"missing\.jsonl cannot be read: No such file"):
        found(tmp_path / "missing.jsonl")


def test_a_file_that_is_no_log_is_refused_when_it_is_named_itself(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"notes\.txt is not a log file"):
        found(written(tmp_path / "notes.txt"))


def test_a_file_within_the_limit_is_not_split(tmp_path: Path) -> None:
    assert found(written(tmp_path / "log.jsonl"), max_records=3)[0].max_records is None


def test_a_larger_file_is_split_and_each_part_named_by_its_own_bytes(tmp_path: Path) -> None:
    path = written(tmp_path / "log.jsonl.gz")
    assert found(path, max_records=2) == [
        BatchSource(sha256(THREE[:48]), path, first_record=0, max_records=2),
        BatchSource(sha256(THREE[48:]), path, first_record=2, max_records=2),
    ]


def test_the_parts_before_what_was_appended_stay_the_same_batches(tmp_path: Path) -> None:
    before = found(written(tmp_path / "log.jsonl"), max_records=1)
    after = found(written(tmp_path / "log.jsonl", THREE + b'{"interaction_id": "d"}\n'), max_records=1)
    assert after[:3] == before


def test_a_part_of_a_csv_is_named_by_its_header_and_its_rows(tmp_path: Path) -> None:
    path = written(tmp_path / "log.csv", b'interaction_id,message\na,"two\nlines"\nb,one\nc,one\n')
    assert [source.batch_id for source in found(path, max_records=2)] == [
        sha256(b'interaction_id,message\na,"two\nlines"\nb,one\n'),
        sha256(b"interaction_id,message\nc,one\n"),
    ]


def test_parts_of_a_file_longer_than_one_piece_are_its_bytes_without_a_gap(tmp_path: Path) -> None:
    lines = [b'{"interaction_id": "%06d", "message": "%s"}\n' % (n, b"x" * (n % 97)) for n in range(5000)]
    sources = found(written(tmp_path / "log.jsonl", b"".join(lines)), max_records=700)
    expected = [sha256(b"".join(lines[start : start + 700])) for start in range(0, 5000, 700)]
    assert [source.batch_id for source in sources] == expected


def test_a_truncated_file_is_named_by_what_could_be_read(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl.gz"
    whole = gzip.compress(THREE, 0)  # stored, so that bytes in are bytes out
    path.write_bytes(whole[:-20])
    (source,) = found(path)
    assert source.batch_id in {sha256(THREE[:length]) for length in range(len(THREE))}


def test_two_files_of_which_nothing_could_be_read_are_two_batches(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(b"\xff\0not gzip")
    (tmp_path / "b.jsonl.gz").write_bytes(b"\xff\0not gzip either")
    assert len({source.batch_id for source in found(tmp_path)}) == 2
