"""The parts of an OpenLineage event, from plain values to the client's own types."""

from __future__ import annotations

from typing import Any

from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run
from openlineage.client.facet_v2 import (
    data_quality_assertions_dataset,
    data_quality_metrics_input_dataset,
    documentation_job,
    error_message_run,
    input_statistics_input_dataset,
    job_type_job,
    output_statistics_output_dataset,
    parent_run,
    processing_engine_run,
)

from pipeline.core.topology import STEPS
from pipeline.core.version import code_version
from pipeline.telemetry.datasets import DatasetName
from pipeline.telemetry.event_dispatch import Happened

VERSION = code_version()
PRODUCER = f"https://github.com/sluicegate/sluicegate/tree/v{VERSION}"
BATCH_JOB = "batch"
GOES_ON = frozenset({"PASS", "WARN", "EMPTY"})

PURPOSES = {BATCH_JOB: "one log file, or a part of one, through all stages and gates"} | {
    f"{BATCH_JOB}.{step.key.replace(':', '.')}": step.purpose for step in STEPS
}
"""What each job does."""


def job_name(step: str) -> str:
    """`batch.stage.load` of `stage:load`."""
    return f"{BATCH_JOB}.{step.replace(':', '.')}"


def job(namespace: str, name: str) -> Job:
    """A job, and what it is for."""
    kind = name.split(".")[1].upper() if "." in name else "BATCH"
    of_kind = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="SLUICEGATE", jobType=kind)
    purpose = documentation_job.DocumentationJobFacet(description=PURPOSES.get(name, name))
    return Job(namespace=namespace, name=name, facets={"jobType": of_kind, "documentation": purpose})


def run(run_id: str, *, parent: parent_run.ParentRunFacet | None = None, error: str = "") -> Run:
    """A run.

    Args:
        run_id: Its id.
        parent: The batch's run, of a step's.
        error: Where to read why it failed; "" when it did not.
    """
    engine = processing_engine_run.ProcessingEngineRunFacet(version=VERSION, name="Sluicegate")
    facets: dict[str, Any] = {"processing_engine": engine}
    if parent is not None:
        facets["parent"] = parent
    if error:
        facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(message=error, programmingLanguage="PYTHON")
    return Run(runId=run_id, facets=facets)


def parent(run_id: str, namespace: str) -> parent_run.ParentRunFacet:
    """That a run belongs to a batch's."""
    return parent_run.ParentRunFacet(
        run=parent_run.Run(runId=run_id),
        job=parent_run.Job(namespace=namespace, name=BATCH_JOB),
        root=parent_run.Root(
            run=parent_run.RootRun(runId=run_id), job=parent_run.RootJob(namespace=namespace, name=BATCH_JOB)
        ),
    )


def read(dataset: DatasetName, rows: int | None) -> InputDataset:
    """A dataset that was read; None rows when they were not counted."""
    facet = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(rowCount=rows)
    return InputDataset(dataset.namespace, dataset.name, inputFacets={} if rows is None else {"inputStatistics": facet})


def written(dataset: DatasetName, rows: int | None) -> OutputDataset:
    """A dataset that was written; None rows when they were not counted."""
    facet = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=rows)
    facets: dict[str, Any] = {} if rows is None else {"outputStatistics": facet}
    return OutputDataset(dataset.namespace, dataset.name, outputFacets=facets)


def quality(verdict: Happened) -> dict[str, Any]:
    """What a gate found: whether the batch may flow on, and each expectation that did not hold, by name and numbers.

    Args:
        verdict: The event of its verdict.
    """
    checks = [check for check in _listed(verdict.fields.get("checks")) if isinstance(check, dict)]
    gate = data_quality_assertions_dataset.Assertion(
        assertion=f"gate {verdict.text('gate')}", success=verdict.text("verdict") in GOES_ON
    )
    facets: dict[str, Any] = {
        "dataQualityAssertions": data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
            assertions=[gate, *map(_assertion, checks)]
        )
    }
    checked = max((int(check.get("checked") or 0) for check in checks), default=0)
    if checked:
        facets["dataQualityMetrics"] = data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet(
            columnMetrics={}, rowCount=checked
        )
    return facets


def _assertion(check: dict[str, Any]) -> data_quality_assertions_dataset.Assertion:
    return data_quality_assertions_dataset.Assertion(
        assertion=str(check["expectation"]),
        success=False,
        column=str(check["column"]) or None,
        severity="error" if check["severity"] == "critical" else "warn",
        params={"unexpected": int(check["unexpected"]), "checked": int(check["checked"])},
    )


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
