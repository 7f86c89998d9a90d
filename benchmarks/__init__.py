"""Benchmarks: what validation inside the store costs beside a hand-written query and beside pandas. Not shipped."""
