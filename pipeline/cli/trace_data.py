"""A trace as one JSON document: a key a store."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from pipeline.cli.summary import plain
from pipeline.core.fields import INTERACTION_ID
from pipeline.core.traces import Answer, Trace


def as_json(found: Trace) -> str:
    """The document.

    Args:
        found: The trace, with what must not be seen masked.
    """
    raw, batch = found.raw.value, found.batch.value
    document = {
        INTERACTION_ID: found.interaction_id,
        "mongodb": {
            **_why(found.raw),
            "state": None if raw is None else "quarantined" if raw.quarantine else "accepted",
            "record": {**asdict(raw), **raw.at.as_data()} if raw else None,
            "dead_letters": [{**asdict(one), **one.at.as_data()} for one in found.dead.value or ()],
            "duplicates": "not kept by id: the ledger counts them by batch",
        },
        "bigquery": {
            **_why(found.metrics),
            "place": asdict(found.place) if found.place else None,
            "metrics": asdict(found.metrics.value) if found.metrics.value else None,
        },
        "neo4j": {**_why(found.graph), "node": asdict(found.graph.value) if found.graph.value else None},
        "milvus": {
            **_why(found.vector),
            "vector": asdict(found.vector.value) if found.vector.value else None,
            "nearest": {**_why(found.neighbours), "records": [asdict(one) for one in found.neighbours.value or ()]},
        },
        "batch": {**_why(found.batch), "document": asdict(batch) if batch else None},
        "contradictions": [asdict(one) for one in found.contradictions],
    }
    return json.dumps(_finite(document), indent=2, default=plain)


def _why(answer: Answer[Any]) -> dict[str, str | None]:
    return {"problem": answer.problem or None, "why_none": answer.why_none or None}


def _finite(value: Any) -> Any:
    """JSON has no number that is not finite, and no decimal."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {name: _finite(part) for name, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, list | tuple) else value
