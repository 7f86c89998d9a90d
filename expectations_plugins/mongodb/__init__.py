"""MongoDB as a GX data source: `context.data_sources.add_mongodb(...)`; metrics run as aggregations."""
