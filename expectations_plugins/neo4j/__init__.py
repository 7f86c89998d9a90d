"""Neo4j as a GX data source: `context.data_sources.add_neo4j(...)`; metrics run as Cypher."""
