"""Bad files: each has a clear end, its good records flow, and so do the other files of the run.

All of them land in one folder and `run.py run` is called once, so that each is also what the others must survive. What
is wrong with single lines shares a file. What should become of every line is written down beside its bytes; what became
of it is read from the stores by their drivers.
Faults of the folder itself (a file that vanishes, permissions, a full disk) are in test_bad_folders.py.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pipeline.local import Endpoints
from tests.faults.readback import Stores, accepted, as_sent, not_conserved
from tests.faults.workplace import Ended, Workplace

NAME = "bad_files"
DEEP = 100_000
TEN_MB = 10 * 1024 * 1024


def good(key: str, **fields: Any) -> bytes:
    """A line of a record nothing is wrong with."""
    record = {
        "interaction_id": key,
        "user_id": "u_100",
        "campaign_id": None,
        "type": "click",
        "timestamp": "2026-11-20T09:00:00Z",
        "message": f"hello {key}",
        **fields,
    }
    return json.dumps(record).encode()


def line(raw: str) -> bytes:
    """A line as it is, `@` standing for the fields of a good record but its id."""
    return raw.replace("@", '"user_id": "u_1", "type": "click"').encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Part:
    """Lines of a bad file, and what should become of them.

    Args:
        name: What is wrong with them.
        lines: Their bytes.
        good: Ids that flow on.
        quarantined: Ids that stay in MongoDB.
        dead: By line, the first is 1: the reason, and words of its detail.
    """

    name: str
    lines: tuple[bytes, ...]
    good: tuple[str, ...] = ()
    quarantined: tuple[str, ...] = ()
    dead: Mapping[int, tuple[str, str]] = field(default_factory=dict)


def split(data: bytes) -> tuple[bytes, ...]:
    return tuple(data.split(b"\n"))


NOISE = random.Random(5).randbytes(3000).replace(b"\n", b" ")
MANY = b"\n".join(good(f"truncated-{n}") for n in range(200))
ODD_IDS = (
    "o'clock",
    '"quoted"',
    "back\\slash",
    "\\",
    "$where",
    "$set",
    "a.b.c",
    "..",
    ".",
    "%_like_%",
    "' or 1 == 1 or '",
    '"] or interaction_id != "',
    "'}) DETACH DELETE n //",
    "; DROP TABLE batches; --",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "{{ 7 * 7 }}",
    " spaces around ",
    "\u2028line separator",
    "\u202eright to left",
    "e\u0301 and é",
    "😀",
    "\ufeffbom",
    "x" * 256,
    "é" * 128,
)
LINES = (
    Part("blank lines", split(b"\r\n   \n\t\n" + good("after-blanks") + b"\r\n\n"), good=("after-blanks",)),
    Part(
        "garbage",
        (NOISE, good("amid-garbage"), b"\x00\x01\x02", b"<html>", b"][", good("amid-garbage-2")),
        good=("amid-garbage", "amid-garbage-2"),
        dead={1: ("unparsable", "not UTF-8")} | dict.fromkeys((3, 4, 5), ("unparsable", "not JSON")),
    ),
    Part(
        "10 MB",
        (good("before-long"), good("long", message="x" * TEN_MB), good("after-long")),
        good=("before-long", "after-long"),
        dead={2: ("unparsable", "more than the 1,048,576 that are taken")},
    ),
    Part(
        "not UTF-8",
        (
            good("before-latin"),
            '{"interaction_id": "caf\xe9"}'.encode("latin-1"),
            b'{"interaction_id": "\xed\xa0\x80"}',
            b'{"interaction_id": "\xc0\xaf"}',
            good("after-latin", message="café"),
        ),
        good=("before-latin", "after-latin"),
        dead=dict.fromkeys((2, 3, 4), ("unparsable", "not UTF-8")),
    ),
    Part(
        "a key twice",
        (
            line('{"interaction_id": "twice-a", "interaction_id": "twice-b", @}'),
            line('{"interaction_id": "twice-c", @, "user_id": {"$gt": ""}}'),
            line('{"interaction_id": "twice-d", @, "x": {"k": 1, "k": 2}}'),
            good("not-twice"),
        ),
        good=("not-twice",),
        dead=dict.fromkeys((1, 2, 3), ("unparsable", "twice")),
    ),
    Part(
        "an id twice",
        (good("same"), good("same"), good("same", value=2), good("other"), good("same", value=2)),
        good=("same", "other"),
        dead=dict.fromkeys((3, 5), ("conflict", "of this batch")),
    ),
    Part(
        "wrong types",
        (
            line('{"interaction_id": "operator", "user_id": {"$gt": ""}}'),
            line('{"interaction_id": "number", "user_id": 7}'),
            line('{"interaction_id": "list", "user_id": ["u_100"]}'),
            line('{"interaction_id": "boolean", "user_id": true}'),
            line('{"interaction_id": "null", "user_id": null}'),
            line('{"interaction_id": "nothing"}'),
            line(
                '{"interaction_id": "others", "user_id": "u_100", "campaign_id": {"$ne": 1}, "type": [1], "message": 5}'
            ),
            line('{"interaction_id": "times", "user_id": "u_100", "timestamp": {"$date": 0}, "value": {"$sum": 1}}'),
            line('{"interaction_id": {"$ne": null}, @}'),
            line('{"interaction_id": 7, @}'),
            line('{"interaction_id": ["a"], @}'),
            line('{"interaction_id": true, @}'),
            line('{"interaction_id": null, @}'),
            line("{@}"),
            line('["interaction_id", "listed"]'),
            line('"interaction_id"'),
            line("7"),
            line("null"),
            line("true"),
        ),
        quarantined=("operator", "number", "list", "boolean", "null", "nothing", "others", "times", "7"),
        dead=dict.fromkeys((9, 11, 12), ("bad_id", "is not text"))
        | {13: ("missing_id", "null"), 14: ("missing_id", "missing")}
        | dict.fromkeys(range(15, 20), ("not_an_object", "a JSON ")),
    ),
    Part("odd ids", tuple(good(key) for key in ODD_IDS), good=ODD_IDS),
    Part(
        "refused ids",
        (
            *(
                good(key)
                for key in ("line\nbreak", "return\r", "tab\t", "nul\0", "escape\x1b[2J", "c1\x85", "half\ud800")
            ),
            *(good(key) for key in ("x" * 257, "é" * 129, "y" * 100_000)),
            good("kept"),
            good("long-user", user_id="u_" + "1" * 300),
            good("long-campaign", campaign_id="c" * 10_000),
            good("long-type", type="t" * 257),
        ),
        good=("kept",),
        dead=dict.fromkeys(range(1, 8), ("bad_id", "control characters or half a surrogate"))
        | dict.fromkeys((8, 9, 10), ("bad_id", "more than 256"))
        | {12: ("bad_id", "user_id has 302 bytes, more than 256")}
        | {13: ("bad_id", "campaign_id has 10000 bytes, more than 256"), 14: ("bad_id", "type has 257 bytes")},
    ),
    Part(
        "unstorable",
        (
            line(r'{"interaction_id": "surrogate", @, "message": "half \ud83d"}'),
            line(r'{"interaction_id": "surrogate-key", @, "\udc00": 1}'),
            line('{"interaction_id": "big", @, "value": 9223372036854775808}'),
            line('{"interaction_id": "small", @, "value": -9223372036854775809}'),
            line('{"interaction_id": "huge", @, "value": 1e400}'),
            line('{"interaction_id": "digits", @, "value": ' + "9" * 5000 + "}"),
            line('{"interaction_id": "nan", @, "value": NaN}'),
            line('{"interaction_id": "infinity", @, "value": -Infinity}'),
            line(r'{"interaction_id": "nul-key", @, "a\u0000b": 1}'),
            line(r'{"interaction_id": "nul-key-inside", @, "x": [{"a\u0000b": 1}]}'),
            line('{"interaction_id": "deep", @, "x": ' + "[" * 150 + "]" * 150 + "}"),
            line('{"interaction_id": "deeper", @, "x": ' + '{"a":' * DEEP + "1" + "}" * DEEP + "}"),
            line('{"interaction_id": "deepest", @, "x": ' + "[" * DEEP),
            good("nul-value", message="a\0b", type="c\0d", note="\0"),
            good("edges", value=2**63 - 1, low=-(2**63), tiny=5e-324, zero=-0.0, deep=[[[[[[1]]]]]]),
        ),
        good=("nul-value",),
        quarantined=("edges",),
        dead=dict.fromkeys((1, 2), ("unstorable", "half a surrogate pair"))
        | dict.fromkeys((3, 4), ("unstorable", "more than 64 bits"))
        | {5: ("unstorable", "beyond 64-bit"), 6: ("unstorable", "thousands of digits")}
        | dict.fromkeys((7, 8), ("unparsable", "is not JSON"))
        | dict.fromkeys((9, 10), ("unstorable", "NUL"))
        | dict.fromkeys((11, 12, 13), ("unstorable", "nested")),
    ),
    Part(
        "odd fields",
        (
            good("operators", **{"$set": {"user_id": "u_1"}, "$where": "1", "a.b": 1, ".": 2, "": 3, "_id": "stolen"}),
            good(
                "ours", batch_id="stolen", quarantine={"gate": "raw"}, fence=99, line=0, content_hash="", extra={"x": 1}
            ),
            good("blank", message=" \t ", campaign_id="", type=""),
            good("proto", __proto__={"a": 1}, constructor=1, **{"extra.value": 5, "$extra": 6}),
        ),
        good=("operators", "ours", "blank", "proto"),
    ),
)
FIRST, LATER = "$(touch hacked);'\"&.jsonl", "new\nline\x1b[31m.jsonl"
NOT_GZIP, WIDE, EMPTY = "~%2f..%2fetc.jsonl.gz", "utf16.jsonl", "empty.jsonl"
TRUNCATED = "n" * 246 + ".jsonl.gz"
FILES: Mapping[str, tuple[Part, ...]] = {
    FIRST: LINES,
    "-rf.jsonl": (
        Part("BOM", (b"\xef\xbb\xbf" + good("after-bom"),), good=("after-bom",)),
        Part("no newline at the end", (good("cut")[:-9],), dead={1: ("incomplete", "not JSON")}),
    ),
    EMPTY: (),
    LATER: (
        Part(
            "an id of another file",
            (good("same"), good("same", user_id="u_200"), good("elsewhere")),
            good=("elsewhere",),
            dead={2: ("conflict", "was first brought, with other content, by batch")},
        ),
    ),
    WIDE: (
        Part(
            "UTF-16",
            split("{}\n{}".encode("utf-16")),
            dead=dict.fromkeys((1, 2), ("missing_id", "missing")),
        ),
    ),
    NOT_GZIP: (Part("plain text that is called gzip", (good("not-gzip"),), good=("not-gzip",)),),
}
DUPLICATES = {FIRST: 1, LATER: 1}
HALTED = {WIDE, TRUNCATED, "-rf.jsonl"}
"""Nothing of them could be read, or they ended before their end."""
TOLERANT = {f"SLUICEGATE_{name}_TOLERANCE": "1" for name in ("USER_ID", "DEAD", "UNREADABLE")}

PARTS = [(name, number) for name, parts in FILES.items() for number in range(len(parts))]


def lines_of(name: str) -> list[bytes]:
    return [data for part in FILES[name] for data in part.lines]


def data_of(name: str) -> bytes:
    return b"\n".join(lines_of(name))


def batch_id_of(name: str) -> str:
    """sha256 of its bytes, worked out here."""
    return hashlib.sha256(data_of(name)).hexdigest()


def truncated(data: bytes) -> bytes:
    whole = gzip.compress(data, mtime=0)
    return whole[: len(whole) // 2]


@dataclass(frozen=True, slots=True)
class Place:
    """The workplace, and what the run over all bad files said."""

    workplace: Workplace
    ended: Ended


@pytest.fixture(scope="module")
def place(endpoints: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Place:
    workplace = Workplace.prepared(endpoints, tmp_path_factory.mktemp(NAME), NAME)
    for name in FILES:
        workplace.land(name, data_of(name))
    workplace.land(TRUNCATED, truncated(MANY))
    return Place(workplace, workplace.command("run", "--json", **TOLERANT))


@pytest.fixture(scope="module")
def stores(endpoints: Endpoints) -> Iterator[Stores]:
    found = Stores(endpoints, NAME)
    yield found
    found.close()


def test_every_file_comes_to_its_end_and_the_exit_code_says_that_some_need_a_person(place: Place) -> None:
    assert place.ended.code == 10, str(place.ended)
    batches = place.ended.batches
    assert set(batches) == {*FILES, TRUNCATED}
    assert {name for name, batch in batches.items() if batch["status"] == "halted"} == HALTED
    assert {batch["status"] for batch in batches.values()} == {"closed", "halted"}
    assert {batches[name]["batch_id"] for name in FILES} == set(map(batch_id_of, FILES))
    assert "Traceback" not in place.ended.stderr


@pytest.mark.parametrize(("name", "number"), PARTS, ids=[FILES[name][number].name for name, number in PARTS])
def test_every_line_has_the_end_it_should_have(place: Place, stores: Stores, name: str, number: int) -> None:
    part, before = FILES[name][number], sum(len(part.lines) for part in FILES[name][:number])
    batch_id = place.ended.batches[name]["batch_id"]
    here = range(before + 1, before + 1 + len(part.lines))
    raw = {key: row for key, row in stores.raw(batch_id).items() if row["line"] in here}
    assert set(accepted(raw)) == set(part.good)
    assert set(raw) - set(accepted(raw)) == set(part.quarantined)
    letters = {line - before: row for line, row in stores.letters(batch_id).items() if line in here}
    assert {number: row["reason"] for number, row in letters.items()} == {n: why for n, (why, _) in part.dead.items()}
    for line_number, (_, words) in part.dead.items():
        assert words in letters[line_number]["detail"]


@pytest.mark.parametrize("name", [*FILES, TRUNCATED], ids=ascii)
def test_no_record_of_a_file_is_lost_and_none_is_there_twice(place: Place, stores: Stores, name: str) -> None:
    batch = place.ended.batches[name]
    assert list(not_conserved(stores, batch["batch_id"])) == []
    assert batch["counts"]["duplicate"] == DUPLICATES.get(name, 0)


def test_records_are_kept_as_sent(place: Place, stores: Stores) -> None:
    kept = 0
    for name in FILES:
        for document in stores.raw(place.ended.batches[name]["batch_id"]).values():
            record = json.loads(lines_of(name)[document["line"] - 1].removeprefix(b"\xef\xbb\xbf"))
            if isinstance(record.get("timestamp"), str):
                del record["timestamp"]
            assert same(as_sent(document), record)
            kept += 1
    assert kept == sum(len(part.good) + len(part.quarantined) for parts in FILES.values() for part in parts)


def same(one: Any, other: Any) -> bool:
    """Equal, types included: 1 is not True, 0.0 is not -0.0."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def test_what_came_of_a_truncated_gz_is_loaded_and_the_rest_is_a_dead_letter(place: Place, stores: Stores) -> None:
    batch = place.ended.batches[TRUNCATED]
    raw, letters = stores.raw(batch["batch_id"]), stores.letters(batch["batch_id"])
    assert 0 < len(raw) < 200
    assert [row["reason"] for row in letters.values()] == ["incomplete"]
    assert "truncated" in letters[len(raw) + 1]["detail"]


def test_nothing_was_executed_and_nothing_written_beside(place: Place) -> None:
    folder = place.workplace.folder
    assert not list(folder.rglob("hacked"))
    assert {path.name for path in folder.iterdir()} <= {"gx", "landing", "home", "stdout", "stderr"}
    assert not Path(os.sep, "etc.jsonl").exists()


def test_running_again_changes_nothing(place: Place, stores: Stores) -> None:
    counted = {name: stores.mongodb[name].count_documents({}) for name in ("interactions", "dead_letters", "batches")}
    again = place.workplace.command("run", "--json", **TOLERANT)
    assert again.code == 0, str(again)
    assert {batch["fresh"] for batch in again.batches.values()} == {False}
    assert counted == {name: stores.mongodb[name].count_documents({}) for name in counted}
