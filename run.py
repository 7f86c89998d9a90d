"""Starts Sluicegate's command line from a checkout; the installed program is `sluicegate`."""

from __future__ import annotations

from sluicegate.launcher import main

if __name__ == "__main__":
    main("run.py")
