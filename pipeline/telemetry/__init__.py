"""What leaves the process for those who watch it: metrics, traces and lineage, made from what a run reports anyway.

The seam is `pipeline.ports.steps.Progress`. `TelemetryProgress` shows every event as before and hands it to listeners;
a listener turns events into what one kind of receiver reads. None of them can stop, slow or fail a batch.
"""
