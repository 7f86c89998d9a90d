"""`run.py gx …`: the generated GX project."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.app import app_of
from pipeline.core.program import program


@click.group()
def gx() -> None:
    """The Great Expectations project in gx/."""


@gx.command()
@click.option("--check", is_flag=True, help="Change nothing; exit 2 when gx/ is not what would be generated.")
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    help="The project's folder; otherwise that of SLUICEGATE_GX.",
)
@click.pass_context
def sync(context: click.Context, check: bool, root: Path | None) -> None:
    """Generate gx/ from the code in checkpoints/.

    Example:  python run.py gx sync --check
    """
    from checkpoints.sync import differences, write  # noqa: PLC0415 - GX takes seconds to import
    from expectations_plugins.core.errors import ConfigurationError  # noqa: PLC0415

    root = root or app_of(context).settings.gx_root
    if check:
        changed = differences(root)
        if changed:
            raise ConfigurationError(
                f"{root} differs from the code in: {', '.join(changed)}.", next_step=f"Run: {program()} gx sync"
            )
        click.echo(f"{root} is what the code says.")
        return
    changed = write(root)
    click.echo(f"{root}: {', '.join(changed)} written." if changed else f"{root} was up to date.")
