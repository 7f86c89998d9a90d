"""Two machines that share the stores and a bucket: what one has begun the other goes on with; the page's commands."""

from __future__ import annotations

import json
import os
import re
import runpy
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import fsspec
import pytest

from pipeline.local import Endpoints
from pipeline.storage import objects
from pipeline.storage.location import Remote
from tests.faults.workplace import Ended, Workplace
from tests.locations.conftest import SECRET

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "locations.md").read_text("utf-8")
COMMANDS = runpy.run_path(str(ROOT / "docs" / "readme_commands.py"))["commands"](PAGE)
PROGRAM = ".venv/bin/python run.py "
EXAMPLE = Remote("s3://sluicegate-example")
SAMPLE = ROOT / "docs" / "sample"
PASSES, HALTS, WARNS = "8b7f947c7755", "71c01dd45b70", "16a8a54a1dbc"
NOBODY = "bolt://127.0.0.1:1"


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine: a gx/ and a home of its own.

    Args:
        workplace: Its folder, and the stores.
    """

    workplace: Workplace

    def run(self, *arguments: str, **variables: str) -> Ended:
        """Run `run.py` in a process of its own."""
        shared = dict(line.split("=", 1) for line in COMMANDS["settings"].splitlines())
        bucket = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        done = self.workplace.command(*arguments, **(shared | bucket | variables))
        assert SECRET not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return done

    @property
    def left(self) -> list[Path]:
        """Files of what is shared that are on this machine all the same."""
        kinds = ("*.html", "*.jsonl", "batch.json")
        return [path for kind in kinds for path in self.workplace.folder.rglob(kind)]


@pytest.fixture(scope="module")
def bucket(s3: Remote) -> Iterator[Remote]:
    assert s3
    fsspec.filesystem("s3").mkdir(EXAMPLE.name)
    for path in (SAMPLE / "landing").iterdir():
        objects.upload(path, EXAMPLE / "landing" / path.name)
    yield EXAMPLE
    fsspec.filesystem("s3").rm(EXAMPLE.name, recursive=True)


@pytest.fixture(scope="module")
def machines(bucket: Remote, endpoints: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> tuple[Machine, Machine]:
    assert bucket
    one, other = (
        Machine(Workplace.prepared(endpoints, tmp_path_factory.mktemp(name), "two_machines")) for name in ("a", "b")
    )
    loaded = one.run("campaigns", "load", str(SAMPLE / "campaigns.jsonl"))
    assert loaded.code == 0, loaded.stderr
    return one, other


def the_page_on(machine: Machine, name: str) -> dict[str, Ended]:
    found: Story = {}
    for line in COMMANDS[name].splitlines():
        command = line.removeprefix(PROGRAM)
        found[command] = machine.run(*shlex.split(command))
    return found


@pytest.fixture(scope="module")
def story(machines: tuple[Machine, Machine]) -> dict[str, Ended]:
    """A batch dies on one machine while the graph is away and is replayed on the other; then the page's commands."""
    one, other = machines
    address = f"{EXAMPLE}/landing/2026-11-20T0900.jsonl"
    died = one.run("run", address, "--json", NEO4J_URI=NOBODY)
    objects.remove(EXAMPLE / "landing" / "2026-11-20T0900.jsonl")
    replayed = other.run("dlq", "replay", PASSES, "--json")
    objects.upload(SAMPLE / "landing" / "2026-11-20T0900.jsonl", EXAMPLE / "landing" / "2026-11-20T0900.jsonl")
    return {"died": died, "replayed": replayed} | the_page_on(one, "landing") | the_page_on(other, "elsewhere")


Story = dict[str, Ended]


def test_a_batch_that_dies_on_one_machine_is_replayed_on_the_other_without_its_file(story: Story) -> None:
    assert story["died"].code == 5, story["died"].stderr
    (batch,) = json.loads(story["died"].stdout)["batches"]
    assert (batch["source"], batch["status"]) == (f"{EXAMPLE}/landing/2026-11-20T0900.jsonl", "dead")
    assert f"Its file is kept as {EXAMPLE}/spool/dlq/{batch['batch_id']}/" in batch["message"]
    assert story["replayed"].code == 0, story["replayed"].stderr
    (batch,) = json.loads(story["replayed"].stdout)["batches"]
    assert (batch["status"], batch["verdicts"]) == (
        "closed",
        dict.fromkeys(("raw", "graph", "vectors", "closing"), "PASS"),
    )
    assert objects.below(EXAMPLE / "spool" / "dlq") == []


