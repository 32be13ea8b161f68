"""The optimizer steps against torch.optim, step by step, and against fractions."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from grader.draw import Draw
from grader.functions.arrays import reals
from solutions.optimizers import adagrad_step, adam_step, look_ahead_step, nesterov_step, rmsprop_step, root, sgd_step

SHAPES: tuple[tuple[int, ...], ...] = ((), (3,), (2, 3), (2, 1, 3), (2, 2, 2, 2))
STEPS = 6
OPTIM = torch.optim


def follow(make: Callable[[list[Any]], Any], step: Callable[..., Any], state: int, label: str, dtype: str) -> None:
    """Take the same steps with PyTorch and with ours, and compare the weights after each."""
    for number, shape in enumerate(SHAPES):
        rng = Draw("torch", label, number)
        w = reals(rng, shape, dtype)
        weights = torch.tensor(w, requires_grad=True)
        optimizer = make([weights])
        memory: tuple[Any, ...] = (np.zeros(shape, dtype),) * state
        for t in range(1, STEPS + 1):
            g = reals(rng, shape, dtype)
            weights.grad = torch.tensor(g)
            optimizer.step()
            w, *rest = step(w, g, *memory, t)
            memory = tuple(rest)
            assert w.dtype == np.dtype(dtype)
            tolerance = 100 * np.finfo(np.dtype(dtype)).eps
            np.testing.assert_allclose(w, weights.detach().numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("decay", [0.0, 0.3])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_is_that_of_pytorch(momentum: float, decay: float, dtype: str) -> None:
    """Weights are the same at a constant learning rate, although PyTorch's buffer is another multiple."""
    follow(
        lambda ws: OPTIM.SGD(ws, lr=0.1, momentum=momentum, weight_decay=decay),
        lambda w, g, v, t: sgd_step(w, g, v, 0.1, momentum, decay),
        1,
        f"sgd {momentum} {decay}",
        dtype,
    )


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_nesterov_is_that_of_pytorch(decay: float) -> None:
    """The sheet asks for Nesterov's momentum, which has two common forms."""
    follow(
        lambda ws: OPTIM.SGD(ws, lr=0.1, momentum=0.9, weight_decay=decay, nesterov=True),
        lambda w, g, v, t: nesterov_step(w, g, v, 0.1, 0.9, decay),
        1,
        f"nesterov {decay}",
        "float64",
    )


def test_the_two_forms_of_nesterov_follow_the_same_path() -> None:
    """What is taught (look ahead, then measure) and what PyTorch computes differ by a change of variables only."""
    lr, momentum = Fraction(1, 10), Fraction(4, 5)

    def gradient(w: Fraction) -> Fraction:
        return 3 * (w - 2)

    w, v = Fraction(5), Fraction(1, 2)
    ahead, u = w + momentum * v, v
    for _ in range(5):
        w, v = look_ahead_step(w, gradient, v, lr, momentum)
        ahead, u = nesterov_step(ahead, gradient(ahead), u, lr, momentum)
        assert (ahead, u) == (w + momentum * v, v)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("decay", [0.0, 0.3])
