"""`grader topics`."""
