"""The network with two convolutions: the handout's figures, PyTorch as another route, and what is trained."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
import torch

from exercises._nets import Net, Stage
from exercises.cnn_two_conv import (
    COSTS,
    EXERCISE,
    PARTS,
    SETUPS,
    Params,
    Setup,
    all_differ,
    cost,
    draw,
    layers,
    plans,
    wrong_models,
)
from grader.draw import Draw
from grader.exercise import Level
from grader.models import reference
from grader.sheet import render_key, render_sheet, render_stub
from grader.variant import Seeded, draw_variant
from solutions import training

over_levels = pytest.mark.parametrize("level", list(Level))
over_setups = pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.key)
ACCURACIES = ((900, 890, 880), (930, 920, 910), (950, 910, 930), (970, 900, 900))


def drawn(level: Level, number: int) -> Any:
    return draw_variant(EXERCISE, level, Seeded(2026, number))


def handout(**changes: Any) -> Params:
    """The handout's network and training: 38,390 parameters, 50,000 of 60,000 digits learned in batches of 128."""
    stages = Stage(10, 5), Stage(0, 2, 2), Stage(20, 5), Stage(0, 2, 2)
    net = Net((1, 28, 28), stages, (100, 10))
    p = Params(SETUPS[0], net, 60_000, 6, 128, 50, 3, (4, -2), Fraction(9, 10), Fraction(1, 10), ACCURACIES)
    return replace(p, **changes)


def part(name: str) -> Any:
    return next(one for one in PARTS if one.name == name)


# On paper --------------------------------------------------------------------------------------------------


def test_the_handouts_network() -> None:
    """Layer by layer and in all, counted by PyTorch too."""
    model = training.sequential(layers(SETUPS[0]))
    numbers = [sum(w.numel() for w in layer.parameters()) for layer in model]
    assert part("parameters").solve(handout()) == (260, 5_020, 32_100, 1_010, 38_390)
    assert [n for n in numbers if n] == [260, 5_020, 32_100, 1_010]
    assert part("features").solve(handout()) == 320
    assert part("split").solve(handout()) == (50_000, 10_000)
    assert part("steps").solve(handout()) == 50 * 391


