"""Runs a piece of Python as a process of its own, and what there is to find: registration happens once a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent

WITHOUT = """
import sys
class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Without())
"""
"""The beginning of a program in whose process some packages are not installed."""


def run(program: str, *, folder: Path, path: list[Path] | None = None, **variables: str) -> Any:
    """What a program prints as JSON on its last line.

    Args:
        program: Python.
        folder: Its working directory.
        path: Where it finds modules first, before this checkout.
        variables: Added to the environment.
    """
    file = folder / "program.py"
    file.write_text(program, encoding="utf-8")
    found = os.pathsep.join(map(str, [*(path or []), ROOT]))
    done = subprocess.run(
        [sys.executable, str(file)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": found, "PYTHONWARNINGS": "default"} | variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
