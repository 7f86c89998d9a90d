"""`run.py migrate`: brings the data of all stores to this program's schema versions, or says what that would do."""

from __future__ import annotations

from collections.abc import Sequence

import click

from expectations_plugins.core.errors import ExitCode
from pipeline.cli.app import app_of
from pipeline.cli.tables import printable, table
from pipeline.core.program import program
from pipeline.upgrades.migration import Finding

COLUMNS = ("store", "where", "found", "needed", "to do")


@click.command()
@click.option("--check", is_flag=True, help="Only say what is to be done; change nothing.")
@click.pass_context
def migrate(context: click.Context, check: bool) -> ExitCode:
    """Bring the data of all stores to this version's form. What is done is not done again; a killed one goes on.

    Before it, older programs may use the same data. After it, their runs end with exit code 2.

    \b
    Exit codes: 0 nothing is left to do   2 the data is newer than this program; with --check also: there is work
                3 an outage: run again    4 a run is at work: wait until it is done

    \b
    Examples:
      python run.py migrate --check
      python run.py migrate
    """
    app = app_of(context)
    migration = app.migration()
    findings = migration.look() if check else migration.perform()
    click.echo("\n".join(as_text(findings)))
    waits = any(finding.work for finding in findings)
    if not waits:
        click.echo("Nothing is to be migrated.")
        return ExitCode.OK
    if check:
        click.echo(
            f"Nothing was changed. Stop the scheduler and all older programs, back up, then: {program()} migrate"
        )
        return ExitCode.USAGE
    click.echo("Done.")
    return ExitCode.OK


def as_text(findings: Sequence[Finding]) -> list[str]:
    """A row a store, then what stays as it is."""
    rows = [
        (one.store, printable(one.where), _number(one.found), str(one.needed), "; ".join(one.work) or "nothing")
        for one in findings
    ]
    return [*table(COLUMNS, rows), *(printable(note) for one in findings for note in one.notes)]


def _number(version: int | None) -> str:
    return "-" if version is None else str(version)
