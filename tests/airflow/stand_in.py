"""Stands in for Sluicegate's command line in Airflow's tests: answers as its script says, and writes down each call.

The folder it runs in holds `script.json`: {"plan": <what plan prints>, "codes": {"stage graph": [3, 3, 5], ...}}. A
step's codes are used up one a call, over all batches ("stage graph") or of one batch ("stage graph 1a..."); 0 when
there are none left. A code "wait" waits for SIGTERM and ends with 143, as Sluicegate does; a negative one is the signal
it ends itself with; "unreadable" is an outage before it comes to the batch.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

CALLS = Path("calls.jsonl")


def main(arguments: list[str]) -> int:
    """Answer one call; its exit code."""
    script: dict[str, Any] = json.loads(Path("script.json").read_text("utf-8"))
    key = " ".join(arguments[:2])
    code = _code(script.get("codes", {}), ["plan"] if arguments[0] == "plan" else [" ".join(arguments[:3]), key])
    with CALLS.open("a", encoding="utf-8") as calls:
        variables = sorted(name for name in os.environ if "AIRFLOW" in name or name.startswith("PYTHON"))
        calls.write(json.dumps({"arguments": arguments, "code": code, "variables": variables}) + "\n")
    print(json.dumps({"event": "stand_in", "called": key}), file=sys.stderr, flush=True)
    if code == "wait":
        return _until_sigterm()
    if code == "unreadable":
        print("Error: The file cannot be read for now.", file=sys.stderr)
        return 3
    if int(code) < 0:
        os.kill(os.getpid(), -int(code))
    if arguments[0] == "plan":
        print(json.dumps(script["plan"], indent=2))
    else:
        print(json.dumps({"batches": [{"message": f"{key} said {code}.", "next_step": ""}]}, indent=2))
    return int(code)


def _code(codes: dict[str, list[Any]], keys: list[str]) -> Any:
    used = CALLS.read_text("utf-8").splitlines() if CALLS.exists() else []
    for key in keys:
        if key in codes:
            before = sum(" ".join(json.loads(line)["arguments"]).startswith(key) for line in used)
            return codes[key][before] if before < len(codes[key]) else 0
    return 0


def _until_sigterm() -> int:
    def ended(*_: object) -> None:
        Path("terminated").write_text("", encoding="utf-8")
        sys.exit(143)

    signal.signal(signal.SIGTERM, ended)
    Path("waiting").write_text("", encoding="utf-8")
    while True:
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
