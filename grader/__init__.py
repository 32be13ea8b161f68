"""The engine of convgrader: draws, renders, grades and reports; it knows nothing of CNNs."""

__version__ = "0.1.0"
