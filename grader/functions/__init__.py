"""Grading functions: cases are drawn once, every student's results are compared, shrunk and diagnosed."""
