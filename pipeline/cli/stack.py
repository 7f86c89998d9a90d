"""`run.py stack`: the local servers from the command line.

What it does is in `pipeline/local/stack.py`; here it is only asked and shown.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path

import click

from expectations_plugins.core.errors import ExitCode
from pipeline.cli.app import app_of
from pipeline.core.program import program
from pipeline.local.layout import Layout, last_lines
from pipeline.local.specs import ALL
from pipeline.local.stack import LocalStack
from pipeline.local.state import ServerStatus

FOLLOW_SECONDS = 0.2
_COLUMNS = ("server", "state", "port", "pid", "log")

stack = click.Group(
    "stack",
    help="Start, stop and look at the local servers that stand in for stores without a URI.\n\n"
    f"Example: {program()} stack up && {program()} stack status",
)


home_option = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder with the servers' data, logs and state; otherwise that of SLUICEGATE_HOME.",
)


def _local(context: click.Context, home: Path | None) -> LocalStack:
    app = app_of(context)
    if home is not None:
        app.configure(SLUICEGATE_HOME=str(home))
    return LocalStack(app.settings.home, app.settings.start_seconds)


@stack.command()
@click.argument("names", nargs=-1, type=click.Choice(ALL))
@home_option
@click.pass_context
def up(context: click.Context, names: tuple[str, ...], home: Path | None) -> None:
    """Start the servers (all, or those named) and leave them up until `down`.

    Those that are up already stay as they are. Addresses go to stdout; the generated passwords stay in
    stack/secrets.json under the home folder, which only you can read.

    Example: run.py stack up mongodb milvus
    """
    local = _local(context, home)
    endpoints = local.up(names or ALL)
    for field in fields(endpoints):
        if field.name.endswith(("_endpoint", "_uri")) and (address := getattr(endpoints, field.name)):
            click.echo(f"{field.name.rpartition('_')[0]:<10}{_without_user(address)}")
    click.echo(f"Passwords and keys: {Layout(local.home).secrets}", err=True)


@stack.command()
@home_option
@click.pass_context
def down(context: click.Context, home: Path | None) -> None:
    """Stop all servers; their data stays. Batches that are running lose their stores.

    Example: run.py stack down
    """
    _local(context, home).down()
    click.echo("The local servers are down.", err=True)


@stack.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON list instead of the table.")
@home_option
@click.pass_context
def status(context: click.Context, as_json: bool, home: Path | None) -> None:
    """Show each server: its state, port, process and log. Each that is up is asked for an answer.

    Example: run.py stack status --json
    """
    servers = _local(context, home).status()
    if as_json:
        click.echo(json.dumps([_as_json(server) for server in servers], indent=2))
        return
    for line in _table(servers):
        click.echo(line)


@stack.command()
@click.argument("name", type=click.Choice([*ALL, "supervisor"]))
@click.option("--lines", type=click.IntRange(min=1), default=20, show_default=True, help="How many of the last lines.")
@click.option("--follow", is_flag=True, help="Keep showing new lines until Ctrl-C.")
@home_option
@click.pass_context
def logs(context: click.Context, name: str, lines: int, follow: bool, home: Path | None) -> None:
    """Show the end of a server's log.

    Example: run.py stack logs mongodb --lines 50 --follow
    """
    path = _local(context, home).log_path(name)
    if not path.exists():
        click.echo(f"{name} has written no log in {path.parent} yet.", err=True)
    for line in last_lines(path, lines):
        click.echo(line)
    if not follow:
        return
    try:
        for text in _appended(path):
            click.echo(text, nl=False)
    except KeyboardInterrupt:
        raise SystemExit(int(ExitCode.INTERRUPTED)) from None


def _without_user(address: str) -> str:
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('/')[0]}"


def _as_json(server: ServerStatus) -> dict[str, object]:
    return {
        "name": server.name,
        "state": str(server.state),
        "port": server.port,
        "pid": server.pid,
        "log_path": str(server.log_path),
        "data_dir": str(server.data_dir),
        "detail": server.detail,
    }


def _table(servers: Sequence[ServerStatus]) -> list[str]:
    rows = [_COLUMNS, *(_row(server) for server in servers)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _row(server: ServerStatus) -> tuple[str, ...]:
    state = f"{server.state} ({server.detail})" if server.detail else str(server.state)
    return (server.name, state, str(server.port or "-"), str(server.pid or "-"), str(server.log_path))


def _appended(path: Path) -> Iterator[str]:
    """Give what is added to a file, for ever; after a rotation, from the new file's start."""
    place = path.stat().st_size if path.exists() else 0
    while True:
        size = path.stat().st_size if path.exists() else 0
        if size < place:
            place = 0
        if size > place:
            with path.open("rb") as file:
                file.seek(place)
                added = file.read(size - place)
            place += len(added)
            yield added.decode("utf-8", "replace")
        time.sleep(FOLLOW_SECONDS)
