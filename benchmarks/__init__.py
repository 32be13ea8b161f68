"""How fast the grader is, against its stated budgets: `python -m benchmarks`."""
