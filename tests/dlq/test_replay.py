"""Replays: whole batches from the kept file, single records as a batch of their own; twice is once, and all adds up."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import Result

from expectations_plugins.core.errors import ConfigurationError, ExitCode, TerminalError
from pipeline.core.batches import BatchStatus, short
from tests.dlq.conftest import Site
from tests.fakes.scripted import ScriptedStage

Dlq = Callable[..., Result]


def record(number: int, **fields: Any) -> dict[str, Any]:
    return {"interaction_id": f"i_{number}", "user_id": f"u_{100 + number}", **fields}


def broken() -> TerminalError:
    return TerminalError("BigQuery: the sums differ.")


def test_a_dead_batch_is_replayed_from_the_kept_file_when_the_original_is_gone(site: Site, dlq: Dlq) -> None:
    (source,) = site.land(record(1), record(2))
    load, site.stages["load"] = site.stages["load"], ScriptedStage("load", broken())
    assert site.process(source).exit_code == ExitCode.DEAD_LETTERED
    assert site.counted() == []
    site.stages["load"] = load
    source.path.unlink()
    assert dlq("replay", short(source.batch_id)).return_value == ExitCode.OK
    assert site.document(source.batch_id)["status"] == "closed"
    assert site.document(source.batch_id)["source"] == str(source.path)
    assert site.counted() == []
    assert list((site.spool / "dlq").iterdir()) == []


def test_a_second_replay_changes_nothing_and_says_so(site: Site, dlq: Dlq) -> None:
    (source,) = site.land(record(1))
    site.dies("graph", broken())
    site.process(source)
    dlq("replay", source.batch_id)
    before = site.document(source.batch_id)
    again = dlq("replay", source.batch_id)
    assert (again.return_value, "already processed" in again.output) == (ExitCode.OK, True)
    assert site.document(source.batch_id) == before
    assert site.stages["graph"].runs == 2


def test_a_batch_that_dies_again_stays_with_both_deaths_in_its_history(site: Site, dlq: Dlq) -> None:
    (source,) = site.land(record(1))
    site.dies("graph", broken(), TerminalError("Neo4j: no such constraint."))
    site.process(source)
    assert dlq("replay", source.batch_id).return_value == ExitCode.DEAD_LETTERED
    kept = json.loads((site.spool / "dlq" / source.batch_id / "batch.json").read_text())
    assert "no such constraint" in kept["death"]["error"]
    assert "the sums differ" in kept["earlier"][0]["error"]
    assert dlq("replay", source.batch_id).return_value == ExitCode.OK


@pytest.mark.parametrize("name", ["0900.jsonl", "0900.jsonl.gz"])
def test_a_split_part_replays_its_part_only(site: Site, dlq: Dlq, name: str) -> None:
    site.max_records = 2
    sources = site.land(*[record(number) for number in range(5)], name=name)
    load, site.stages["load"] = site.stages["load"], ScriptedStage("load", broken())
    site.process(sources[1])
    site.stages["load"] = load
    sources[1].path.unlink()
    site.max_records = 50_000
    dlq("replay", sources[1].batch_id)
    assert [row["_id"] for row in site.database["interactions"].find().sort("_id")] == ["i_2", "i_3"]
    assert site.counted() == []


def test_a_kept_file_that_was_changed_is_refused(site: Site, dlq: Dlq) -> None:
    (source,) = site.land(record(1))
    site.stages["load"] = ScriptedStage("load", broken())
    site.process(source)
    source.path.unlink()
    (site.spool / "dlq" / source.batch_id / source.path.name).write_text('{"interaction_id": "i_9"}\n')
    with pytest.raises(ConfigurationError, match="no file holds its records any more"):
        dlq("replay", source.batch_id)
    assert site.document(source.batch_id)["status"] == "dead"


def test_a_replay_that_is_killed_is_finished_by_the_next(site: Site, dlq: Dlq) -> None:
    (source,) = site.land(record(1))
    site.dies("graph", broken(), SystemExit(143))
    site.process(source)
    assert dlq("replay", source.batch_id).exit_code == ExitCode.TERMINATED
    assert site.document(source.batch_id)["status"] == "running"
    assert dlq("replay", source.batch_id).return_value == ExitCode.OK
    assert site.document(source.batch_id)["status"] == "closed"


def test_a_rejected_batch_comes_back_whole(site: Site, dlq: Dlq) -> None:
    (source,) = site.land(record(1), record(2))
    site.dies("embed", broken())
    site.process(source)
    site.runner().reject(source.batch_id, "a test file")
    assert site.database["interactions"].count_documents({"quarantine": {"$exists": True}}) == 2
    assert site.counted() == []
    assert dlq("replay", "--all").stdout == ""
    dlq("replay", source.batch_id)
    assert site.database["interactions"].count_documents({"quarantine": {"$exists": True}}) == 0
    assert (site.document(source.batch_id)["status"], site.stages["publish"].runs) == ("closed", 3)
    assert site.document(source.batch_id)["counts"]["accepted"] == 2
    assert site.counted() == []


def test_replay_all_takes_every_dead_batch(site: Site, dlq: Dlq) -> None:
    sources = [site.land(record(number), name=f"{number}.jsonl")[0] for number in range(3)]
    site.dies("graph", *[broken() for _ in sources])
    for source in sources:
        site.process(source)
    assert dlq("replay", "--all").return_value == ExitCode.OK
    assert {site.document(source.batch_id)["status"] for source in sources} == {"closed"}
    assert "nothing" in dlq("list").output or "empty" in dlq("list").output


def test_a_repaired_field_makes_a_new_batch_whose_parent_is_known(site: Site, dlq: Dlq) -> None:
    (source,) = site.land(record(1), {"user_id": "u_102", "value": 3.5})
    site.process(source)
    done = dlq("replay", f"{short(source.batch_id)}:2", "--set", "interaction_id=i_2", "--set", "value:=4")
    assert done.return_value == ExitCode.OK
    (letter,) = site.letters(source.batch_id)
    (new,) = letter["replayed_in"]
    assert new == hashlib.sha256(b'{"user_id":"u_102","value":4,"interaction_id":"i_2"}\n\n').hexdigest()
    assert (site.document(new)["parent"], site.document(new)["status"]) == (source.batch_id, "closed")
    assert (site.database["interactions"].find_one({"_id": "i_2"}) or {})["batch_id"] == new
    assert site.counted() == []
    assert list((site.spool / "replays").iterdir()) == []


def test_the_same_repair_twice_is_the_same_batch(site: Site, dlq: Dlq) -> None:
    (source,) = site.land({"user_id": "u_102"})
    site.process(source)
    repair = ("replay", f"{source.batch_id}:1", "--set", "interaction_id=i_2")
    dlq(*repair)
    before = list(site.database["batches"].find()), list(site.database["interactions"].find())
    again = dlq(*repair)
    assert (again.return_value, "already processed" in again.output) == (ExitCode.OK, True)
    after = list(site.database["batches"].find()), list(site.database["interactions"].find())
    assert [[{**row, "updated": 0} for row in rows] for rows in after] == [
        [{**row, "updated": 0} for row in rows] for rows in before
    ]


def test_what_dies_again_is_a_letter_of_the_new_batch(site: Site, dlq: Dlq) -> None:
    first, second = site.land(record(1), name="a.jsonl")[0], site.land(record(1, value=2), record(2), name="b.jsonl")[0]
    site.process(first)
    site.process(second)
    dlq("replay", second.batch_id, "--records")
    (new,) = site.letters(second.batch_id)[0]["replayed_in"]
    assert [letter["reason"] for letter in site.letters(new)] == ["conflict"]
    assert site.counted() == []


def test_all_records_of_a_csv_batch_go_with_one_header(site: Site, dlq: Dlq) -> None:
    lines = ("interaction_id,user_id,note", "i_1,u_101,x", ',u_102,"a, b"', ",u_103,c")
    (source,) = site.land(*lines, name="a.csv")
    site.process(source)
    dlq("replay", source.batch_id, "--records")
    (new,) = {batch_id for letter in site.letters(source.batch_id) for batch_id in letter["replayed_in"]}
    assert [letter["raw"] for letter in site.letters(new)] == [f"{lines[0]}\n{line}" for line in lines[2:]]


def test_a_record_of_a_csv_batch_is_repaired_field_by_field(site: Site, dlq: Dlq) -> None:
    (source,) = site.land("interaction_id,user_id,note", ',u_102,"a, b"', name="a.csv")
    site.process(source)
    dlq("replay", f"{source.batch_id}:2", "--set", "interaction_id=i_2")
    assert (site.database["interactions"].find_one({"_id": "i_2"}) or {})["extra"]["note"] == "a, b"


def test_records_written_anew_come_from_a_file(site: Site, dlq: Dlq, tmp_path: Path) -> None:
    (source,) = site.land("{", '["not an object"]', record(1))
    site.process(source)
    one, many = tmp_path / "one.json", tmp_path / "many.jsonl"
    one.write_text(json.dumps(record(5), indent=2))
    many.write_text(f"{json.dumps(record(6))}\n\n{json.dumps(record(7))}\n")
    assert dlq("replay", f"{source.batch_id}:1", "--record", one).return_value == ExitCode.OK
    assert dlq("replay", source.batch_id, "--records", "--record", many).return_value == ExitCode.OK
    assert sorted(row["_id"] for row in site.database["interactions"].find()) == ["i_1", "i_5", "i_6", "i_7"]
    assert [len(letter["replayed_in"]) for letter in site.letters(source.batch_id)] == [1, 1]
    assert site.counted() == []


def test_text_that_is_not_whole_is_not_replayed_as_it_is(site: Site, dlq: Dlq) -> None:
    path = site.folder / "a.jsonl"
    path.write_bytes(b'{"interaction_id": "i_\xff"}\n{\n')
    from pipeline.sources.discovery import discover  # noqa: PLC0415

    (source,) = discover([path], max_records=10, min_age=0)
    site.process(source)
    with pytest.raises(ConfigurationError, match="its text is not whole"):
        dlq("replay", f"{source.batch_id}:1")
    done = dlq("replay", source.batch_id, "--records")
    assert f"1 cannot be replayed as they are, for their text is not whole: {short(source.batch_id)}:1" in done.stderr
    assert [len(letter.get("replayed_in", ())) for letter in site.letters(source.batch_id)] == [0, 1]


def test_a_killed_replay_of_a_record_is_finished_by_the_next_run(site: Site, dlq: Dlq) -> None:
    from click.testing import CliRunner  # noqa: PLC0415

    from pipeline.cli.run import run  # noqa: PLC0415

    (source,) = site.land({"user_id": "u_102"})
    site.process(source)
    site.dies("graph", SystemExit(143))
    repaired = dlq("replay", f"{source.batch_id}:1", "--set", "interaction_id=i_2")
    assert repaired.exit_code == ExitCode.TERMINATED
    (new,) = site.letters(source.batch_id)[0]["replayed_in"]
    assert site.document(new)["status"] == "running"
    empty = site.folder / "empty"
    empty.mkdir()
    CliRunner().invoke(run, [str(empty)], obj=site, standalone_mode=False, catch_exceptions=False)
    assert (site.document(new)["status"], site.document(new)["parent"]) == ("closed", source.batch_id)
    assert list((site.spool / "replays").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{batch}", "--set", "a=1"], "name it as BATCH:LINE"),
        (["{batch}", "--record", "{file}"], "--records"),
        (["{batch}:1", "--records"], "one record already"),
        (["{batch}:1", "--set", "a=1", "--record", "{file}"], "give one"),
        (["{batch}:1", "--set", "a"], "not NAME=VALUE"),
        (["{batch}:1", "--set", "a:=nonsense"], "is not JSON"),
        (["{batch}:1", "--set", "a:=NaN"], "is not JSON"),
        (["{batch}:1", "--set", "a=\udcff"], "not UTF-8"),
        (["--all", "{batch}"], "Give BATCH"),
        ([], "Give BATCH"),
        (["--all", "--set", "a=1"], "nothing is repaired"),
        (["{batch}:1", "--set", "a=1"], "has no fields that could be set: not JSON"),
        (["{batch}:1", "--record", "{file}"], "not JSON"),
        (["{batch}:2"], "is not among the dead letters"),
        (["{batch}:99999999999999999999"], "neither a batch nor a record"),
        (["../../etc"], "neither a batch nor a record"),
        (["{batch}/../x"], "neither a batch nor a record"),
        (["\udcff"], "not UTF-8"),
        (["ffff"], "There is no batch ffff"),
    ],
)
def test_what_cannot_be_replayed_is_refused(site: Site, dlq: Dlq, arguments: list[str], said: str) -> None:
    (source,) = site.land("{", record(1))
    site.process(source)
    file = site.folder / "file.json"
    file.write_text("nonsense")
    given = [one.format(batch=source.batch_id, file=file) for one in arguments]
    with pytest.raises((click.UsageError, ConfigurationError), match=said):
        dlq("replay", *given)
    assert site.database["batches"].count_documents({}) == 1


def test_a_batch_in_another_state_says_where_it_stands(site: Site, dlq: Dlq) -> None:
    from pipeline.core.verdicts import Verdict  # noqa: PLC0415
    from tests.fakes.scripted import ScriptedGate  # noqa: PLC0415

    (source,) = site.land(record(1))
    site.gates["raw"] = ScriptedGate("raw", Verdict.FAIL)
    site.process(source)
    done = dlq("replay", source.batch_id)
    assert (done.return_value, site.document(source.batch_id)["status"]) == (ExitCode.GATE_FAILED, BatchStatus.HALTED)
    assert "It waits for a person" in done.output


def test_a_batch_that_is_on_its_way_is_not_replayed(site: Site, dlq: Dlq) -> None:
    (source,) = site.land(record(1))
    site.dies("graph", SystemExit(143))
    with pytest.raises(SystemExit):
        site.process(source)
    with pytest.raises(ConfigurationError, match=r"is running, not in the dead-letter queue\. A run goes on with it"):
        dlq("replay", source.batch_id)


def test_replay_all_says_what_it_had_to_leave_out(site: Site, dlq: Dlq) -> None:
    (source,) = site.land(record(1))
    site.stages["load"] = ScriptedStage("load", broken())
    site.process(source)
    source.path.unlink()
    (site.spool / "dlq" / source.batch_id / source.path.name).unlink()
    done = dlq("replay", "--all")
    assert (done.return_value, "no file holds its records" in done.stderr) == (ExitCode.DEAD_LETTERED, True)


def test_records_of_all_batches_go_as_one_batch_each(site: Site, dlq: Dlq) -> None:
    sources = [site.land("{", f"[{number}]", {"a": 1}, name=f"{number}.jsonl")[0] for number in range(2)]
    for source in sources:
        site.process(source)
    dlq("replay", "--all", "--records")
    parents = {row.get("parent") for row in site.database["batches"].find()}
    assert parents == {None, *(source.batch_id for source in sources)}
    assert dlq("replay", "--all", "--records").return_value == ExitCode.OK
    assert site.counted() == []


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_unchanged_records_can_be_tried_again_and_again_each_time_once(site: Site, dlq: Dlq, name: str) -> None:
    lines = ["interaction_id,user_id", ",u_1", ",u_2"] if name.endswith("csv") else ["{", "", '{"a": 1}', ""]
    (source,) = site.land(*lines, name=name)
    site.process(source)
    batch_id, seen = source.batch_id, [source.batch_id]
    for _ in range(4):
        assert "waiting" in dlq("list", "--batch", batch_id).output
        dlq("replay", batch_id, "--records")
        dlq("replay", batch_id, "--records")
        (batch_id,) = {new for letter in site.letters(batch_id) for new in letter["replayed_in"]}
        seen.append(batch_id)
    assert len(set(seen)) == 5
    assert [site.document(one).get("parent") for one in seen] == [None, *seen[:-1]]
    assert {len(site.letters(one)) for one in seen} == {2}
    assert site.counted() == []
