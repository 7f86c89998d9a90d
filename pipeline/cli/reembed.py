"""`run.py reembed`: fallback vectors are replaced by real ones once the model is back."""

from __future__ import annotations

from collections.abc import Iterator

import click

from expectations_plugins.core.errors import EXIT_PRECEDENCE, ConfigurationError, ExitCode
from pipeline.cli.app import App, app_of
from pipeline.cli.tables import coloured
from pipeline.core.batch import Batch, EmbeddingState
from pipeline.core.batches import BatchStatus, short
from pipeline.core.outcome import BatchOutcome
from pipeline.core.rollback_plan import removal
from pipeline.core.topology import EMBED, gate_of
from pipeline.stages.embed import REEMBED

GATE = gate_of(EMBED).name
MOST_BATCHES = 10_000


@click.command()
@click.option("--batch", help="Only this batch: its id or the first digits of it.")
@click.pass_context
def reembed(context: click.Context, batch: str | None) -> ExitCode:
    """Replace fallback vectors by real ones, batch by batch. Each is an embedding batch of its own: the vector gate
    judges it, and it is rolled back when it fails. While the model is down nothing is changed, and the exit code is 3.

    \b
    Examples:
      python run.py reembed
      python run.py reembed --batch 3f2a91c07d11
    """
    app = app_of(context)
    codes = []
    for one in _waiting(app, batch):
        codes.append(_tried(app, one) if batch is None else _reembedded(app, one))
        if codes[-1] is ExitCode.OUTAGE:
            break  # each of the others would only wait for the same model
    if not codes:
        click.echo("No batch has fallback vectors.")
    return next((code for code in (*EXIT_PRECEDENCE, ExitCode.USAGE) if code in codes), ExitCode.OK)


def _waiting(app: App, batch: str | None) -> Iterator[Batch]:
    """Batches that may have fallback vectors, the store knows which still do; and re-embeddings that were cut off."""
    if batch is not None:
        yield app.ledger.find(batch)
        return
    for one in app.ledger.recent(MOST_BATCHES):
        latest, status = one.embedding, one.status
        with_fallbacks = any(manifest.fallback for manifest in (*one.embeddings.values(), latest) if manifest)
        interrupted = latest is not None and latest.kind == REEMBED and not latest.finished
        if (status is BatchStatus.CLOSED and with_fallbacks) or (status is BatchStatus.RUNNING and interrupted):
            yield one


def _tried(app: App, batch: Batch) -> ExitCode:
    """Of several batches, one whose vectors are not where the settings say keeps none of the others waiting."""
    try:
        return _reembedded(app, batch)
    except ConfigurationError as error:
        click.echo(f"{batch.name}  {error}", err=True)
        return error.exit_code


def _reembedded(app: App, batch: Batch) -> ExitCode:
    if batch.status is BatchStatus.CLOSED and not app.fallbacks(batch):
        click.echo(f"{batch.name}  no fallback vectors")
        return ExitCode.OK
    outcome = app.runner().reembed(batch.batch_id, app.reembedder())
    now = app.ledger.batch(batch.batch_id) or batch
    left = app.fallbacks(now)
    if left and not outcome.fresh:
        click.echo(f"{batch.name}  the model is still down: {left:,} fallback vectors stay")
        return ExitCode.OUTAGE
    click.echo(_line(outcome, now))
    return outcome.exit_code


def _line(outcome: BatchOutcome, batch: Batch) -> str:
    embedding, verdict = batch.embedding or EmbeddingState(""), outcome.verdicts.get(GATE, "")
    replaced = f"{embedding.written:,} of {embedding.expected:,} replaced"
    text = f"{short(outcome.batch_id)}  {coloured(verdict)}  {replaced}"
    if back := embedding.rolled_back:
        text += f"; rolled back: {removal(back)}"
    return f"{text}. {outcome.next_step}" if outcome.next_step else text
