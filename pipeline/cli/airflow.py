"""`run.py airflow`: the DAG file for Airflow, which needs nothing of Sluicegate in Airflow's own environment."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from expectations_plugins.core.errors import ConfigurationError
from pipeline.airflow.writing import dag_file
from pipeline.cli.param_types import PLACE
from pipeline.core.program import MODULE, program
from pipeline.storage.location import Place, written


@click.group()
def airflow() -> None:
    """Write what Airflow needs to run the pipeline.

    \b
    Example:
      python run.py airflow dag /var/log/interactions > dags/sluicegate_dag.py
    """


@airflow.command()
@click.argument("paths", nargs=-1, type=PLACE)
@click.option(
    "--command",
    metavar="COMMAND",
    help="The command that starts Sluicegate on the workers, quoted as in a shell. Default: the program that runs now.",
)
@click.option("--folder", type=click.Path(), help="The folder it runs in on the workers. Default: the current folder.")
def dag(*, paths: tuple[Place, ...], command: str | None, folder: str | None) -> None:
    """Print a DAG file for Airflow 3 that takes the batches in PATHS (the settings' landing folder when none is given).

    The file imports Airflow and Python's standard library only. Write it again after each update of Sluicegate: it
    holds the stages and gates there are, and its plan task fails when the program has others.

    \b
    Examples:
      python run.py airflow dag /var/log/interactions > dags/sluicegate_dag.py
      python run.py airflow dag --command /opt/sluicegate/bin/sluicegate --folder /opt/sluicegate
    """
    text = dag_file(
        command=running_command() if command is None else _words(command),
        folder=written(Path(folder or ".")),
        paths=[written(one) for one in paths],
    )
    click.echo(text.encode(), nl=False)  # UTF-8, as Python reads it, whatever the terminal's encoding is


def running_command() -> list[str]:
    """The command that started this process; links in it stay, so that they may lead to a newer version later.

    Raises:
        ConfigurationError: It was not started from a file.
    """
    if program() == MODULE:
        return [sys.executable, *MODULE.split()[1:]]
    file = Path(sys.argv[0]).absolute()
    if not file.is_file():
        raise ConfigurationError(
            f"This program was not started from a file: {sys.argv[0]!r}. A worker cannot start it in the same way.",
            next_step=f"Name the program: {program()} airflow dag --command /opt/sluicegate/bin/sluicegate",
        )
    return [sys.executable, str(file)] if file.suffix == ".py" else [str(file)]


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise click.UsageError(f"--command cannot be read as a command, {error}: {command}") from None
    if not words:
        raise click.UsageError("--command is empty. Name a program, or leave the option out.")
    return words
