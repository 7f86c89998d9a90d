"""`run.py resume`: a person lets a halted batch go on."""

from __future__ import annotations

import click

from pipeline.commands.app import app_of
from pipeline.commands.summary import as_json, as_text
from pipeline.errors import ExitCode
from pipeline.runner_outcome import exit_code_of


@click.command()
@click.argument("batch")
@click.option("--recheck", is_flag=True, help="Check the failed gate again, after what it found was mended.")
@click.option("--json", "json_wanted", is_flag=True, help="One JSON document on stdout instead of the summary.")
@click.pass_context
def resume(context: click.Context, batch: str, recheck: bool, json_wanted: bool) -> ExitCode:
    """Let a halted BATCH go on after its failed gate, without its quarantined records.

    BATCH is a batch id or the first digits of one. The quarantined records stay in MongoDB, marked, and reach no other
    store. The log file is not needed again.

    \b
    Examples:
      python run.py resume 3f2a91c07d11
      python run.py resume 3f2a --recheck
    """
    app = app_of(context)
    batch_id = str(app.ledger.find(batch)["_id"])
    outcomes = [app.runner().resume(batch_id, recheck=recheck)]
    if json_wanted:
        click.echo(as_json(outcomes, app.docs_index, complete=True))
    else:
        click.echo("\n".join(as_text(outcomes, app.docs_index)))
    return exit_code_of(outcomes)
