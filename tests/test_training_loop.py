"""The training loop: its figures against PyTorch, the printed loops run, and a bar that was measured on these data."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.nn import functional

from exercises import _models
from exercises.training_loop import EXERCISE, OFFERED, SETUPS, SLIPS, Params, Setup, cost, plan, ranges
from grader.exercise import Level
from grader.models.selftest import broken
from grader.sheet import render_key, render_sheet
from grader.variant import AnyVariant, Seeded, collisions, draw_variant

over_levels = pytest.mark.parametrize("level", list(Level))
over_setups = pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.key)
MODELS = {part.name: part for part in EXERCISE.models}


def variants(level: Level, number: int) -> list[AnyVariant]:
    return [draw_variant(EXERCISE, level, Seeded(2026, n)) for n in range(number)]


# On paper --------------------------------------------------------------------------------------------------


@over_levels
def test_a_batch_is_torchs(level: Level) -> None:
    """Loss, gradient and step of the small batch by cross_entropy, backward() and SGD, with what was left before."""
    for variant in variants(level, 15):
        p: Params = variant.p
        x = torch.tensor([float(value) for value in p.inputs], dtype=torch.float64)[:, None]
        weights = torch.zeros(3, dtype=torch.float64)
        weights[p.to] = float(p.weight)
        weights.requires_grad_()
        weights.grad = torch.full_like(weights, float(p.left))
        others = torch.tensor(p.powers, dtype=torch.float64).log() - x * weights.detach()
        optimizer = torch.optim.SGD([weights], lr=float(p.rate))
        optimizer.zero_grad()
        loss = functional.cross_entropy(x * weights + others, torch.tensor(p.labels))
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no types here
        optimizer.step()
        assert math.isclose(variant.key["loss"], loss.item(), rel_tol=1e-12)
        assert weights.grad is not None
        assert math.isclose(variant.key["gradient"], weights.grad[p.to].item(), rel_tol=1e-9)
        assert math.isclose(variant.key["weight"], weights[p.to].item(), rel_tol=1e-12)


@over_levels
def test_batches_are_torchs(level: Level) -> None:
    """An epoch as it is cut by split: how many batches, and how many examples in the last."""
    for variant in variants(level, 15):
        p: Params = variant.p
        batches = torch.split(torch.arange(p.examples - p.held), p.batch)
        assert variant.key["steps"] == len(batches)
        assert variant.key["last"] == len(batches[-1]) < p.batch
        assert variant.key["updates"] == p.epochs * len(batches)


@over_levels
def test_variants_are_fair(level: Level) -> None:
    """The same cost for all, a slip that is offered, and no mistake that gives the right answer."""
    costs = {cost(variant.p) for variant in variants(level, 40)}
    assert costs == {EXERCISE.costs[level]}
    for variant in variants(level, 40):
        assert variant.p.slip in variant.p.offered
        assert len(set(variant.p.offered)) == OFFERED
        for part in EXERCISE.parts:
            assert not collisions(part, variant.p, variant.key[part.name]), (variant.id, part.name)


# Loops that are printed ------------------------------------------------------------------------------------

EPOCHS, BATCH, ROWS, RATE = 2, 4, 10, 0.1


class Watched(torch.nn.Linear):
    """A dense layer that notes its weights, its mode and the rows it is given."""

    def __init__(self) -> None:
        super().__init__(ROWS, 3, bias=False, dtype=torch.float64)
        self.seen: list[tuple[torch.Tensor, bool, list[int]]] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen.append((self.weight.detach().clone(), self.training, x.argmax(1).tolist()))
        return super().forward(x)


def run(name: str) -> Watched:
    """Execute the printed loop on rows that can be told apart; return the model, its weights at the end noted too."""
    torch.manual_seed(1)
    model = Watched()
    names: dict[str, Any] = {"model": model, "torch": torch, "F": functional}
    names |= {"x": torch.eye(ROWS, dtype=torch.float64), "y": torch.arange(ROWS) % 3}
    exec("\n".join(SLIPS[name].lines(EPOCHS, BATCH)), names)  # our own text
    model(names["x"])
    return model


def steps(model: Watched) -> list[torch.Tensor]:
    return [after[0] - before[0] for before, after in zip(model.seen, model.seen[1:], strict=False)]


def slope(weights: torch.Tensor, rows: list[int], outputs: Any = lambda z: z) -> torch.Tensor:
    """Return the gradient of the mean loss of these rows."""
    own = weights.clone().requires_grad_()
    labels = torch.tensor(rows) % 3
    loss = functional.cross_entropy(outputs(torch.eye(ROWS, dtype=torch.float64)[rows] @ own.T), labels)
    loss.backward()  # type: ignore[no-untyped-call]  # torch has no types here
    assert own.grad is not None
    return own.grad


def test_every_printed_loop_does_what_is_said_of_it() -> None:
    """What comes of each slip is seen in the weights, the rows and the mode, not only told."""
    runs = {name: run(name) for name in SLIPS}
    moved = {name: steps(model) for name, model in runs.items()}
    slopes = {name: [slope(weights, rows) for weights, _, rows in model.seen] for name, model in runs.items()}

    def all_close(name: str, wanted: list[torch.Tensor]) -> None:
        for got, want in zip(moved[name], wanted, strict=True):
            torch.testing.assert_close(got, -RATE * want)

    piled = [sum(slopes["no-zero-grad"][: n + 1], torch.zeros(())) for n in range(len(moved["no-zero-grad"]))]
    all_close("no-zero-grad", piled)
    stale = [torch.zeros_like(slopes["step-before-backward"][0]), *slopes["step-before-backward"][:-2]]
    all_close("step-before-backward", stale)
    assert not any(step.any() for step in moved["zero-grad-before-step"])
    weights, _, rows = runs["softmax-before-cross-entropy"].seen[0]
    small = slope(weights, rows, lambda z: z.softmax(1))
    torch.testing.assert_close(moved["softmax-before-cross-entropy"][0], -RATE * small)
    assert small.norm() < slope(weights, rows).norm() / 2
    fed = [rows for _, _, rows in runs["loss-summed"].seen][:-1]
    all_close("loss-summed", [len(own) * s for own, s in zip(fed, slopes["loss-summed"], strict=False)])
    orders = {name: [rows for _, _, rows in model.seen][:-1] for name, model in runs.items()}
    for name, order in orders.items():
        assert (order[:3] == order[3:]) == (name == "no-shuffling"), name
    for name, model in runs.items():
        assert model.seen[0][1] == (name != "evaluation-mode-in-training"), name
    all_close("evaluation-mode-in-training", slopes["evaluation-mode-in-training"][:-1])


# As a program ----------------------------------------------------------------------------------------------


@over_setups
def test_steps_and_evaluations_of_every_plan(setup: Setup) -> None:
    """The reference earns everything, every wrong step and evaluation is refused and named."""
    assert [line for name in ("train_step", "evaluate") for line in broken(MODELS[name], plan(setup.key))] == []


@over_setups
def test_the_sheet_says_all_of_a_setup(setup: Setup) -> None:
    """Every number of the plan that is judged stands in the docstring, and lies within the ranges that are stated."""
    variant = next(v for v in variants(Level.STANDARD, 60) if v.p.setup == setup)
    text = " ".join(render_sheet(variant).split())
    assert f"{setup.epochs} epochs in batches of {setup.batch}." in text
    assert f"int(len(x) / {setup.held})" in text
    assert f"torch.optim.{setup.optimizer}(model.parameters(), " in text
    found = plan(setup.key)
    for name, value in found.optimizer[1].items():
        assert f"{name}={value:g}" in text
        assert getattr(torch.optim, setup.optimizer)([torch.zeros(1)], **found.optimizer[1]).defaults[name] == value
    assert ranges() in text
    assert (found.batch, found.epochs) == (setup.batch, setup.epochs)
    assert found.learned(_models.LEARNED) == _models.LEARNED - _models.LEARNED // setup.held
    assert found.learned(_models.LEARNED) % setup.batch, "no smaller last batch: dropping it would not show"


def test_setups_differ_by_more_than_their_names() -> None:
    assert len({replace(setup, key="") for setup in SETUPS}) == len(SETUPS) == 4


@over_levels
def test_keys_have_no_residue(level: Level) -> None:
    """No fraction as Python writes it, no sign after a sign, and the loop as it should be."""
    text = "".join(map(render_key, variants(level, 4)))
    assert not re.search(r"Fraction|nan|{{|}}}}|\+ -|- -", text)
    assert "optimizer.zero_grad()" in text


def test_drawn_powers_are_those_of_round_shares() -> None:
    """Shares of two decimals at most, so that they can be written as they are."""
    for variant in variants(Level.CHALLENGE, 20):
        for shares in variant.p.shares:
            assert all((100 * share).denominator == 1 for share in shares)
