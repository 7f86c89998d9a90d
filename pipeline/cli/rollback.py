"""`run.py rollback`: a person takes a batch's latest embedding batch back."""

from __future__ import annotations

import click

from expectations_plugins.core.errors import ConfigurationError, ExitCode
from pipeline.cli.app import app_of
from pipeline.cli.prompts import confirm, whoami
from pipeline.cli.summary import as_text
from pipeline.cli.unfinished import finish_unfinished
from pipeline.core.batches import short
from pipeline.core.decision import Decision, DecisionKind
from pipeline.core.program import program
from pipeline.core.rollback_plan import RollbackNumbers, RollbackPlan, difference, removal
from pipeline.stages.placement import refuse_elsewhere


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
def rollback(context: click.Context, batch: str, *, dry_run: bool, yes: bool, collection: str) -> ExitCode:
    """Take the latest embedding batch of BATCH back: what it wrote goes, what it replaced comes back, bit for bit.

    It acts in the collection that the batch was embedded into, whatever GEMINI_MODEL is now; what it removes is counted
    there. MongoDB, BigQuery and Neo4j are not touched. The batch is halted then, and can be embedded again.

    \b
    Examples:
      python run.py rollback 3f2a91c07d11 --dry-run
      python run.py rollback 3f2a91c07d11 --yes
    """
    app = app_of(context)
    found = app.ledger.find(batch)
    if found.decision:  # refused before it is finished in a collection that this person does not mean
        refuse_elsewhere(found.batch_id, found.embedding, collection)
    finished = frozenset() if dry_run else finish_unfinished(app)
    found = app.ledger.find(batch)
    if found.batch_id in finished and found.embedding and found.embedding.rolled_back:  # this command, killed before
        click.echo(_done(found.name, found.embedding.rolled_back))
        return ExitCode.OK
    plan = app.rollback.plan(found, collection)
    click.echo(_would(plan))
    if plan.later:
        raise ConfigurationError(
            f"Later embedding batches wrote over its vectors: {', '.join(plan.later)}.",
            next_step="Roll those back first.",
        )
    if dry_run:
        return ExitCode.OK
    confirm("Roll it back?", yes=yes)
    data = {"embedding_batch_id": plan.embedding_batch_id, "collection": collection}
    outcome = app.runner().decide(plan.batch_id, Decision(DecisionKind.ROLLBACK, data, whoami()))
    if outcome.exit_code:
        click.echo("\n".join(as_text([outcome], app.docs_index)))
        return outcome.exit_code
    done = app.ledger.find(plan.batch_id).embeddings[plan.embedding_batch_id].rolled_back
    click.echo(_done(short(plan.batch_id), done or plan.numbers()))
    return ExitCode.OK


def _done(name: str, numbers: RollbackNumbers) -> str:
    return f"Rolled back. {removal(numbers)}. Embed it again: {program()} recheck {name} --redo"


def _would(plan: RollbackPlan) -> str:
    return (
        f"Embedding batch {plan.embedding_batch_id} of batch {short(plan.batch_id)}:"
        f" {plan.removed:,} vectors are removed, {plan.restored:,} restored, in collection"
        f" {plan.collection}{difference(plan.numbers())}."
    )