def test_what_has_landed_is_planned_and_the_same_batch_is_not_done_twice(story: Story) -> None:
    planned = {one["source"]: one["batch_id"][:12] for one in json.loads(story["plan"].stdout)["batches"]}
    names = {HALTS: "2026-11-20T0910.jsonl", WARNS: "2026-11-20T0920.jsonl"}
    assert planned == {f"{EXAMPLE}/landing/{name}": batch for batch, name in names.items()}
    again = story[f"run {EXAMPLE}/landing/2026-11-20T0900.jsonl"]
    assert (again.code, "1 batch was already processed" in again.stdout) == (0, True), again.stderr


def test_what_is_loaded_on_one_machine_is_judged_on_the_other_and_goes_on_there(story: Story) -> None:
    for command in (f"stage load {WARNS}", f"stage aggregate {WARNS}", f"gate raw {WARNS}"):
        assert story[command].code == 0, f"{command}: {story[command].stderr}"
    done = story["run"]
    assert done.code == 10, done.stderr
    rows = {line.split()[0]: line.split()[2] for line in done.stdout.splitlines() if re.match(r"[0-9a-f]{12}  ", line)}
    assert rows == {HALTS: "halted", WARNS: "closed"}
    assert "Data Docs: https://docs.example.com/index.html" in done.stdout


def test_results_and_pages_are_in_the_bucket_and_nothing_of_it_is_left_on_a_machine(
    story: Story, machines: tuple[Machine, Machine]
) -> None:
    assert story
    pages = {one.place.url[len(EXAMPLE.url) + 6 :] for one in objects.below(EXAMPLE / "docs")}
    assert {"index.html", "style.css", "suites.html", "days.html"} <= pages
    assert len([page for page in pages if page.startswith("batches/")]) == 3
    results = [one.place.name for one in objects.below(EXAMPLE / "results")]
    assert len(results) == len([page for page in pages if page.startswith("validations/")]) == 9
    assert fsspec.filesystem("s3").info(f"{EXAMPLE.name}/docs/index.html")["ContentType"].startswith("text/html")
    assert [machine.left for machine in machines] == [[], []]
    assert [list((machine.workplace.folder / "home").glob("fetched/*")) for machine in machines] == [[], []]


def test_every_command_of_the_page_says_what_the_page_says(story: Story) -> None:
    index = "https://docs.example.com/index.html"
    said = {command: story[command] for command in story if command.startswith(("docs", "dlq"))}
    assert {command: done.code for command, done in said.items()} == dict.fromkeys(said, 0)
    assert said["docs path"].stdout.strip() == said["docs open"].stdout.strip() == index
    assert said["docs build"].stdout.strip() == f"3 batches, 9 results: {index}"
    assert said["docs prune"].stdout.startswith("0 batches and 0 results")
    assert "missing_id" in said["dlq list"].stdout
    shown = re.findall(r"^\.venv/bin/python run\.py .*$", PAGE, re.MULTILINE)
    assert shown == [line for name in ("landing", "elsewhere") for line in COMMANDS[name].splitlines()]


def test_the_gx_project_is_as_it_was(story: Story, machines: tuple[Machine, Machine]) -> None:
    assert story
    for machine in machines:
        assert machine.run("gx", "sync", "--check").code == 0


def test_pages_no_browser_can_open_are_said_to_be_so(machines: tuple[Machine, Machine], story: Story) -> None:
    assert story
    for command, words in (("open", "a browser cannot open"), ("serve", "only a folder of this machine is served")):
        done = machines[1].run("docs", command, SLUICEGATE_DOCS_PUBLIC_URL="")
        assert (done.code, words in done.stderr) == (2, True), done.stderr


def test_a_bucket_that_is_away_or_not_there_ends_a_run_in_words(machines: tuple[Machine, Machine]) -> None:
    away = machines[0].run("run", AWS_ENDPOINT_URL="http://127.0.0.1:1")
    assert (away.code, "Could not connect" in away.stderr) == (3, True), away.stderr
    missing = machines[0].run("run", "s3://no-such-bucket/landing")
    assert (missing.code, "no such object or bucket" in missing.stderr) == (2, True), missing.stderr
    secret = machines[0].run("run", "s3://key:hunter2secret@bucket/landing")
    assert (secret.code, "hunter2secret" in secret.stdout + secret.stderr) == (2, False)


def test_what_is_away_while_a_batch_ends_changes_no_verdict(machines: tuple[Machine, Machine], story: Story) -> None:
    assert story
    shutil.copy(SAMPLE / "landing" / "2026-11-20T0900.jsonl", machines[0].workplace.folder / "again.jsonl")
    path = machines[0].workplace.folder / "again.jsonl"
    path.write_text(path.read_text("utf-8").replace("i_", "again_"), "utf-8")
    done = machines[0].run("run", str(path), "--json", SLUICEGATE_DOCS_URL="s3://no-such-bucket/docs")
    assert done.code == 0, done.stderr
    assert '"event": "docs_failed"' in done.stderr
    path.unlink()
