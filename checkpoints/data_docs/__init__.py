"""The Data Docs: pages that need nothing from outside, built from the ledger and from GX's results.

What a page shows is worked out by pure functions (`start`, `batches`, `days`, `results`, `suites`) from plain data, and
drawn by Jinja templates. `publisher` says which pages a batch touches; their number does not grow with history.
"""
