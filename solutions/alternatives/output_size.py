"""Right ways to an output size other than the formula with //."""

from __future__ import annotations

import math


def walks(input_size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Move the kernel along the padded axis until it no longer fits."""
    positions, end = 0, dilation * (kernel_size - 1)
    while end < input_size + 2 * padding:
        positions, end = positions + 1, end + stride
    return positions


def lists_starts(input_size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Count the first pixels of a range that includes the last."""
    return len(range(-padding, input_size + padding - dilation * (kernel_size - 1), stride))


def floors_a_float(input_size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Divide with / and round down."""
    return math.floor((input_size + 2 * padding - dilation * (kernel_size - 1) - 1) / stride + 1)
