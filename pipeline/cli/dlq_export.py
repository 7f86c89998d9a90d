"""`run.py dlq export`: dead records as JSON lines or CSV, for whoever repairs them elsewhere."""

from __future__ import annotations

import csv
import io
import json
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from expectations_plugins.core.errors import ConfigurationError
from pipeline.cli.app import app_of
from pipeline.cli.dlq_shared import batch_option, escaped, reason_option, up_to_date
from pipeline.cli.summary import plain
from pipeline.core.records import DeadReason
from pipeline.ports.dead_letters import Letter

STDOUT = Path("-")
FORMULA = ("=", "+", "-", "@", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}", "\N{FULLWIDTH HYPHEN-MINUS}")
FORMULA_STARTS = (*FORMULA, "\N{FULLWIDTH COMMERCIAL AT}", "\N{MINUS SIGN}", "|", "%")
"""What a spreadsheet may take for the start of a formula; spaces, tabs and line ends before it do not stop it."""

COLUMNS = (
    "batch_id",
    "line",
    "place",
    "reason",
    "state",
    "detail",
    "raw",
    "buried_at",
    "replayed_in",
    "dropped_by",
    "dropped_why",
)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@batch_option
@reason_option
@click.option("--waiting", is_flag=True, help="Only records that were neither replayed nor dropped.")
@click.option("--format", "kind", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True, help="How.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@click.pass_context
def export(
    context: click.Context, *, file: Path, batch: str | None, reason: str | None, waiting: bool, kind: str, force: bool
) -> None:
    """Write dead records to FILE, or to the standard output with -; a line each.

    In CSV, a cell that a spreadsheet would take for a formula starts with an apostrophe.

    \b
    Examples:
      python run.py dlq export dead.jsonl --waiting
      python run.py dlq export - --format csv --batch 16a8a54a1dbc
    """
    app = app_of(context)
    _refuse_overwriting(file, force=force)
    up_to_date(app)
    batch_id = app.ledger.find(batch).batch_id if batch else None
    letters = app.dead_queue.letters(batch_id, DeadReason(reason) if reason else None, waiting=waiting)
    lines = _csv(letters) if kind == "csv" else _json(letters)
    if file == STDOUT:
        for line in lines:
            click.echo(line, nl=False)
        return
    written = _write(file, lines, force=force)
    written -= kind == "csv"
    click.echo(f"{written:,} dead {'record' if written == 1 else 'records'} written to {escaped(file)}.")


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.lstrip().lstrip("\ufeff\u200b").lstrip().startswith(FORMULA_STARTS) else cell


def _json(letters: Iterable[Letter]) -> Iterator[str]:
    for letter in letters:
        yield json.dumps(_row(letter), default=plain, ensure_ascii=True) + "\n"


def _csv(letters: Iterable[Letter]) -> Iterator[str]:
    yield _csv_line(COLUMNS)
    for letter in letters:
        row = {**_row(letter), "replayed_in": " ".join(letter.replayed_in)}
        yield _csv_line(["" if row[name] is None else harmless(_text(row[name])) for name in COLUMNS])


def _csv_line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(plain(value)).replace("\0", "\\0")


def _row(letter: Letter) -> Mapping[str, Any]:
    return {
        "batch_id": letter.batch_id,
        **letter.at.as_data(),
        "reason": letter.reason.value,
        "state": letter.state,
        "detail": letter.detail,
        "raw": letter.raw,
        "buried_at": letter.buried_at,
        "replayed_in": letter.replayed_in,
        "dropped_by": letter.dropped.by if letter.dropped else None,
        "dropped_why": letter.dropped.why if letter.dropped else None,
    }


def _refuse_overwriting(file: Path, *, force: bool) -> None:
    if file != STDOUT and not force and file.exists():
        raise ConfigurationError(f"{file} is there already.", next_step="Give another name, or --force.")


def _write(file: Path, lines: Iterable[str], *, force: bool) -> int:
    """Write a file whole or not at all; how many lines."""
    part, written = file.with_name(f".{uuid.uuid4().hex}.part"), 0
    try:
        with part.open("w", encoding="utf-8", newline="") as out:
            for line in lines:
                out.write(line)
                written += 1
            out.flush()
            os.fsync(out.fileno())
        _refuse_overwriting(file, force=force)
        part.replace(file)
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be written: {error.strerror or error}.", next_step="Give a file in a folder you may write."
        ) from None
    finally:
        part.unlink(missing_ok=True)
    return written
