"""Nothing in a folder blocks or vanishes: each kind of entry is made for real, and is read or named with a reason.

A listing is made in a process of its own, which is killed when it blocks.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from expectations_plugins.core.errors import SluicegateError
from pipeline.sources.discovery import changed, discover
from pipeline.sources.files import WaitingFileError, pieces
from pipeline.sources.passed_over import PassedOverError, Reason

ROOT = Path(__file__).parent.parent.parent
BLOCKED_SECONDS = 60
DEEP = 300
"""Folders in folders; pytest cannot remove a thousand."""

LINE = b'{"interaction_id": "%s"}\n'
LISTING = """
import json, sys
from pathlib import Path
from pipeline.sources.discovery import discover
from tests.faults.permissions import heed_permissions
heed_permissions()
others = {}
found = discover([Path(sys.argv[1])], max_records=9, min_age=float(sys.argv[2]),
                 leave_out=lambda path, why: others.update({str(path.relative_to(sys.argv[1])): why.message}))
print(json.dumps([[str(one.path.relative_to(sys.argv[1])) for one in found], others]))
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A kind of entry.

    Args:
        make: Makes it in a folder, with what belongs to it.
        read: The files that are read.
        named: What is said of the others.
        min_age: Seconds a file must be unchanged.
    """

    make: Callable[[Path], object]
    read: tuple[str, ...] = ()
    named: tuple[tuple[str, str], ...] = ()
    min_age: float = 0.0


def log(path: Path, changed: float | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(LINE % path.name.encode())
    if changed is not None:
        os.utime(path, (time.time() + changed,) * 2)
    return path


def link(path: Path, target: str | Path, *, to: Path | None = None) -> None:
    """A link, and a log file it may lead to."""
    if to is not None:
        log(to)
    path.symlink_to(target)


def socket_at(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path has 108 bytes at most
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path.name)
    os.chdir(here)


def locked_folder(folder: Path) -> None:
    log(folder / "deep" / "x.jsonl")
    (folder / "deep").chmod(0)


def unsearchable_folder(folder: Path) -> None:
    log(folder / "deep" / "x.jsonl")
    (folder / "deep").chmod(0o600)


def two_folder_links(folder: Path) -> None:
    log(folder / "a" / "x.jsonl")
    (folder / "a" / "b").symlink_to(folder)
    (folder / "a" / "c").symlink_to(".")


def link_to_pipe(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "x.jsonl").symlink_to("pipe")


def linked_folder(folder: Path) -> None:
    log(folder.parent / "outside" / "y.jsonl")
    (folder / "x.jsonl").symlink_to(folder.parent / "outside")


def deep_folders(folder: Path) -> None:
    at = folder
    for _ in range(DEEP):
        at = at / "d"
        at.mkdir()
    log(at / "x.jsonl")


def hard_links(folder: Path) -> None:
    os.link(log(folder / "x.jsonl"), folder / "y.jsonl")


NO_FILE, TO_FOLDER, OUT = f"{Reason.NO_FILE}", f"{Reason.LINK_TO_FOLDER}", "leads out of its folder"
CASES: dict[str, Case] = {
    "file": Case(lambda at: log(at / "x.jsonl"), ("x.jsonl",)),
    "empty file": Case(lambda at: (at / "x.jsonl").touch(), ("x.jsonl",)),
    "sub-folder": Case(lambda at: log(at / "x.jsonl" / "y.jsonl"), ("x.jsonl/y.jsonl",)),
    "empty sub-folder": Case(lambda at: (at / "x.jsonl").mkdir()),
    "deep sub-folders": Case(deep_folders, ("d/" * DEEP + "x.jsonl",)),
    "pipe": Case(lambda at: os.mkfifo(at / "x.jsonl"), named=(("x.jsonl", NO_FILE),)),
    "socket": Case(lambda at: socket_at(at / "x.jsonl"), named=(("x.jsonl", NO_FILE),)),
    "link to a pipe": Case(link_to_pipe, named=(("x.jsonl", NO_FILE), ("pipe", str(Reason.NAME)))),
    "link to a device": Case(lambda at: link(at / "x.jsonl", "/dev/zero"), named=(("x.jsonl", NO_FILE),)),
    "link to a terminal": Case(lambda at: link(at / "x.jsonl", "/dev/tty"), named=(("x.jsonl", NO_FILE),)),
    "link to a file inside": Case(
        lambda at: link(at / "x.jsonl", "z.jsonl", to=at / "z.jsonl"),
        ("x.jsonl",),
        (("z.jsonl", str(Reason.SAME_FILE)),),
    ),
    "link to a file of another name": Case(
        lambda at: link(at / "x.jsonl", "current", to=at / "current"), ("x.jsonl",), (("current", str(Reason.NAME)),)
    ),
    "link out of the folder": Case(
        lambda at: link(at / "x.jsonl", "../y.jsonl", to=at.parent / "y.jsonl"), named=(("x.jsonl", OUT),)
    ),
    "link to a process's file": Case(lambda at: link(at / "x.jsonl", "/proc/self/environ"), named=(("x.jsonl", OUT),)),
    "link to nowhere": Case(lambda at: link(at / "x.jsonl", "gone"), named=(("x.jsonl", "leads nowhere"),)),
    "link to itself": Case(lambda at: link(at / "x.jsonl", "x.jsonl"), named=(("x.jsonl", "leads nowhere"),)),
    "link to a folder outside": Case(linked_folder, named=(("x.jsonl", TO_FOLDER),)),
    "links to folders above": Case(two_folder_links, ("a/x.jsonl",), (("a/b", TO_FOLDER), ("a/c", TO_FOLDER))),
    "hard link": Case(hard_links, ("x.jsonl", "y.jsonl")),
    "locked file": Case(lambda at: log(at / "x.jsonl").chmod(0), named=(("x.jsonl", "Permission denied"),)),
    "locked sub-folder": Case(locked_folder, named=(("deep", "Permission denied"),)),
    "sub-folder that may only be listed": Case(unsearchable_folder, named=(("deep/x.jsonl", "Permission denied"),)),
    "line feed in the name": Case(lambda at: log(at / "a\nb.jsonl"), ("a\nb.jsonl",)),
    "from the future": Case(lambda at: log(at / "x.jsonl", 86_400), ("x.jsonl",), min_age=600),
    "from the future, without an age": Case(lambda at: log(at / "x.jsonl", 86_400), ("x.jsonl",)),
    "from before 1970": Case(lambda at: log(at / "x.jsonl", -80 * 365 * 86_400), ("x.jsonl",), min_age=600),
    "young": Case(lambda at: log(at / "x.jsonl", -1), named=(("x.jsonl", str(Reason.YOUNG)),), min_age=600),
    "of a clock a little ahead": Case(
        lambda at: log(at / "x.jsonl", 60), named=(("x.jsonl", str(Reason.YOUNG)),), min_age=600
    ),
}


@pytest.mark.parametrize("kind", CASES)
def test_each_kind_of_entry_is_read_or_named_beside_a_file_that_is_read(tmp_path: Path, kind: str) -> None:
    case, folder = CASES[kind], tmp_path / "landing"
    log(folder / "0-good.jsonl", -3600)
    case.make(folder)
    done = subprocess.run(
        [sys.executable, "-c", LISTING, folder, str(case.min_age)],
        cwd=ROOT,
        timeout=BLOCKED_SECONDS,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,  # without a terminal
    )
    assert done.returncode == 0, done.stderr
    read, others = json.loads(done.stdout)
    assert set(read) == {"0-good.jsonl", *case.read}
    assert set(others) == {name for name, _ in case.named}
    for name, words in case.named:
        assert words in others[name]


def replaced_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def replaced_by_link_to_itself(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def replaced_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("replace", [Path.unlink, replaced_by_pipe, replaced_by_link_to_itself])
def test_a_file_that_is_replaced_between_listing_and_reading_is_named(
    tmp_path: Path, replace: Callable[[Path], None]
) -> None:
    log(tmp_path / "0.jsonl")
    log(tmp_path / "2.jsonl")
    path = log(tmp_path / "1.jsonl")
    others: list[Path] = []

    def leave_out(where: Path, why: SluicegateError) -> None:
        del why
        others.append(where)

    found = discover([tmp_path], max_records=9, min_age=0, leave_out=leave_out)
    first = next(found)
    replace(path)
    assert [one.path.name for one in (first, *found)] == ["0.jsonl", "2.jsonl"]
    assert [path] == others


@pytest.mark.parametrize("replace", [Path.unlink, replaced_by_pipe, replaced_by_link_to_itself, replaced_by_folder])
def test_a_file_that_is_replaced_before_it_is_loaded_is_named(tmp_path: Path, replace: Callable[[Path], None]) -> None:
    (source,) = discover([log(tmp_path / "x.jsonl")], max_records=9, min_age=0)
    replace(source.path)
    assert isinstance(changed(source), SluicegateError)
    with pytest.raises(SluicegateError):
        list(pieces(source.path))


def test_a_pipe_in_a_files_place_waits_for_another_run_and_for_no_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.jsonl")
    with pytest.raises(WaitingFileError, match="still being written"):
        list(pieces(tmp_path / "x.jsonl"))


def test_a_sub_folder_that_vanishes_while_it_is_listed_is_named(tmp_path: Path) -> None:
    for name in ("1", "2", "3"):
        log(tmp_path / name / "x.jsonl")
    others: list[Path] = []
    found = discover([tmp_path], max_records=9, min_age=0, leave_out=lambda where, _: others.append(where))
    first = next(found)
    (tmp_path / "2" / "x.jsonl").unlink()
    (tmp_path / "2").rmdir()
    assert [one.path.parent.name for one in (first, *found)] == ["1", "3"]
    assert others == [tmp_path / "2"]


def test_without_anyone_to_notify_what_is_passed_over_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "README.md").touch()
    assert list(discover([tmp_path], max_records=9, min_age=0)) == []
    assert PassedOverError(tmp_path, Reason.NAME).exit_code == 0
