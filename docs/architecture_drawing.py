"""Draws architecture.svg beside this file: the layers and who imports whom, and a batch's way through the stores.

Usage: python docs/architecture_drawing.py   Steps, stores and packages are the code's; a test holds the arrows.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from pipeline.core.topology import STEPS, StepKind  # noqa: E402 - the project is found first

WIDTH, HEIGHT = 1000, 670
FILE = HERE / "architecture.svg"

IMPORTS = (
    ("run.py", "sluicegate"),
    ("sluicegate", "checkpoints"),
    ("sluicegate", "pipeline"),
    ("sluicegate", "expectations_plugins"),
    ("checkpoints", "pipeline"),
    ("checkpoints", "expectations_plugins"),
    ("pipeline", "expectations_plugins"),
)
"""Which package imports which; there are no other imports between them."""

LAYERS = (
    ("run.py", "starts the command line from a checkout", 30),
    ("sluicegate", "launcher, commands, composition root: the one place that wires the parts", 90),
    ("checkpoints", "gates: suites, policy, actions, Data Docs", 150),
    ("pipeline", "the application; runs without Great Expectations", 210),
    ("expectations_plugins", "the ground: errors, connections, GX data sources, engines, expectations", 0),
)
"""Name, what it is, and its top edge; the last one's follows from the height of `pipeline`."""

PER_ROW, ROW = 6, 30
ROOMS = re.compile(r"^\| `pipeline/(\w+)` \|", re.MULTILINE)
"""The folders of `pipeline`, in the table of architecture.md, from the top down."""


def parts() -> list[str]:
    """Folders of `pipeline`, from the top down."""
    return ROOMS.findall((HERE / "architecture.md").read_text("utf-8"))


STORES = {"mongodb": "MongoDB", "bigquery": "BigQuery", "neo4j": "Neo4j", "milvus": "Milvus"}
KEEPS = {
    "mongodb": "raw records, ledger",
    "bigquery": "metrics",
    "neo4j": "graph, reviews",
    "milvus": "vectors",
}
STYLE = """
  svg { color: #1f2328; background: #ffffff; font: 14px system-ui, -apple-system, "Segoe UI", sans-serif }
  text { fill: currentColor } .small { font-size: 12px } .quiet { fill: #59636e }
  .title { font-weight: 600; font-size: 16px } .name { font-weight: 600 }
  .box { fill: #f6f8fa; stroke: #8c959f } .part { fill: #ffffff; stroke: #c4ccd4 }
  .stage { fill: #ddf4ff; stroke: #0969da } .gate { fill: #fff8c5; stroke: #9a6700 }
  .store { fill: #dafbe1; stroke: #1a7f37 }
  .arrow { fill: none; stroke: currentColor; stroke-width: 1.5; marker-end: url(#head) }
  .writes { fill: none; stroke: #59636e; stroke-dasharray: 4 3; marker-end: url(#head) }
  #head path { fill: currentColor }
  @media (prefers-color-scheme: dark) {
    svg { color: #e6edf3; background: #0d1117 } .quiet { fill: #9198a1 }
    .box { fill: #161b22; stroke: #656c76 } .part { fill: #0d1117; stroke: #3d444d }
    .stage { fill: #10233f; stroke: #4493f8 } .gate { fill: #2e2407; stroke: #d29922 }
    .store { fill: #0f2a17; stroke: #3fb950 }
    .writes { stroke: #9198a1 }
  }
""".rstrip()
ALT = (
    "Above, the layers run.py, sluicegate, checkpoints, pipeline and expectations_plugins; imports point downwards, "
    "also between the folders of pipeline, which are drawn from the top down. "
    "Below, a batch's way through stages and gates, and the store each of them writes or reads."
)


NOTES = (
    "A stage writes its store, a gate asks it. FAIL halts a batch until a person decides, ERROR until the next run.",
    "Verdicts and what was done are in the ledger; dead batches and their files are in the spool.",
    "People are told by Slack and PagerDuty; Data Docs are published last, also when a gate failed.",
)


