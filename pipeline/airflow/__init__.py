"""The pipeline as an Airflow DAG: tasks call Sluicegate's command line, in Sluicegate's own environment.

`sluicegate_dag.py` is the file that users copy into Airflow's DAGs folder: it imports Airflow and the standard library,
nothing of ours, and nothing of ours imports it. `writing` writes it for a user's machines.
"""
