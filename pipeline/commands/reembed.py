"""`run.py reembed`: fallback vectors are replaced by real ones once the model is back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from pipeline.commands.app import App, app_of
from pipeline.commands.tables import coloured
from pipeline.errors import ExitCode
from pipeline.model import BatchSource, BatchStatus, EmbedManifest, GateReport, Verdict, short
from pipeline.ports import BatchContext

GATE = "vectors"
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
    codes = [_reembedded(app, document) for document in _waiting(app, batch)]
    if not codes:
        click.echo("No batch has fallback vectors.")
    return next((code for code in (ExitCode.OUTAGE, ExitCode.GATE_FAILED) if code in codes), ExitCode.OK)


def _waiting(app: App, batch: str | None) -> Iterator[Mapping[str, Any]]:
    """Batches that may have fallback vectors: the store knows which still do."""
    if batch is not None:
        yield app.ledger.find(batch)
        return
    for document in app.ledger.recent(MOST_BATCHES):
        manifests = [*(document.get("embeddings") or {}).values(), document.get("embedding") or {}]
        if any(manifest.get("fallback") for manifest in manifests):
            yield document


def _reembedded(app: App, document: Mapping[str, Any]) -> ExitCode:
    batch_id = str(document["_id"])
    with app.leased(batch_id) as keeper:
        source = BatchSource(batch_id, Path(str(document.get("source") or "")))
        manifest = app.reembedder().run(BatchContext(source, keeper.lease, datetime.now(UTC), app.progress))
        if manifest is None:
            return _unchanged(app, batch_id)
        report = app.gate(GATE).check(batch_id, keeper.lease)
        app.ledger.record_gate(keeper.lease, report)
        click.echo(_line(batch_id, manifest, report))
        if report.verdict is Verdict.ERROR:
            app.ledger.end_step(
                keeper.lease, f"gate:{GATE}", ok=False, counts={}, error="the re-embedding was not judged"
            )
            app.ledger.set_status(keeper.lease, BatchStatus.HELD, reason="Its re-embedding could not be judged.")
    return ExitCode.OK if report.verdict in (Verdict.PASS, Verdict.WARN) else ExitCode.GATE_FAILED


def _unchanged(app: App, batch_id: str) -> ExitCode:
    left = app.fallbacks(batch_id)
    if not left:
        click.echo(f"{short(batch_id)}  no fallback vectors")
        return ExitCode.OK
    click.echo(f"{short(batch_id)}  the model is still down: {left:,} fallback vectors stay")
    return ExitCode.OUTAGE


def _line(batch_id: str, manifest: EmbedManifest, report: GateReport) -> str:
    done = "; ".join(f"{one.action}: {one.detail}" for one in report.actions if one.action == "rollback")
    text = f"{short(batch_id)}  {coloured(str(report.verdict))}  {manifest.written:,} of {manifest.expected:,} replaced"
    return f"{text}; {done}" if done else text
