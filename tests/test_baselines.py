"""Baselines: the handout's figures, PyTorch and scikit-learn as other routes, what is built, and what was measured."""

from __future__ import annotations

import json
import re
import warnings
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from benchmarks import coefficients, shifted
from exercises._baseline_models import SETUPS, Setup, cnn_plans, mlp_plans, resized_plans
from exercises._nets import Net, Stage
from exercises.baselines import (
    COEFFICIENTS,
    COSTS,
    EXERCISE,
    MODELS,
    PARTS,
    SIDE,
    Params,
    Unit,
    all_differ,
    cost,
    draw,
    measured,
    small,
)
from grader.draw import Draw
from grader.exercise import Level
from grader.model import Plan
from grader.sheet import render_key, render_sheet, render_stub
from grader.variant import Seeded, draw_variant
from solutions import baselines, datasets

over_levels = pytest.mark.parametrize("level", list(Level))
over_setups = pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.key)
over_plans = pytest.mark.parametrize("plans", [mlp_plans, cnn_plans, resized_plans], ids=["mlp", "cnn", "resized"])


def drawn(level: Level, number: int) -> Any:
    return draw_variant(EXERCISE, level, Seeded(2026, number))


def handout(**changes: Any) -> Params:
    """The handout's images and networks: 784 pixels, 10 classes; small numbers for the rest."""
    stages = Stage(10, 5), Stage(0, 2, 2), Stage(20, 5), Stage(0, 2, 2)
    p = Params(
        setup=SETUPS[0],
        net=Net((1, 28, 28), stages, (50, 10)),
        widths=(256, 128, 64),
        unit=Unit(Fraction(1, 4), (3, 5, 4), (2, -3, 3), (False, True, False)),
        powers=((2, 5, 3), (4, 1, 5)),
        labels=(1, 0),
        confusion=((8, 2), (4, 36)),
        classes=(0, 1),
        pixels=(0, 2, 3, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 3, 3, 0),
    )
    return replace(p, **changes)


def part(name: str) -> Any:
    return EXERCISE.part(name)


# On paper --------------------------------------------------------------------------------------------------


def test_the_handouts_figures() -> None:
    """7,850, 242,762 and 21,840 parameters; 27 hidden units have 21,475, and 28 would have 22,270."""
    assert [part(name).solve(handout()) for name in ("logistic", "mlp", "cnn")] == [7_850, 242_762, 21_840]
    assert part("resized").solve(handout()) == 27
    assert [baselines.hidden_parameters(units, 784, 10) for units in (27, 28)] == [21_475, 22_270]


def test_an_example_worked_by_hand() -> None:
    """Every number of it was found on paper."""
    p = handout()
    assert part("dropout").solve(p) == (24, 3)  # 4/3 of 6 + 12; 6 - 15 + 12
    assert float(part("log_softmax").solve(p)) == pytest.approx((0.693147 + 0.916291) / 2, abs=1e-6)  # ln 2, ln 2.5
    assert part("accuracy").solve(p) == 88
    assert part("accuracy").distractors(p)["mean-over-classes"] == 85
    first, second = part("logits").solve(p)
    assert part("read").solve(p) == (0 if first > second else 1, abs(first - second))


@over_levels
def test_counts_are_those_of_pytorch(level: Level) -> None:
    """Another route: networks of the drawn numbers, and every width tried for the one that is nearest."""
    for number in range(10):
        p = drawn(level, number).p
        x, counted = torch.zeros(1, *p.net.image, device="meta"), 0
        for stage in p.net.stages:
            layer: torch.nn.Module = (
                torch.nn.MaxPool2d(stage.kernel, stage.stride)
                if stage.is_pool
                else torch.nn.Conv2d(x.shape[1], stage.filters, stage.kernel, device="meta")
            )
            x, counted = layer(x), counted + baselines.parameters(layer)
        counted += dense(x.numel(), *p.net.hidden)
        assert part("cnn").solve(p) == counted
        assert part("logistic").solve(p) == dense(p.inputs, p.outputs)
        assert part("mlp").solve(p) == dense(p.inputs, *p.widths, p.outputs)
        apart = {units: abs(dense(p.inputs, units, p.outputs) - counted) for units in range(1, 60)}
        nearest = [units for units, far in apart.items() if far == min(apart.values())]
        assert [part("resized").solve(p)] == nearest


