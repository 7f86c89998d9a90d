"""Dropping asks first, removes what was in the record, keeps who and why, and all adds up; exports are harmless."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import Result

from expectations_plugins.core.errors import ConfigurationError, ExitCode, TerminalError
from pipeline.cli.dlq_export import harmless
from pipeline.core.batches import short
from tests.dlq.conftest import Site
from tests.dlq.test_replay import broken, record
from tests.fakes.scripted import ScriptedStage

Dlq = Callable[..., Result]

SECRET = "4111 1111 1111 1111"


def test_dropping_asks_first(site: Site, dlq: Dlq) -> None:
    (source,) = site.land({"user_id": "u_102"})
    site.process(source)
    with pytest.raises(click.Abort):
        dlq("drop", f"{source.batch_id}:1", stdin="n\n")
    assert "dropped" not in site.letters(source.batch_id)[0]


def test_a_dropped_record_keeps_who_when_and_why_and_nothing_of_what_it_held(site: Site, dlq: Dlq) -> None:
    (source,) = site.land({"card": SECRET}, record(1), {"interaction_id": [SECRET]})
    site.process(source)
    for line in (1, 3):
        dlq("drop", f"{short(source.batch_id)}:{line}", "--yes", "--note", "a card number")
    letters = site.letters(source.batch_id)
    assert SECRET not in str(letters)
    assert [(letter["dropped"]["why"], bool(letter["dropped"]["by"])) for letter in letters] == [
        ("a card number", True)
    ] * 2
    assert site.counted() == []
    shown = dlq("show", f"{source.batch_id}:1").output
    assert "a card number" in shown
    assert "dropped before" in dlq("drop", f"{source.batch_id}:1").output
    with pytest.raises(ConfigurationError, match="was dropped by"):
        dlq("replay", f"{source.batch_id}:1")


def test_a_dropped_record_stays_dropped_when_its_batch_is_loaded_again(site: Site, dlq: Dlq) -> None:
    (source,) = site.land({"card": SECRET}, record(1))
    site.process(source)
    dlq("drop", source.batch_id, "--records", "--yes")
    site.runner().again(source.batch_id, ["stage:load"])
    site.process(source)
    (letter,) = site.letters(source.batch_id)
    assert (letter["raw"], letter["detail"], "dropped" in letter) == ("", "", True)
    assert site.counted() == []


def test_a_dropped_batch_leaves_a_tombstone_and_adds_up(site: Site, dlq: Dlq) -> None:
    (source,) = site.land(record(1), record(2), "{")
    site.dies("embed", broken())
    site.process(source)
    assert dlq("drop", short(source.batch_id), "--yes", "--note", "a test file").return_value == ExitCode.OK
    document = site.document(source.batch_id)
    assert (document["status"], document["dropped"]["why"]) == ("dead", "a test file")
    assert (document["counts"]["read"], document["counts"]["quarantined"], document["counts"]["dead"]) == (3, 2, 1)
    assert site.stages["publish"].runs == 2
    assert site.letters(source.batch_id)[0]["raw"] == ""
    assert list((site.spool / "dlq").iterdir()) == []
    assert site.counted() == []


def test_a_dropped_batch_is_left_alone_by_runs_replays_and_rechecks(site: Site, dlq: Dlq) -> None:
    (source,) = site.land(record(1))
    site.stages["load"] = ScriptedStage("load", broken())
    site.process(source)
    dlq("drop", source.batch_id, "--yes")
    outcome = site.process(source)
    assert (outcome.exit_code, outcome.fresh, "dropped by" in outcome.message) == (ExitCode.OK, False, True)
    for call in (lambda: dlq("replay", source.batch_id), lambda: site.runner().recheck(source.batch_id)):
        with pytest.raises(ConfigurationError, match="dropped by"):
            call()
    assert "dropped before" in dlq("drop", source.batch_id).output
    assert site.counted() == []


def test_a_drop_that_is_killed_is_finished_by_the_next(site: Site, dlq: Dlq) -> None:
    (source,) = site.land("{")
    site.dies("embed", broken())
    site.process(source)
    real = site.dead_queue

    class Dies:
        def __getattr__(self, name: str) -> object:
            if name == "drop_letters":
                raise SystemExit(143)
            return getattr(real, name)

    site.dead_queue = Dies()  # type: ignore[assignment]
    assert dlq("drop", source.batch_id, "--yes").exit_code == ExitCode.TERMINATED
    site.dead_queue = real
    assert site.letters(source.batch_id)[0]["raw"]
    dlq("drop", source.batch_id)
    assert site.letters(source.batch_id)[0]["raw"] == ""
    assert list((site.spool / "dlq").iterdir()) == []


def test_a_batch_that_is_not_dead_is_not_dropped(site: Site, dlq: Dlq) -> None:
    (source,) = site.land(record(1))
    site.process(source)
    with pytest.raises(ConfigurationError, match="is closed, not in the dead-letter queue"):
        dlq("drop", source.batch_id, "--yes")


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", " =", "\t=", "\n=", "\r\n+", "\u00a0=", "\ufeff=", "\uff1d", "\uff20"]
)
def test_a_cell_that_a_spreadsheet_takes_for_a_formula_is_made_harmless(start: str) -> None:
    assert harmless(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"


@pytest.mark.parametrize("cell", ["", "a=1", "{}", '{"a": "=1"}', "12", "interaction_id 'x' is not text"])
def test_other_cells_are_left_alone(cell: str) -> None:
    assert harmless(cell) == cell


def test_an_export_in_csv_reads_back_and_holds_no_formula(site: Site, dlq: Dlq) -> None:
    formula = '=HYPERLINK("http://evil.example","x")'
    (source,) = site.land(formula, f"  {formula}", '{"a": "with\\u0000 \\n"}', '@x,"y"')
    site.process(source)
    file = site.folder / "dead.csv"
    done = dlq("export", file, "--format", "csv")
    assert done.output.startswith("4 dead records written")
    with file.open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [row["raw"] for row in rows][:2] == [f"'{formula}", f"'  {formula}"]
    assert not [cell for row in rows for cell in row.values() if cell.lstrip()[:1] in ("=", "+", "-", "@")]


def test_an_export_in_json_lines_is_exact_and_can_be_replayed(site: Site, dlq: Dlq) -> None:
    lines = ['{"user_id": "u_1", "x": "\u202e=1"}', "[1]"]
    (source,) = site.land(*lines)
    site.process(source)
    exported = [json.loads(line) for line in dlq("export", "-").stdout.splitlines()]
    assert [(one["line"], one["raw"], one["state"]) for one in exported] == [
        (1, lines[0], "waiting"),
        (2, lines[1], "waiting"),
    ]
    assert len(dlq("export", "-", "--reason", "not_an_object", "--batch", source.batch_id).stdout.splitlines()) == 1
    dlq("drop", f"{source.batch_id}:2", "--yes")
    assert len(dlq("export", "-", "--waiting").stdout.splitlines()) == 1


def test_an_export_overwrites_nothing_unless_it_is_told_to(site: Site, dlq: Dlq, tmp_path: Path) -> None:
    file = tmp_path / "kept.jsonl"
    file.write_text("precious")
    with pytest.raises(ConfigurationError, match="is there already"):
        dlq("export", file)
    assert file.read_text() == "precious"
    dlq("export", file, "--force")
    assert (file.read_text(), sorted(path.name for path in tmp_path.iterdir())) == ("", ["kept.jsonl"])
    with pytest.raises(ConfigurationError, match="cannot be written"):
        dlq("export", tmp_path / "nowhere" / "file")
    assert site.counted() == []


def test_an_export_that_fails_leaves_the_old_file(site: Site, dlq: Dlq, tmp_path: Path) -> None:
    file = tmp_path / "kept.jsonl"
    file.write_text("precious")
    real = site.dead_queue

    class Fails:
        def letters(self, *arguments: object, **named: object) -> object:
            yield from list(real.letters(*arguments, **named))  # type: ignore[arg-type]
            raise TerminalError("MongoDB: the cursor is gone.")

    site.dead_queue = Fails()  # type: ignore[assignment]
    with pytest.raises(TerminalError):
        dlq("export", file, "--force")
    assert (file.read_text(), [path.name for path in tmp_path.iterdir()]) == ("precious", ["kept.jsonl"])


def test_a_drop_that_could_not_take_the_publication_back_is_finished_by_any_later_run(site: Site, dlq: Dlq) -> None:
    (source,) = site.land(record(1))
    site.dies("graph", broken(), TerminalError("Neo4j: it is down."))
    site.process(source)
    site.stages["publish"] = ScriptedStage("publish", TerminalError("BigQuery: it is down."))
    done = dlq("drop", source.batch_id, "--yes")
    assert (done.return_value, "is not dropped yet" in done.stderr) == (ExitCode.OUTAGE, True)
    assert "dropped" not in site.document(source.batch_id)
    assert (site.spool / "dlq" / source.batch_id / source.path.name).exists()
    site.process(*site.land(record(2), name="0910.jsonl"))
    assert site.document(source.batch_id)["dropped"]["why"] == "given up"
    assert not (site.spool / "dlq" / source.batch_id).exists()
