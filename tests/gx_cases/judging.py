"""What a result says, compared with what a case expects of it."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import numpy as np

from tests.gx_cases.plain import KEY, Case, is_null, key_of

FORMAT = {"result_format": "COMPLETE", "unexpected_index_column_names": [KEY], "return_unexpected_index_query": False}
RELATIVE = 1e-9


def raised(result: Any) -> list[str]:
    """What was raised while the result was made; GX says so by metric or, where the expectation itself raised, once."""
    info = result.exception_info or {}
    infos = [info] if "raised_exception" in info else [one for one in info.values() if isinstance(one, dict)]
    return [str(info["exception_message"]) for info in infos if info.get("raised_exception")]


def problems(case: Case, result: Any) -> list[str]:
    """Everything in which the result is not as the case says; nothing when it is."""
    if messages := raised(result):
        return [f"raised: {message}" for message in messages]
    return [
        f"{name}: {ours!r}, expected {theirs!r}"
        for name, theirs in case.expected.items()
        if name != "tolerance" and not same(ours := _found(name, result), _meant(name, theirs), _tolerance(case))
    ]


def _tolerance(case: Case) -> float:
    return float(case.expected.get("tolerance", RELATIVE))


def _found(name: str, result: Any) -> Any:
    if name == "success":
        return result.success
    found = result.result.get(name)
    if name == "unexpected_index_list":
        return [row[KEY] for row in found or []]
    return found


def _meant(name: str, expected: Any) -> Any:
    return [key_of(position) for position in expected] if name == "unexpected_index_list" else expected


def said(result: Any) -> dict[str, Any]:
    """Everything a result says that is not about how it was found."""
    kept = {name: value for name, value in result.result.items() if name not in ("unexpected_index_query", "details")}
    return {"success": result.success, **kept}


def same(ours: Any, theirs: Any, relative: float = RELATIVE) -> bool:
    """Whether two values are the same: numbers but for rounding, a tuple as a list, any nothing as null."""
    if is_null(ours) or is_null(theirs):
        return is_null(ours) and is_null(theirs)
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same(ours[name], theirs[name], relative) for name in ours)
    if isinstance(ours, list | tuple) and isinstance(theirs, list | tuple):
        return len(ours) == len(theirs) and all(
            same(one, other, relative) for one, other in zip(ours, theirs, strict=True)
        )
    if isinstance(ours, float) or isinstance(theirs, float):
        return _close(ours, theirs, relative)
    if _is_truth(ours) != _is_truth(theirs):
        return False  # in Python 1 == True
    return bool(_in_utc(ours) == _in_utc(theirs))


def _in_utc(value: Any) -> Any:
    """MongoDB gives points in time back with their zone, which is UTC; cases write them without."""
    return value.replace(tzinfo=None) if isinstance(value, datetime) and not value.utcoffset() else value


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool | np.bool_)


def _close(ours: Any, theirs: Any, relative: float) -> bool:
    numbers = isinstance(ours, int | float) and isinstance(theirs, int | float)
    return numbers and math.isclose(float(ours), float(theirs), rel_tol=relative, abs_tol=1e-12)
