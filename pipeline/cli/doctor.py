"""`run.py doctor`: whether every store is there. It starts nothing and writes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from expectations_plugins.core.errors import ConfigurationError, ExitCode, SluicegateError
from pipeline.cli.app import App, app_of
from pipeline.cli.doctor_disk import faults, space
from pipeline.cli.skipped import LeftOut
from pipeline.cli.tables import coloured, printable, table
from pipeline.config import VARIABLES
from pipeline.config.encryption import MEND, unencrypted
from pipeline.core.program import program
from pipeline.local import SERVERS, LocalStack, ServerState
from pipeline.ports.checkup import Probe
from pipeline.sources.discovery import list_files
from pipeline.sources.files import GoneFileError, printed
from pipeline.sources.reading import looks_like
from pipeline.storage.location import Place

MISCONFIGURED = "misconfigured"

DRIVERS = {
    "mongodb": "pymongo",
    "neo4j": "neo4j",
    "milvus": "pymilvus",
    "bigquery": "google-cloud-bigquery",
    "gemini": "google-generativeai",
}

LANDING, DISK = "landing", "disk"
LOOKED_INTO = 200
"""Files of the landing folder that are opened, the last by name: names have dates in them."""

UNENCRYPTED = (
    "The connection is not encrypted: records, and passwords too, can be read on the way. Unless something else"
    " encrypts it, {} (docs/security.md)."
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one store.

    Args:
        store: Its name; `landing` is the folder of log files, `disk` where we write on this machine.
        kind: `configured` or `local`, of a folder `folder`.
        address: Without credentials.
        state: `ok`, `unreachable`, `misconfigured` when waiting cannot help, or of a local server `up`, `down`.
        server: The server's version, of a local one what it is; "" when it did not say.
        driver: The driver and its version.
        problem: Why it cannot be reached, and what to do.
        note: What is not wrong, and ought to be known.
    """

    store: str
    kind: str
    address: str
    state: str
    server: str
    driver: str
    problem: str = ""
    note: str = ""


@click.command()
@click.option("--json", "json_wanted", is_flag=True, help="One JSON list instead of the table.")
@click.pass_context
def doctor(context: click.Context, json_wanted: bool) -> ExitCode:
    """Check that every store can be used: address, versions, fields, permissions, model, location, clock, disk.

    It also says what the landing folder holds, what of it is passed over and why, and which files hold no records.
    Nothing is written that stays. Exit code 2 when something is set up wrongly, else 3 when a store cannot be reached.

    Local servers that are down are no fault: a run starts them.

    \b
    Example:
      python run.py doctor
    """
    found = examine(app_of(context))
    if json_wanted:
        click.echo(json.dumps([asdict(finding) for finding in found], indent=2))
    else:
        rows = [(f.store, f.kind, f.address or "-", coloured(f.state), f.server or "-", f.driver) for f in found]
        click.echo("\n".join(table(("store", "kind", "address", "state", "server", "driver"), rows)))
        for finding in found:
            for told in filter(None, (finding.problem, finding.note)):
                click.echo(f"\n{click.style(finding.store, bold=True)}: {printable(told)}")
    if any(finding.state == MISCONFIGURED for finding in found):
        return ExitCode.USAGE
    return ExitCode.OUTAGE if any(finding.problem for finding in found) else ExitCode.OK


def examine(app: App) -> list[Finding]:
    """Look at every store.

    Raises:
        ConfigurationError: The settings contradict each other.
    """
    local = app.settings.local_stores()
    servers = {server.name: server for server in LocalStack(app.settings.home).status()} if local else {}
    addresses, probes = app.addresses(), app.probes()
    plain = set(unencrypted(app.settings))
    found = []
    for store in VARIABLES:
        if store in local:
            server = servers[store]
            address = f"127.0.0.1:{server.port}" if server.port else ""
            state = "down" if server.state is ServerState.DOWN else str(server.state)
            title = SERVERS[store].title
            found.append(Finding(store, "local", address, state, title, _driver(store), server.detail))
        else:
            finding = _configured(store, addresses[store], probes[store])
            notes = [finding.note, app.schema_note(store) if not finding.problem else ""]
            notes.append(UNENCRYPTED.format(MEND[store]) if store in plain else "")
            found.append(replace(finding, note=" ".join(filter(None, notes))))
    return [*found, _disk(app), _landing(app)]


def _disk(app: App) -> Finding:
    settings, problem = app.settings, " ".join(faults(app.settings))
    return Finding(
        DISK, "folder", str(settings.home), MISCONFIGURED if problem else "ok", space(settings), "-", problem=problem
    )


def _landing(app: App) -> Finding:
    """The landing folder: what would be read, and what is passed over. A folder that is missing is no fault yet."""
    folder, left_out = app.settings.landing, LeftOut(app.progress)
    where = printed(folder)
    try:
        files = list(list_files((folder,), left_out.add, app.settings.log_files))
        foreign = list(_foreign(files))
    except SluicegateError as error:
        missing = isinstance(error, GoneFileError)
        return Finding(
            LANDING, "folder", where, "missing" if missing else "unreachable", "", "-", "" if missing else str(error)
        )
    note = " ".join((*foreign, *(click.unstyle(line) for line in left_out.as_text())))
    number = f"{len(files):,} log {'file' if len(files) == 1 else 'files'}"
    return Finding(LANDING, "folder", where, "files left out" if left_out.files else "ok", number, "-", note=note)


def _foreign(files: Sequence[Place]) -> Iterator[str]:
    """Of the last files by name, those on this machine, a sentence for each that holds no records."""
    for path in [path for path in files if isinstance(path, Path)][-LOOKED_INTO:]:
        with suppress(SluicegateError):  # a run says so
            if what := looks_like(path):
                yield f"{printed(path)} {what}."


def _configured(store: str, address: str, probe: Probe) -> Finding:
    try:
        found = probe()
    except SluicegateError as error:
        # an error that only says "ask the doctor" has nothing to add here
        problem = error.message if f"{program()} doctor" in error.next_step else str(error)
        state = MISCONFIGURED if isinstance(error, ConfigurationError) else "unreachable"
        return Finding(store, "configured", address, state, "", _driver(store), problem)
    return Finding(store, "configured", address, "ok", found.server, _driver(store), note=" ".join(found.notes))


def _driver(store: str) -> str:
    package = DRIVERS[store]
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} is not installed"