def drawing() -> str:
    """The SVG."""
    rows = -(-len(parts()) // PER_ROW)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT + rows * ROW}"'
        f' role="img" aria-label="{escape(ALT)}">\n'
        f"<style>{STYLE}\n</style>\n"
        '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0 10 5 0 10z"/></marker></defs>'
    )
    way = [f'<g transform="translate(0 {rows * ROW - 60})">', *_way(), "</g>"]
    return "\n".join([head, *_layers(rows), *way, "</svg>"]) + "\n"


def _layers(rows: int) -> Iterator[str]:
    tops = {name: top for name, _, top in LAYERS}
    tops["expectations_plugins"] = tops["pipeline"] + 60 + rows * ROW
    for name, what, _ in LAYERS:
        height = 45 + rows * ROW if name == "pipeline" else 45
        yield f'<rect class="box" data-layer="{name}" x="180" y="{tops[name]}" width="790" height="{height}" rx="6"/>'
        yield _text(200, tops[name] + 28, name, "name")
        yield _text(395, tops[name] + 28, what, "quiet")
    for number, part in enumerate(parts()):
        left, top = 200 + number % PER_ROW * 127, tops["pipeline"] + 43 + number // PER_ROW * ROW
        yield f'<rect class="part" data-package="pipeline/{part}" x="{left}" y="{top}" width="117" height="24" rx="4"/>'
        yield _text(left + 10, top + 17, part, "small")
    yield _text(20, 22, "Who imports whom", "title")
    for number, (above, below) in enumerate(IMPORTS):
        start, end = tops[above] + 30, tops[below] + 15
        left = 40 + number * 18
        yield (
            f'<path class="arrow" data-from="{above}" data-to="{below}" d="M180 {start}H{left}V{end}H178">'
            f"<title>{above} imports {below}</title></path>"
        )


def _way() -> Iterator[str]:
    yield _text(20, 440, "A batch's way", "title")
    yield _text(20, 490, "log file", "small")
    wide, gap = 92, 106
    centres: dict[str, list[tuple[int, bool]]] = {store: [] for store in STORES}
    for number, step in enumerate(STEPS):
        left, is_gate = 104 + number * gap, step.kind is StepKind.GATE
        yield f'<path class="arrow" d="M{left - 14 if number else 68} 485H{left - 1}"/>'
        shape = f'x="{left}" y="462" width="{wide}" height="46" rx="{23 if is_gate else 6}"'
        yield f'<rect class="{step.kind}" data-step="{step.key}" {shape}/>'
        yield _middle(left + wide // 2, 482, step.name, "name")
        yield _middle(left + wide // 2, 499, step.kind, "small quiet")
        for store in step.stores:
            centres[store].append((left + wide // 2, is_gate))
    yield _text(104 + len(STEPS) * gap - 10, 490, "closed", "small")
    for number, (store, name) in enumerate(STORES.items()):
        middle = 180 + number * 220
        yield f'<rect class="store" data-store="{store}" x="{middle - 85}" y="590" width="170" height="50" rx="12"/>'
        yield _middle(middle, 611, name, "name")
        yield _middle(middle, 629, KEEPS[store], "small quiet")
        for offset, (centre, is_gate) in enumerate(centres[store]):
            end = middle - 30 + offset * 30
            start, finish = (f"{end} 590", f"{centre} 510") if is_gate else (f"{centre} 508", f"{end} 588")
            yield f'<path class="writes" d="M{start}L{finish}"/>'
    for number, words in enumerate(NOTES):
        yield _text(20, 672 + number * 19, words, "small")


def _text(x: int, y: int, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}">{escape(text)}</text>'


def _middle(x: int, y: int, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="middle">{escape(text)}</text>'


if __name__ == "__main__":
    FILE.write_text(drawing(), encoding="utf-8")
