"""BigQuery: connection, error table and metrics store. google.cloud.bigquery is imported here and nowhere else."""
