"""Shifted digits: the function against SciPy, variants that are fair, and figures that a command has measured."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
import scipy.ndimage

from benchmarks import shifted
from exercises.contracts.shift_images import SHIFT_IMAGES, window
from exercises.shifted_digits import CNN, EXERCISE, LOGISTIC, MEASURED, MLP, PARTS, Params, cost, measured
from grader.contract import Call, Twin
from grader.draw import Draw
from grader.exercise import Level
from grader.functions.cases import CaseSet, case_set
from grader.functions.judge import judge
from grader.functions.local import LocalSession
from grader.functions.runner import Runner
from grader.outcome import Outcome, PartResult
from grader.sheet import render_key, render_sheet
from grader.variant import AnyVariant, Seeded, collisions, draw_variant
from solutions import baselines, datasets
from solutions.shifts import positions, shift_images

over_levels = pytest.mark.parametrize("level", list(Level))


def variants(level: Level, number: int) -> list[AnyVariant]:
    return [draw_variant(EXERCISE, level, Seeded(2026, n)) for n in range(number)]


@cache
def cases(key: bytes = b"one key") -> CaseSet:
    return case_set(SHIFT_IMAGES, key)


def grade(function: Callable[..., Any]) -> PartResult:
    runner = Runner(lambda: LocalSession({"shift_images": function}))
    return judge(cases(), runner, "shift_images", Fraction(1), trials=0)


# The function ----------------------------------------------------------------------------------------------


def test_the_reference_is_scipys() -> None:
    """An independent route, for every move from far outside on one side to far outside on the other."""
    x = np.arange(1, 2 * 3 * 4 * 5 + 1).reshape(2, 3, 4, 5)
    for dy, dx in itertools.product(range(-6, 7), repeat=2):
        wanted = scipy.ndimage.shift(x, (0, 0, dy, dx), order=0, mode="constant", cval=0)
        got = shift_images(x, dy, dx)
        assert got.dtype == x.dtype
        assert np.array_equal(got, wanted), (dy, dx)
        assert not np.shares_memory(got, x)


def test_images_without_their_four_axes_are_refused() -> None:
    """Rows of a single image would be taken for images."""
    with pytest.raises(ValueError, match="x has 2 axes"):
        shift_images(np.zeros((3, 3)), 1, 0)


def test_positions_are_all_of_them() -> None:
    """The measurement is over every position, once."""
    assert sorted(set(positions(2))) == list(itertools.product(range(-2, 3), repeat=2))
    assert list(positions(0)) == [(0, 0)]


def by_padding(x: Any, dy: Any, dx: Any) -> Any:
    """Zeros all around, and a window into them."""
    h, w = x.shape[2:]
    dy, dx = max(-h, min(h, dy)), max(-w, min(w, dx))
    padded = np.pad(x, ((0, 0), (0, 0), (h, h), (w, w)))
    return padded[:, :, h - dy : 2 * h - dy, w - dx : 2 * w - dx]


def by_loops(x: Any, dy: Any, dx: Any) -> Any:
    y = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(*x.shape):
        if 0 <= i - dy < x.shape[2] and 0 <= j - dx < x.shape[3]:
            y[n, c, i, j] = x[n, c, i - dy, j - dx]
    return y


def by_matrices(x: Any, dy: Any, dx: Any) -> Any:
    """A product with a shifted identity on either side."""
    return np.eye(x.shape[2], k=-int(dy)) @ x @ np.eye(x.shape[3], k=int(dx))


@pytest.mark.parametrize("function", [by_padding, by_loops, by_matrices])
def test_right_functions_of_any_style_pass(function: Callable[..., Any]) -> None:
    """A window, a loop and a product of matrices are all right."""
    result = grade(function)
    assert result.outcome is Outcome.CORRECT, result.message


def moves_in_place(x: Any, dy: Any, dx: Any) -> Any:
    moved = shift_images(x, dy, dx)
    x[...] = moved
    return moved


def hands_x_back(x: Any, dy: Any, dx: Any) -> Any:
    return shift_images(x, dy, dx) if dy or dx else x


@pytest.mark.parametrize(
    ("function", "said"), [(moves_in_place, "modifies its arguments"), (hands_x_back, "shares memory")]
)
def test_the_images_given_are_left_alone(function: Callable[..., Any], said: str) -> None:
    """A function that changes or hands back its input would change a data set behind its owner's back."""
    result = grade(function)
    assert result.outcome is not Outcome.CORRECT
    assert said in result.message


@pytest.mark.parametrize("twin", SHIFT_IMAGES.twins, ids=lambda t: t.name)
def test_a_wrong_twin_fails_a_whole_regime_and_is_named(twin: Twin) -> None:
    """The report says "wrong on 5 of 5 cases where …", and which mistake it is."""
    result = grade(twin.function)
    assert any(passed == 0 for passed, _ in result.regimes.values())
    assert twin.name in {finding.name for finding in result.misconceptions}


