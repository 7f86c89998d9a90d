"""What a gate checks and what follows: suites, their parameters, the policy, and verdicts from GX results."""
