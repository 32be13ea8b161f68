"""The contracts of the optimizer steps: right functions pass, wrong ones are refused, named and explained."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from exercises.contracts.optimizers import CONTRACTS
from grader.contract import Contract, Twin
from grader.functions.cases import CaseSet, case_set
from grader.functions.judge import judge
from grader.functions.local import LocalSession
from grader.functions.runner import Runner
from grader.outcome import Outcome, PartResult

BY_NAME = {contract.name: contract for contract in CONTRACTS}
TWINS = [pytest.param(c, t, id=f"{c.name}-{t.name}") for c in CONTRACTS for t in c.twins]
Step = Callable[..., Any]


@cache
def cases(contract: str, key: bytes = b"contracts") -> CaseSet:
    return case_set(BY_NAME[contract], key)


def grade(contract: str, function: Step, key: bytes = b"contracts") -> PartResult:
    return judge(cases(contract, key), Runner(lambda: LocalSession({contract: function})), "optimizers", Fraction(1))


# Right functions, unlike each other ------------------------------------------------------------------------


def sgd_of_two_products(w: Any, g: Any, v: Any, lr: Any, momentum: Any = 0.0, weight_decay: Any = 0.0) -> Any:
    """The decay and the gradient scaled apart, the velocity last."""
    change = -lr * np.asarray(g) - (lr * weight_decay) * np.asarray(w) + np.asarray(v) * momentum
    return change + w, np.asarray(change)


def sgd_entry_by_entry(w: Any, g: Any, v: Any, lr: Any, momentum: Any = 0.0, weight_decay: Any = 0.0) -> Any:
    """A loop, in Python numbers, handed back as a list."""
    new_w, new_v = np.zeros(w.shape), np.zeros(w.shape)
    for at in np.ndindex(*w.shape):
        new_v[at] = momentum * float(v[at]) - lr * (float(g[at]) + weight_decay * float(w[at]))
        new_w[at] = float(w[at]) + new_v[at]
    return [new_w, new_v]


def adagrad_by_power(w: Any, g: Any, s: Any, lr: Any = 1e-2, eps: Any = 1e-10, weight_decay: Any = 0.0) -> Any:
    total = s + np.power(g + weight_decay * w, 2.0)
    return w - (lr / (total**0.5 + eps)) * (g + weight_decay * w), total


def rmsprop_by_difference(
    w: Any, g: Any, v: Any, lr: Any = 1e-2, alpha: Any = 0.99, eps: Any = 1e-8, weight_decay: Any = 0.0
) -> Any:
    """The average moved towards the new square, and the step taken with hypot's root."""
    slope = g + w * weight_decay
    new = v + (1 - alpha) * (slope**2 - v)
    return w - lr * (slope / (np.sqrt(np.abs(new)) + eps)), new


def adam_by_rate(
    w: Any,
    g: Any,
    m: Any,
    v: Any,
    t: Any,
    lr: Any = 1e-3,
    betas: Any = (0.9, 0.999),
    eps: Any = 1e-8,
    weight_decay: Any = 0.0,
) -> Any:
    """PyTorch's own arrangement: the first correction goes into the rate, the second under its own root."""
    slope = g + weight_decay * w
    new_m = m + (1 - betas[0]) * (slope - m)
    new_v = betas[1] * v + (1 - betas[1]) * slope * slope
    root = np.sqrt(new_v) / math.sqrt(1 - betas[1] ** t) + eps
    return w - lr / (1 - betas[0] ** t) * new_m / root, new_m, new_v


def adam_of_torch(
    w: Any,
    g: Any,
    m: Any,
    v: Any,
    t: Any,
    lr: Any = 1e-3,
    betas: Any = (0.9, 0.999),
    eps: Any = 1e-8,
    weight_decay: Any = 0.0,
) -> Any:
    """PyTorch itself, with its state put in."""
    common = np.result_type(w, g, m, v, np.float32 if w.dtype == np.float32 else np.float64)
    weights, slope, first, second = (torch.tensor(np.array(a, dtype=common, order="C")) for a in (w, g, m, v))
    weights.requires_grad_()
    weights.grad = slope
    optimizer = torch.optim.Adam([weights], lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, foreach=False)
    optimizer.state[weights] = {"step": torch.tensor(float(t - 1)), "exp_avg": first, "exp_avg_sq": second}
    optimizer.step()
    return weights.detach().numpy().copy(), first.numpy().copy(), second.numpy().copy()


