"""The convolution layers against routes of another kind: PyTorch, SciPy, NumPy, exact fractions, published figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import scipy.signal
import torch
from torch.nn import functional

from grader.draw import Draw
from grader.functions.arrays import integers, laid_out, reals
from solutions.activations import relu, sigmoid
from solutions.convolution import conv1d, conv2d, conv2d_backward, cross_correlate1d, im2col
from tests.worked import example, examples

torch_conv2d: Any = functional.conv2d  # its stubs refuse an unpacked list
CONVOLUTIONS = [name for name, e in examples().items() if e["kind"] in ("conv2d", "conv2d+sigmoid")]


@dataclass(frozen=True)
class Layer:
    """The shapes and options of one drawn convolution."""

    x: tuple[int, int, int, int]
    w: tuple[int, int, int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]


def layers(label: str, number: int) -> Iterator[tuple[Draw, Layer]]:
    """Draw valid layers of all kinds: batches, channels, gaps, overlaps, wide padding, dropped edges."""
    for index in range(number):
        rng = Draw(label, index)
        kernel, padding = (rng.integer(1, 4), rng.integer(1, 4)), (rng.integer(0, 3), rng.integer(0, 3))
        sides = [max(1, k - 2 * p) + rng.integer(0, 5) for k, p in zip(kernel, padding, strict=True)]
        n, c, f = rng.integer(0, 3), rng.integer(1, 3), rng.integer(1, 3)
        stride = (rng.integer(1, 4), rng.integer(1, 4))
        yield rng, Layer((n, c, sides[0], sides[1]), (f, c, *kernel), stride, padding)


def test_conv2d_agrees_with_pytorch_on_whole_numbers() -> None:
    """The layer is PyTorch's, for every shape: on whole numbers there is no tolerance to hide behind."""
    for rng, layer in layers("forward", 1500):
        x, w, b = integers(rng, layer.x), integers(rng, layer.w), integers(rng, layer.w[:1])
        got = conv2d(x, w, b, layer.stride, layer.padding)
        want = torch_conv2d(
            *(torch.tensor(a, dtype=torch.float64) for a in (x, w, b)), layer.stride, layer.padding
        ).numpy()
        assert got.dtype == np.int64
        assert got.shape == want.shape
        assert np.array_equal(got, want), layer


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_conv2d_keeps_the_precision_of_its_input(dtype: str) -> None:
    """A result is as exact as its dtype allows: the error stays within a few units of the sum's terms."""
    for rng, layer in layers("real", 300):
        x, w, b = reals(rng, layer.x, dtype), reals(rng, layer.w, dtype), reals(rng, layer.w[:1], dtype)
        got = conv2d(x, w, b, layer.stride, layer.padding)
        wide = [torch.tensor(a.astype(np.float64)) for a in (x, w, b)]
        want = torch_conv2d(*wide, layer.stride, layer.padding).numpy()
        bound = torch_conv2d(*(a.abs() for a in wide), layer.stride, layer.padding).numpy()
        assert got.dtype == np.dtype(dtype)
        assert np.all(np.abs(got - want) <= 4 * w[0].size * np.finfo(np.dtype(dtype)).eps * bound), layer


def test_one_channel_is_what_scipy_correlates() -> None:
    """A second route that knows nothing of layers: one channel, one filter, stride 1 is plain correlation."""
    for index in range(300):
        rng = Draw("scipy", index)
        x, w = (
            integers(rng, (rng.integer(4, 8), rng.integer(4, 8))),
            integers(rng, (rng.integer(1, 4), rng.integer(1, 4))),
        )
        assert np.array_equal(conv2d(x[None, None], w[None, None])[0, 0], scipy.signal.correlate2d(x, w, "valid"))


def test_fractions_and_big_numbers_stay_exact() -> None:
    """Answers by hand are exact: thirds, and integers beyond float64, must come out to the last digit."""
    x = np.array([[[[Fraction(1, 3), Fraction(2, 7)], [10**30, Fraction(-1, 3)]]]], dtype=object)
    w = np.array([[[[3, 7], [1, 3]]]], dtype=object)
    assert conv2d(x, w, np.array([Fraction(1, 2)], dtype=object)).tolist() == [[[[10**30 + Fraction(5, 2)]]]]
    large = np.full((1, 1, 1, 2), 2**53 + 1)
    assert conv2d(large, np.array([[[[1, 0]]]])).tolist() == [
        [
            [
                [
                    2**53 + 1,
                ]
            ]
        ]
    ]


