"""The pipeline as an Airflow DAG: tasks call Sluicegate's command line, in Sluicegate's own environment.

What lives here imports Airflow, the topology and the exit codes, and nothing else: no GX, no driver, no pydantic. So
it can be installed beside Airflow without Sluicegate's dependencies, whose pins never meet Airflow's. Nothing is
imported in this file, so that what needs no Airflow (`meanings`, `commands`) can be used and tested without it.
"""
