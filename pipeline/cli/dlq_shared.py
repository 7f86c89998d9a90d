"""What the commands of the dead-letter queue share: which batch or record is meant, and a ledger that is up to date."""

from __future__ import annotations

import re
from dataclasses import dataclass

import click

from expectations_plugins.core.characters import is_unseen
from expectations_plugins.core.errors import ConfigurationError, SluicegateError
from pipeline.cli.app import App
from pipeline.core.batch import Batch
from pipeline.core.batches import short
from pipeline.core.locator import Locator
from pipeline.core.program import program
from pipeline.core.records import DeadReason
from pipeline.dead_letters import DeadFolders, Entry, SpoolError, take_in
from pipeline.ports.dead_letters import DeadQueue, Letter
from pipeline.runner.lease import new_holder

_TARGET = re.compile(r"([0-9a-f]{1,64})(?::([0-9]{1,12}(?:\.[0-9]{1,6})?))?", re.IGNORECASE | re.ASCII)

reason_option = click.option(
    "--reason", type=click.Choice([reason.value for reason in DeadReason]), help="Only records that died for this."
)
batch_option = click.option("--batch", help="Only one batch: its id or the first digits of it.")


@dataclass(frozen=True, slots=True)
class Target:
    """What a person means: a batch, or one record of it.

    Args:
        batch: The batch.
        at: Where the record is in the batch's file; None means the batch.
    """

    batch: Batch
    at: Locator | None = None

    @property
    def batch_id(self) -> str:
        """The batch's whole id."""
        return self.batch.batch_id

    def __str__(self) -> str:
        return short(self.batch_id) if self.at is None else f"{short(self.batch_id)}:{self.at.address}"


def text(context: click.Context, parameter: click.Parameter, given: str | None) -> str | None:
    """Text that a store can keep: not blank, and not bytes that the terminal's encoding has no text for."""
    del context
    if given is None or (given.strip() and given == given.encode("utf-8", "replace").decode("utf-8")):
        return given
    name = (parameter.name or "").replace("_", " ")
    raise click.BadParameter(f"The {name} is {'not UTF-8' if given.strip() else 'empty'}.")


def target_of(app: App, given: str) -> Target:
    """The batch or record a person named, once what the spool holds is in the ledger.

    Args:
        app: The parts.
        given: BATCH or BATCH:LINE, a batch by its first digits.

    Raises:
        ConfigurationError: It is neither, or there is no such batch, or no such dead record.
    """
    found = _TARGET.fullmatch(given.strip())
    if found is None:
        raise ConfigurationError(
            f"{escaped(given)!r} is neither a batch nor a record of one.",
            next_step=f"Give BATCH, the first hex digits of an id, or BATCH:LINE: see {program()} dlq list.",
        )
    up_to_date(app)
    target = Target(app.ledger.find(found[1].lower()), Locator.typed(found[2]) if found[2] else None)
    if target.at is not None:
        letter_of(app.dead_queue, target)
    return target


def letter_of(queue: DeadQueue, target: Target) -> Letter:
    """The dead record a person named.

    Raises:
        ConfigurationError: There is none.
    """
    assert target.at is not None
    letter = queue.letter(target.batch_id, target.at.key)
    if letter is None:
        raise ConfigurationError(
            f"Record {target.at.address} of batch {short(target.batch_id)} is not among the dead letters.",
            next_step=f"List those that are: {program()} dlq list --batch {short(target.batch_id)}",
        )
    return letter


def up_to_date(app: App) -> None:
    """Take into the ledger what died while MongoDB was down; a spool that cannot be written only delays that.

    Raises:
        TransientError: MongoDB cannot be reached.
    """
    ledger, settings = app.ledger, app.settings
    count, seconds = app.raw_store.counts, settings.lease_seconds
    try:
        take_in(settings.spool_dir, ledger, count, holder=new_holder(), lease_seconds=seconds, progress=app.progress)
    except SpoolError as error:
        click.echo(f"The spool was not taken into the ledger: {error}", err=True)


def entry_of(app: App, batch_id: str) -> Entry | SluicegateError | None:
    """What the spool holds of a batch, or what is wrong with it; None when it holds nothing."""
    try:
        return DeadFolders(app.settings.spool_dir).entry(batch_id)
    except SluicegateError as error:
        return error


def escaped(value: object) -> str:
    r"""Text that came from data, on one line; what cannot be seen is shown as `\x1b`, `\u202e` or `\n`."""
    return "".join(one.encode("unicode_escape").decode() if is_unseen(one) else one for one in str(value))
