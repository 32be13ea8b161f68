"""im2col: the reference against PyTorch's unfold, its contract against other styles, its picture."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from exercises.contracts.im2col import IM2COL
from grader.authoring import Call
from solutions.convolution import conv2d, im2col
from tests.test_array_contracts import KEYS, calls, outcome


def image(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).integers(-9, 10, shape).astype(float)


GEOMETRIES: list[tuple[Any, Any, Any]] = [
    (kernel, stride, padding)
    for kernel, stride, padding in itertools.product(
        [(1, 1), (2, 2), (3, 2), (2, 3), (4, 5)], [1, 2, (1, 2), (3, 1)], [0, 1, (0, 1), (2, 1)]
    )
]


def test_reference_is_pytorchs_unfold() -> None:
    """The layout of rows and columns is a convention, and the convention is unfold's."""
    for kernel, stride, padding in GEOMETRIES:
        x = image(2, 3, 4, 5)
        want = torch.nn.functional.unfold(torch.tensor(x), kernel, stride=stride, padding=padding).numpy()
        assert np.array_equal(im2col(x, kernel, stride, padding), want), (kernel, stride, padding)


def test_a_matrix_product_with_the_columns_is_the_layer() -> None:
    """This is what im2col is for; a wrong order of channels or taps would show here."""
    for kernel, stride, padding in GEOMETRIES:
        x, w = image(2, 3, 4, 5), image(4, 3, *kernel)
        y = conv2d(x, w, None, stride, padding)
        assert np.array_equal((w.reshape(4, -1) @ im2col(x, kernel, stride, padding)).reshape(y.shape), y)


def loops(x: Any, kernel_size: Any, stride: Any = 1, padding: Any = 0) -> Any:
    (kh, kw), (sh, sw), (ph, pw) = ((v, v) if np.ndim(v) == 0 else tuple(v) for v in (kernel_size, stride, padding))
    n, c, h, w = x.shape
    columns = []
    for i in range(0, h + 2 * ph - kh + 1, sh):
        for j in range(0, w + 2 * pw - kw + 1, sw):
            column = np.zeros((n, c, kh, kw), x.dtype)
            for u, v in np.ndindex(kh, kw):
                if 0 <= i + u - ph < h and 0 <= j + v - pw < w:
                    column[:, :, u, v] = x[:, :, i + u - ph, j + v - pw]
            columns.append(column.reshape(n, c * kh * kw))
    return np.stack(columns, axis=2)


def gathered(x: Any, kernel_size: Any, stride: Any = 1, padding: Any = 0) -> Any:
    """CS231n's way: index arrays, one gather."""
    (kh, kw), (sh, sw), (ph, pw) = (np.broadcast_to(v, 2) for v in (kernel_size, stride, padding))
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    oh, ow = (padded.shape[2] - kh) // sh + 1, (padded.shape[3] - kw) // sw + 1
    c = x.shape[1]
    k = np.repeat(np.arange(c), kh * kw)[:, None]
    rows = np.tile(np.repeat(np.arange(kh), kw), c)[:, None] + sh * np.repeat(np.arange(oh), ow)[None]
    columns = np.tile(np.arange(kw), kh * c)[:, None] + sw * np.tile(np.arange(ow), oh)[None]
    return padded[:, k, rows, columns]


@pytest.mark.parametrize("function", [loops, gathered], ids=["loops", "gathered"])
def test_right_functions_of_other_styles_pass_every_case(function: Any) -> None:
    """No right solution is refused, whether it copies window by window or gathers by index."""
    for key in KEYS:
        for regime, call, expected in calls(IM2COL, key):
            verdict = IM2COL.check.compare(outcome(function, call), expected, call)
            assert verdict.share == 1, (regime.name, verdict.message)


def test_the_window_holds_the_entry() -> None:
    """The picture shows the window in which the number stands, in the right plane and place."""
    for _, call, expected in calls(IM2COL):
        if call.kwargs.keys() & {"x"} or not expected.value.size:
            continue
        for at in np.ndindex(expected.value.shape):
            window = IM2COL.window(call, at)
            assert window is not None
            pane = window.panes[0]
            held = np.array(pane.plane)[slice(*pane.rows), slice(*pane.columns)]
            assert held.reshape(-1)[at[1] % held.size] == expected.value[at]


def test_the_window_names_the_place() -> None:
    """Row 5 of two channels of 2 by 2 is channel 1, row 0, column 1: the sentence spares the division."""
    call = Call((np.arange(18.0).reshape(1, 2, 3, 3), 2), {})
    window = IM2COL.window(call, (0, 5, 3))
    assert window is not None
    assert window.sentence == "y[0, 5, 3] is row 0, column 1 of window 3 in channel 1 (all counted from 0): 14"
    assert (window.panes[0].rows, window.panes[0].columns) == ((1, 3), (1, 3))
    assert IM2COL.window(call, (0, 8, 0)) is None
