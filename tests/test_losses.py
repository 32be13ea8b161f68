"""Losses by hand against PyTorch's: what softmax gives, the mean loss of a batch, and the gradient of a weight."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import pytest
import torch
from torch.nn import functional

from grader.draw import Draw
from solutions import losses

CASES = 40
CLOSE = {"rel_tol": 1e-12, "abs_tol": 1e-14}


def batches() -> Iterator[tuple[list[tuple[int, ...]], list[int], list[Fraction]]]:
    """Yield drawn batches: e to each logit, the classes, and the values of one input."""
    for number in range(CASES):
        rng = Draw("losses", number)
        size, classes = rng.integer(1, 6), rng.integer(2, 5)
        powers = [tuple(rng.integer(1, 30) for _ in range(classes)) for _ in range(size)]
        labels = [rng.below(classes) for _ in range(size)]
        yield powers, labels, [rng.decimal(Fraction(-2), 2) for _ in range(size)]


def logits(powers: list[tuple[int, ...]]) -> torch.Tensor:
    return torch.tensor(powers, dtype=torch.float64).log()


def test_softmax_is_torchs() -> None:
    for powers, _, _ in batches():
        wanted = torch.softmax(logits(powers), dim=1).tolist()
        for own, theirs in zip(powers, wanted, strict=True):
            shares = losses.softmax(own)
            assert sum(shares) == 1
            assert [float(share) for share in shares] == pytest.approx(theirs, rel=1e-12)


def test_the_loss_is_torchs() -> None:
    """Given the shares of the right classes: the mean, and the mean of a softmax of a softmax."""
    for powers, labels, _ in batches():
        shares = [losses.softmax(own) for own in powers]
        right = [own[label] for own, label in zip(shares, labels, strict=True)]
        wanted = functional.cross_entropy(logits(powers), torch.tensor(labels)).item()
        assert math.isclose(losses.negative_log_likelihood(right), wanted, **CLOSE)
        again = [[losses.exp(share) for share in own] for own in shares]
        twice = [own[label] / sum(own) for own, label in zip(again, labels, strict=True)]
        softmaxed = functional.cross_entropy(logits(powers).softmax(1), torch.tensor(labels)).item()
        assert math.isclose(losses.negative_log_likelihood(twice), softmaxed, **CLOSE)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_gradient_of_a_weight_is_torchs(reduction: str) -> None:
    """By backward() through a dense layer whose other inputs and weights make the same logits."""
    for powers, labels, inputs in batches():
        classes = len(powers[0])
        x = torch.tensor([float(value) for value in inputs], dtype=torch.float64)[:, None]
        weights = torch.linspace(-1, 1, classes, dtype=torch.float64).requires_grad_()
        others = logits(powers) - x * weights.detach()
        loss = functional.cross_entropy(x * weights + others, torch.tensor(labels), reduction=reduction)
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no types here
        assert weights.grad is not None
        for k in range(classes):
            shares = [losses.softmax(own)[k] for own in powers]
            own = [label == k for label in labels]
            got = losses.dense_gradient(shares, own, inputs, mean=reduction == "mean")
            assert math.isclose(got, weights.grad[k].item(), **CLOSE)


def test_logarithms_and_powers_are_precise() -> None:
    """As far as answers are compared, and much further: one undoes the other to 35 digits."""
    for number in range(1, CASES):
        value = Fraction(number, 20)
        assert math.isclose(losses.log(value), math.log(number / 20), **CLOSE)
        assert math.isclose(losses.exp(value), math.exp(number / 20), **CLOSE)
        assert abs(losses.log(losses.exp(value)) - value) < Fraction(1, 10**35)