@pytest.mark.parametrize("eps", [1e-10, 0.1])
def test_adagrad_is_that_of_pytorch(eps: float, decay: float, dtype: str) -> None:
    """A large eps tells whether it stands inside the root."""
    follow(
        lambda ws: OPTIM.Adagrad(ws, lr=0.1, eps=eps, weight_decay=decay),
        lambda w, g, s, t: adagrad_step(w, g, s, 0.1, eps, decay),
        1,
        f"adagrad {eps} {decay}",
        dtype,
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("decay", [0.0, 0.3])
@pytest.mark.parametrize("eps", [1e-8, 0.1])
def test_rmsprop_is_that_of_pytorch(eps: float, decay: float, dtype: str) -> None:
    """A large eps tells whether it stands inside the root."""
    follow(
        lambda ws: OPTIM.RMSprop(ws, lr=0.1, alpha=0.9, eps=eps, weight_decay=decay),
        lambda w, g, v, t: rmsprop_step(w, g, v, 0.1, 0.9, eps, decay),
        1,
        f"rmsprop {eps} {decay}",
        dtype,
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("decay", [0.0, 0.3])
@pytest.mark.parametrize("eps", [1e-8, 0.1])
def test_adam_is_that_of_pytorch(eps: float, decay: float, dtype: str) -> None:
    """Six steps: the correction of the averages depends on t, and eps stands outside the corrected root."""
    follow(
        lambda ws: OPTIM.Adam(ws, lr=0.1, betas=(0.8, 0.99), eps=eps, weight_decay=decay),
        lambda w, g, m, v, t: adam_step(w, g, m, v, t, 0.1, (0.8, 0.99), eps, decay),
        2,
        f"adam {eps} {decay}",
        dtype,
    )


def test_defaults_are_those_of_pytorch() -> None:
    """A student who leaves the options out gets PyTorch's, and so must the reference."""
    w, g, zero = np.array([1.0, -2.0]), np.array([0.5, 3.0]), np.zeros(2)
    pairs: tuple[tuple[Any, Any], ...] = (
        (OPTIM.Adam, adam_step(w, g, zero, zero, 1)),
        (OPTIM.RMSprop, rmsprop_step(w, g, zero)),
        (OPTIM.Adagrad, adagrad_step(w, g, zero)),
    )
    for make, ours in pairs:
        weights = torch.tensor(w, requires_grad=True)
        weights.grad = torch.tensor(g)
        make([weights]).step()
        np.testing.assert_allclose(ours[0], weights.detach().numpy(), rtol=1e-15)


def test_fractions_stay_exact() -> None:
    """The answers on paper are exact decimals: 0.1 added up in floating point is not."""
    tenth = Fraction(1, 10)
    w, v = sgd_step(Fraction(3), Fraction(2), Fraction(1), tenth, 9 * tenth, tenth)
    assert (w, v) == (Fraction(367, 100), Fraction(67, 100))
    w, s = rmsprop_step(Fraction(1), Fraction(4), Fraction(26), lr=tenth, alpha=9 * tenth, eps=1)
    assert (w, s) == (1 - Fraction(4, 60), 25)
    w, m, s = adam_step(Fraction(1), Fraction(-6), Fraction(0), Fraction(0), 1, tenth, (9 * tenth, 9 * tenth), eps=2)
    assert (w, m, s) == (1 + 6 * tenth / 8, -6 * tenth, 36 * tenth)
    assert all(isinstance(value, Fraction) for value in (w, m, s))


def test_a_root_is_exact_where_there_is_one() -> None:
    """A rational root stays a fraction; another one is the nearest floating number."""
    assert root(Fraction(49, 4)) == Fraction(7, 2)
    assert root(0) == 0
    assert root(Fraction(2)) == pytest.approx(2**0.5, rel=1e-15)
    np.testing.assert_array_equal(root(np.array([4.0, 9.0])), [2, 3])


def test_whole_numbers_in_arrays_do_not_wrap_around() -> None:
    """The square of the byte 200 is 40,000 and not 64; the square of a negative int8 likewise."""
    byte = np.array([200], np.uint8)
    np.testing.assert_array_equal(adagrad_step(byte, byte, byte, lr=1)[1], [40200])
    np.testing.assert_array_equal(sgd_step(byte, byte, byte, lr=1, momentum=1)[1], [0])
    np.testing.assert_array_equal(sgd_step(np.zeros(1, np.uint8), byte, np.zeros(1, np.uint8), lr=1)[0], [-200])


def test_the_steps_of_adam_count_from_one() -> None:
    """With t = 0 the correction would divide by zero."""
    with pytest.raises(ValueError, match="t=0 must be at least 1"):
        adam_step(1.0, 1.0, 0.0, 0.0, 0)