@over_levels
def test_answers_are_those_of_pytorch(level: Level) -> None:
    """Another route to every figure: a network of the drawn numbers, a random split, and an optimizer's steps."""
    for number in range(10):
        p = drawn(level, number).p
        x = torch.zeros(1, *p.net.image, device="meta")
        found: list[torch.nn.Module] = []
        for stage in p.net.stages:
            layer: torch.nn.Module = (
                torch.nn.MaxPool2d(stage.kernel, stage.stride)
                if stage.is_pool
                else torch.nn.Conv2d(x.shape[1], stage.filters, stage.kernel, device="meta")
            )
            x = layer(x)
            found.append(layer)
        sizes = [x.numel(), *p.net.hidden]
        found += [torch.nn.Linear(a, b, device="meta") for a, b in pairwise(sizes)]
        numbers = [n for n in (sum(w.numel() for w in layer.parameters()) for layer in found) if n]
        assert part("features").solve(p) == x.numel()
        assert part("parameters").solve(p) == (*numbers, sum(numbers))
        learned, held = part("split").solve(p)
        assert learned + held == p.examples
        assert held * p.parts <= p.examples < (held + 1) * p.parts
        assert part("steps").solve(p) == len(range(0, learned, p.batch)) * p.epochs
        weight = torch.tensor(float(p.start), dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.RMSprop([weight], lr=float(p.rate), alpha=float(p.keep), eps=0.0)
        for gradient in p.gradients:
            weight.grad = torch.tensor(float(gradient), dtype=torch.float64)
            optimizer.step()
        assert float(part("weight").solve(p)) == pytest.approx(weight.item(), abs=1e-9)


def test_the_validation_chooses_and_the_test_is_asked_once() -> None:
    """Epoch 2 has the best validation, epoch 3 the best test, epoch 4 the best training."""
    chosen = part("chosen")
    assert chosen.solve(handout()) == (2, 90)
    assert chosen.distractors(handout()) == {
        "by-the-test": (3, 70),
        "by-the-training": (4, 100),
        "validation-errors": (2, 80),
        "right-ones": (2, 910),
    }
    assert "| 3 | 95.0 % | 91.0 % | 93.0 % |" in handout().table


@over_levels
def test_the_drawn_accuracies_have_one_best_epoch_each(level: Level) -> None:
    """Two epochs as good as each other would leave the choice open."""
    for number in range(40):
        rows = drawn(level, number).p.accuracies
        for column in range(3):
            rights = [row[column] for row in rows]
            assert rights.count(max(rights)) == 1
            assert max(rights) < 1000


@over_levels
def test_mistakes_differ_and_work_is_that_of_the_level(level: Level) -> None:
    """A mistake that gives the right answer, or another's, could not be told."""
    for number in range(20):
        p = drawn(level, number).p
        assert all(all_differ(one, p) and len(one.distractors(p)) >= 3 for one in PARTS)
        assert abs(cost(p) - COSTS[level]) <= COSTS[level] / 6
        assert min(p.net.shapes[-1][1:]) > 1  # a map of one number says nothing of how maps are flattened


def test_mistakes_that_cannot_show_are_not_offered() -> None:
    """60,000 images have whole sixths, and with halves it does not matter which share is kept."""
    assert "rounded-up" not in part("split").distractors(handout())
    assert part("split").distractors(handout(examples=60_001))["rounded-up"] == (50_000, 10_001)
    assert "shares-swapped" not in part("weight").distractors(handout(keep=Fraction(1, 2)))
    assert "last-batch-dropped" not in part("steps").distractors(handout(batch=100))


def test_wrong_numbers_are_carried_on() -> None:
    """A flattened size goes on into the dense layer, learned examples into the steps."""
    assert part("parameters").carry.solve(handout(), {"features": 400}) == (260, 5_020, 40_100, 1_010, 46_390)
    assert part("steps").carry.solve(handout(), {"split": (12_800, 1)}) == 50 * 100


@over_levels
def test_the_sheet_says_everything_and_no_answer(level: Level) -> None:
    one = drawn(level, 5)
    sheet, key, stub = render_sheet(one), render_key(one), render_stub(one)
    setup: Setup = one.p.setup
    for text in (sheet, stub):
        for number in (*setup.filters, setup.hidden, setup.rate, setup.batch, setup.epochs, setup.parts):
            assert re.search(rf"(?<![\d.]){number}(?!\.?\d)", text), number
        assert "{{" not in text
    assert "8 to 12 and 16 to 24 filters" in sheet
    assert one.p.table in sheet
    assert all(other.workings(one.p) not in sheet for other in PARTS)
    assert "ccuracy of the reference" not in sheet
    assert "The accuracy of the reference after every epoch" in key


# The models ------------------------------------------------------------------------------------------------


@over_setups
def test_the_model_is_what_the_picture_says(setup: Setup) -> None:
    """The row of volumes on the sheet: the shapes that PyTorch has after each layer."""
    seen, shapes = torch.zeros(1, 1, 28, 28), []
    for layer in training.sequential(layers(setup)):
        seen = layer(seen)
        if not isinstance(layer, torch.nn.ReLU):
            shapes.append(tuple(seen.shape[1:]))
    assert [shape for shape, *_ in handout(setup=setup).boxes[1:]] == shapes


@over_setups
def test_wrong_models_take_a_batch_and_are_other_models(setup: Setup) -> None:
    """A wrong model that cannot run, or that is right after all, would name nobody's mistake."""
    torch.manual_seed(1)
    twins = wrong_models(setup)
    assert len({twin.name for twin in twins}) == len(twins) >= 16
    right, x = training.sequential(layers(setup)), torch.rand(3, 1, 28, 28)
    for twin in twins:
        model = twin.build()
        assert model(x).shape == (3, 10), twin.name
        if [w.shape for w in model.parameters()] == [w.shape for w in right.parameters()]:
            model.load_state_dict(dict(zip(model.state_dict(), right.state_dict().values(), strict=True)))
            assert not torch.allclose(model(x), right(x), atol=1e-5), twin.name


def test_the_optimizer_and_the_split_are_those_on_the_sheet() -> None:
    for setup, plan in zip(SETUPS, plans(), strict=True):
        optimizer = plan.start(torch.nn.Linear(2, 2))
        assert isinstance(optimizer, torch.optim.RMSprop)
        (group,) = optimizer.param_groups
        wanted = {"lr": setup.rate, "alpha": 0.99, "momentum": 0, "weight_decay": 0, "centered": False}
        assert {name: group[name] for name in wanted} == wanted
        assert (plan.batch, plan.epochs, plan.held_back) == (setup.batch, setup.epochs, Fraction(1, setup.parts))


def test_the_reference_learns_all_but_what_is_held_back() -> None:
    """The sheet says len(x) // parts, and the engine computes with a fraction: they are the same for every number."""
    for plan, setup in zip(plans(), SETUPS, strict=True):
        for number in (1, setup.parts - 1, setup.parts, 100, 299, 1497):
            assert int(number * plan.held_back) == number // setup.parts
        taken: list[torch.Tensor] = []
        train = reference.trainer(plan, step=lambda model, optimizer, x, y, taken=taken: taken.append(x.flatten()))
        train(torch.nn.Linear(1, 1), torch.arange(100.0)[:, None], torch.zeros(100), seed=1, device="cpu")
        rows = torch.cat(taken)
        assert len(rows) == setup.epochs * (100 - 100 // setup.parts)
        assert len(set(rows.tolist())) == 100 - 100 // setup.parts


def test_draws_are_their_own() -> None:
    """A variant depends on its seed and nothing else."""
    assert draw(Draw("one"), Level.STANDARD) == draw(Draw("one"), Level.STANDARD)
    assert draw(Draw("one"), Level.STANDARD) != draw(Draw("two"), Level.STANDARD)
