"""The runner: a batch through every stage and gate, under a lease, resumable at any point.

`runner` is what commands call, `batch_run` the walk of one batch, `decisions` what a person may decide, `outcome` what
the ledger says of a batch. It knows stages, gates and stores by their protocols (`pipeline.ports`) only.
"""