RIGHT: tuple[tuple[str, Step], ...] = (
    *((contract.name, contract.reference) for contract in CONTRACTS),
    ("sgd_step", sgd_of_two_products),
    ("sgd_step", sgd_entry_by_entry),
    ("adagrad_step", adagrad_by_power),
    ("rmsprop_step", rmsprop_by_difference),
    ("adam_step", adam_by_rate),
    ("adam_step", adam_of_torch),
)


@pytest.mark.parametrize(("contract", "function"), RIGHT, ids=lambda value: getattr(value, "__name__", value))
@pytest.mark.parametrize("key", [b"contracts", b"another"])
def test_right_functions_earn_everything(contract: str, function: Step, key: bytes) -> None:
    """The order of products and sums, Python numbers and float32 kept as float32 are a matter of taste."""
    result = grade(contract, function, key)
    assert result.outcome is Outcome.CORRECT, result.message
    assert result.score == 1


@pytest.mark.parametrize(("contract", "twin"), TWINS)
def test_every_twin_is_refused_and_named_alone(contract: Contract, twin: Twin) -> None:
    """A mistake is named where it fits, and no other with it: the cases tell all of them apart."""
    known = cases(contract.name)
    result = judge(
        known, Runner(lambda: LocalSession({contract.name: twin.function})), "optimizers", Fraction(1), trials=0
    )
    assert result.outcome in (Outcome.WRONG, Outcome.PARTIAL)
    assert [(f.name, f.hint) for f in result.misconceptions] == [(twin.name, twin.hint)]


def test_a_forgotten_decay_costs_the_decay_only() -> None:
    """Half-right functions keep what they are right about: an instructor would not give zero here."""

    def undecayed(w: Any, g: Any, v: Any, lr: Any, momentum: Any = 0.0, weight_decay: Any = 0.0) -> Any:  # noqa: ARG001 - the bug
        v = momentum * v - lr * g
        return w + v, v

    result = grade("sgd_step", undecayed)
    assert result.outcome is Outcome.PARTIAL
    assert result.regimes["there is momentum"][0] == result.regimes["there is momentum"][1]
    assert result.regimes["there is weight decay"][0] == 0
    assert "weight decay" in result.message
    assert 0 < result.score < 1


@pytest.mark.parametrize("name", ["adagrad_step", "rmsprop_step", "adam_step"])
def test_a_misplaced_eps_costs_little(name: str) -> None:
    """Usually eps is tiny: all that a student has who adds it under the root is one kind of case wrong."""
    twin = next(t for t in BY_NAME[name].twins if t.name == "eps-inside")
    result = grade(name, twin.function)
    assert result.outcome is Outcome.PARTIAL
    assert Fraction(4, 5) <= result.score < 1


def test_working_on_the_arguments_is_noticed() -> None:
    """`v *= momentum` is the usual slip of those who know how optimizers are written."""

    def in_place(w: Any, g: Any, v: Any, lr: Any, momentum: Any = 0.0, weight_decay: Any = 0.0) -> Any:
        new = sgd_of_two_products(w, g, v, lr, momentum, weight_decay)
        if v.flags.writeable and v.dtype == np.float64:
            v[...] = new[1]
        return new

    result = grade("sgd_step", in_place)
    assert result.outcome is Outcome.PARTIAL
    assert "modifies its arguments" in result.message


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.name)
def test_every_regime_says_what_it_is(contract: Contract) -> None:
    """A student reads "wrong on 5 of 5 cases where …", so that every name must complete it; and none may be idle."""
    assert all(regime.name[:1].islower() and " " in regime.name for regime in contract.regimes)
    assert {case.regime for case in cases(contract.name).cases} >= {regime.name for regime in contract.regimes}
