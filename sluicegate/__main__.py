"""`python -m sluicegate`."""

from __future__ import annotations

from sluicegate.launcher import main

if __name__ == "__main__":
    main("python -m sluicegate")
