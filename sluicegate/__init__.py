"""Sluicegate, as it is installed: the command line, and the place where everything is wired together."""
