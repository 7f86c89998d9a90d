"""From log files to interactions: finding files, naming batches, reading records. No store is known here."""
