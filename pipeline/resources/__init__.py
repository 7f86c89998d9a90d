"""Stores, opened when they are first asked for and closed at the end, and probes that ask whether they answer."""
