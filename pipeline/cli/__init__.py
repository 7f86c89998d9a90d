"""The commands of run.py, one file each. They ask an `App` for what they need and show it; they wire nothing."""
