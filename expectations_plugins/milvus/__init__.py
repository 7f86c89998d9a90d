"""Milvus as a GX data source: `context.data_sources.add_milvus(...)`; metrics are filters, counts and reads by key."""
