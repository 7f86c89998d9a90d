"""`run.py rollback`: a person takes a batch's latest embedding batch back."""

from __future__ import annotations

import click

from expectations_plugins.core.errors import ConfigurationError
from pipeline.cli.app import app_of
from pipeline.cli.prompts import confirm
from pipeline.core.batches import BatchStatus, short
from pipeline.core.program import program
from pipeline.core.rollback_plan import RollbackPlan, difference, removal
from pipeline.core.topology import EMBED, gate_of


@click.command()
@click.argument("batch")
@click.option("--dry-run", is_flag=True, help="Say what it would do, and do nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--collection",
    default="",
    metavar="NAME",
    help="The Milvus collection of its vectors; only for batches of earlier versions, which did not note it.",
)
@click.pass_context
def rollback(context: click.Context, batch: str, *, dry_run: bool, yes: bool, collection: str) -> None:
    """Take the latest embedding batch of BATCH back: what it wrote goes, what it replaced comes back, bit for bit.

    It acts in the collection that the batch was embedded into, whatever GEMINI_MODEL is now; what it removes is counted
    there. MongoDB, BigQuery and Neo4j are not touched. The batch is halted then, and can be embedded again.

    \b
    Examples:
      python run.py rollback 3f2a91c07d11 --dry-run
      python run.py rollback 3f2a91c07d11 --yes
    """
    app = app_of(context)
    plan = app.rollback.plan(app.ledger.find(batch), collection)
    click.echo(_would(plan))
    if plan.later:
        raise ConfigurationError(
            f"Later embedding batches wrote over its vectors: {', '.join(plan.later)}.",
            next_step="Roll those back first.",
        )
    if dry_run:
        return
    confirm("Roll it back?", yes=yes)
    with app.leased(plan.batch_id) as keeper:
        # halted first: whatever ends this, the batch does not stand there as closed without its vectors
        app.ledger.end_step(keeper.lease, gate_of(EMBED).key, ok=False, counts={}, error="rolled back by a person")
        reason = "Its vectors were rolled back by a person."
        app.ledger.set_status(keeper.lease, BatchStatus.HALTED, reason=reason)
        done = app.rollback.perform(keeper.lease, plan.batch_id, plan.embedding_batch_id, collection)
    click.echo(
        f"Rolled back. {removal(done.numbers())}. Embed it again: {program()} recheck {short(plan.batch_id)} --redo"
    )


def _would(plan: RollbackPlan) -> str:
    return (
        f"Embedding batch {plan.embedding_batch_id} of batch {short(plan.batch_id)}:"
        f" {plan.removed:,} vectors are removed, {plan.restored:,} restored, in collection"
        f" {plan.collection}{difference(plan.numbers())}."
    )