def test_narrow_integers_do_not_wrap_around() -> None:
    """A photograph is uint8: 255 * 2 is 510, not 254."""
    image = np.full((1, 1, 2, 2), 255, np.uint8)
    assert conv2d(image, np.full((1, 1, 2, 2), 2, np.uint8)).tolist() == [[[[2040]]]]
    assert conv2d(image, np.full((1, 1, 2, 2), -1, np.int8), padding=1).dtype == np.int64


@pytest.mark.parametrize("layout", ["F", "reversed", "gapped", "readonly"])
def test_the_layout_of_arrays_does_not_matter_and_they_are_not_changed(layout: str) -> None:
    """The grader compares inputs before and after: a reference that writes into them would accuse everyone."""
    rng = Draw("layout", layout)
    plain = [integers(rng, shape) for shape in ((2, 2, 5, 6), (3, 2, 3, 2), (3,), (2, 3, 3, 4))]
    given = [laid_out(array, layout) for array in plain]
    x, w, b, dy = given
    assert np.array_equal(conv2d(x, w, b, 2, (1, 1)), conv2d(plain[0], plain[1], plain[2], 2, (1, 1)))
    for got, want in zip(
        conv2d_backward(dy, x, w, 2, (1, 1)), conv2d_backward(plain[3], plain[0], plain[1], 2, (1, 1)), strict=True
    ):
        assert np.array_equal(got, want)
    assert all(np.array_equal(a, b) for a, b in zip(given, plain, strict=True))


def test_the_result_is_no_view_of_an_argument() -> None:
    """A kernel of one pixel with weight 1 copies the image; the copy must be a new array."""
    x = np.arange(4.0).reshape(1, 1, 2, 2)
    w = np.ones((1, 1, 1, 1))
    assert not np.shares_memory(conv2d(x, w), x)
    assert not np.shares_memory(im2col(x, 2), x)
    assert not np.shares_memory(conv1d(x[0, 0, 0], np.ones(1)), x)


def test_conv2d_backward_agrees_with_autograd() -> None:
    """The gradients are derived by hand here and by autograd there; whole numbers make both exact."""
    for rng, layer in layers("backward", 700):
        x, w = integers(rng, layer.x), integers(rng, layer.w)
        dy = integers(rng, conv2d(x, w, None, layer.stride, layer.padding).shape)
        tensors = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in (x, w, np.zeros(len(w)))]
        y = torch_conv2d(*tensors, layer.stride, layer.padding)
        wants = torch.autograd.grad(y, tensors, torch.tensor(dy, dtype=torch.float64))
        for got, want in zip(conv2d_backward(dy, x, w, layer.stride, layer.padding), wants, strict=True):
            assert got.dtype == np.int64
            assert np.array_equal(got, want.numpy()), layer


def test_im2col_is_unfold_and_makes_a_convolution_of_a_matrix_product() -> None:
    """im2col is only right if the product with the flattened filters is the convolution, in PyTorch's order."""
    for rng, layer in layers("unfold", 300):
        x, w = integers(rng, layer.x), integers(rng, layer.w)
        columns = im2col(x, layer.w[2:], layer.stride, layer.padding)
        y = conv2d(x, w, None, layer.stride, layer.padding)
        assert np.array_equal((w.reshape(len(w), -1) @ columns).reshape(y.shape), y)
        if len(x):
            tensor = torch.tensor(x, dtype=torch.float64)
            want = functional.unfold(tensor, layer.w[2:], padding=layer.padding, stride=layer.stride)
            assert np.array_equal(columns, want.numpy())


