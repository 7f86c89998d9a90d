"""What a person sees of the queue: one table, a page of a batch, a page of a record; nothing steers the terminal."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import Result

from expectations_plugins.core.errors import ConfigurationError
from pipeline.core.batches import short
from tests.dlq.conftest import Site
from tests.dlq.test_replay import broken, record
from tests.fakes.scripted import ScriptedStage

Dlq = Callable[..., Result]


def test_batches_and_groups_of_records_are_in_one_table(site: Site, dlq: Dlq) -> None:
    dead, closed = site.land(record(1), name="a.jsonl")[0], site.land("{", "[", {"a": 1}, name="b.jsonl")[0]
    site.process(closed)
    site.dies("graph", broken())
    site.process(dead)
    rows = [line.split() for line in dlq("list").output.splitlines()]
    assert rows[1][:5] == [short(dead.batch_id), "1", "batch:", "graph", "dead"]
    assert sorted(row[:4] for row in rows[2:4]) == sorted(
        [[short(closed.batch_id), "1", "missing_id", "waiting"], [short(closed.batch_id), "2", "unparsable", "waiting"]]
    )
    only = dlq("list", "--reason", "unparsable").output
    assert ("missing_id" in only, "unparsable" in only, "graph" in only) == (False, True, False)
    assert "There is more" in dlq("list", "--limit", "1").output


def test_one_batch_is_listed_record_by_record(site: Site, dlq: Dlq) -> None:
    (source,) = site.land("{", record(1), {"a": 1})
    site.process(source)
    shown = dlq("list", "--batch", source.batch_id[:6]).output
    assert f"{short(source.batch_id)}:1" in shown
    assert f"{short(source.batch_id)}:3" in shown
    found = json.loads(dlq("list", "--batch", source.batch_id, "--json").stdout)
    assert [one["line"] for one in found["records"]] == [1, 3]
    assert json.loads(dlq("list", "--json").stdout)["records"][0]["letters"] == 1


def test_records_of_one_reason_are_one_row_with_an_example_and_the_way_to_all_of_them(site: Site, dlq: Dlq) -> None:
    (source,) = site.land(*["{"] * 60, {"a": 1})
    site.process(source)
    shown, found = dlq("list").output, json.loads(dlq("list", "--json").stdout)["records"]
    assert "from line 1: not JSON" in shown
    assert "dlq list --batch BATCH --reason REASON" in shown
    assert {one["reason"]: (one["letters"], one["first_line"]) for one in found} == {
        "unparsable": (60, 1),
        "missing_id": (1, 61),
    }
    assert {one["first_detail"] for one in found if one["reason"] == "missing_id"} == {"interaction_id is missing"}
    assert "There is more" in dlq("list", "--batch", source.batch_id, "--reason", "unparsable").output


def test_an_empty_queue_says_so(dlq: Dlq) -> None:
    assert dlq("list").output == "The dead-letter queue is empty.\n"


def test_a_dead_batch_shows_all_one_needs(site: Site, dlq: Dlq) -> None:
    (source,) = site.land(record(1), "{")
    site.dies("graph", broken())
    site.process(source)
    shown = dlq("show", source.batch_id).output
    kept = site.spool / "dlq" / source.batch_id / source.path.name
    for part in (str(kept), str(source.path), "the sums differ", "failed at    graph", "raw gate", "unparsable"):
        assert part in shown
    assert f"run.py dlq replay {short(source.batch_id)}" in shown
    data = json.loads(dlq("show", source.batch_id, "--json").stdout)
    assert (data["batch"]["status"], data["spool"]["file"]) == ("dead", "0900.jsonl")


def test_a_dead_record_shows_all_one_needs_and_nothing_steers_the_terminal(site: Site, dlq: Dlq) -> None:
    nasty = '{"user_id": "\x1b[31mred\u202e\u200b", "x": "\x00"}'
    (source,) = site.land(nasty)
    site.process(source)
    shown = dlq("show", f"{source.batch_id}:1").output
    assert not {"\x1b", "\u202e", "\u200b", "\x00"} & set(shown)
    assert r"\x1b[31mred\u202e\u200b" in shown
    assert "unparsable" in shown
    assert f"run.py dlq replay {short(source.batch_id)}:1 --record FILE" in shown
    assert "--set" not in shown
    data = json.loads(dlq("show", f"{source.batch_id}:1", "--json").stdout)
    assert (data["raw"], data["fields"]) == (nasty, None)


def test_a_record_whose_fields_can_be_read_says_how_to_set_one(site: Site, dlq: Dlq) -> None:
    (source,) = site.land({"user_id": "u_102"})
    site.process(source)
    assert "--set NAME=VALUE" in dlq("show", f"{source.batch_id}:1").output
    dlq("replay", f"{source.batch_id}:1", "--set", "interaction_id=i_1")
    (new,) = site.letters(source.batch_id)[0]["replayed_in"]
    assert f"replayed in  {short(new)}" in dlq("show", f"{source.batch_id}:1").output
    assert f"parent       {short(source.batch_id)}" in dlq("show", new).output


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"[1]", b"{}", b'{"schema_version": 2}', b"\xff", b"[" * 100_000]
)
def test_a_damaged_manifest_is_named_and_hurts_nothing_else(site: Site, dlq: Dlq, content: bytes) -> None:
    first, second = site.land(record(1), name="a.jsonl")[0], site.land(record(2), name="b.jsonl")[0]
    load, site.stages["load"] = site.stages["load"], ScriptedStage("load", broken(), broken())
    site.process(first)
    site.process(second)
    site.stages["load"] = load
    (site.spool / "dlq" / first.batch_id / "batch.json").write_bytes(content)
    assert "is damaged" in dlq("list").output
    assert "is damaged" in dlq("show", first.batch_id).output
    assert dlq("replay", second.batch_id).return_value == 0
    assert dlq("replay", first.batch_id).return_value == 0  # the ledger and the file know enough
    assert {site.document(one.batch_id)["status"] for one in (first, second)} == {"closed"}


@pytest.mark.parametrize("file", ["../../../etc/passwd", "/etc/passwd", "..", "batch.json", 7])
def test_a_manifest_cannot_name_a_file_elsewhere(site: Site, dlq: Dlq, file: object) -> None:
    (source,) = site.land(record(1))
    site.stages["load"] = ScriptedStage("load", broken())
    site.process(source)
    manifest = site.spool / "dlq" / source.batch_id / "batch.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "file": file}))
    assert "is not a plain name" in dlq("show", source.batch_id).output


def test_a_link_in_the_spool_is_not_followed(site: Site, dlq: Dlq) -> None:
    (source,) = site.land(record(1))
    site.stages["load"] = ScriptedStage("load", broken())
    site.process(source)
    kept = site.spool / "dlq" / source.batch_id / source.path.name
    kept.unlink()
    source.path.rename(site.folder / "elsewhere.jsonl")
    kept.symlink_to(site.folder / "elsewhere.jsonl")
    with pytest.raises(ConfigurationError, match="no file holds its records"):
        dlq("replay", source.batch_id)


@pytest.mark.parametrize("given", ["../x", "ab:../x", "zz", ":1", "ab:", "ab:0x1", "ab:-1", "é", "\uff11\uff12"])
def test_what_is_no_id_is_refused(dlq: Dlq, given: str) -> None:
    with pytest.raises(ConfigurationError, match="neither a batch nor a record of one"):
        dlq("show", given)


def test_what_was_replayed_or_dropped_is_listed_with_all(site: Site, dlq: Dlq) -> None:
    dead, closed = site.land(record(1), name="a.jsonl")[0], site.land("{", "{", {"a": 1}, name="b.jsonl")[0]
    site.dies("graph", broken())
    site.process(dead)
    site.process(closed)
    dlq("drop", dead.batch_id, "--yes")
    dlq("drop", f"{closed.batch_id}:1", "--yes")
    listed = dlq("list").output
    assert (short(dead.batch_id) in listed, "  1  unparsable" in listed) == (False, True)
    dlq("drop", closed.batch_id, "--records", "--yes")
    assert dlq("list").output == "The dead-letter queue is empty.\n"
    listed = dlq("list", "--all").output
    assert all(part in listed for part in (short(dead.batch_id), "dropped", "  2  unparsable", "done"))
