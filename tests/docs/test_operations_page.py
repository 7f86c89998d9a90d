"""The operator's manual is complete and true: every alert, exit code and status is in it, every command works."""

from __future__ import annotations

import ast
import json
import re
import runpy
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import pytest

from checkpoints.actions.alert import TITLES
from expectations_plugins.core.errors import ExitCode
from pipeline.cli.watch import Freshness, stale, wrong_clocks
from pipeline.config import Settings
from pipeline.core.alert import Alert, Delivery
from pipeline.core.batches import BatchStatus
from pipeline.core.next_steps import Halt, after_verdict
from pipeline.core.topology import GATE_STEPS, GATES
from pipeline.core.verdicts import Verdict
from pipeline.runner.alarms import RunnerAlarms
from sluicegate.commands import sluicegate
from tests.end_to_end.conftest import ROOT, Workspace, make_workspace, workspace
from tests.end_to_end.oracle import Stores

__all__ = ["make_workspace", "workspace"]

PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
COMMANDS = runpy.run_path(str(ROOT / "docs" / "readme_commands.py"))["commands"](PAGE)
SECTIONS = dict(re.findall(r"^### (.+)\n\n((?:\|.*\n)+)", PAGE, re.MULTILINE))
SAID = sorted(set(re.findall(r"`run\.py ([^`]+)`", PAGE)))
READS = (
    "alerts list",
    "doctor",
    "status",
    "quarantine list",
    "review list",
    "dlq list",
    "dlq show",
    "trace",
    "docs path",
)
"""Commands of the page that change nothing; all of them are run."""

WARNED = "16a8a54a1dbc"


class Heard:
    """Implements pipeline.ports.Alarms; keeps what it is told."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    def raise_(self, alert: Alert) -> Sequence[Delivery]:
        self.alerts.append(alert)
        return ()


def runner_alerts() -> Iterator[tuple[str, Alert]]:
    """Every alert of `RunnerAlarms`, by calling each method that raises one."""
    tree = ast.parse((ROOT / "pipeline" / "runner" / "alarms.py").read_text("utf-8"))
    kind = next(node for node in tree.body if isinstance(node, ast.ClassDef))
    methods = [node for node in kind.body if isinstance(node, ast.FunctionDef) and "self._raise(" in ast.unparse(node)]
    for method in methods:
        takes_gate = any(argument.arg == "gate" for argument in method.args.args)
        for gate in GATES if takes_gate else ("load",):
            heard = Heard()
            arguments = ["BATCH", gate, "why"] if len(method.args.args) > 3 else ["BATCH", "why"]
            getattr(RunnerAlarms(heard), method.name)(*arguments)  # type: ignore[arg-type]
            yield from ((re.sub(" for batch BATCH$", "", alert.title), alert) for alert in heard.alerts)


def gate_alerts() -> Iterator[tuple[str, str, str]]:
    """Title, severity and next command of every alert of a gate's action."""
    for gate, verdict, follows in [(n, v, one) for n, s in GATE_STEPS.items() for v, one in s.policy.items()]:
        if follows.severity and verdict is not Verdict.ERROR:
            yield TITLES[verdict].format(gate=gate), follows.severity, after_verdict(gate, verdict, "BATCH", Halt())


def watchdog_alerts() -> Iterator[tuple[str, tuple[str, str]]]:
    """Title, severity and next command of the watchdog's alerts, as the settings have it by default."""
    found = Freshness(Settings().freshness_minutes, None, "", None)
    yield from ((alert.title, (alert.severity, alert.next_step)) for alert in (stale(found), wrong_clocks(found)))


EXPECTED = {title: (alert.severity, alert.next_step) for title, alert in runner_alerts()}
EXPECTED |= {title: (severity, command) for title, severity, command in gate_alerts()}
EXPECTED |= dict(watchdog_alerts())


def test_alerts_are_made_where_this_page_knows_of() -> None:
    """Whoever makes another kind of alert adds it here, and to the page."""
    makers = {
        str(path.relative_to(ROOT))
        for folder in ("pipeline", "checkpoints")
        for path in (ROOT / folder).rglob("*.py")
        if any(
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Alert"
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
        )
    }
    readers = {"pipeline/core/incident.py", "pipeline/core/former_alerts.py"}  # they read what others made
    assert makers - readers == {
        "checkpoints/actions/alert.py",
        "pipeline/runner/alarms.py",
        "pipeline/cli/alerts.py",
        "pipeline/cli/watch.py",
    }


