"""What everything of ours stands on: errors, error tables, retries, redaction, masks, TLS. No GX, no driver here."""
