"""What of a file did not arrive, or arrived as something else than it ought to be: the raw gate says so."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from expectations_plugins.core.errors import ConfigurationError, ExitCode
from pipeline.cli.campaigns import load_campaigns
from pipeline.core.batches import BatchStatus
from pipeline.core.topology import GATES
from sluicegate.app import sluicegate
from tests.gates.conftest import Site

MakeSite = Callable[..., Site]
Land = Callable[..., Path]
FAULTS = Path(__file__).parents[2].parent / "shared" / "cases" / "faults"


def good(number: int, **fields: Any) -> dict[str, Any]:
    """A record nothing is wrong with."""
    record = {
        "interaction_id": f"a{number:03}",
        "user_id": "u_100",
        "campaign_id": "c_newsletter",
        "type": "click",
        "timestamp": "2026-11-20T09:00:00Z",
        "message": f"hello {number}",
        "value": 1.5,
    }
    return record | fields


def lines(*records: Any) -> bytes:
    return b"".join((one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in records)


def some(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [good(number) for number in range(start, start + count)]


@pytest.fixture
def land(tmp_path: Path) -> Callable[..., Path]:
    def landed(data: bytes, name: str = "log.jsonl") -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return landed


def summaries(site: Site, outcome: Any, severity: str = "critical") -> Sequence[str]:
    return [one.summary for one in site.report(outcome, "raw").findings if one.severity == severity]


def test_a_few_dead_records_warn_with_reason_count_and_example(make_site: MakeSite, land: Land) -> None:
    site = make_site()
    outcome = site.process(land(lines(*some(99), b"2026-11-20 INFO no JSON")))
    assert (outcome.verdicts["raw"], outcome.status) == ("WARN", BatchStatus.CLOSED)
    [said] = summaries(site, outcome, "warning")
    assert said == (
        "1 of 100 (1.00%) records could not be loaded: 1 unparsable (line 100: not JSON: Extra data at character 5)"
    )


def test_many_dead_records_fail_and_a_person_lets_the_others_pass_by_name(make_site: MakeSite, land: Land) -> None:
    site = make_site()
    outcome = site.process(land(lines(*some(8), b"no JSON", b'{"user_id": "u_1"}')))
    assert (outcome.verdicts, outcome.status) == ({"raw": "FAIL"}, BatchStatus.HALTED)
    assert outcome.exit_code is ExitCode.GATE_FAILED
    assert "20.00%" in summaries(site, outcome)[0]
    assert "1 unparsable (line 9: not JSON" in summaries(site, outcome)[0]
    assert "1 missing_id (line 10: interaction_id is missing)" in summaries(site, outcome)[0]
    assert "resume" in outcome.next_step
    assert "--incomplete" in outcome.next_step
    with pytest.raises(ConfigurationError, match="did not arrive"):
        site.app.runner().resume(outcome.batch_id)
    resumed = site.app.runner().resume(outcome.batch_id, incomplete=True)
    assert (resumed.status, site.published(resumed)) == (BatchStatus.CLOSED, 8)


def test_a_file_of_another_format_is_one_outcome_that_says_what_it_is(make_site: MakeSite, land: Land) -> None:
    site = make_site()
    path = land(b"<?xml version='1.0'?>\n" + b"<click/>\n" * 5_000, "clicks.log")
    outcome = site.process(path)
    assert (outcome.status, outcome.exit_code) == (BatchStatus.DEAD, ExitCode.DEAD_LETTERED)
    assert "clicks.log looks like XML, so that no record in it can be read: write its records" in outcome.message
    assert "dlq drop" in outcome.next_step
    assert (outcome.counts.read, next(site.app.dead_queue.letters(outcome.batch_id), None)) == (0, None)
    [load] = outcome.steps
    assert load.attempts == 1
    again = site.process(path)
    assert (again.fresh, again.exit_code) == (False, ExitCode.DEAD_LETTERED)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("log.jsonl", lines(*some(10)), lines(*some(5, 10))),
        ("first.jsonl", lines(good(0)), lines(*some(5, 1))),
        ("utf-8.jsonl", lines(*some(3)) + '{"interaction_id": "é", "user_id": "u_1é"}\n'.encode(), b""),
        ("log.csv", b"interaction_id,user_id,type\nc1,u_100,click\nc2,u_100,click\n", b"c3,u_100,click\n"),
        ("array.json", json.dumps(some(3), indent=1).encode()[:-4], b"\n},\n" + json.dumps(good(4)).encode() + b"]"),
    ],
)
def test_half_a_last_record_is_over_when_the_grown_file_brings_it_whole(
    make_site: MakeSite, land: Land, name: str, before: bytes, after: bytes
) -> None:
    site = make_site(SLUICEGATE_USER_ID_PATTERN="^u_.+$")
    whole, cut = before + after, before.rindex(b"u_1") + 4
    half = site.process(land(whole[:cut], name))
    assert (half.status, half.counts.dead) == (BatchStatus.HALTED, 1)
    grown = site.process(land(whole, name))
    assert grown.status is BatchStatus.CLOSED
    older = site.app.ledger.find(half.batch_id)
    assert older.status is BatchStatus.CLOSED
    assert next(site.app.dead_queue.letters(waiting=True), None) is None
    assert older.counts.accepted + grown.counts.accepted == grown.counts.read


def test_half_a_last_record_waits_while_nothing_brings_it_whole(make_site: MakeSite, land: Land) -> None:
    site = make_site()
    half = site.process(land(lines(*some(10))[:-30]))
    other = site.process(land(lines(*some(9, 20), good(9, user_id="u_777"))))
    assert (half.status, other.status) == (BatchStatus.HALTED, BatchStatus.CLOSED)
    assert site.app.ledger.find(half.batch_id).status is BatchStatus.HALTED


@pytest.mark.parametrize(
    ("data", "name", "place"),
    [
        (json.dumps([*some(30), good(0, value=2)], indent=2).encode(), "array.json", "item 31 of the array"),
        (b"".join(json.dumps(one).encode() for one in [*some(30), good(0, value=2)]), "glued.jsonl", "record 31"),
        (lines(*some(30)).rstrip() + lines(good(0, value=2)), "seam.jsonl", "line 30, object 2"),
    ],
)
def test_a_record_is_found_again_by_its_place(
    make_site: MakeSite, land: Land, data: bytes, name: str, place: str
) -> None:
    site = make_site()
    outcome = site.process(land(data, name))
    assert (outcome.status, outcome.counts.accepted, outcome.counts.dead) == (BatchStatus.CLOSED, 30, 1)
    assert any(f"1 conflict ({place}: " in said for said in summaries(site, outcome, "warning"))
    [letter] = site.app.dead_queue.letters(outcome.batch_id)
    assert str(letter.at) == place
    assert site.app.dead_queue.letter(outcome.batch_id, letter.at.key) == letter


WHOLE = lines(*some(200))
ROWS = b"interaction_id,user_id,type\n" + b"".join(b"c%d,u_100,click\n" % n for n in range(200))


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("log.jsonl.gz", gzip.compress(WHOLE, mtime=0)[:500]),
        ("log.jsonl", WHOLE[: len(WHOLE) // 2]),
        ("log.csv", ROWS[: ROWS.index(b"c100,") + 8]),
    ],
)
def test_half_a_file_fails_whatever_is_tolerated(make_site: MakeSite, land: Land, name: str, part: bytes) -> None:
    site = make_site(SLUICEGATE_DEAD_TOLERANCE=1)
    outcome = site.process(land(part, name))
    assert (outcome.verdicts, outcome.status) == ({"raw": "FAIL"}, BatchStatus.HALTED)
    assert "1 incomplete (line " in summaries(site, outcome)[0]
    assert "--incomplete" in outcome.next_step


def test_repaired_records_that_were_replayed_are_not_missing_any_more(make_site: MakeSite, land: Land) -> None:
    site = make_site()
    outcome = site.process(land(lines(*some(4), {"user_id": "u_1"}, {"user_id": "u_2"})))
    assert outcome.verdicts == {"raw": "FAIL"}
    repaired = land(lines(*some(2, start=10)), "repaired.jsonl")
    short = outcome.batch_id[:12]
    done = CliRunner().invoke(
        sluicegate, ["dlq", "replay", short, "--records", "--record", str(repaired)], obj=site.app
    )
    assert done.exit_code == 0, done.output
    rechecked = site.app.runner().recheck(outcome.batch_id)
    assert (rechecked.status, rechecked.verdicts["raw"]) == (BatchStatus.CLOSED, "PASS")


def test_the_commands_a_page_names_exist_and_the_flag_is_needed(make_site: MakeSite, land: Land) -> None:
    site = make_site()
    short = site.process(land(lines(*some(2), b"no JSON"))).batch_id[:12]

    def said(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(sluicegate, list(arguments), obj=site.app)
        return result.exit_code, result.output + str(result.exception or "")

    assert f"run.py resume {short} --incomplete" in said("status", short)[1]
    assert "unparsable" in said("dlq", "show", short)[1]
    assert said("resume", short)[0] != 0
    assert said("resume", short, "--incomplete")[0] == 0


def test_a_conflict_warns_of_itself_and_is_no_dead_share(make_site: MakeSite, land: Land) -> None:
    site = make_site()
    site.process(land(lines(*some(10)), "first.jsonl"))
    outcome = site.process(land(lines(*(good(n, user_id="u_200") for n in range(3)), *some(10, start=10)), "b.jsonl"))
    assert (outcome.verdicts["raw"], outcome.counts.dead) == ("WARN", 3)
    [said] = summaries(site, outcome, "warning")
    assert said.startswith("3 of 13 (23.08%) records could not be loaded: 3 conflict (line 1: interaction_id 'a000'")


@pytest.mark.parametrize(("again", "verdict"), [(2, "PASS"), (5, "WARN")])
def test_many_duplicates_warn_of_themselves(make_site: MakeSite, land: Land, again: int, verdict: str) -> None:
    site = make_site()
    site.process(land(lines(*some(10)), "first.jsonl"))
    outcome = site.process(land(lines(*some(again), *some(10, start=10)), "second.jsonl"))
    assert (outcome.verdicts["raw"], outcome.counts.duplicate) == (verdict, again)
    if verdict == "WARN":
        assert summaries(site, outcome, "warning") == [
            "5 of 15 (33.33%) records had arrived before, with the same content"
        ]


BAD: Sequence[tuple[str, Any, str]] = (
    ("campaign_id", True, "1 boolean"),
    ("campaign_id", {"id": 4}, "1 object"),
    ("type", ["click"], "1 array"),
    ("timestamp", "11/12/2026 10:00:00", "1 text"),
    ("timestamp", 20261120, "1 number"),
    ("value", "19,90", "1 text"),
    ("value", 1e308, "1 number that is too large"),
    ("message", {"text": "hello"}, "1 object"),
    ("message", 12, "1 number"),
)


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_a_value_that_cannot_be_read_warns_by_field_type_and_example_and_flows_nowhere(
    make_site: MakeSite, land: Land, bad: tuple[str, Any, str]
) -> None:
    site, (name, value, found) = make_site(), bad
    outcome = site.process(land(lines(*some(29), good(29, **{name: value}))))
    assert (outcome.verdicts["raw"], outcome.status, outcome.counts.quarantined) == ("WARN", BatchStatus.CLOSED, 1)
    [said] = site.report(outcome, "raw").findings
    assert said.summary == f"1 of 30 (3.33%) records have a {name} that cannot be read: {found}"
    assert said.examples == (("a029", str(value)),)
    assert (site.published(outcome), total(site, outcome)) == (29, 1.5 * 29)


@pytest.mark.parametrize("bad", [BAD[1], BAD[3], BAD[6], BAD[7]], ids=str)
def test_many_values_that_cannot_be_read_fail_and_a_person_goes_on_without_them(
    make_site: MakeSite, land: Land, bad: tuple[str, Any, str]
) -> None:
    site, (name, value, _) = make_site(), bad
    outcome = site.process(land(lines(*some(8), *(good(n, **{name: value}) for n in (8, 9)))))
    assert (outcome.verdicts["raw"], outcome.counts.quarantined) == ("FAIL", 2)
    done = site.app.runner().resume(outcome.batch_id)
    assert (done.status, site.published(done), total(site, done)) == (BatchStatus.CLOSED, 8, 12.0)


def total(site: Site, outcome: Any) -> float:
    """What analysts add up of a batch."""
    store = site.app.stores.metrics
    query = (
        f"SELECT SUM(value) AS total FROM `{store._dataset}.published_metrics` WHERE batch_id = '{outcome.batch_id}'"
    )
    return float(next(iter(store._client.query(query).result()))["total"])


def test_a_quarantined_value_is_repaired_and_flows(make_site: MakeSite, land: Land) -> None:
    site = make_site()
    bad = good(40, value="19,90", timestamp="11/12/2026", message=12)
    outcome = site.process(land(lines(*some(40), bad)))
    assert (outcome.verdicts["raw"], outcome.counts.quarantined) == ("WARN", 1)
    sets = ("value=19.90", "timestamp=2026-12-11T09:00:00Z", "message=hello")
    repaired = [part for one in sets for part in ("--set", one)]
    result = CliRunner().invoke(sluicegate, ["quarantine", "release", "a040", *repaired], obj=site.app)
    assert result.exit_code == 0, result.output
    assert site.app.raw_store.counts(outcome.batch_id) == (41, 0)
    assert total(site, outcome) == pytest.approx(1.5 * 40 + 19.9)
    refused = CliRunner().invoke(sluicegate, ["quarantine", "release", "a040", "--set", "value=19,90"], obj=site.app)
    assert "cannot be read" in refused.output


def test_what_is_converted_is_counted_and_reaches_metrics_graph_and_catalogue(
    make_site: MakeSite, land: Land, tmp_path: Path
) -> None:
    site = make_site()
    catalogue = tmp_path / "catalogue.jsonl"
    catalogue.write_text('{"campaign_id": 42, "name": "Answer"}\n{"campaign_id": "43", "name": "Next"}\n')
    assert load_campaigns(site.app, catalogue).loaded == 2
    sent = [
        good(0, campaign_id=42, value="19.90", timestamp=1795169400),
        good(1, campaign_id=42.0, value=10, timestamp="1795169400123"),
        good(2, campaign_id="43", value=" 5 "),
        good(3, interaction_id=7, campaign_id=43),
    ]
    outcome = site.process(land(lines(*sent)))
    assert outcome.verdicts == dict.fromkeys(GATES, "PASS")
    load = next(step for step in outcome.steps if step.key == "stage:load")
    converted = {name: n for name, n in load.counts.items() if name.startswith("converted_")}
    assert converted == {
        "converted_campaign_id": 3,
        "converted_interaction_id": 1,
        "converted_timestamp": 2,
        "converted_value": 2,
    }
    rows = list(site.app.raw_store.graph_records(outcome.batch_id))
    assert {row.interaction_id: row.campaign_id for row in rows} == {
        "7": "43",
        "a000": "42",
        "a001": "42",
        "a002": "43",
    }
    assert all(row.timestamp for row in rows)
    assert total(site, outcome) == pytest.approx(19.9 + 10 + 5 + 1.5)


def test_a_time_that_cannot_be_right_is_a_warning_and_counts_in_no_window(make_site: MakeSite, land: Land) -> None:
    site = make_site(SLUICEGATE_EARLIEST="2008-06-01")
    odd = ["9999-12-31T23:59:59Z", "2008-05-31T23:59:59Z", "1970-01-01T00:00:00Z"]
    outcome = site.process(land(lines(*some(3), *(good(10 + n, timestamp=at) for n, at in enumerate(odd)))))
    assert (outcome.status, outcome.verdicts["raw"]) == (BatchStatus.CLOSED, "WARN")
    [said] = summaries(site, outcome, "warning")
    assert "implausible.timestamp" in said
    load = next(step for step in outcome.steps if step.key == "stage:load")
    assert load.counts["implausible_timestamp"] == 3
    rows = site.app.stores.metrics.published(outcome.batch_id)
    assert {(row.window_start and row.window_start.year, row.interactions) for row in rows} == {(2026, 3), (None, 3)}
    span = site.app.ledger.find(outcome.batch_id).span
    assert span is not None
    assert span.oldest == span.newest


@pytest.mark.skipif(not FAULTS.is_dir(), reason="the shared folder with files that failed is not there")
@pytest.mark.parametrize(
    ("name", "verdict", "words"),
    [
        ("99-of-100-unreadable.jsonl", "FAIL", "99 of 100 (99.00%) records could not be loaded: 99 unparsable (line 2"),
        ("truncated.jsonl.gz", "FAIL", "1 incomplete (line 132: the gzip data ends before its end"),
        ("campaign-id-is-a-number.jsonl", "PASS", ""),
        ("value-as-text.jsonl", "FAIL", "1 of 5 (20.00%) records have a value that cannot be read: 1 text; 3 were"),
        ("timestamps.jsonl", "FAIL", "1 of 14 (7.14%) records have a timestamp that cannot be read: 1 text"),
        ("message-as-object.jsonl", "FAIL", "5 of 5 (100.00%) records have a message that cannot be read: 3 object, 1"),
        ("array-pretty.json", "PASS", ""),
        ("concatenated.jsonl", "PASS", ""),
    ],
)
def test_the_files_that_failed_once(make_site: MakeSite, name: str, verdict: str, words: str) -> None:
    site = make_site()
    outcome = site.process(FAULTS / name)
    assert outcome.verdicts["raw"] == verdict
    assert words in " ".join(summaries(site, outcome))
