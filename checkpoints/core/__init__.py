"""What gates share: from GX results to verdicts, and the parts of the stores that they look at."""
