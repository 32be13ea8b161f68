"""A small, exact CNN library: the reference solvers, and their wrong twins, the misconceptions."""
