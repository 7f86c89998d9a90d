"""Suites, checkpoints, actions and gates: where a GX result becomes a verdict.

Imports `expectations_plugins` and `pipeline`.
"""
