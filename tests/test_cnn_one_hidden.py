"""The network with one convolution: the handout's figures, mistakes of an independent kind, and what is trained."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
import torch

from exercises.cnn_one_hidden import (
    COSTS,
    CURVES_TITLE,
    EXERCISE,
    PARTS,
    SETUPS,
    Params,
    Setup,
    all_differ,
    cost,
    curves,
    layers,
    options,
    plans,
    wrong_models,
)
from grader.exercise import Level
from grader.sheet import render_key, render_sheet, render_stub
from grader.variant import Seeded, draw_variant
from solutions import counting, training

over_levels = pytest.mark.parametrize("level", list(Level))
over_setups = pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.key)


def drawn(level: Level, number: int) -> Any:
    return draw_variant(EXERCISE, level, Seeded(2026, number))


def params(**changes: Any) -> Params:
    """The handout's network on MNIST: 25 filters of 9 x 9, tiles of 4 x 4, 60,000 digits in batches of 128."""
    handout = Params(SETUPS[0], (1, 28, 28), 25, 9, 4, 10, 60_000, 128, 50, 3, (4, -2, 6), 2)
    return replace(handout, **changes)


def solved(name: str, p: Params) -> Any:
    return next(part for part in PARTS if part.name == name).solve(p)


# On paper --------------------------------------------------------------------------------------------------


def test_the_handouts_network() -> None:
    """Counted by PyTorch: 25 maps of 20 x 20, pooled to 5 x 5; 2,050 and 6,260 parameters; 469 steps an epoch."""
    model = training.sequential(layers(SETUPS[0]))
    assert model(torch.zeros(1, 1, 28, 28)).shape == (1, 10)
    assert solved("features", params()) == model[-1].in_features == 625
    assert solved("parameters", params()) == sum(w.numel() for w in model.parameters()) == 2_050 + 6_260
    assert solved("steps", params()) == 50 * 469
    assert solved("loss", params()) == pytest.approx(math.log(10))


@over_levels
def test_answers_are_those_of_pytorch(level: Level) -> None:
    """Another route to every figure: a network built of the drawn numbers, and an optimizer that takes the steps."""
    for number in range(10):
        p = drawn(level, number).p
        conv = torch.nn.Conv2d(p.image[0], p.filters, p.kernel, device="meta")
        maps = torch.nn.functional.max_pool2d(conv(torch.zeros(1, *p.image, device="meta")), p.pool)
        dense = torch.nn.Linear(maps.numel(), p.classes, device="meta")
        assert solved("features", p) == maps.numel()
        assert solved("parameters", p) == sum(w.numel() for m in (conv, dense) for w in m.parameters())
        weight = torch.tensor(float(p.start), dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=p.tenths / 10, momentum=0.5)
        for gradient in p.gradients:
            weight.grad = torch.tensor(float(gradient), dtype=torch.float64)
            optimizer.step()
        assert float(solved("weight", p)) == pytest.approx(weight.item(), abs=1e-9)
        logits = torch.zeros(1, p.classes, dtype=torch.float64)
        assert solved("loss", p) == pytest.approx(torch.nn.functional.cross_entropy(logits, torch.tensor([0])).item())
        assert solved("steps", p) == len(range(0, p.examples, p.batch)) * p.epochs


def test_nesterovs_momentum_is_pytorchs() -> None:
    """The mistake that is named after him is really his."""
    p = params()
    weight = torch.tensor(float(p.start), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=float(p.rate), momentum=0.5, nesterov=True)
    for gradient in p.gradients:
        weight.grad = torch.tensor(float(gradient), dtype=torch.float64)
        optimizer.step()
    part = next(part for part in PARTS if part.name == "weight")
    assert float(part.distractors(p)["nesterov"]) == pytest.approx(weight.item())


@over_levels
def test_mistakes_differ_and_work_is_that_of_the_level(level: Level) -> None:
    """A mistake that gives the right answer, or another's, could not be told."""
    for number in range(20):
        p = drawn(level, number).p
        assert all(all_differ(part, p) and len(part.distractors(p)) >= 3 for part in PARTS)
        assert abs(cost(p) - COSTS[level]) <= COSTS[level] / 6


def test_one_map_and_few_gradients_hide_some_mistakes() -> None:
    """Where a mistake cannot show, it is not offered: one channel, two gradients, tiles that a row more fills."""
    features, parameters, _, weight, _ = (part.distractors(params()) for part in PARTS)
    assert "channels-multiplied" not in features
    assert "one-channel" not in parameters
    assert "one-step-back" in weight
    assert "one-step-back" not in PARTS[3].distractors(params(gradients=(4, -2)))
    assert "no-plus-one" in features  # 20 rows are five tiles of four, 19 are four
    assert "no-plus-one" not in PARTS[0].distractors(params(image=(1, 29, 29)))


