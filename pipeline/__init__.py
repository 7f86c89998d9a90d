"""The micro-batch pipeline: an application in folders that have an order, drawn in docs/architecture.md.

It imports of ours `expectations_plugins` only, and of that neither engines nor expectations: it runs and is tested
without Great Expectations. Nothing is imported here, so that `import pipeline` stays free.
"""