@pytest.mark.parametrize("mode", ["valid", "same", "full"])
def test_conv1d_and_cross_correlation_agree_with_numpy(mode: Any) -> None:
    """The true convolution is np.convolve in every mode, also where the kernel is longer than the sequence."""
    for index in range(400):
        rng = Draw("1d", mode, index)
        x, w = integers(rng, (rng.integer(1, 8),)), integers(rng, (rng.integer(1, 8),))
        assert np.array_equal(conv1d(x, w, mode), np.convolve(x, w, mode))
        assert np.array_equal(cross_correlate1d(x, w, mode), np.convolve(x, w[::-1], mode))
        if len(w) <= len(x):
            assert np.array_equal(cross_correlate1d(x, w, mode), np.correlate(x, w, mode))
    thirds = np.array([Fraction(1, 3), Fraction(1, 6)], dtype=object)
    assert conv1d(thirds, [3, 6], "full").tolist() == [1, Fraction(5, 2), 1]


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_published_convolutions_come_out(name: str) -> None:
    """Every figure of the handouts that is a convolution, where they erred the right one."""
    case = example(name)
    given = case["given"]
    image, kernels = np.array(given["image"], float), np.array(given["kernels"], float)
    x = image.reshape(1, -1, *image.shape[-2:])
    w = kernels.reshape(len(kernels), -1, *kernels.shape[-2:])
    b = np.array(given["bias"], float) if "bias" in given else None
    y = conv2d(x, w, b, tuple(given["stride"]), tuple(given["padding"]))[0]
    np.testing.assert_allclose(sigmoid(y) if "sigmoid" in case["kind"] else y, case["answer"], rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", [name for name, e in examples().items() if e["kind"].startswith("inner product")])
def test_published_responses_of_kernels_come_out(name: str) -> None:
    """One window's response is the sum of products that the paper question asks to write out."""
    case = example(name)
    w, x = (np.array(case["given"][key], float)[None, None] for key in ("kernel", "patch"))
    assert conv2d(x, w).item() == pytest.approx(case["answer"], abs=1e-12)


def test_the_published_gradient_of_the_input_comes_out() -> None:
    """The lecture's worked backward pass: a full convolution with the kernel rotated."""
    case = example("cnn-backprop-dx")
    dy, w = (np.array(case["given"][key])[None, None] for key in ("upstream", "kernel"))
    dx = conv2d_backward(dy, np.zeros((1, 1, 4, 4)), w)[0]
    np.testing.assert_allclose(dx[0, 0], case["answer"], rtol=0, atol=1e-12)


def test_activations_keep_shape_and_dtype_and_do_not_overflow() -> None:
    """A sigmoid written with exp(-x) warns and fails at -800; a ReLU must not turn NaN into 0."""
    x = np.array([[-800.0, -1.5, 0.0, 800.0]])
    np.testing.assert_allclose(sigmoid(x), torch.sigmoid(torch.tensor(x)).numpy(), rtol=1e-15, atol=0)
    assert sigmoid(x.astype(np.float32)).dtype == np.float32
    assert np.isnan(relu(np.array([np.nan]))).all()
    assert relu(np.array([-3, 2], np.int32)).dtype == np.int32
    assert relu(np.array([Fraction(-1, 3), Fraction(1, 3)], dtype=object)).tolist() == [0, Fraction(1, 3)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.zeros((3, 3))}, r"x has 2 axes; it must have four"),
        ({"w": np.zeros((1, 2, 2, 2))}, r"x has 1 channels and w has 2"),
        ({"w": np.zeros((1, 1, 4, 2))}, r"a window of 4 by 2 does not fit into 3 by 3"),
        ({"w": np.zeros((0, 1, 2, 2))}, r"every axis needs at least one entry"),
        ({"b": np.zeros(2)}, r"b has the shape \(2,\); it must be \(1,\)"),
        ({"stride": 0}, r"stride=0 must be at least 1"),
        ({"stride": (1, 2, 3)}, r"stride=\(1, 2, 3\) must be a whole number or a pair"),
        ({"stride": 1.5}, r"stride=1.5 must be a whole number or a pair"),
        ({"padding": -1}, r"padding=-1 must be at least 0"),
    ],
)
def test_arguments_that_make_no_sense_are_named(change: dict[str, Any], message: str) -> None:
    """An author's slip must be a sentence and not a wrong key."""
    with pytest.raises(ValueError, match=message):
        conv2d(**{"x": np.zeros((1, 1, 3, 3)), "w": np.zeros((1, 1, 2, 2)), **change})


def test_a_gradient_of_the_wrong_shape_is_named() -> None:
    """Broadcasting would hide it."""
    with pytest.raises(ValueError, match=r"dy has the shape \(1, 1, 1, 1\); the output's is \(1, 1, 2, 2\)"):
        conv2d_backward(np.zeros((1, 1, 1, 1)), np.zeros((1, 1, 3, 3)), np.zeros((1, 1, 2, 2)))
    with pytest.raises(ValueError, match=r"mode='all' must be"):
        conv1d([1, 2], [1], "all")  # type: ignore[arg-type]  # the point of it
    with pytest.raises(ValueError, match="sequences of at least one number"):
        conv1d([], [1])
