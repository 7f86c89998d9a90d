"""Starts Sluicegate with its own packages, whatever else is called `pipeline` or `checkpoints` on this machine.

Every process of ours begins here: console script, `python -m sluicegate`, `run.py`, and the children, which run this
file itself (`pipeline.core.program`). It imports Python's own library only, until our packages are sure to be found.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import NoReturn

PACKAGES = ("sluicegate", "expectations_plugins", "pipeline", "checkpoints")
HERE = Path(__file__).absolute().parent
INSIDE = HERE / "packages"
"""Where the wheel puts `pipeline` and `checkpoints`; in a checkout they are beside this package."""

WRONG_SETUP = 2


class OwnPackages(MetaPathFinder):
    """Finds our packages in our own folders only, and leaves every other import to the finders after it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where a package of ours is; None for any other name."""
        del path
        return PathFinder.find_spec(fullname, [str(_home(fullname))], target) if fullname in PACKAGES else None


def find_ours() -> None:
    """From now on imports in this process find our packages, and no others of the same names.

    Raises:
        ImportError: One of the names is in use already, for something else.
    """
    for name, where in _strangers():
        raise ImportError(
            f"This process has already imported another {name}, from {where}; Sluicegate has a package of that name."
            " Something imports it as Python starts, e.g. a sitecustomize or a .pth file."
            " Start Sluicegate without that, e.g. with PYTHONPATH unset, or in an environment of its own."
        )
    if not any(isinstance(finder, OwnPackages) for finder in sys.meta_path):
        sys.meta_path.insert(0, OwnPackages())


def main(name: str = "sluicegate") -> NoReturn:
    """Run the command line to its end.

    Args:
        name: How it was started, as messages and help texts repeat it.
    """
    _prepare(name)
    from sluicegate.app import main as run  # now it is found, and so is what it imports

    run()


def _prepare(name: str) -> None:
    try:
        find_ours()
    except ImportError as error:
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(WRONG_SETUP)
    from pipeline.core.program import (  # before anything else of ours, for names in constants
        keep_environment,
        started_as,
    )

    started_as(name)
    keep_environment()


def _child(name: str, *arguments: str) -> None:
    """A process that another of ours started: `-m MODULE …`, or the command line again."""
    if arguments[:1] != ("-m",):
        sys.argv[1:] = arguments
        main(name)
    _prepare(name)
    sys.argv = list(arguments[1:])
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _home(name: str) -> Path:
    return INSIDE if (INSIDE / name).is_dir() else HERE.parent


def _is_ours(name: str, file: str | None) -> bool:
    return file is not None and Path(file).exists() and Path(file).samefile(_home(name) / name / "__init__.py")


def _strangers() -> Iterator[tuple[str, str]]:
    for name in PACKAGES:
        module = sys.modules.get(name)
        if module is not None and not _is_ours(name, getattr(module, "__file__", None)):
            yield name, str(getattr(module, "__file__", None) or list(getattr(module, "__path__", [])) or "nowhere")


if __name__ == "__main__":
    _child(*sys.argv[1:])