def test_every_alert_has_its_section_and_no_section_is_of_another() -> None:
    assert sorted(SECTIONS) == sorted(EXPECTED)


@pytest.mark.parametrize("title", EXPECTED)
def test_a_section_says_how_grave_it_is_what_was_done_and_the_command_the_alert_names(title: str) -> None:
    severity, command = EXPECTED[title]
    rows = re.findall(r"^\| ([a-z ]+) \|", SECTIONS[title], re.MULTILINE)
    assert rows == ["severity", "it means", "done already", "look", "answer", "escalate"]
    assert f"| severity | {severity} |" in SECTIONS[title]
    assert f"`{command}`" in SECTIONS[title]


def test_every_exit_code_is_explained() -> None:
    part = PAGE.partition("## Exit codes")[2].partition("\n## ")[0]
    assert re.findall(r"^\| (\d+) \|", part, re.MULTILINE) == [str(int(code)) for code in sorted(ExitCode)]


def test_every_status_of_a_batch_is_explained() -> None:
    part = PAGE.partition("## What a batch's status says")[2].partition("\n## ")[0]
    assert re.findall(r"^\| (\w+) \| [a-z]", part, re.MULTILINE)[1:] == [str(status) for status in BatchStatus]


@pytest.mark.parametrize("said", SAID)
def test_a_command_that_is_named_exists_with_its_options(said: str) -> None:
    command: click.Command = sluicegate
    words = shlex.split(said)
    while words and isinstance(command, click.Group) and not words[0].startswith("-"):
        found = command.get_command(click.Context(command), words.pop(0))
        assert found is not None, said
        command = found
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= options, said


@pytest.fixture(scope="module")
def sample(workspace: Workspace) -> Workspace:
    folder = ROOT / "docs" / "sample"
    workspace.run(folder / "landing", "--campaigns", folder / "campaigns.jsonl")
    return workspace


@pytest.mark.parametrize("said", [said for said in SAID if said.startswith(READS)])
def test_a_command_that_only_reads_works_as_it_is_named(sample: Workspace, said: str) -> None:
    line = said.replace("BATCH", WARNED).replace("ID", "i_20003")
    done = sample.cli(*shlex.split(line))
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert done.stdout


@pytest.mark.parametrize("line", [line for text in COMMANDS.values() for line in text.splitlines()])
def test_a_command_that_is_shown_works_as_written(sample: Workspace, line: str) -> None:
    done = sample.cli(*shlex.split(line.removeprefix("python run.py ")))
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr


def test_a_batch_that_a_store_lost_is_done_again_and_nothing_is_twice(sample: Workspace) -> None:
    """What the page says of a store that is older than MongoDB: here Neo4j lost a batch."""
    document = json.loads(sample.cli("status", WARNED, "--json").stdout)
    before = held(sample)
    lose(sample, document["_id"])
    assert "not in the graph" in sample.cli("trace", "i_20003").stdout
    assert sample.cli("backfill", "--batch", WARNED).returncode == 0
    assert held(sample) == before
    again = json.loads(sample.cli("status", WARNED, "--json").stdout)
    assert again["counts"] == document["counts"]
    assert "The stores agree." in sample.cli("trace", "i_20003").stdout


def held(place: Workspace) -> tuple[Any, ...]:
    stores = Stores(place.places)
    try:
        return (
            sorted(stores.raw_ids()),
            sorted(stores.graph_ids()),
            sorted(stores.linked_ids()),
            sorted(stores.vector_ids()),
            stores.flagged_ids(),
            stores.published(),
        )
    finally:
        stores.close()


def lose(place: Workspace, batch_id: str) -> None:
    """Take the batch out of the graph, as a store does that was restored from an older backup."""
    from expectations_plugins.neo4j.connection import connect  # noqa: PLC0415 - a driver is needed in this one test

    to = place.endpoints
    graph = connect(str(to.neo4j_uri), str(to.neo4j_user), str(to.neo4j_password), database=to.neo4j_database)
    statement = "MATCH (i:Interaction {batch_id: $batch}) DETACH DELETE i"
    graph.write((statement,), {"batch": batch_id}, doing="losing a batch", timeout=30)
    graph.close()


def test_every_page_it_links_to_is_there() -> None:
    named = re.findall(r"\]\(([^)#:]+)\)", PAGE)
    assert [name for name in named if not (Path(ROOT) / "docs" / name).is_file()] == []
