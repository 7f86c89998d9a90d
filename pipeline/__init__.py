"""The micro-batch pipeline: model, ports, settings, stores, stages and runner.

Imports point downwards: this package imports neither `checkpoints` nor `expectations_plugins`, so it runs and tests
without Great Expectations. Nothing is imported here, so that `import pipeline` stays free.
"""