def test_a_wrong_size_is_carried_into_the_parameters() -> None:
    parameters = next(part for part in PARTS if part.name == "parameters")
    assert parameters.carry is not None
    assert parameters.carry.solve(params(), {"features": 400}) == 2_050 + 401 * 10


@over_levels
def test_the_sheet_says_everything_and_no_answer(level: Level) -> None:
    one = drawn(level, 3)
    sheet, key, stub = render_sheet(one), render_key(one), render_stub(one)
    setup: Setup = one.p.setup
    for text in (sheet, stub):
        for number in (setup.filters, setup.kernel, setup.pool, setup.rate, setup.batch, setup.epochs):
            assert re.search(rf"(?<![\d.]){number}(?!\.?\d)", text), number
        assert f"{setup.pooling} pooling" in text
        assert setup.written_decay in text
        assert "{{" not in text
    assert "16 to 25 filters" in sheet
    for part in PARTS:
        assert part.workings(one.p) not in sheet
    assert CURVES_TITLE not in sheet
    assert "plain SGD" in key


# The models ------------------------------------------------------------------------------------------------


@over_setups
def test_the_model_is_what_the_picture_says(setup: Setup) -> None:
    """The row of volumes on the sheet: the shapes that PyTorch has after each layer."""
    model = training.sequential(layers(setup))
    seen = [torch.zeros(1, 1, 28, 28)]
    for layer in model:
        seen.append(layer(seen[-1]))
    shapes = [tuple(x.shape[1:]) for x, layer in zip(seen[1:], model, strict=True) if not is_relu(layer)]
    assert [shape for shape, *_ in params(setup=setup).boxes[1:]] == shapes


def is_relu(layer: Any) -> bool:
    return isinstance(layer, torch.nn.ReLU)


@over_setups
def test_wrong_models_take_a_batch_and_are_other_models(setup: Setup) -> None:
    """A wrong model that cannot run, or that is right after all, would name nobody's mistake."""
    torch.manual_seed(1)
    twins = wrong_models(setup)
    assert len({twin.name for twin in twins}) == len(twins) >= 12
    right = training.sequential(layers(setup))
    x = torch.rand(3, 1, 28, 28)
    for twin in twins:
        model = twin.build()
        out = model(x)
        assert out.shape == (3, 10), twin.name
        if [w.shape for w in model.parameters()] == [w.shape for w in right.parameters()]:
            model.load_state_dict(dict(zip(model.state_dict(), right.state_dict().values(), strict=True)))
            assert not torch.allclose(model(x), right(x), atol=1e-4), twin.name


def test_a_rest_of_the_map_is_a_mistake_only_where_there_is_one() -> None:
    names = {setup.key: {twin.name for twin in wrong_models(setup)} for setup in SETUPS}
    assert [key for key, found in names.items() if "rest-pooled" in found] == ["f16-k7-max"]
    assert [key for key, found in names.items() if "pooled-before-relu" in found] == ["f20-k9-mean"]


@pytest.mark.parametrize("momentum", [False, True])
def test_the_optimizer_is_the_one_on_the_sheet(*, momentum: bool) -> None:
    for setup, plan in zip(SETUPS, plans(momentum=momentum), strict=True):
        (group,) = plan.start(torch.nn.Linear(2, 2)).param_groups
        told = {"lr": setup.rate, "momentum": 0.5 if momentum else 0, "weight_decay": setup.decay if momentum else 0}
        assert {name: group[name] for name in told} == told
        assert options(setup, momentum=momentum)["lr"] == setup.rate
        assert not group["nesterov"]
        assert (plan.batch, plan.epochs, plan.held_back) == (setup.batch, setup.epochs, Fraction(0))


def test_two_trainings_share_a_plot() -> None:
    """The handout's picture: errors on both sets, without and with momentum."""
    for setup in SETUPS:
        found = curves(setup)
        assert list(found) == [
            f"{error} error, {run}" for run in ("plain SGD", "with momentum") for error in ("test", "training")
        ]
        assert all(len(curve) == setup.epochs for curve in found.values())
        picture = params(setup=setup).curves
        assert picture.count("<polyline") == 4
        assert all(name in picture for name in found)


def test_layers_are_counted_as_the_course_counts_them() -> None:
    """The paper's rule for a flattened size is that of the network that is built."""
    for setup in SETUPS:
        shapes = counting.layer_shapes(layers(setup), (1, 28, 28))
        assert shapes[-2] == (setup.features,)
