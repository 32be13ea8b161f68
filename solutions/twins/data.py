"""Wrong one-hot encodings and splits, each with one mistake that students make."""

from __future__ import annotations

from typing import Any

import numpy as np

from solutions.data import Array, Examples, one_hot

Split = tuple[Examples, Examples]


# One-hot rows ----------------------------------------------------------------------------------------------


def counted_from_one(labels: Array, num_classes: int) -> Array:
    """Label 1 is the first column; label 0 wraps around to the last."""
    return one_hot((labels.astype(np.int64) - 1) % num_classes, num_classes)


def transposed(labels: Array, num_classes: int) -> Array:
    """A column for every label."""
    return one_hot(labels, num_classes).T


def largest_label_for_classes(labels: Array, num_classes: int) -> Array:  # noqa: ARG001 - that is it
    """As many columns as the labels at hand need."""
    return one_hot(labels, int(labels.max()) + 1)


def distinct_labels_for_classes(labels: Array, num_classes: int) -> Array:  # noqa: ARG001 - that is it
    """A column for every label that occurs."""
    distinct, ranks = np.unique(labels, return_inverse=True)
    return one_hot(ranks, len(distinct))


def renumbered(labels: Array, num_classes: int) -> Array:
    """The labels that occur numbered anew, in as many columns as there should be."""
    return one_hot(np.unique(labels, return_inverse=True)[1], num_classes)


def one_column_more(labels: Array, num_classes: int) -> Array:
    """Columns 0 … num_classes."""
    return one_hot(labels, num_classes + 1)


def inverted(labels: Array, num_classes: int) -> Array:
    """A 0 in the label's column and 1 elsewhere."""
    return 1 - one_hot(labels, num_classes)


def label_for_one(labels: Array, num_classes: int) -> Array:
    """The label itself in its column."""
    return one_hot(labels, num_classes) * labels[:, None]


def thermometer(labels: Array, num_classes: int) -> Array:
    """A 1 in every column up to the label's."""
    return np.asarray(np.arange(num_classes) <= labels[:, None], dtype=np.float64)


def identity_rows(labels: Array, num_classes: int) -> Array:
    """Row i has its 1 in column i, whatever the label."""
    return np.eye(len(labels), num_classes)


def all_labels_in_every_row(labels: Array, num_classes: int) -> Array:
    """y[:, labels] = 1: every row has the ones of all labels."""
    y = np.zeros((len(labels), num_classes))
    y[:, labels] = 1
    return y


def truth_values(labels: Array, num_classes: int) -> Array:
    """True and False in place of numbers."""
    return one_hot(labels, num_classes).astype(bool)


def columns_wrap_around(labels: Any, num_classes: int) -> Array:
    """Labels compared with column numbers in the labels' dtype, where those beyond it start again at 0."""
    columns = np.arange(num_classes).astype(labels.dtype)
    return np.asarray(labels[:, None] == columns).astype(np.float64)


def position_wraps_around(labels: Array, num_classes: int) -> Array:
    """The place in the flat result computed in the labels' own dtype."""
    rows = np.arange(len(labels)).astype(labels.dtype)
    places = (rows * np.asarray(num_classes).astype(labels.dtype) + labels).astype(np.int64)
    y = np.zeros(len(labels) * num_classes)
    y[places] = 1
    return y.reshape(len(labels), num_classes)


# Splits ----------------------------------------------------------------------------------------------------


def order(x: Array, seed: int) -> Array:
    return np.random.default_rng(seed).permutation(len(x))


def parts(x: Array, y: Array, train: Any, valid: Any) -> Split:
    return (x[train].copy(), y[train].copy()), (x[valid].copy(), y[valid].copy())


def first_rows(x: Array, y: Array, n_valid: int, seed: int) -> Split:  # noqa: ARG001 - that is it
    """The first rows held back, without shuffling."""
    return parts(x, y, slice(n_valid, None), slice(n_valid))


def last_rows(x: Array, y: Array, n_valid: int, seed: int) -> Split:  # noqa: ARG001 - that is it
    """The last rows held back, without shuffling."""
    return parts(x, y, slice(len(x) - n_valid), slice(len(x) - n_valid, None))


def labels_left_behind(x: Array, y: Array, n_valid: int, seed: int) -> Split:
    """x shuffled, y not."""
    return parts(x[order(x, seed)], y, slice(n_valid, None), slice(n_valid))


def shuffled_apart(x: Array, y: Array, n_valid: int, seed: int) -> Split:
    """x and y shuffled one after the other, each in an order of its own."""
    rng = np.random.default_rng(seed)
    return parts(x[rng.permutation(len(x))], y[rng.permutation(len(x))], slice(n_valid, None), slice(n_valid))


def drawn_with_replacement(x: Array, y: Array, n_valid: int, seed: int) -> Split:
    """Rows drawn again and again: some twice, some never."""
    rows = np.random.default_rng(seed).integers(0, max(len(x), 1), len(x))
    return parts(x, y, rows[n_valid:], rows[:n_valid])


def drawn_twice(x: Array, y: Array, n_valid: int, seed: int) -> Split:
    """The validation rows drawn from another order than the training rows, so that the two overlap."""
    return parts(x, y, order(x, seed)[n_valid:], order(x, seed + 1)[:n_valid])


def training_keeps_all(x: Array, y: Array, n_valid: int, seed: int) -> Split:
    """The validation rows stay among the training rows."""
    return parts(x, y, order(x, seed), order(x, seed)[:n_valid])


def exchanged(x: Array, y: Array, n_valid: int, seed: int) -> Split:
    """n_valid rows for training, all others for validation."""
    return parts(x, y, order(x, seed)[:n_valid], order(x, seed)[n_valid:])


def negative_slice(x: Array, y: Array, n_valid: int, seed: int) -> Split:
    """order[-n_valid:], which is everything where n_valid is 0."""
    return parts(x, y, order(x, seed)[:-n_valid], order(x, seed)[-n_valid:])


def one_row_lost(x: Array, y: Array, n_valid: int, seed: int) -> Split:
    """The row between the two parts is in neither."""
    return parts(x, y, order(x, seed)[n_valid + 1 :], order(x, seed)[:n_valid])


def inputs_and_labels_paired(x: Array, y: Array, n_valid: int, seed: int) -> Split:
    """((x_train, x_valid), (y_train, y_valid)), the order of other libraries."""
    (x_train, y_train), (x_valid, y_valid) = parts(x, y, order(x, seed)[n_valid:], order(x, seed)[:n_valid])
    return (x_train, x_valid), (y_train, y_valid)


def four_results(x: Array, y: Array, n_valid: int, seed: int) -> tuple[Array, ...]:
    """Four arrays in a row."""
    train, valid = parts(x, y, order(x, seed)[n_valid:], order(x, seed)[:n_valid])
    return (*train, *valid)


def columns_shuffled(x: Array, y: Array, n_valid: int, seed: int) -> Split:
    """All numbers of x mixed, not its rows."""
    mixed = np.random.default_rng(seed).permutation(x.ravel()).reshape(x.shape)
    return parts(mixed, y, order(x, seed)[n_valid:], order(x, seed)[:n_valid])


def dtype_lost(x: Array, y: Array, n_valid: int, seed: int) -> Split:
    """Copied into arrays of float64, whatever came in."""
    return parts(x.astype(np.float64), y.astype(np.float64), order(x, seed)[n_valid:], order(x, seed)[:n_valid])