def test_the_window_is_where_the_entry_comes_from() -> None:
    """The picture must show the pixel that belongs there, and none where a zero moved in."""
    call = Call((np.arange(12.0).reshape(1, 1, 3, 4), 1, -2))
    found = window(call, (0, 0, 2, 1))
    assert found is not None
    assert (found.panes[0].rows, found.panes[0].columns) == ((1, 2), (3, 4))
    assert found.sentence == "y[0, 0, 2, 1] = x[0, 0, 1, 3] = 7"
    assert window(call, (0, 0, 0, 0)) is None


# The exercise ----------------------------------------------------------------------------------------------


def example() -> Params:
    """The handout's: 10 % of 28 pixels, with small numbers for the rest."""
    return Params(
        28, 10, (20, 14), (2, 1), ("7", 1, 2), (1, 2, 3), 4, 2, (1, -1, 2, -2, 3, -3, 1, 2, -2, 3, -1), (2, 1, -1),
        300, (290, 230), True,
    )  # fmt: skip


def test_an_example_worked_by_hand() -> None:
    """Every number of it was found on paper."""
    p = example()
    assert EXERCISE.part("pixels").solve(p) == 2
    assert EXERCISE.part("positions").solve(p) == 25
    assert EXERCISE.part("kept").solve(p) == 18 * 13
    assert p.row(2) == (0, 0, 0, 0, 0, 0, 1, 2, 3, 0, 0)
    assert p.dense(0) == 1 * 3 + 2 * -3 + 3 * 1
    assert EXERCISE.part("dense").solve(p) == 1 * 1 + 2 * 2 + 3 * -2
    assert p.responses(2) == (0, 0, 0, 0, -1, -1, 1, 7, 6)
    assert EXERCISE.part("conv").solve(p) == 7
    assert EXERCISE.part("fall").solve(p) == 20


@over_levels
def test_the_convolution_does_not_see_the_move_and_the_dense_unit_does(level: Level) -> None:
    """What the exercise is about holds on every variant, by NumPy's own correlation."""
    for variant in variants(level, 60):
        p = variant.p
        before, after = (np.correlate(p.row(move), p.kernel, "valid") for move in (0, p.move))
        assert before.max() == after.max() == variant.key["conv"] > 0
        moved = shift_images(np.array(p.row())[None, None, None], 0, p.move)[0, 0, 0]
        assert tuple(moved) == p.row(p.move)
        assert moved @ np.array(p.weights) == variant.key["dense"] != p.dense(0)


@over_levels
def test_boxes_overlap_as_the_key_says(level: Level) -> None:
    """By moving a box of ones."""
    for variant in variants(level, 20):
        p = variant.p
        box = np.zeros((1, 1, 3 * p.side, 3 * p.side))
        box[0, 0, p.side : p.side + p.box[0], p.side : p.side + p.box[1]] = 1
        assert (box * shift_images(box, *p.by)).sum() == variant.key["kept"]
        assert max(p.box) < p.side


@over_levels
def test_mistakes_are_told_apart(level: Level) -> None:
    """No mistake gives the right answer, and no wrong answer fits two mistakes."""
    for variant in variants(level, 60):
        for part in PARTS:
            kind, key = variant.answer_kind(part), variant.key[part.name]
            wrong = part.distractors(variant.p)
            assert len(wrong) >= 3, part.name
            assert all(kind.compare(given, key).share == 0 for given in wrong.values())
            assert not collisions(part, variant.p, key), (variant.id, part.name)


@over_levels
def test_the_work_is_equal_and_variants_are_many(level: Level) -> None:
    """Two students of one level get questions of one length, and not the same ones."""
    drawn = [EXERCISE.draw(Draw("many", n), level) for n in range(200)]
    assert {cost(p) for p in drawn} == {EXERCISE.costs[level]}
    assert len(set(drawn)) == 200


@over_levels
def test_sheets_and_keys_read_like_a_teachers(level: Level) -> None:
    """No machine residue; hints are sentences; the figures are in the key alone."""
    for variant in variants(level, 6):
        sheet, key = render_sheet(variant, medium="html"), render_key(variant, medium="html")
        assert sheet.count("<svg") >= 2
        assert key.count("<svg") == sheet.count("<svg") + 1
        assert "How far accuracy falls" in key
        assert "How far accuracy falls" not in sheet
        assert not re.search(r"\bnan\b|Fraction\(|\{\{|\+ -|\b1 pixels", render_key(variant))
    for part in PARTS:
        for misconception in part.misconceptions:
            assert re.fullmatch(r"[A-Z“].{15,}[.]", misconception.hint), misconception.name


def test_a_carried_answer_is_right_for_the_students_own() -> None:
    """With three pixels there are 49 positions."""
    carry = EXERCISE.part("positions").carry
    assert carry is not None
    assert carry.solve(example(), {"pixels": 3}) == 49
    assert not carry.when(example(), {"pixels": 0})


