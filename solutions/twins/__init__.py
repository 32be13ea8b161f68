"""Wrong implementations, one mistake each: what the misconceptions of students do when they are executed."""
