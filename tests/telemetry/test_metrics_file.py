"""The Prometheus text file: it grows over many processes, and is always whole."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from expectations_plugins.core.errors import TransientError
from pipeline.core.verdicts import Verdict
from pipeline.telemetry.event_dispatch import Happened
from pipeline.telemetry.metrics_file import MetricsFile, read
from tests.fakes.scripted import ScriptedGate, ScriptedStage
from tests.telemetry.conftest import TEN, Run

ROOT = Path(__file__).parent.parent.parent
Make = Callable[..., Run]
Land = Callable[..., Path]

ENDED = Happened(
    "batch_ended", {"fresh": True, "status": "closed", "exit_code": 0, "duration_s": 2.0, "gained": {"read": 3}}
)


def scraped(path: Path) -> dict[str, float]:
    """What Prometheus reads: samples by name and labels."""
    families = text_string_to_metric_families(path.read_text("utf-8"))
    return {
        f"{sample.name}{dict(sorted(sample.labels.items())) or ''}": sample.value
        for family in families
        for sample in family.samples
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "textfile" / "sluicegate.prom"


def test_a_run_counts_its_batch_its_records_and_its_verdicts(make_run: Make, land: Land, path: Path) -> None:
    land()
    make_run(SLUICEGATE_METRICS_FILE=path)()
    found = scraped(path)
    assert found["sluicegate_batches_total{'exit_code': '0', 'status': 'closed'}"] == 1
    assert found["sluicegate_records_read_total"] == found["sluicegate_records_accepted_total"] == 60
    assert found["sluicegate_gate_verdicts_total{'gate': 'raw', 'verdict': 'PASS'}"] == 1
    assert found["sluicegate_step_duration_seconds_count{'outcome': 'ok', 'step': 'stage:load'}"] == 1
    assert found["sluicegate_ledger_up"] == 1
    assert found["sluicegate_batch_last_finished_timestamp_seconds"] == TEN.timestamp()


def test_counters_grow_from_process_to_process(make_run: Make, land: Land, path: Path) -> None:
    land()
    make_run(SLUICEGATE_METRICS_FILE=path)()
    land("2026-11-20T0910.jsonl", "i_2")
    second = make_run(SLUICEGATE_METRICS_FILE=path)
    second.app.gates["raw"], second.app.quarantined = ScriptedGate("raw", Verdict.FAIL), 3
    second()
    found = scraped(path)
    # the second process knows nothing of the first one's ledger, so it took both files
    assert found["sluicegate_batches_total{'exit_code': '0', 'status': 'closed'}"] >= 1
    assert found["sluicegate_batches_total{'exit_code': '10', 'status': 'halted'}"] == 1
    assert found["sluicegate_records_quarantined_total"] >= 3
    assert found["sluicegate_gate_verdicts_total{'gate': 'raw', 'verdict': 'FAIL'}"] == 1


def test_a_batch_that_halts_and_is_resumed_counts_its_records_once(make_run: Make, land: Land, path: Path) -> None:
    land()
    run = make_run(SLUICEGATE_METRICS_FILE=path)
    run.app.gates["raw"], run.app.quarantined = ScriptedGate("raw", Verdict.FAIL), 3
    run()
    (batch_id,) = run.app.ledger.documents
    run.app.runner().resume(batch_id)
    found = scraped(path)
    assert found["sluicegate_batches_total{'exit_code': '10', 'status': 'halted'}"] == 1
    names = ("read", "accepted", "quarantined")
    assert [found[f"sluicegate_records_{name}_total"] for name in names] == [60, 57, 3]


def test_a_batch_that_was_done_before_counts_nothing(make_run: Make, land: Land, path: Path) -> None:
    land()
    run = make_run(SLUICEGATE_METRICS_FILE=path)
    run()
    before = scraped(path)
    run()
    after = scraped(path)
    changed = {name for name in after if after[name] != before.get(name)} - {"sluicegate_halted_oldest_age_seconds"}
    assert changed == set()


def test_retries_and_fallbacks_are_counted(make_run: Make, land: Land, path: Path) -> None:
    land()
    run = make_run(SLUICEGATE_METRICS_FILE=path)
    run.app.stages["graph"] = ScriptedStage("graph", TransientError("Neo4j: nobody there."))
    run.app.stages["embed"] = ScriptedStage("embed", counts={"expected": 8, "written": 8, "fallback": 2})
    run()
    found = scraped(path)
    assert found["sluicegate_step_retries_total{'step': 'stage:graph'}"] == 1
    assert found["sluicegate_vectors_fallback_total"] == 2
    assert found["sluicegate_fallback_ratio"] == 0.25


def test_a_damaged_file_starts_anew_and_says_so(make_run: Make, land: Land, path: Path) -> None:
    land()
    for text in (
        "sluicegate_records_read_total 5\nsluicegate_rec",
        "not metrics at all {",
        'other_total{x="1"} 2\n',
        "\0",
    ):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        run = make_run(SLUICEGATE_METRICS_FILE=path)
        assert run() == 0
        (told,) = run.failures
        assert "was damaged" in str(told["error"])
        assert scraped(path)["sluicegate_records_read_total"] == 60


def test_a_folder_that_cannot_be_written_changes_nothing_else(make_run: Make, land: Land, tmp_path: Path) -> None:
    land()
    (tmp_path / "file").write_text("", "utf-8")
    run = make_run(SLUICEGATE_METRICS_FILE=tmp_path / "file" / "m.prom")
    assert run() == 0
    (told,) = run.failures
    assert "cannot be written" in str(told["error"])


def test_processes_at_once_lose_nothing(path: Path) -> None:
    def add() -> None:
        file = MetricsFile(path)
        for _ in range(20):
            file.hear(ENDED)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert scraped(path)["sluicegate_records_read_total"] == 4 * 20 * 3


WRITER = """
import sys
from pathlib import Path
from pipeline.telemetry.event_dispatch import Happened
from pipeline.telemetry.metrics_file import MetricsFile
file = MetricsFile(Path(sys.argv[1]))
print("ready", flush=True)
while True:
    file.hear(Happened("batch_ended", {"fresh": True, "status": "closed", "exit_code": 0, "gained": {"read": 1}}))
"""


def test_a_file_whose_writers_are_killed_stays_whole(path: Path) -> None:
    reached = 0.0
    for _ in range(5):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        while not path.exists() or read(path)[0].get(("sluicegate_records_read_total", ()), 0) < reached + 5:
            pass
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        samples, damage = read(path)
        assert (damage, samples[("sluicegate_records_read_total", ())] > reached) == ("", True)
        reached = samples[("sluicegate_records_read_total", ())]


def test_others_may_read_the_file(path: Path) -> None:
    MetricsFile(path).hear(ENDED)
    assert path.stat().st_mode & 0o044