# What was measured -----------------------------------------------------------------------------------------


def test_the_order_in_the_key_is_what_was_measured() -> None:
    """The key says: the CNN far less, the others nearly alike. The intervals must say so too, with room."""
    margins = {(m["more"], m["less"]): m for m in measured()["margins"]}
    assert margins[LOGISTIC, CNN]["low"] > 4
    assert margins[MLP, CNN]["low"] > 4
    assert -3 < margins[LOGISTIC, MLP]["low"] <= margins[LOGISTIC, MLP]["high"] < 3
    by_name = {model["name"]: model for model in measured()["models"]}
    assert max(by_name[CNN]["fall of every seed"]) < min(by_name[MLP]["fall of every seed"]) - 3
    assert {name: model["parameters"] for name, model in by_name.items()} == {LOGISTIC: 7850, MLP: 242_762, CNN: 21_840}
    spread = [model["as they are"]["mean"] for model in by_name.values()]
    assert max(spread) - min(spread) < 2  # they know about as many, as the question says


def test_the_figures_are_of_the_data_at_hand() -> None:
    """A set that has changed makes the file stale: the command must be run again."""
    assert measured()["data"]["digest"] == shifted.digest(datasets.digits())
    assert measured()["pixels"] == 28 * measured()["share"] // 100
    assert measured()["positions"] == len(list(positions(measured()["pixels"])))


def test_logistic_regression_measured_again() -> None:
    """The cheapest of the three, trained here and now, falls as the file says."""
    (recipe,) = (recipe for recipe in baselines.recipes() if recipe.name == LOGISTIC)
    found = datasets.digits()
    seen = shifted.hits(baselines.fitted(recipe, found.train, seed=1), shifted.held_out(found))
    mine = shifted.summary(recipe, 7850, [seen], 2)
    (theirs,) = (model for model in measured()["models"] if model["name"] == LOGISTIC)
    assert mine["fall"]["mean"] == pytest.approx(theirs["fall"]["mean"], abs=0.3)
    assert mine["by distance"] == pytest.approx(theirs["by distance"], abs=0.3)


def test_intervals_are_over_digits_and_margins_name_every_pair() -> None:
    """Positions of one digit succeed and fail together: counting them apart would make intervals far too short."""
    falls = [np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0, 0.0]), np.zeros(4)]
    assert shifted.estimate(falls[0]) == {"mean": 50.0, "low": -6.6, "high": 106.6}
    pairs = [(m["more"], m["less"], m["mean"]) for m in shifted.margins(("a", "b", "c"), falls)]
    assert pairs == [("a", "b", 25.0), ("a", "c", 50.0), ("b", "c", 25.0)]


def test_the_measured_file_is_as_the_command_writes_it() -> None:
    """Written by hand, it would soon say what nobody measured."""
    text = MEASURED.read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n"
    assert set(measured()) >= {"command", "data", "versions", "seeds", "models", "margins"}


# The models ------------------------------------------------------------------------------------------------


def test_the_models_have_the_handouts_parameters() -> None:
    """7,850, 242,762 and 21,840: the figures that the course prints."""
    few = datasets.digits().train[:60]
    regression = baselines.logistic().fit(few.x.reshape(60, -1), few.y)
    assert set(few.y) == set(range(10))
    assert [baselines.parameters(model) for model in (regression, baselines.mlp(), baselines.cnn())] == [
        7850,
        242_762,
        21_840,
    ]


def test_networks_give_log_probabilities() -> None:
    """The negative log-likelihood asks for them; anything else would train something else."""
    import torch

    x = torch.rand((5, 1, 28, 28), generator=torch.Generator().manual_seed(1))
    for model in (baselines.mlp(), baselines.cnn()):
        model.eval()
        assert torch.allclose(model(x).exp().sum(dim=1), torch.ones(5))
        assert torch.equal(model(x), model(x))
        model.train()
    assert not torch.equal(model(x), model(x))  # dropout, of the CNN
    with pytest.raises(ValueError, match="size=15 must be at least 16"):
        baselines.cnn(size=15)


@pytest.mark.parametrize("name", [MLP, CNN])
def test_training_learns_repeats_and_leaves_the_generator_alone(name: str) -> None:
    """A seed gives one model, whatever was drawn before it; and nobody else's draws change."""
    import torch

    (recipe,) = (replace(recipe, epochs=60) for recipe in baselines.recipes() if recipe.name == name)
    few = datasets.digits().train[:200]
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one = baselines.fitted(recipe, few, seed=3, batch=16)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    other, third = (baselines.fitted(recipe, few, seed=seed, batch=16) for seed in (3, 4))
    weights = [torch.nn.utils.parameters_to_vector(model.parameters()) for model in (one, other, third)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert (baselines.predicted(one, few.x) == few.y).mean() > 0.8
