"""Which files of a folder are log files by their names, and what is said of the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from expectations_plugins.core.errors import SluicegateError
from pipeline.core.batches import LOG_FILES
from pipeline.sources.discovery import discover
from pipeline.sources.names import is_csv_name
from pipeline.sources.passed_over import PassedOverError, Reason
from pipeline.storage import objects
from pipeline.storage.location import Place, Remote

LINE = b'{"interaction_id": "%s"}\n'

READ = [
    "x.jsonl",
    "x.jsonl.1",
    "x.jsonl.10",
    "x.jsonl-20261120",
    "x.jsonl-2026112009",
    "x.jsonl-1795165200",
    "x.jsonl.2026-11-20",
    "x.jsonl.2026-11-20_09",
    "x.jsonl.2026-11-20T09:00:00Z",
    "x.jsonl.1.gz",
    "x.jsonl.gz.1",
    "x.jsonl-20261120.bz2",
    "x.ndjson.zst",
    "x.json.zstd",
    "UP.JSONL",
    "Up.Csv.GZ",
    "x.csv.2",
    "app.log",
    "app.log.3.gz",
    "dt=2026-11-20/x.jsonl",
    "dt=2026-11-20/hour=09/part-0.json",
    "folder.jsonl/x.csv",
]
PASSED_OVER = {
    "README.md": Reason.NAME,
    "x.jsonl.bak": Reason.NAME,
    "x.gz": Reason.NAME,
    "_SUCCESS": Reason.NAME,
    ".hidden.jsonl": Reason.HIDDEN,
    "x.jsonl.part": Reason.UNFINISHED,
    "x.jsonl.TMP": Reason.UNFINISHED,
}


def landed(folder: Place, names: list[str]) -> Place:
    for name in names:
        data = LINE % name.encode()
        if isinstance(folder, Remote):
            objects.write(folder / name, data)
        else:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
    return folder


def searched(folder: Place, files: tuple[str, ...] = LOG_FILES) -> tuple[list[str], dict[str, object]]:
    """The files that are read, and of the others the reason."""
    others: dict[str, object] = {}

    def leave_out(path: Place, why: SluicegateError) -> None:
        others[below(path)] = why.reason if isinstance(why, PassedOverError) else why

    def below(path: Place) -> str:
        return str(path)[len(str(folder)) + 1 :]

    found = discover([folder], max_records=9, min_age=0, leave_out=leave_out, files=files)
    return [below(one.path) for one in found], others


@pytest.fixture(params=["disk", "objects"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return tmp_path if request.param == "disk" else Remote(f"memory://{tmp_path.name}/landing")


def test_log_files_are_read_by_whatever_rotation_compression_and_sub_folders_made_of_their_names(folder: Place) -> None:
    read, others = searched(landed(folder, READ))
    assert (set(read), others) == (set(READ), {})


def test_every_other_file_is_named_with_the_reason(folder: Place) -> None:
    read, others = searched(landed(folder, list(PASSED_OVER)))
    assert (read, others) == ([], PASSED_OVER)


def test_folders_of_programs_are_passed_over_as_one(folder: Place) -> None:
    landed(folder, ["_temporary/0/a.jsonl", "_temporary/b.jsonl", ".git/config.json", "a.jsonl"])
    assert searched(folder) == (["a.jsonl"], {"_temporary": Reason.HIDDEN_FOLDER, ".git": Reason.HIDDEN_FOLDER})


def test_the_files_come_by_path(folder: Place) -> None:
    landed(folder, ["c.jsonl", "b/2.jsonl", "b/1.jsonl", "a.jsonl"])
    assert searched(folder)[0] == ["a.jsonl", "b/1.jsonl", "b/2.jsonl", "c.jsonl"]


@pytest.mark.parametrize(
    ("files", "read"),
    [
        ("*.txt", ["a.txt", "deep/a.txt.1"]),
        ("deep/*.jsonl", ["deep/a.jsonl"]),
        ("*.jsonl,!deep/*", ["a.jsonl"]),
        ("a.json?,!*/a.*", ["a.jsonl"]),
    ],
)
def test_globs_say_which_files_are_read(folder: Place, files: str, read: list[str]) -> None:
    landed(folder, ["a.txt", "a.jsonl", "deep/a.txt.1", "deep/a.jsonl"])
    found, others = searched(folder, tuple(files.split(",")))
    assert found == read
    assert set(others.values()) == {Reason.NAME}


@pytest.mark.parametrize("name", ["a.csv", "A.CSV", "a.csv.1", "a.csv-20261120.gz", "a.csv.zst.2"])
def test_csv_is_known_by_the_name_before_rotation(name: str) -> None:
    assert is_csv_name(name)
