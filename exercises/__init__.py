"""What is asked: one module a topic, and the contracts of the functions that students write."""
