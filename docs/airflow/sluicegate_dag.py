"""Sluicegate every ten minutes: put this file into Airflow's DAGs folder."""

from pipeline.airflow.dag import sluicegate_dag

dag = sluicegate_dag(
    command=["/opt/sluicegate/bin/sluicegate"],
    folder="/opt/sluicegate",
    paths=["/var/log/interactions"],
)
