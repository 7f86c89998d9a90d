"""Makes an environment with Airflow and, without its dependencies, this project: what a scheduler's machine has.

Usage: python tests/airflow/install.py FOLDER

Uses uv where there is one, else pip; 200 MB. Then: AIRFLOW_ENVIRONMENT=FOLDER python -m tests.airflow.whole
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
AIRFLOW = "apache-airflow==3.3.2"


def main(folder: Path) -> None:
    """Install both, and import the DAG's module."""
    python = str(folder / "bin" / "python")
    uv = shutil.which("uv")
    if uv:
        subprocess.run([uv, "venv", "--quiet", "--no-config", "--python", sys.executable, folder], check=True)
        install = [uv, "pip", "install", "--quiet", "--no-config", "--python", python]
    else:
        venv.create(folder, with_pip=True)
        install = [python, "-m", "pip", "install", "--quiet"]
    subprocess.run([*install, AIRFLOW], check=True)
    with tempfile.TemporaryDirectory() as wheels:
        subprocess.run([*_wheel(uv, python), wheels, ROOT], check=True)
        [wheel] = Path(wheels).glob("*.whl")
        subprocess.run([*install, "--no-deps", "--reinstall" if uv else "--force-reinstall", wheel], check=True)
    subprocess.run([python, "-I", "-c", "import pipeline.airflow.dag"], check=True)


def _wheel(uv: str | None, python: str) -> list[str]:
    if uv:
        return [uv, "build", "--quiet", "--no-config", "--wheel", "--out-dir"]
    return [python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir"]


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main(Path(sys.argv[1]).resolve())
