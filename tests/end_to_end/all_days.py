"""All real days, strict and tolerant, against the oracle: a command, for it takes minutes.

Usage: python -m tests.end_to_end.all_days [--days N]
       python -m tests.end_to_end.all_days --five-months    # 121 more days, tolerant only, in one go

Strict, every day that has a null user_id halts and nothing of it is in the graph, the vectors or the published view.
With a tolerance the days flow on without their quarantined records. Then the missing campaigns are loaded, and every
flag lifts. Prints a table, and ends with 1 when anything is not as it ought to be.
"""

from __future__ import annotations

import gzip
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from pipeline.local import LocalStack
from tests.conftest import REAL_LOGS
from tests.end_to_end.conftest import ROOT, Workspace
from tests.end_to_end.oracle import Stores, Truth, read

TOLERANT = {"SLUICEGATE_USER_ID_TOLERANCE": "1"}
Problems = list[str]


@contextmanager
def opened() -> Iterator[Workspace]:
    """A workspace of its own."""
    folder = Path(tempfile.mkdtemp(prefix="all-days-"))
    shutil.copytree(ROOT / "gx", folder / "gx", ignore=shutil.ignore_patterns("uncommitted"))
    with LocalStack(folder / ".sluicegate").use() as endpoints:
        yield Workspace(folder, folder / ".sluicegate", endpoints)
    shutil.rmtree(folder, ignore_errors=True)


@click.command()
@click.option("--days", type=click.IntRange(1), help="Only the first so many.")
@click.option("--five-months", is_flag=True, help="January to May 2011 in place of December 2010; tolerant only.")
def main(days: int | None, five_months: bool) -> None:
    """Run all days twice, and compare with the oracle."""
    logs = REAL_LOGS.with_name(f"{REAL_LOGS.name}_2011") if five_months else REAL_LOGS
    files = sorted((logs / "logs").glob("*.jsonl.gz"))[:days]
    catalogue = logs / "campaigns.jsonl"
    problems: Problems = []
    if not five_months:
        with opened() as workspace:
            strict(workspace, files, catalogue, problems)
    with opened() as workspace:
        tolerant(workspace, files, catalogue, problems)
    for problem in problems:
        click.echo(f"NOT SO: {problem}")
    sys.exit(1 if problems else 0)


def strict(workspace: Workspace, files: list[Path], catalogue: Path, problems: Problems) -> None:
    """Every day halts; the table of days."""
    ran = workspace.run("--campaigns", catalogue, *files)
    stores = Stores(workspace.places)
    click.echo("day         records  null user_ids  strict   quarantined")
    for path, batch in zip(files, ran["batches"], strict=True):
        truth, counts = read([path], catalogue), batch["counts"]
        click.echo(
            f"{path.name[:10]}  {len(truth.ids):>7,}  {len(truth.bad_users):>13,}  {batch['status']:<7}"
            f"  {counts['quarantined']:>11,}"
        )
        expect(problems, f"{path.name}: halted", batch["status"] == "halted" if truth.bad_users else True)
        expect(problems, f"{path.name}: exactly its null user_ids", counts["quarantined"] == len(truth.bad_users))
    truth = read(files, catalogue)
    expect(problems, "strict: exactly the null user_ids are quarantined", stores.quarantined_ids() == truth.bad_users)
    nowhere = (stores.graph_ids(), stores.vector_ids(), stores.published()) == ([], [], 0)
    expect(problems, "strict: nothing is in graph, vectors or view", nowhere)
    stores.close()


def tolerant(workspace: Workspace, files: list[Path], catalogue: Path, problems: Problems) -> None:
    """The days flow on without what is quarantined; late campaigns lift the flags."""
    ran = workspace.run("--campaigns", catalogue, *files, **TOLERANT)
    truth, stores = read(files, catalogue), Stores(workspace.places)
    statuses = {batch["status"] for batch in ran["batches"]}
    expect(problems, f"tolerant: every batch is closed, not {statuses}", statuses == {"closed"})
    expect(problems, "tolerant: the graph holds the good ones", sorted(stores.graph_ids()) == sorted(truth.good))
    vectors = sorted(stores.vector_ids()) == sorted(truth.good_messages)
    expect(problems, "tolerant: the good ones with a message have a vector", vectors)
    expect(problems, "tolerant: the view counts the good ones", stores.published() == len(truth.good))
    flagged = stores.flagged_ids()
    click.echo(
        f"\n{len(truth.good):,} of {len(truth.ids):,} records flowed on; {len(flagged):,} are flagged for review"
    )
    expect(problems, "tolerant: exactly the orphans with a user are flagged", flagged == truth.good_orphans)
    lifted(workspace, stores, truth, files, problems)
    stores.close()


def lifted(workspace: Workspace, stores: Stores, truth: Truth, files: list[Path], problems: Problems) -> None:
    """The campaigns that were missing are loaded."""
    missing = {
        record["campaign_id"]
        for path in files
        for record in map(json.loads, gzip.decompress(path.read_bytes()).decode().splitlines())
        if record["interaction_id"] in truth.orphans
    }
    late = workspace.folder / "late.jsonl"
    late.write_text("".join(json.dumps({"campaign_id": one}) + "\n" for one in sorted(missing)), encoding="utf-8")
    loaded = workspace.cli("campaigns", "load", late)
    expect(problems, "the missing campaigns load", loaded.returncode == 0)
    expect(problems, "every flag is lifted", stores.flagged_ids() == set())
    expect(problems, "every interaction is linked", stores.linked_ids() == truth.good)
    click.echo(f"{len(missing):,} campaigns loaded late; {len(stores.flagged_ids()):,} flags are left")


def expect(problems: Problems, what: str, holds: bool) -> None:
    """Note what does not hold."""
    if not holds:
        problems.append(what)


if __name__ == "__main__":
    main()
