"""Neo4j: connection, error table and graph store. The neo4j driver is imported here and nowhere else."""
