"""MongoDB: connection, error table, raw store and ledger. pymongo is imported here and nowhere else."""
