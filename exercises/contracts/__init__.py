"""Contracts of the functions asked of students, one module each or a family."""
