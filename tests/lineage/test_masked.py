"""A masked field shows its shape wherever a store repeats its value; an interaction_id is always shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from expectations_plugins.core.masking import Masks
from pipeline.cli.trace_data import as_json
from pipeline.cli.trace_tree import plain_tree, tree_of
from pipeline.core.locator import Locator
from pipeline.core.records import MetricRow, ReviewItem
from pipeline.core.traces import (
    Answer,
    BatchSeen,
    FindingSeen,
    GateSeen,
    Mark,
    MetricsSeen,
    Neighbour,
    Neighbourhood,
    Place,
    RawRecord,
    Release,
    Trace,
    VectorSeen,
)
from pipeline.tracing.masked import masked

AT = datetime(2026, 11, 20, 9, 10, tzinfo=UTC)
BATCH = "ab" * 32
SECRETS = {
    "user_id": "u_4711",
    "campaign_id": "c_hidden",
    "message": "call me maybe",
    "type": "purchase",
    "channel": "Fax",
}
REVIEW = ReviewItem(
    "i_1",
    BATCH,
    "c_hidden",
    "open",
    "campaign c_hidden is missing",
    "graph",
    "r",
    AT,
    ({"note": "c_hidden", "at": ""},),
)
RELEASE = Release(Mark("raw", "bad", "run-1", AT), AT, "typed in", "run-2", {"user_id": "u_4711"})
FINDING = FindingSeen("expect_x", "critical", "1 is bad", "user_id", "u_4711", 1, 1)
GATE = GateSeen("raw", "FAIL", "run-1", AT, findings=(FINDING,))
FOUND = Trace(
    "i_1",
    raw=Answer(
        RawRecord(
            BATCH,
            Locator(1),
            AT,
            {**{name: SECRETS[name] for name in ("user_id", "campaign_id", "message", "type")}, "interaction_id": "i_1"}
            | {"extra": {"channel": "Fax", "deep": [{"user_id": "u_4711"}]}},
            releases=(RELEASE,),
        )
    ),
    metrics=Answer(MetricsSeen((MetricRow(BATCH, "c_hidden", "purchase", AT, 1, 1, Decimal(0)),), AT, 1)),
    place=Place(BATCH, "c_hidden", "purchase", AT),
    graph=Answer(
        Neighbourhood(BATCH, "c_hidden", "purchase", AT, ("u_4711",), ("c_hidden",), False, False, 0, 0, REVIEW)
    ),
    vector=Answer(VectorSeen(BATCH, "e1", "model", 7, 768, 1.0)),
    neighbours=Answer((Neighbour("i_2", 0.5, "call me"),)),
    batch=Answer(BatchSeen(BATCH, "a.jsonl", "closed", gates=(GATE,))),
)


def texts(found: Trace) -> str:
    return "\n".join(plain_tree(tree_of(found))) + as_json(found)


@pytest.mark.parametrize("field", SECRETS)
def test_a_masked_field_is_shown_nowhere(field: str) -> None:
    assert SECRETS[field] in texts(FOUND)
    assert SECRETS[field] not in texts(masked(FOUND, Masks((field,))))


def test_without_masks_all_is_shown() -> None:
    assert masked(FOUND, Masks(())) == FOUND


def test_an_interaction_id_is_always_shown() -> None:
    shown = texts(masked(FOUND, Masks(("interaction_id", "user_id"))))
    assert '"interaction_id": "i_1"' in shown
    assert "i_2" in shown


@pytest.mark.parametrize("text", ["\x1b[31m", "line\nbreak", "\u202e", "\x00"])
def test_what_data_says_cannot_steer_the_terminal(text: str) -> None:
    def spoiled(value: Any) -> Any:
        return replace(value, fields={**value.fields, "message": text, text: text})

    assert FOUND.raw.value is not None
    shown = list(plain_tree(tree_of(replace(FOUND, interaction_id=text, raw=Answer(spoiled(FOUND.raw.value))))))
    assert len(shown) == len(list(plain_tree(tree_of(FOUND)))) + 1
    assert text not in "".join(shown)
