"""Activations: what a layer does to each number of its map."""

from __future__ import annotations

from typing import Any

import numpy as np

from solutions.windows import Array


def relu(x: Any) -> Array:
    """Return max(x, 0) entry by entry, of x's shape and dtype; NaN stays NaN.

    >>> relu(np.array([-2, 0, 3])).tolist()
    [0, 0, 3]
    """
    x = np.asarray(x)
    return np.asarray(np.maximum(x, 0), x.dtype)


def sigmoid(x: Any) -> Array:
    """Return 1 / (1 + exp(-x)) entry by entry, without overflow; floats keep their dtype, others give float64.

    >>> sigmoid([0, 800, -800]).tolist()
    [0.5, 1.0, 0.0]
    """
    x = np.asarray(x)
    z = x if x.dtype.kind == "f" else x.astype(np.float64)
    with np.errstate(under="ignore"):
        small = np.exp(-np.abs(z))
        return np.asarray(np.where(z >= 0, 1 / (1 + small), small / (1 + small)), z.dtype)
