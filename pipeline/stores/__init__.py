"""One folder per store, each its driver's only home: connection, error table, adapter. No store imports another."""
