"""The pooling layers against PyTorch, exact fractions and published figures."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from grader.draw import Draw
from grader.functions.arrays import integers, laid_out, reals
from solutions.activations import sigmoid
from solutions.convolution import conv2d
from solutions.pooling import (
    avg_pool2d,
    avg_pool2d_backward,
    lp_pool2d,
    lp_pool2d_backward,
    max_pool2d,
    max_pool2d_backward,
)
from tests.worked import example, examples

Options = tuple[tuple[int, int], tuple[int, int] | None]
POOLS = {"max_pool2d": max_pool2d, "avg_pool2d": avg_pool2d}


def pools(label: str, number: int) -> Iterator[tuple[Draw, tuple[int, ...], Options]]:
    """Draw valid poolings of all kinds: batches, gaps, overlaps, dropped edges, the stride left to its default."""
    for index in range(number):
        rng = Draw(label, index)
        kernel = (rng.integer(1, 4), rng.integer(1, 4))
        stride = None if rng.below(4) == 0 else (rng.integer(1, 4), rng.integer(1, 4))
        shape = (rng.integer(1, 3), rng.integer(1, 3), kernel[0] + rng.integer(0, 6), kernel[1] + rng.integer(0, 6))
        yield rng, shape, (kernel, stride)


def torched(name: str, x: Any, options: Options) -> Any:
    return getattr(functional, name)(torch.tensor(x, dtype=torch.float64), *options).numpy()


def test_max_and_mean_agree_with_pytorch_on_whole_numbers() -> None:
    """The layers are PyTorch's for every shape and stride; means of whole numbers are float64, and close to exact."""
    for rng, shape, options in pools("forward", 1500):
        x = integers(rng, shape, -9, 9)
        largest, mean = max_pool2d(x, *options), avg_pool2d(x, *options)
        assert largest.dtype == np.int64
        assert mean.dtype == np.float64
        assert np.array_equal(largest, torched("max_pool2d", x, options)), options
        np.testing.assert_allclose(mean, torched("avg_pool2d", x, options), rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floating_numbers_keep_their_dtype(dtype: str) -> None:
    """A float64 that went through float32 would be refused when a student does it."""
    for rng, shape, options in pools("real", 200):
        x = reals(rng, shape, dtype)
        assert max_pool2d(x, *options).dtype == avg_pool2d(x, *options).dtype == np.dtype(dtype)
        assert np.array_equal(max_pool2d(x, *options), torched("max_pool2d", x, options))
        np.testing.assert_allclose(
            avg_pool2d(x, *options), torched("avg_pool2d", x, options), rtol=0, atol=8 * np.finfo(np.dtype(dtype)).eps
        )


def test_means_of_fractions_are_exact() -> None:
    """The paper answers are fractions: a mean of nine digits is 11/9 and not 1.2222222222222223."""
    for rng, shape, options in pools("exact", 200):
        x = integers(rng, shape, -9, 9)
        exact = avg_pool2d(x.astype(object), *options)
        assert all(isinstance(value, Fraction) for value in exact.ravel())
        np.testing.assert_allclose(exact.astype(float), avg_pool2d(x, *options), rtol=1e-15, atol=1e-15)
        assert np.array_equal(max_pool2d(x.astype(object), *options).astype(int), max_pool2d(x, *options))


@pytest.mark.parametrize("p", [1, 2, 4, 0.5])
def test_lp_pooling_agrees_with_pytorch(p: float) -> None:
    """L2 pooling is in a handout; p = 1 is the sum, and a fractional p needs positive numbers."""
    for rng, shape, options in pools(f"lp{p}", 150):
        x = np.abs(reals(rng, shape)) + 0.1 if p == 0.5 else reals(rng, shape)
        want = functional.lp_pool2d(torch.tensor(x), p, *options).numpy()
        np.testing.assert_allclose(lp_pool2d(x, p, *options), want, rtol=1e-9, atol=1e-13)


def test_gradients_agree_with_autograd() -> None:
    """Whole numbers without ties in a window make the gradients of PyTorch unique, and ours exact."""
    for rng, shape, options in pools("backward", 500):
        x = np.array(rng.shuffled(range(int(np.prod(shape))))).reshape(shape)
        dy = integers(rng, max_pool2d(x, *options).shape, -9, 9)
        for name, backward in (("max_pool2d", max_pool2d_backward), ("avg_pool2d", avg_pool2d_backward)):
            tensor = torch.tensor(x, dtype=torch.float64, requires_grad=True)
            y = getattr(functional, name)(tensor, *options)
            (want,) = torch.autograd.grad(y, tensor, torch.tensor(dy, dtype=torch.float64))
            np.testing.assert_allclose(backward(dy, x, *options), want.numpy(), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("p", [1, 2, 3])
def test_the_gradient_of_lp_pooling_agrees_with_autograd(p: int) -> None:
    """The chain rule through a root, written out here and traced there."""
    for rng, shape, options in pools(f"lp backward{p}", 150):
        x = np.abs(reals(rng, shape)) + 0.1
        tensor = torch.tensor(x, requires_grad=True)
        y = functional.lp_pool2d(tensor, p, *options)
        dy = reals(rng, tuple(y.shape))
        (want,) = torch.autograd.grad(y, tensor, torch.tensor(dy))
        np.testing.assert_allclose(lp_pool2d_backward(dy, x, p, *options), want.numpy(), rtol=1e-9, atol=1e-12)


def test_gradients_at_ties_and_zeros_are_subgradients() -> None:
    """At ties one number gets it all, so that the sum is kept; a window of zeros has no slope in L2 pooling."""
    x = np.zeros((1, 1, 3, 3))
    dy = np.arange(1.0, 5.0).reshape(1, 1, 2, 2)
    assert max_pool2d_backward(dy, x, 2, 1).sum() == dy.sum()
    assert max_pool2d_backward(dy, x, 2, 1)[0, 0, 0, 0] == 1
    assert not lp_pool2d_backward(dy, x, 2, 2, 1).any()


@pytest.mark.parametrize("layout", ["F", "reversed", "gapped", "readonly"])
def test_layouts_do_not_matter_and_inputs_are_not_changed(layout: str) -> None:
    """Cases come in every layout; the key must not depend on it."""
    rng = Draw("layout", layout)
    plain = integers(rng, (2, 3, 5, 6), -9, 9)
    x = laid_out(plain, layout)
    for pool in (max_pool2d, avg_pool2d):
        assert np.array_equal(pool(x, (2, 3), 2), pool(plain, (2, 3), 2))
    dy = laid_out(integers(rng, (2, 3, 2, 2)), layout)
    assert np.array_equal(max_pool2d_backward(dy, x, (2, 3), 2), max_pool2d_backward(dy.copy(), plain, (2, 3), 2))
    assert np.array_equal(x, plain)
    assert not np.shares_memory(max_pool2d(x, 1), x)
    assert not np.shares_memory(avg_pool2d(x.astype(float), 1), x)


def test_empty_batches_bytes_and_not_a_number() -> None:
    """The corners of the contract: no images, sums beyond 255, and a NaN that must not vanish."""
    assert max_pool2d(np.zeros((0, 2, 4, 4)), 2).shape == avg_pool2d(np.zeros((0, 2, 4, 4)), 2).shape == (0, 2, 2, 2)
    for dtype, number in (("uint8", 255), ("int64", 2**62), ("uint64", 2**63), ("int64", -(2**63))):
        assert avg_pool2d(np.full((1, 1, 2, 2), number, dtype), 2).tolist() == [[[[float(number)]]]]
    assert np.isnan(max_pool2d(np.array([[[[1.0, np.nan]]]]), (1, 2))).all()


@pytest.mark.parametrize("name", [name for name, e in examples().items() if "pool" in e["kind"]])
def test_published_poolings_come_out(name: str) -> None:
    """Every pooled map of the handouts, also those whose last row and column are dropped."""
    case = example(name)
    given = case["given"]
    if "maps" in given:
        x, size, stride = np.array([given["maps"]], float), given["kernel_size"], given["stride"]
    else:
        image, kernels = np.array(given["image"])[None, None], np.array(given["kernels"], float)[:, None]
        padding = tuple(given["padding"])
        x = sigmoid(conv2d(image, kernels, np.array(given["bias"]), tuple(given["stride"]), padding))
        size, stride = given["kernel_size"], given["pool_stride"]
    if case["kind"].startswith("lp_pool2d"):
        want = np.sqrt([[18, 26], [18, 18]])[None]  # the handout's radicals, exactly
        assert case["answer"] == "[[sqrt(18), sqrt(26)], [sqrt(18), sqrt(18)]]"
        got = lp_pool2d(x, 2, tuple(size), tuple(stride))
    else:
        want, got = case["answer"], POOLS[case["kind"].split()[0]](x, tuple(size), tuple(stride))
    np.testing.assert_allclose(got[0], want, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((2, 3, 3)), 2), r"x has 3 axes; it must have four"),
        ((np.zeros((1, 1, 3, 3)), 4), r"a window of 4 by 4 does not fit into 3 by 3"),
        ((np.zeros((1, 1, 3, 3)), 0), r"kernel_size=0 must be at least 1"),
        ((np.zeros((1, 1, 3, 3)), 2, (1,)), r"stride=\(1,\) must be a whole number or a pair"),
    ],
)
def test_arguments_that_make_no_sense_are_named(arguments: tuple[Any, ...], message: str) -> None:
    """An author's slip must be a sentence and not a wrong key."""
    for pool in (max_pool2d, avg_pool2d):
        with pytest.raises(ValueError, match=message):
            pool(*arguments)


def test_a_norm_or_gradient_that_makes_no_sense_is_named() -> None:
    """p = 0 divides by zero, and a gradient of another shape would be broadcast."""
    with pytest.raises(ValueError, match="norm_type=0 must be positive"):
        lp_pool2d(np.zeros((1, 1, 2, 2)), 0, 2)
    with pytest.raises(ValueError, match=r"dy has the shape \(1, 1, 1, 1\)"):
        avg_pool2d_backward(np.zeros((1, 1, 1, 1)), np.zeros((1, 1, 3, 3)), 2, 1)
