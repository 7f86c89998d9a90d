"""Schema versions: what each store's data looks like by version, how that is checked, how older data is migrated."""
