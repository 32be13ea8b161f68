"""Data as a network wants it: labels as one-hot rows, and examples held back for validation."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Examples = tuple[Array, Array]


def one_hot(labels: Array, num_classes: int) -> Array:
    """Return a row for every label, with a 1 in the label's column and 0 elsewhere.

    labels: (N,) whole numbers of 0 … num_classes - 1. Returns (N, num_classes) float64.

    Raises:
        ValueError: a label is not one of the classes, or labels has not one axis.

    >>> one_hot(np.array([2, 0]), 3).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    if labels.ndim != 1:
        raise ValueError(f"labels has the shape {labels.shape}; one axis is expected")
    if labels.size and not 0 <= labels.min() <= labels.max() < num_classes:
        raise ValueError(f"labels must be from 0 to {num_classes - 1}")
    return np.asarray(labels[:, None] == np.arange(num_classes), dtype=np.float64)


def train_valid_split(x: Array, y: Array, n_valid: int, seed: int) -> tuple[Examples, Examples]:
    """Return ((x_train, y_train), (x_valid, y_valid)): all examples, shuffled by the seed, n_valid of them held back.

    x: (N, …), y: (N, …); row i of both is example i. The four arrays are new and keep their dtypes. The same seed
    and N give the same rows.

    Raises:
        ValueError: x and y differ in length, or n_valid is not from 0 to N.

    >>> (x_train, y_train), (x_valid, y_valid) = train_valid_split(np.arange(5), 10 * np.arange(5), 2, seed=0)
    >>> x_train.shape, x_valid.shape, bool((y_valid == 10 * x_valid).all())
    ((3,), (2,), True)
    """
    if len(x) != len(y):
        raise ValueError(f"x has {len(x)} rows, y has {len(y)}")
    if not 0 <= n_valid <= len(x):
        raise ValueError(f"n_valid={n_valid} must be from 0 to {len(x)}")
    order = np.random.default_rng(seed).permutation(len(x))
    valid, train = order[:n_valid], order[n_valid:]
    return (x[train], y[train]), (x[valid], y[valid])
