"""ExpectSampledVectorsToBeValid: 100 vectors of an embedding batch, and all of them where 100 cannot decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Dict, List, Union

from great_expectations.core.suite_parameters import SuiteParameterDict

from expectations_plugins.core.defaults import VECTOR_DIMENSION
from expectations_plugins.engine.rendering import ReadableExpectation, share, tolerated

VALIDITY = "sluicegate.vectors.validity"


class ExpectSampledVectorsToBeValid(ReadableExpectation):
    """Expect the sampled vectors of an embedding batch to be present, of the right dimension, finite and not all zero.

    Args:
        sample_ids: Primary keys of the sample, drawn from the ids that ought to have a vector.
        expected: How many ought to have one; when the sample holds them all, it is exact.
        embedding_batch_id: The embedding batch; a vector another one wrote counts as missing.
        rejected: How many the model returned that were not written, by reason; for the page only.
        dimension: Components a vector must have.
        threshold: Tolerated share of invalid vectors, 0..1; it fails above.
        min_invalid: Invalid vectors there must be at least.
        exact_scan: Whether the whole batch decides when the sample's 95% interval straddles the threshold.
        batch_field: The field that holds the id of the embedding batch that wrote a row.
    """

    sample_ids: Union[List[str], SuiteParameterDict[str, Any]] = []
    expected: Union[int, SuiteParameterDict[str, Any]] = 0
    embedding_batch_id: Union[str, SuiteParameterDict[str, Any]] = ""
    rejected: Union[SuiteParameterDict[str, Any], Dict[str, int]] = {}
    dimension: Union[int, SuiteParameterDict[str, Any]] = VECTOR_DIMENSION
    threshold: Union[float, SuiteParameterDict[str, Any]] = 0.05
    min_invalid: Union[int, SuiteParameterDict[str, Any]] = 1
    exact_scan: Union[bool, SuiteParameterDict[str, Any]] = True
    batch_field: str = "embedding_batch_id"

    metric_dependencies: ClassVar[tuple[str, ...]] = (VALIDITY,)
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id",)
    success_keys: ClassVar[tuple[str, ...]] = (
        "sample_ids",
        "expected",
        "embedding_batch_id",
        "rejected",
        "dimension",
        "threshold",
        "min_invalid",
        "exact_scan",
        "batch_field",
    )

    example_columns: ClassVar[tuple[str, str]] = ("interaction_id", "what is wrong")

    @classmethod
    def sentence(cls, settings: Mapping[str, Any]) -> str:
        """What is expected."""
        return (
            "A random sample of vectors must be present, have $dimension components, be finite and not all zero; "
            f"up to {tolerated(settings['threshold'])} invalid ones are tolerated."
        )

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        del runtime_configuration, execution_engine
        found = dict(metrics[VALIDITY])
        query = found.pop("query")
        dimension = int(self._get_success_kwargs()["dimension"])
        schema_fault = found["schema_dimension"] != dimension
        return {
            "success": bool(found["valid"]) and not schema_fault,
            "result": {
                "observed_value": _sentence(found, dimension),
                "element_count": found["checked"],
                "unexpected_count": found["invalid"],
                "unexpected_percent": found["share"] * 100,
                "unexpected_index_query": query if found["invalid"] else None,
                "details": found | {"schema_fault": schema_fault},
            },
        }


def _sentence(found: Mapping[str, Any], dimension: int) -> str:
    if found["schema_dimension"] != dimension:
        return f"the collection holds vectors of {found['schema_dimension']} components, not {dimension}"
    text = f"{share(found['sample_invalid'], found['sampled'])} sampled vectors are invalid"
    if found["interval"]:
        text += f", 95% interval {found['interval']['low']:.1%} to {found['interval']['high']:.1%}"
    if found["scanned"]:
        text += f"; the threshold lies in it, so all were read: {share(found['invalid'], found['checked'])} are invalid"
    reasons = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in found["reasons"].items())
    rejected = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in found["rejected"].items() if count)
    text += f" ({reasons})" if reasons else ""
    return text + (f"; the model returned and the pipeline did not write: {rejected}" if rejected else "")
