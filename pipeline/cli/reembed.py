"""`run.py reembed`: fallback vectors are replaced by real ones once the model is back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from expectations_plugins.core.errors import EXIT_PRECEDENCE, ConfigurationError, ExitCode
from pipeline.cli.app import App, app_of
from pipeline.cli.tables import coloured
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
    for document in _waiting(app, batch):
        codes.append(_tried(app, document) if batch is None else _reembedded(app, document))
        if codes[-1] is ExitCode.OUTAGE:
            break  # each of the others would only wait for the same model
    if not codes:
        click.echo("No batch has fallback vectors.")
    return next((code for code in (*EXIT_PRECEDENCE, ExitCode.USAGE) if code in codes), ExitCode.OK)


def _waiting(app: App, batch: str | None) -> Iterator[Mapping[str, Any]]:
    """Batches that may have fallback vectors, the store knows which still do; and re-embeddings that were cut off."""
    if batch is not None:
        yield app.ledger.find(batch)
        return
    for document in app.ledger.recent(MOST_BATCHES):
        latest = document.get("embedding") or {}
        manifests = [*(document.get("embeddings") or {}).values(), latest]
        with_fallbacks = any(manifest.get("fallback") for manifest in manifests)
        interrupted = latest.get("kind") == REEMBED and not latest.get("finished")
        status = document.get("status")
        if (status == BatchStatus.CLOSED and with_fallbacks) or (status == BatchStatus.RUNNING and interrupted):
            yield document


def _tried(app: App, document: Mapping[str, Any]) -> ExitCode:
    """Of several batches, one whose vectors are not where the settings say keeps none of the others waiting."""
    try:
        return _reembedded(app, document)
    except ConfigurationError as error:
        click.echo(f"{short(str(document['_id']))}  {error}", err=True)
        return error.exit_code


def _reembedded(app: App, document: Mapping[str, Any]) -> ExitCode:
    batch_id = str(document["_id"])
    if document.get("status") == BatchStatus.CLOSED and not app.fallbacks(document):
        click.echo(f"{short(batch_id)}  no fallback vectors")
        return ExitCode.OK
    outcome = app.runner().reembed(batch_id, app.reembedder())
    now = app.ledger.batch(batch_id) or document
    left = app.fallbacks(now)
    if left and not outcome.fresh:
        click.echo(f"{short(batch_id)}  the model is still down: {left:,} fallback vectors stay")
        return ExitCode.OUTAGE
    click.echo(_line(outcome, now))
    return outcome.exit_code


def _line(outcome: BatchOutcome, document: Mapping[str, Any]) -> str:
    embedding, verdict = document.get("embedding") or {}, outcome.verdicts.get(GATE, "")
    replaced = f"{embedding.get('written', 0):,} of {embedding.get('expected', 0):,} replaced"
    text = f"{short(outcome.batch_id)}  {coloured(verdict)}  {replaced}"
    if back := embedding.get("rolled_back"):
        text += f"; rolled back: {removal(back)}"
    return f"{text}. {outcome.next_step}" if outcome.next_step else text
