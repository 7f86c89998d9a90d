"""GX's execution engine, data sources and metrics for stores, as far as they are the same for every store."""
