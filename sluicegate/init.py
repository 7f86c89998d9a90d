"""`run.py init`: a folder becomes a project: the GX project, a template of the settings, a sample to try it with."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from expectations_plugins.core.errors import ConfigurationError
from pipeline.cli.tables import printable
from pipeline.core.program import program
from pipeline.storage.location import written

IGNORED = "# Sluicegate's local data, secrets, results and pages\n.sluicegate/\n.env\n.env.*\ngx/uncommitted/\n"

SAMPLE = {
    "campaigns.jsonl": "sample/campaigns.jsonl",
    "landing/2026-11-20T0900.jsonl": "sample/landing/2026-11-20T0900.jsonl",
    "landing/2026-11-20T0910.jsonl": "sample/faults/2026-11-20T0910.jsonl",
    "landing/2026-11-20T0920.jsonl": "sample/faults/2026-11-20T0920.jsonl",
}
"""Files of the shipped sample, and where they go: what passes is apart from what shows a halt and a warning."""

OWNER_ONLY, EVERYBODY = 0o600, 0o666


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to be written.

    Args:
        path: Below the project's folder.
        content: What is in it.
        mode: Its permissions, before the process's mask.
    """

    path: str
    content: bytes
    mode: int = EVERYBODY


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option("--dag", is_flag=True, help="Also write the DAG file for Airflow, sluicegate_dag.py.")
def init(folder: Path, dag: bool) -> None:
    """Make a project in FOLDER, by default this one.

    It writes the Great Expectations project, a template of the settings (.env), a .gitignore and a sample. A file that
    is there already is left as it is.

    \b
    Examples:
      python run.py init
      python run.py init shop --dag
    """
    from checkpoints.sync import ensure  # noqa: PLC0415 - GX takes seconds to import

    made, left = list[str](), list[str]()
    (made if ensure(folder / "gx") else left).append("gx/")
    for file in (*_files(), *(_dag(folder) if dag else ())):
        (made if _is_written(folder, file) else left).append(file.path)
    click.echo("\n".join(_summary(folder, made, left)))


def _files() -> Iterator[NewFile]:
    from pipeline.config.reference import env_template  # noqa: PLC0415 - pydantic

    yield NewFile(".env", env_template().encode(), OWNER_ONLY)
    yield NewFile(".gitignore", IGNORED.encode())
    for source, target in SAMPLE.items():
        yield NewFile(target, (_shipped_sample() / source).read_bytes())


def _dag(folder: Path) -> Iterator[NewFile]:
    """The DAG file, for the program that runs now and this folder; it takes what is in the landing folder."""
    from pipeline.airflow.writing import dag_file  # noqa: PLC0415 - rarely asked for
    from pipeline.cli.airflow import running_command  # noqa: PLC0415

    text = dag_file(command=running_command(), folder=written(folder), paths=())
    yield NewFile("sluicegate_dag.py", text.encode())


def _shipped_sample() -> Path:
    """The sample as it is shipped: in the wheel inside this package, in a checkout with the documentation."""
    here = Path(__file__).parent
    inside = here / "sample"
    return inside if inside.is_dir() else here.parent / "docs" / "sample"


def _is_written(folder: Path, file: NewFile) -> bool:
    """Write a file; False when there is one already.

    Raises:
        ConfigurationError: It cannot be written.
    """
    path = folder / file.path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, file.mode), "wb") as stream:
            stream.write(file.content)
    except FileExistsError:
        if not path.parent.is_dir():
            raise ConfigurationError(f"{path} cannot be written: {path.parent} is no folder.") from None
        return False
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written: {error.strerror}.", next_step="Choose a folder that you can write to."
        ) from None
    return True


def _summary(folder: Path, made: Sequence[str], left: Sequence[str]) -> Iterator[str]:
    where = printable(str(folder.absolute()))
    if made:
        yield f"Made in {where}: {', '.join(made)}"
    if left:
        yield f"Left as they are, in {where}: {', '.join(left)}"
    yield ""
    yield "Next, a first run. It starts real servers on this machine and passes every gate (exit code 0):"
    if folder != Path():
        yield f"  cd {shlex.quote(printable(str(folder)))}"
    yield f"  {program()} run sample/landing --campaigns sample/campaigns.jsonl"
    yield ""
    yield "After that, a run that a gate halts, and that says what to do (exit code 10):"
    yield f"  {program()} run sample/faults"
