"""The same class through other graders: twelve fixed cases, read from the file that CASES names."""
