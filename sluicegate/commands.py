"""The command line itself: its commands, what it says when something goes wrong, and the exit code it ends with.

Imports are lazy on purpose: `run.py --help` imports click and nothing else of weight.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, NoReturn, TextIO, cast

import click

from expectations_plugins.core.errors import ExitCode, SluicegateError, TerminalError
from expectations_plugins.core.redaction import hidden
from pipeline.cli.lazy_group import LazyCommand, LazyGroup, with_program
from pipeline.cli.streams import Forgiving, let_go_of_stdout
from pipeline.cli.tables import printable
from pipeline.core.program import program
from pipeline.storage.atomic_files import is_full_disk

if TYPE_CHECKING:
    from pipeline.cli.app import RootApp

COMMANDS = {
    "init": LazyCommand("sluicegate.init:init", "Make a project in a folder, with a sample to try it with."),
    "run": LazyCommand("pipeline.cli.run:run", "Take every batch that has landed through all stages and gates."),
    "plan": LazyCommand("pipeline.cli.stages:plan", "Say which batches have work to do, as JSON."),
    "stage": LazyCommand("pipeline.cli.stages:stage", "Make one attempt at one stage of a batch."),
    "gate": LazyCommand("pipeline.cli.stages:gate", "Check a batch at one gate, once."),
    "backfill": LazyCommand("pipeline.cli.backfill:backfill", "Do what is missing of some days, side by side."),
    "airflow": LazyCommand("pipeline.cli.airflow:airflow", "Write the DAG file for Airflow."),
    "status": LazyCommand("pipeline.cli.status:status", "Show batches, verdicts and latencies, or one batch."),
    "resume": LazyCommand("pipeline.cli.decisions:resume", "Let a halted batch go on without its bad records."),
    "recheck": LazyCommand("pipeline.cli.decisions:recheck", "Run the gate that stopped a batch again."),
    "supersede": LazyCommand(
        "pipeline.cli.supersede:supersede", "Let a corrected file take over the records of batches that were halted."
    ),
    "reject": LazyCommand("pipeline.cli.decisions:reject", "Give a batch up: to the dead letters with it."),
    "quarantine": LazyCommand("pipeline.cli.quarantine:quarantine", "Look at bad records and release them."),
    "dlq": LazyCommand("pipeline.cli.dlq:dlq", "Look at dead batches and records, replay or drop them."),
    "alerts": LazyCommand("pipeline.cli.alerts:alerts", "Look at open alerts, and try the channels."),
    "review": LazyCommand("pipeline.cli.review:review", "Look at orphaned interactions and decide about them."),
    "trace": LazyCommand("pipeline.cli.trace:trace", "Show one record in all stores, and where they disagree."),
    "rollback": LazyCommand("pipeline.cli.rollback:rollback", "Take a batch's latest vectors back."),
    "reembed": LazyCommand("pipeline.cli.reembed:reembed", "Replace fallback vectors by real ones."),
    "campaigns": LazyCommand("pipeline.cli.campaigns:campaigns", "Load the campaign catalogue."),
    "docs": LazyCommand("pipeline.cli.docs:docs", "Open the Data Docs, or say where they are."),
    "watch": LazyCommand("pipeline.cli.watch:watch", "Alert when no batch has closed for a while."),
    "metrics": LazyCommand("pipeline.cli.metrics:metrics", "Print or serve the metrics, for Prometheus."),
    "collect": LazyCommand("pipeline.cli.collect:collect", "Delete superseded rows from BigQuery."),
    "migrate": LazyCommand("pipeline.cli.migrate:migrate", "Bring older data to this version's form."),
    "doctor": LazyCommand("pipeline.cli.doctor:doctor", "Check that every store can be reached."),
    "stack": LazyCommand("pipeline.cli.stack:stack", "Start, stop and look at the local servers."),
    "gx": LazyCommand("checkpoints.commands:gx", "Generate the Great Expectations project, or compare it."),
}
BROKEN_PIPE = 128 + signal.SIGPIPE


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--json-logs", is_flag=True, help="Log JSON lines on a terminal too.")
@click.option(
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
    help="Wins over SLUICEGATE_LOG_LEVEL.",
)
@click.option("--traceback", is_flag=True, help="Show the traceback of a bug; the same as --log-level DEBUG.")
@click.version_option(package_name="sluicegate", prog_name="sluicegate")
@click.pass_context
def sluicegate(context: click.Context, json_logs: bool, log_level: str | None, traceback: bool) -> None:
    """Great Expectations gates around a micro-batch pipeline over MongoDB, BigQuery, Neo4j and Milvus.

    With no store configured, real servers are started on this machine for as long as a command needs them.

    \b
    Examples:
      python run.py init
      python run.py run docs/sample/landing --campaigns docs/sample/campaigns.jsonl
    """
    app: RootApp = context.obj
    app.json_logs = json_logs
    if log_level or traceback:
        app.configure(SLUICEGATE_LOG_LEVEL="DEBUG" if traceback else str(log_level))
    if not {"-h", "--help"} & set(sys.argv):
        from pipeline.config.names import refuse_unknown_names  # noqa: PLC0415 - help needs no settings

        refuse_unknown_names()


def start(make_app: Callable[[], RootApp]) -> NoReturn:
    """Run a command, explain what went wrong, exit with its code.

    Args:
        make_app: Makes the composition root.
    """
    signal.signal(signal.SIGTERM, _terminated)
    sys.stderr = cast("TextIO", Forgiving(sys.stderr))
    with contextlib.closing(make_app()) as app:
        code = _invoke(app)
    sys.exit(code)


def _invoke(app: RootApp) -> int:
    try:
        code = with_program(sluicegate).main(prog_name=program(), standalone_mode=False, obj=app)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted. What was done is kept; run again to go on.", err=True)
        return ExitCode.INTERRUPTED
    except SluicegateError as error:
        click.echo(f"{click.style('Error', fg='red')}: {printable(hidden(str(error)))}", err=True)
        # nothing was dead-lettered when a store refuses before any batch was touched: something is set up wrongly
        return ExitCode.USAGE if isinstance(error, TerminalError) else error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:  # noqa: BLE001 - the last resort: a person gets a sentence, not a traceback
        return _explain(app, error)
    return int(code or ExitCode.OK)


def _explain(app: RootApp, error: Exception) -> ExitCode:
    if not is_full_disk(error):
        return _explain_bug(app, error)
    let_go_of_stdout()
    where = f" ({error.filename})" if error.filename else ""
    click.echo(
        f"{click.style('Error', fg='red')}: A file cannot be written: {error.strerror}{where}. What was done is kept."
        " Make room, then run again.",
        err=True,
    )
    return ExitCode.OUTAGE


def _explain_bug(app: RootApp, error: Exception) -> ExitCode:
    click.echo(hidden(f"This is a bug in Sluicegate: {type(error).__name__}: {error}"), err=True)
    if app.wants_tracebacks:
        import traceback  # noqa: PLC0415 - rarely needed

        click.echo(hidden("".join(traceback.format_exception(error))), err=True)
    else:
        click.echo("For the details, put --traceback before the command and run it again.", err=True)
    return ExitCode.BUG


def _terminated(number: int, frame: FrameType | None) -> NoReturn:
    del number, frame
    raise SystemExit(ExitCode.TERMINATED)
