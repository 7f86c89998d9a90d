"""Places on the command line: paths of this machine, and addresses such as `s3://logs/landing`."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.storage.location import Place, Remote, place


class PlaceType(click.ParamType[Place]):
    """A file or a folder, here or elsewhere."""

    name = "path"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Place:
        """The place of that name; a path here is looked at as click does it."""
        found = value if isinstance(value, Remote) else place(str(value))
        return found if isinstance(found, Remote) else Path(str(_HERE.convert(str(found), param, ctx)))


_HERE = click.Path()
PLACE = PlaceType()
