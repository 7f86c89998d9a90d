"""Makes an environment with Airflow and nothing of this project: what a scheduler's machine has.

Usage: python tests/airflow/install.py FOLDER

Uses uv where there is one, else pip; 200 MB. Then: AIRFLOW_ENVIRONMENT=FOLDER python -m tests.airflow.whole
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from pathlib import Path

DAG_FILE = Path(__file__).parent.parent.parent / "pipeline" / "airflow" / "sluicegate_dag.py"
AIRFLOW = "apache-airflow==3.3.2"


def main(folder: Path) -> None:
    """Install it, and run the DAG file as a program: it makes its DAG."""
    python = str(folder / "bin" / "python")
    uv = shutil.which("uv")
    if uv:
        subprocess.run([uv, "venv", "--quiet", "--no-config", "--python", sys.executable, folder], check=True)
        install = [uv, "pip", "install", "--quiet", "--no-config", "--python", python]
    else:
        venv.create(folder, with_pip=True)
        install = [python, "-m", "pip", "install", "--quiet"]
    subprocess.run([*install, AIRFLOW], check=True)
    subprocess.run([python, "-I", DAG_FILE], check=True)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main(Path(sys.argv[1]).resolve())