def dense(*widths: int) -> int:
    layers = [torch.nn.Linear(a, b, device="meta") for a, b in pairwise(widths)]
    return sum(baselines.parameters(layer) for layer in layers)


def test_counts_are_those_of_scikit_learn() -> None:
    """The regression that is fitted has coefficients and intercepts, one set a class."""
    p = drawn(Level.INTRO, 1).p
    rng = np.random.default_rng(1)
    model = baselines.logistic().set_params(max_iter=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two steps are not enough to converge, and enough to count
        model.fit(rng.random((60, p.inputs)), np.arange(60) % p.outputs)
    assert baselines.parameters(model) == part("logistic").solve(p)


@over_levels
def test_figures_are_those_of_pytorch_and_scikit_learn(level: Level) -> None:
    """Dropout, log-softmax, accuracy and a regression's decision, by the libraries that students use."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score

    for number in range(10):
        p = drawn(level, number).p
        inputs, weights = (torch.tensor(row, dtype=torch.float64) for row in (p.unit.inputs, p.unit.weights))
        torch.manual_seed(number)
        masks = functional.dropout(torch.ones(4000, len(inputs), dtype=torch.float64), float(p.unit.share))
        kept = (masks > 0) == ~torch.tensor(p.unit.dropped)
        passes = masks[kept.all(1)]
        trained, evaluated = part("dropout").solve(p)
        assert len(passes) > 0
        assert (passes @ (inputs * weights)).tolist() == pytest.approx([trained] * len(passes))
        assert functional.dropout(inputs, float(p.unit.share), training=False) @ weights == evaluated
        spread = float((masks @ (inputs * weights)).std())
        assert float((masks @ (inputs * weights)).mean()) == pytest.approx(evaluated, abs=5 * spread / 4000**0.5)
        logs = torch.tensor(p.powers, dtype=torch.float64).log().log_softmax(1)
        assert float(part("log_softmax").solve(p)) == pytest.approx(functional.nll_loss(logs, torch.tensor(p.labels)))
        table = np.array(p.confusion)
        true, read = (axis.ravel().repeat(table.ravel()) for axis in np.indices(table.shape))
        assert float(part("accuracy").solve(p)) == pytest.approx(100 * accuracy_score(true, read))
        model = LogisticRegression()
        model.classes_ = np.arange(10)
        model.coef_, model.intercept_ = np.array(small().weights, float), np.array(small().biases, float)
        found = model.decision_function(np.array([p.pixels], float))[0][list(p.classes)]
        assert part("logits").solve(p) == tuple(found)
        assert part("read").solve(p) == (p.classes[found.argmax()], np.diff(np.sort(found))[-1])


@over_levels
def test_mistakes_differ_and_work_is_that_of_the_level(level: Level) -> None:
    """A mistake that gives the right answer, or another's, could not be told."""
    for number in range(20):
        p = drawn(level, number).p
        assert all(all_differ(one, p) and len(one.distractors(p)) >= 3 for one in PARTS)
        assert abs(cost(p) - COSTS[level]) <= COSTS[level] / 6
        assert 0 < p.unit.dropped.count(True) < len(p.unit.dropped) - 1


def test_mistakes_that_cannot_show_are_not_offered() -> None:
    """On 784 pixels a weight to each class hardly counts, and half of an odd number of weights is none."""
    offered = part("resized").distractors(handout())
    assert "outputs-forgotten" not in offered  # 27.8 units: the other side
    assert offered["rounded-the-other-way"] == 28
    assert offered["as-wide-as-the-cnn"] == 50
    assert part("cnn").distractors(handout())["dropout-counted"] == 21_840 - 250
    odd = handout(net=replace(handout().net, hidden=(51, 11)))
    assert "dropout-counted" not in part("cnn").distractors(odd)
    half = replace(handout().unit, share=Fraction(1, 2))
    assert "divided-by-p" in part("dropout").distractors(handout())
    assert "divided-by-p" not in part("dropout").distractors(handout(unit=half))


def test_wrong_numbers_are_carried_on() -> None:
    """A count goes on into the width, logits into what is read; and what cannot go on does not."""
    carry = part("resized").carry
    assert carry.solve(handout(), {"cnn": 795 * 12 + 10}) == 12
    assert carry.solve(handout(), {"cnn": 805}) == 1
    assert carry.when(handout(), {"cnn": 805})
    assert not carry.when(handout(), {"cnn": 804})
    carry = part("read").carry
    assert carry.solve(handout(), {"logits": (Fraction(-3), Fraction(4))}) == (1, 7)
    assert carry.when(handout(), {"logits": (Fraction(-3), Fraction(4))})
    for bad in ((4, 4), (1, 2, 3), (Fraction(1, 2), 3)):
        assert not carry.when(handout(), {"logits": bad})


def test_two_widths_that_are_equally_near() -> None:
    """Nobody draws one, but a number that is carried on may lie in the middle: the smaller one counts."""
    assert baselines.resized(4 + 13 * 5 // 2, 6, 4) in (2, 3)
    middle = (baselines.hidden_parameters(3, 5, 4) + baselines.hidden_parameters(4, 5, 4)) // 2
    assert baselines.resized(middle, 5, 4) == 3
    assert baselines.resized(1, 5, 4) == 1


@over_levels
def test_the_sheet_says_everything_and_no_answer(level: Level) -> None:
    one = drawn(level, 5)
    sheet, key, stub = render_sheet(one), render_key(one), render_stub(one)
    setup: Setup = one.p.setup
    for text in (sheet, stub):
        for number in (*setup.widths, *setup.filters, setup.hidden, float(setup.dropped), setup.rate, setup.batch):
            assert re.search(rf"(?<![\d.]){number}(?!\.?\d)", text), number
        assert "{{" not in text
    assert all(text in sheet for text in (one.p.layers, one.p.table, one.p.batch, one.p.unit.table))
    assert all(other.workings(one.p) not in sheet for other in PARTS)
    assert "coefficients, in means over" not in sheet
    assert "coefficients, in means over" in key
    assert str(setup.resized) not in re.findall(r"\d+", stub)
    assert render_sheet(one, medium="html").count("<svg") >= 3 + len(one.p.classes)


def test_the_ranges_on_the_sheet_are_those_of_the_setups() -> None:
    """What the sheet promises of other variants is what they have."""
    sheet = render_sheet(drawn(Level.INTRO, 1))
    filters, widths = (zip(*rows, strict=True) for rows in ([s.filters for s in SETUPS], [s.widths for s in SETUPS]))
    ranges = [*filters, [s.hidden for s in SETUPS], *widths, [float(s.dropped) for s in SETUPS]]
    ranges += [[s.rate for s in SETUPS], [s.batch for s in SETUPS]]
    told = re.sub(r"\s+", " ", sheet[sheet.index("Other variants") :])
    for values in ranges:
        assert f"{min(values)} to {max(values)}" in told


# The models ------------------------------------------------------------------------------------------------


@over_setups
def test_the_model_is_what_the_picture_says(setup: Setup) -> None:
    """The row of volumes on the sheet: the shapes that PyTorch has after each layer."""
    plan = cnn_plans()[SETUPS.index(setup)]
    seen, shapes = torch.zeros(1, 1, 28, 28), []
    for layer in plan.build():
        seen = layer(seen)
        if not isinstance(layer, torch.nn.ReLU | torch.nn.LogSoftmax):
            shapes.append(tuple(seen.shape[1:]))
    assert [shape for shape, *_ in handout(setup=setup).boxes[1:]] == shapes


def test_the_models_have_the_handouts_parameters() -> None:
    """And the resized one is nearest to the CNN, by trying."""
    counts = [baselines.parameters(plans()[0].build()) for plans in (mlp_plans, cnn_plans, resized_plans)]
    assert counts == [242_762, 21_840, 21_475]
    for setup, small_plan, cnn_plan in zip(SETUPS, resized_plans(), cnn_plans(), strict=True):
        wanted = baselines.parameters(cnn_plan.build())
        apart = [abs(dense(784, units, 10) - wanted) for units in range(1, 100)]
        assert setup.resized == 1 + int(np.argmin(apart))
        assert abs(baselines.parameters(small_plan.build()) - wanted) == min(apart)


@over_plans
def test_wrong_models_take_a_batch_and_are_other_models(plans: Any) -> None:
    """A wrong model that cannot run, or that is right after all, would name nobody's mistake."""
    plan: Plan = plans()[0]
    twins = plan.wrong_models
    assert len({twin.name for twin in twins}) == len(twins) >= 8
    right, x = plan.build().eval(), torch.rand(3, 1, 28, 28)
    assert torch.allclose(right(x).exp().sum(1), torch.ones(3))
    for twin in twins:
        model = twin.build().eval()
        assert model(x).shape == (3, 10), twin.name
        if [w.shape for w in model.parameters()] != [w.shape for w in right.parameters()]:
            continue
        model.load_state_dict(dict(zip(model.state_dict(), right.state_dict().values(), strict=True)))
        assert torch.allclose(model(x), right(x), atol=1e-5) == (shares_of(model) != shares_of(right)), twin.name


def shares_of(model: torch.nn.Module) -> list[tuple[str, float]]:
    """What is dropped, and how often: all that evaluation mode does not show."""
    kinds = torch.nn.Dropout | torch.nn.Dropout2d
    return [(type(layer).__name__, layer.p) for layer in model.modules() if isinstance(layer, kinds)]


def test_the_training_is_that_on_the_sheet() -> None:
    """Adam with its rate and nothing else; the loss of log-probabilities; dropout on."""
    for setup, plan in zip(SETUPS, cnn_plans(), strict=True):
        optimizer = plan.start(torch.nn.Linear(2, 2))
        assert type(optimizer) is torch.optim.Adam
        (group,) = optimizer.param_groups
        wanted = {"lr": setup.rate, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0, "amsgrad": False}
        assert {name: group[name] for name in wanted} == wanted
        assert (plan.batch, plan.epochs) == (setup.batch, setup.epochs)
        assert plan.held_back == 0
        assert (plan.loss, plan.last, plan.noisy) == ("nll_loss", "LogSoftmax", True)
    assert [one.name for one in MODELS] == ["build_mlp", "build_cnn", "build_resized", "train"]


def test_the_coefficients_are_those_of_the_data_at_hand() -> None:
    """The small regression fitted here and now; another version of its solver may round one or another differently."""
    found = datasets.digits()
    assert measured()["data"]["digest"] == shifted.digest(found)
    _, weights, biases = coefficients.fitted(found)
    assert np.abs(weights - np.array(small().weights)).max() <= 1
    assert np.abs(biases - np.array(small().biases)).max() <= 1
    held = shifted.held_out(found)
    right = (coefficients.small(held.x) @ np.array(small().weights).T + small().biases).argmax(1) == held.y
    assert coefficients.percent(right) == measured()["accuracy"]["4 × 4 pixels, rounded"]
    assert sum(map(len, small().digits)) == len(measured()["digits"])
    assert {len(row) for row in small().weights} == {SIDE * SIDE}
    assert measured()["white"] == max(max(row) for rows in small().digits for row in rows)


def test_the_measured_file_is_as_the_command_writes_it() -> None:
    """Written by hand, it would soon say what nobody measured."""
    text = COEFFICIENTS.read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n"
    assert measured()["parameters"] == {"28 × 28 pixels": 7_850, "4 × 4 pixels": 170}
    assert [len(rows) for rows in measured()["pictures"]] == [coefficients.SHOWN] * 10


def test_draws_are_their_own() -> None:
    """A variant depends on its seed and nothing else."""
    assert draw(Draw("one"), Level.STANDARD) == draw(Draw("one"), Level.STANDARD)
    assert draw(Draw("one"), Level.STANDARD) != draw(Draw("two"), Level.STANDARD)
