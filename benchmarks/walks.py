"""Counts how far a call goes in this code: one record through `stage load`, with a profiler around the real command.

Usage: python benchmarks/walks.py   Starts the local servers in a temporary folder. Prints one figure a line.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path
from types import FrameType

HERE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HERE))
PACKAGES = ("expectations_plugins", "pipeline", "checkpoints", "sluicegate")
RECORD = {"interaction_id": "i_1", "user_id": "u_100", "campaign_id": "c_1", "type": "click", "message": "one"}


class Walk:
    """What a profiler saw of our own functions, over all threads."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str]] = Counter()
        self.crossings: Counter[tuple[str, str]] = Counter()
        self.deepest: list[str] = []
        self.ledger_write: list[str] = []

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        """Note a call, as `sys.setprofile` gives it."""
        del argument
        module = str(frame.f_globals.get("__name__", ""))
        if event != "call" or not module.startswith(PACKAGES) or frame.f_code.co_name == "<module>":
            return
        self.calls[module, frame.f_code.co_qualname] += 1
        caller = frame.f_back
        above = str(caller.f_globals.get("__name__", "")) if caller else ""
        if above.startswith(PACKAGES) and above != module:
            self.crossings[above, module] += 1
        stack = [one for one in _stack(frame) if one.partition(":")[0].startswith(PACKAGES)]
        if frame.f_code.co_name == "end_step" and module.startswith("pipeline.stores"):
            self.ledger_write = stack
        if len(stack) > len(self.deepest):
            self.deepest = stack


def _stack(frame: FrameType | None) -> list[str]:
    found = []
    while frame is not None:
        found.append(f"{frame.f_globals.get('__name__', '')}:{frame.f_code.co_qualname}")
        frame = frame.f_back
    return found[::-1]


def measured(folder: Path) -> Walk:
    """Load one record, as the command line does."""
    from sluicegate.app import App  # noqa: PLC0415 - what is imported is not what is counted
    from sluicegate.commands import sluicegate  # noqa: PLC0415

    log = folder / "one.jsonl"
    log.write_text(json.dumps(RECORD) + "\n", encoding="utf-8")
    walk = Walk()
    with contextlib.closing(App()) as app:
        app.configure(SLUICEGATE_HOME=str(folder / "home"), SLUICEGATE_GX=str(HERE / "gx"))
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            sluicegate.main(["plan", str(log)], obj=app, standalone_mode=False)
        [batch] = json.loads(said.getvalue())["batches"]
        threading.setprofile(walk)
        sys.setprofile(walk)
        try:
            arguments = ["stage", "load", batch["batch_id"], "--file", str(log)]
            sluicegate.main(arguments, obj=app, standalone_mode=False)
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
    return walk


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        walk = measured(Path(folder))
    modules = {module for module, _ in walk.calls}
    print(f"calls {sum(walk.calls.values())}, functions {len(walk.calls)}, modules {len(modules)}")
    print(f"calls from module to module {sum(walk.crossings.values())}, arrows {len(walk.crossings)}")
    print(f"deepest stack {len(walk.deepest)}: {' > '.join(walk.deepest)}")
    started = max(at for at, one in enumerate(walk.ledger_write) if "_stage_attempt" in one)
    print(f"from the attempt to the ledger: {' > '.join(walk.ledger_write[started:])}")


if __name__ == "__main__":
    main()
