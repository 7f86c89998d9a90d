"""What a case's definition says of a result, as GX 1.2's own runner judged it (`check_json_test_result`), and stricter.

Stricter in three things: an error that is expected must be raised, an index list is compared also when it is empty, and
every key of a definition is judged.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from tests.gx_cases.asking import Answer
from tests.gx_cases.definitions import Definition

RELATIVE, ABSOLUTE = 1e-5, 1e-8
"""GX's own tolerance, which is numpy's."""

SORTED = (
    "unexpected_list",
    "partial_unexpected_list",
    "unexpected_index_list",
    "partial_unexpected_index_list",
    "partial_unexpected_counts",
)
"""Lists whose order no engine promises."""

FIRST_WORDS = re.compile(r"[,.:] |\n")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(\+00:00)?")


def problems(case: Definition, answer: Answer) -> list[str]:
    """Everything in which an answer is not as the definition says; nothing when it is."""
    if case.raises:
        return [] if answer.error else [f"nothing raised, success {answer.success}"]
    if answer.error:
        return [_raised(answer)]
    return _unlike_whole(case, answer) if case.exact else _unlike_parts(case, answer)


def differences(one: Answer, other: Answer) -> list[str]:
    """Everything in which two answers differ: an error is like any error, an answer like one that says the same."""
    if one.error or other.error:
        return [] if one.error and other.error else [_shown("the store", one), _shown("pandas", other)]
    found = {"success": one.success, **one.result}, {"success": other.success, **other.result}
    names = sorted((found[0].keys() | found[1].keys()) - NOT_COMPARED)
    return [
        f"{name}: {found[0].get(name)!r}, not {found[1].get(name)!r}"
        for name in names
        if not alike(_ordered(name, found[0].get(name)), _ordered(name, found[1].get(name)))
    ]


NOT_COMPARED = {"unexpected_index_query"}
"""What every engine says in its own language."""


def _raised(answer: Answer) -> str:
    """The first words of an error: what follows is how to go on."""
    return f"raised {FIRST_WORDS.split(answer.error, maxsplit=1)[0]}"


def _shown(name: str, answer: Answer) -> str:
    return f"{name}: {_raised(answer) if answer.error else f'success {answer.success}'}"


def _unlike_parts(case: Definition, answer: Answer) -> list[str]:
    return [
        f"{name}: {_found(name, answer)!r}"
        for name, expected in case.out.items()
        if not _as_expected(name, _found(name, answer), expected, case.tolerance)
    ]


def _found(name: str, answer: Answer) -> Any:
    if name == "success":
        return answer.success
    details = answer.result.get("details") or {}
    if name in ("value_counts", "observed_partition", "expected_partition"):
        return details.get(name)
    return answer.result.get("observed_value" if name == "observed_value_list" else name)


def _as_expected(name: str, found: Any, expected: Any, tolerance: float | None) -> bool:
    if name == "observed_value_list":
        return any(alike(found, one) for one in expected)
    if name == "value_counts":
        return all(any(alike(one, count) for one in found or ()) for count in expected)
    return alike(_ordered(name, found), _ordered(name, expected), tolerance or RELATIVE)


def _unlike_whole(case: Definition, answer: Answer) -> list[str]:
    """As ExpectationValidationResult.__eq__: the keys both have."""
    expected = case.out["result"]
    found = [] if answer.success == case.out["success"] else [f"success: {answer.success}"]
    common = [name for name in expected if name in answer.result]
    unlike = [name for name in common if not alike(*(_ordered(name, one[name]) for one in (answer.result, expected)))]
    return found + [f"{name}: {answer.result[name]!r}" for name in unlike] + ([] if common else ["nothing to compare"])


def _ordered(name: str, value: Any) -> Any:
    if name not in SORTED or not isinstance(value, list):
        return value
    return sorted(value, key=lambda one: str(sorted(one.items()) if isinstance(one, dict) else one))


def alike(found: Any, expected: Any, relative: float = RELATIVE) -> bool:
    """Whether two values are the same: numbers but for rounding, a moment however its zone is written."""
    if isinstance(found, bool) or isinstance(expected, bool):
        return found is expected
    if isinstance(found, int | float) and isinstance(expected, int | float):
        return math.isclose(found, expected, rel_tol=relative, abs_tol=ABSOLUTE)
    if isinstance(found, Mapping) and isinstance(expected, Mapping):
        return found.keys() == expected.keys() and all(alike(found[name], expected[name], relative) for name in found)
    if isinstance(found, list | tuple) and isinstance(expected, list | tuple):
        return len(found) == len(expected) and all(map(partial(alike, relative=relative), found, expected))
    return bool(_moment(found) == _moment(expected))


def _moment(value: Any) -> Any:
    if not isinstance(value, str) or not MOMENT.fullmatch(value):
        return value
    try:
        found = datetime.fromisoformat(value)
    except ValueError:  # a text that only looks like one
        return value
    return found if found.tzinfo else found.replace(tzinfo=UTC)
