"""Gradients: the layers' against autograd and exact identities, the paper's against the layers', and ties."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import scipy.optimize
import torch
import torch.nn.functional as nn

from grader.draw import Draw
from grader.functions.arrays import integers, reals
from solutions import gradients, planes, subgradients
from solutions.convolution import conv2d, conv2d_backward
from solutions.pooling import (
    avg_pool2d,
    avg_pool2d_backward,
    lp_pool2d,
    lp_pool2d_backward,
    max_pool2d,
    max_pool2d_backward,
)
from solutions.subgradients import Tie

CASES = 500


def any_map(rng: Draw, size: tuple[int, int]) -> planes.Plane:
    """Return a map that a window of that size fits into."""
    return rng.matrix(size[0] + rng.integer(0, 4), size[1] + rng.integer(0, 4), -5, 5)


def sizes(rng: Draw) -> tuple[int, int]:
    return rng.integer(1, 3), rng.integer(1, 3)


def conv_case(rng: Draw) -> tuple[Any, Any, Any, tuple[int, int], tuple[int, int]]:
    """Return dy, x, w, stride and padding with whole numbers, any shapes: rests, gaps and padding included."""
    n, c, f = rng.integer(1, 3), rng.integer(1, 3), rng.integer(1, 3)
    kernel, stride, padding = sizes(rng), sizes(rng), (rng.integer(0, 2), rng.integer(0, 2))
    sides = [max(1, k - 2 * p) + rng.integer(0, 4) for k, p in zip(kernel, padding, strict=True)]
    x, w = integers(rng, (n, c, *sides)), integers(rng, (f, c, *kernel))
    return integers(rng, conv2d(x, w, None, stride, padding).shape), x, w, stride, padding


def pool_case(rng: Draw) -> tuple[Any, Any, tuple[int, int], tuple[int, int] | None]:
    kernel, stride = sizes(rng), sizes(rng) if rng.boolean() else None
    x = reals(rng, (rng.integer(1, 2), rng.integer(1, 2), *(k + rng.integer(0, 4) for k in kernel)))
    return reals(rng, max_pool2d(x, kernel, stride).shape), x, kernel, stride


def test_the_gradients_of_a_convolution_are_those_of_autograd_exactly() -> None:
    """Whole numbers leave no room for tolerance: every stride, padding and shape, rows beyond the last window too."""
    for index in range(CASES):
        dy, x, w, stride, padding = conv_case(Draw("conv", index))
        tensors = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in (x, w, np.zeros(len(w)))]
        y = nn.conv2d(tensors[0], tensors[1], tensors[2], stride, padding)
        wants = torch.autograd.grad(y, tensors, torch.tensor(dy, dtype=torch.float64))
        for got, want in zip(conv2d_backward(dy, x, w, stride, padding), wants, strict=True):
            assert got.dtype == np.int64
            assert np.array_equal(got, want.numpy()), (x.shape, w.shape, stride, padding)


def test_the_gradients_of_poolings_are_those_of_autograd() -> None:
    """The same for pooling, on numbers without ties and, for odd powers, without signs."""
    for index in range(CASES):
        rng = Draw("pool", index)
        dy, x, kernel, stride = pool_case(rng)
        p = rng.choice((1, 2, 3, 2.5))
        positive = np.abs(x) + 0.1 if p != 2 else x
        for got, numbers, forward, arguments in (
            (max_pool2d_backward(dy, x, kernel, stride), x, nn.max_pool2d, (kernel, stride)),
            (avg_pool2d_backward(dy, x, kernel, stride), x, nn.avg_pool2d, (kernel, stride)),
            (lp_pool2d_backward(dy, positive, p, kernel, stride), positive, nn.lp_pool2d, (p, kernel, stride)),
        ):
            tx = torch.tensor(numbers, requires_grad=True)
            (want,) = torch.autograd.grad(forward(tx, *arguments), tx, torch.tensor(dy))
            assert got == pytest.approx(want.numpy(), rel=1e-12, abs=1e-13), (x.shape, arguments)


def test_lp_pooling_means_what_torch_means() -> None:
    """The sign counts: an even power drops it, p = 1 sums with it, and an odd power of a negative sum has no root."""
    x = np.array([[[[3.0, -4.0], [0.0, 12.0]]]])
    for p in (1, 2, 4):
        assert lp_pool2d(x, p, 2) == pytest.approx(nn.lp_pool2d(torch.tensor(x), p, 2).numpy(), rel=1e-15)
    assert lp_pool2d(x, 2, 2).item() == 13
    assert np.isnan(lp_pool2d(-np.abs(x), 3, 2)).all()
    assert torch.isnan(nn.lp_pool2d(torch.tensor(-np.abs(x)), 3, 2)).all()


def inner(a: Any, b: Any) -> Any:
    return (np.asarray(a, object) * np.asarray(b, object)).sum()


def test_a_convolution_and_its_gradients_are_adjoint() -> None:
    """<dy, conv(x, w)> = <dx, x> = <dw, w> and db = sum dy, exactly, on fractions as well: no differences needed."""
    for index in range(300):
        rng = Draw("adjoint", index)
        dy, x, w, stride, padding = conv_case(rng)
        x, w = (np.vectorize(lambda v: Fraction(int(v), 7), otypes=[object])(a) for a in (x, w))
        dx, dw, db = conv2d_backward(dy.astype(object), x, w, stride, padding)
        value = inner(dy, conv2d(x, w, None, stride, padding))
        assert value == inner(dx, x) == inner(dw, w)
        assert list(db) == list(dy.sum(axis=(0, 2, 3)))


def test_poolings_and_their_gradients_are_adjoint() -> None:
    """Max and mean pooling pass on all of dy, and <dy, y> = <dx, x>, exactly."""
    for index in range(300):
        rng = Draw("pool adjoint", index)
        dy, x, kernel, stride = pool_case(rng)
        x, dy = (np.rint(a * 5).astype(int).astype(object) for a in (x, dy))
        for forward, backward in ((max_pool2d, max_pool2d_backward), (avg_pool2d, avg_pool2d_backward)):
            dx = backward(dy, x, kernel, stride)
            assert dx.sum() == dy.sum()
            assert inner(dy, forward(x, kernel, stride)) == inner(dx, x)


def test_gradients_are_the_slopes_of_the_reference_forward() -> None:
    """Differences of the forward: a gradient that fits another forward would pass every identity of its own."""
    for index in range(40):
        rng = Draw("slopes", index)
        dy, x, kernel, stride = pool_case(rng)
        x = np.abs(x) + 0.5 + np.arange(x.size).reshape(x.shape) * 1e-3
        step, at = 1e-6, tuple(rng.integer(0, n - 1) for n in x.shape)
        moved = np.zeros_like(x)
        moved[at] = step
        for forward, backward, arguments in (
            (max_pool2d, max_pool2d_backward, (kernel, stride)),
            (avg_pool2d, avg_pool2d_backward, (kernel, stride)),
            (lp_pool2d, lp_pool2d_backward, (3, kernel, stride)),
        ):
            dx = backward(dy, x, *arguments)
            slope = (dy * (forward(x + moved, *arguments) - forward(x - moved, *arguments))).sum() / (2 * step)
            assert dx[at] == pytest.approx(slope, rel=1e-5, abs=1e-6)


def test_one_hot_upstream_gives_the_kernel_and_the_patch() -> None:
    """dx is the kernel pasted where the window stood, dw the window itself: no turn, no shift, no crop."""
    x, w = np.arange(1, 31).reshape(1, 1, 5, 6), np.array([[[[1, 2], [3, 4]]]])
    dy = np.zeros(conv2d(x, w, None, 2, 1).shape, int)
    dy[0, 0, 1, 2] = 1
    dx, dw, db = conv2d_backward(dy, x, w, 2, 1)
    assert dx[0, 0, 1:3, 3:5].tolist() == [[1, 2], [3, 4]]
    assert dx.sum() == 10
    assert dw[0, 0].tolist() == x[0, 0, 1:3, 3:5].tolist()
    assert db.tolist() == [1]


def test_integer_strided_and_locked_arguments_give_the_same_and_stay_as_they_are() -> None:
    """A reference that changes or depends on the layout of its arguments would spoil the cases."""
    rng = Draw("layouts")
    dy, x, w, stride, padding = conv_case(rng)
    want = conv2d_backward(dy, x, w, stride, padding)
    for turn in (np.asfortranarray, lambda a: np.repeat(a, 2, axis=3)[..., ::2], lambda a: a[::-1].copy()[::-1]):
        odd = [turn(a) for a in (dy, x, w)]
        for array in odd:
            array.flags.writeable = False
        assert all(map(np.array_equal, conv2d_backward(odd[0], odd[1], odd[2], stride, padding), want))


# On paper --------------------------------------------------------------------------------------------------


def test_paper_gradients_agree_with_the_layers() -> None:
    """The paper questions have solvers of their own, without NumPy; they must be the same functions."""
    for index in range(300):
        rng = Draw("paper", index)
        size, stride, padding = sizes(rng), sizes(rng), (rng.integer(0, 2), rng.integer(0, 2))
        image = any_map(rng, size)
        kernel = rng.matrix(size[0], size[1], -3, 3)
        x: Any = np.array(image)[None, None]
        w: Any = np.array(kernel)[None, None]
        shape = conv2d(x, w, None, stride, padding).shape[2:]
        upstream = rng.matrix(shape[0], shape[1], -3, 3)
        dx, dw, _ = conv2d_backward(np.array(upstream)[None, None], x, w, stride, padding)
        assert gradients.of_kernel(image, upstream, size, stride, padding) == as_plane(dw)
        assert gradients.of_image(upstream, kernel, x.shape[2:], stride, padding) == as_plane(dx)
        rows, columns = max_pool2d(x, size, stride).shape[2:]
        back = rng.matrix(rows, columns, -3, 3)
        pooled = max_pool2d_backward(np.array(back)[None, None], x, size, stride)
        assert gradients.of_pooling(image, back, size, stride, gradients.to_largest) == as_plane(pooled)


def as_plane(x: Any) -> planes.Plane:
    return tuple(tuple(row) for row in x[0, 0].tolist())


# Ties ------------------------------------------------------------------------------------------------------


def by_linear_program(ties: tuple[Tie, ...], got: dict[Any, int]) -> float:
    """Return the distance to the nearest attainable gradient, by another method: a linear program."""
    spots = list(got)
    pairs = [(t, s) for t, tie in enumerate(ties) for s in tie.spots]
    columns = len(pairs) + 2 * len(spots)  # shares, then how far above and below each spot is
    equal = np.zeros((len(ties) + len(spots), columns))
    for column, (t, s) in enumerate(pairs):
        equal[t, column] = 1
        equal[len(ties) + spots.index(s), column] = ties[t].dy
    for row in range(len(spots)):
        equal[len(ties) + row, len(pairs) + 2 * row : len(pairs) + 2 * row + 2] = (1, -1)
    cost = np.r_[np.zeros(len(pairs)), np.ones(2 * len(spots))]
    right = [1] * len(ties) + [got[s] for s in spots]
    return float(scipy.optimize.linprog(cost, A_eq=equal, b_eq=right).fun)


def test_the_distance_to_what_ties_allow_is_that_of_a_linear_program() -> None:
    """No wrong gradient passes and no right one is refused: the flow finds the nearest attainable one."""
    for index in range(250):
        rng = Draw("ties", index)
        every = [(0, 0, 0, column) for column in range(rng.integer(2, 5))]
        ties = tuple(
            Tie(rng.choice((-3, -2, 1, 2, 4)), tuple(rng.sample(every, rng.integer(2, len(every)))))
            for _ in range(rng.integer(1, 4))
        )
        got = {spot: rng.integer(-4, 5) for spot in every}
        assert subgradients.distance(ties, got) == pytest.approx(by_linear_program(ties, got), abs=1e-7)


def test_every_sharing_is_at_distance_zero() -> None:
    """Whatever way whole parts of dy are shared out, the result must count as right."""
    for index in range(200):
        rng = Draw("shares", index)
        ties = tuple(
            Tie(rng.choice((-3, 1, 2, 5)), tuple((0, 0, 0, c) for c in rng.sample(range(4), rng.integer(2, 4))))
            for _ in range(rng.integer(1, 4))
        )
        got = dict.fromkeys(itertools.chain(*(tie.spots for tie in ties)), 0)
        for tie in ties:
            for _ in range(abs(tie.dy)):
                got[rng.choice(tie.spots)] += 1 if tie.dy > 0 else -1
        assert subgradients.distance(ties, got) == 0
        got[rng.choice(sorted(got))] += 1
        assert subgradients.distance(ties, got) == 1


def test_windows_that_share_a_spot_through_others_are_one_component() -> None:
    """Apart they would each be judged on numbers that the others made."""
    spots = [(0, 0, 0, column) for column in range(6)]
    ties = [Tie(1, (spots[0], spots[1])), Tie(1, (spots[4], spots[5])), Tie(1, (spots[2], spots[3]))]
    assert [len(c) for c in subgradients.components(ties)] == [1, 1, 1]
    joined = subgradients.components([*ties, Tie(2, (spots[1], spots[2]))])
    assert sorted(len(c) for c in joined) == [1, 3]
