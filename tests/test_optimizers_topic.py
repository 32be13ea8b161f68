"""The topic `optimizers`: keys against PyTorch, figures worked by hand, error carried forward, fair variants."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from exercises import optimizers
from exercises.optimizers import EXERCISE, Params
from grader.authoring import Level
from grader.marking import mark_answers
from grader.sheet import render_key, render_sheet
from grader.variant import AnyVariant, Seeded, collisions, draw_variant
from solutions.optimizers import root

NUMBER = 120
LEVELS = list(Level)


@cache
def variants(level: Level) -> tuple[AnyVariant, ...]:
    return tuple(draw_variant(EXERCISE, level, Seeded(seed)) for seed in range(NUMBER))


def floats(pair: Any) -> Any:
    return np.array([[float(n) for n in row] if isinstance(row, tuple) else float(row) for row in pair])


def as_lists(value: Any) -> Any:
    """Write an answer as a student would: decimals as text, rows as lists."""
    if isinstance(value, tuple):
        return [as_lists(item) for item in value]
    return str(value) if isinstance(value, Fraction) else value


# Keys by another route -------------------------------------------------------------------------------------


def stepped(optimizer: type[Any], p: Params, state: dict[str, Any], **options: Any) -> Any:
    """Return the weights after one step of a PyTorch optimizer from w with the gradient g and that state."""
    weights = torch.tensor(floats(p.w), requires_grad=True)
    weights.grad = torch.tensor(floats(p.g))
    made = optimizer([weights], lr=float(p.rate), **options)
    made.state[weights] = {k: v if k == "step" else torch.tensor(v) for k, v in state.items()}
    made.step()
    return weights.detach().numpy()


@pytest.mark.parametrize("level", LEVELS)
def test_single_steps_are_those_of_pytorch(level: Level) -> None:
    """Plain, with decay and with momentum: the buffer of PyTorch is -V/a."""
    for variant in variants(level):
        p, key = variant.p, variant.key
        np.testing.assert_allclose(stepped(torch.optim.SGD, p, {}), floats(key["descent"]), atol=1e-12)
        decayed = stepped(torch.optim.SGD, p, {}, weight_decay=float(p.decay))
        np.testing.assert_allclose(decayed, floats(key["decay"]), atol=1e-12)
        state = {"momentum_buffer": -floats(p.v) / float(p.rate)}
        options = {"momentum": float(p.momentum), "weight_decay": float(p.early_decay)}
        moved = stepped(torch.optim.SGD, p, state, **options)
        np.testing.assert_allclose(moved, floats(key["momentum"])[1], atol=1e-12)


@pytest.mark.parametrize("level", LEVELS)
def test_adaptive_steps_are_those_of_pytorch(level: Level) -> None:
    """AdaGrad, RMSprop and Adam with their state put in; eps is large, so its place shows."""
    for variant in variants(level):
        p, key = variant.p, variant.key
        step, eps = torch.tensor(1.0), float(p.eps)
        if p.method == "AdaGrad":
            got = stepped(torch.optim.Adagrad, p, {"step": step, "sum": floats(p.squares)}, eps=eps)
        elif p.method == "RMSprop":
            state = {"step": step, "square_avg": floats(p.squares)}
            got = stepped(torch.optim.RMSprop, p, state, alpha=float(p.keep), eps=eps)
        else:
            state = {"step": step, "exp_avg": floats(p.means), "exp_avg_sq": floats(p.squares)}
            got = stepped(torch.optim.Adam, p, state, betas=(float(p.keep_mean), float(p.keep)), eps=eps)
        np.testing.assert_allclose(got, floats(key["adaptive"]), atol=1e-9)


@pytest.mark.parametrize("level", [Level.INTRO, Level.STANDARD])
def test_two_steps_with_momentum_are_those_of_pytorch(level: Level) -> None:
    """The second step starts from the buffer that the first one left."""
    for variant in variants(level):
        p = variant.p
        weights = torch.tensor(floats(variant.key["momentum"][1]), requires_grad=True)
        weights.grad = torch.tensor(floats(p.later))
        made = torch.optim.SGD(
            [weights], lr=float(p.rate), momentum=float(p.momentum), weight_decay=float(p.late_decay)
        )
        made.state[weights] = {"momentum_buffer": torch.tensor(-floats(variant.key["momentum"][0]) / float(p.rate))}
        made.step()
        np.testing.assert_allclose(weights.detach().numpy(), floats(variant.key["second"])[1], atol=1e-12)


def test_nesterov_measures_the_gradient_ahead() -> None:
    """Autograd of the loss, at W + cV; at W it gives the gradient that the sheet states."""
    for variant in variants(Level.CHALLENGE):
        p, (velocity, weights) = variant.p, variant.key["momentum"]
        assert p.lowest is not None

        def slope(place: Any, p: Params = p) -> Any:
            at = torch.tensor(place, requires_grad=True)
            loss = (0.5 * torch.tensor(floats(p.slope)) * (at - torch.tensor(floats(p.lowest))) ** 2).sum()
            return torch.autograd.grad(loss, at)[0].numpy()

        np.testing.assert_allclose(slope(floats(p.w)), floats(p.g), atol=1e-12)
        w, v, c = floats(weights), floats(velocity), float(p.momentum)
        v = c * v - float(p.rate) * slope(w + c * v)
        np.testing.assert_allclose(np.array([v, w + v]), floats(variant.key["second"]), atol=1e-12)


def test_figures_worked_by_hand() -> None:
    """A variant worked with pencil and paper before the code was run on it."""
    p = Params(
        level=Level.STANDARD,
        w=(Fraction(2), Fraction(-1)),
        g=(4, -3),
        v=(Fraction(1, 2), Fraction(1, 5)),
        rate=Fraction(1, 10),
        decay=Fraction(1, 2),
        momentum=Fraction(9, 10),
        squares=(Fraction(26), Fraction(1)),
        eps=Fraction(1),
        keep=Fraction(9, 10),
        later=(5, 2),
    )
    solved = {part.name: floats(part.solve(p)).round(9).tolist() for part in EXERCISE.parts}
    assert solved == {
        "descent": [1.6, -0.7],
        "decay": [1.5, -0.65],
        "momentum": [[0.05, 0.48], [2.05, -0.52]],
        "second": [[-0.5575, 0.258], [1.4925, -0.262]],
        "squares": [25.0, 1.8],
        "adaptive": [round(2 - 0.4 / 6, 9), round(-1 + 0.3 / (1.8**0.5 + 1), 9)],
    }


# Marking ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
def test_the_key_earns_all_marks_and_each_misconception_is_named(level: Level) -> None:
    """Every wrong solver is refused on every variant, and the student is told which one it was."""
    for variant in variants(level)[:40]:
        right = {name: as_lists(value) for name, value in variant.key.items()}
        assert all(result.score == result.max_score for result in mark_answers(variant, right))
        for part in EXERCISE.parts:
            for name, value in part.distractors(variant.p).items():
                marked = {r.part: r for r in mark_answers(variant, right | {part.name: as_lists(value)})}[part.name]
                assert marked.score < marked.max_score, (part.name, name)
                assert name in [finding.name for finding in marked.misconceptions], (part.name, name)


def second_by_hand(p: Params, rows: Any) -> Any:
    """Return velocities and weights after the second step, in floating point, from those of the first."""
    v, w = floats(rows)
    if p.lowest is not None:
        later = floats(p.slope) * (w + float(p.momentum) * v - floats(p.lowest))
    else:
        later = floats(p.later)
    v = float(p.momentum) * v - float(p.rate) * (later + float(p.late_decay) * w)
    return [v.tolist(), (w + v).tolist()]


def adaptive_by_hand(p: Params, squares: Any) -> Any:
    """Return the weights after the adaptive step, in floating point, from these squares."""
    under, along = floats(squares), floats(p.g)
    if p.method == "Adam":
        under = under / (1 - float(p.keep) ** 2)
        along = (float(p.keep_mean) * floats(p.means) + float(1 - p.keep_mean) * along) / (1 - float(p.keep_mean) ** 2)
    return (floats(p.w) - float(p.rate) * along / (under**0.5 + float(p.eps))).tolist()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    ("earlier", "slip", "later", "by_hand"),
    [
        ("momentum", "velocity-forgotten", "second", second_by_hand),
        ("squares", "old-forgotten", "adaptive", adaptive_by_hand),
    ],
)
def test_an_error_in_an_earlier_part_is_carried_forward(
    level: Level, earlier: str, slip: str, later: str, by_hand: Any
) -> None:
    """Who goes on rightly from a wrong velocity or square loses the marks of that part only."""
    for variant in variants(level)[:40]:
        own = EXERCISE.part(earlier).distractors(variant.p)[slip]
        right = {name: as_lists(value) for name, value in variant.key.items()}
        answers = right | {earlier: as_lists(own), later: by_hand(variant.p, own)}
        marked = {r.part: r for r in mark_answers(variant, answers)}
        assert marked[later].score == marked[later].max_score > 0
        assert marked[earlier].score == 0


@pytest.mark.parametrize("odd", [[], [[1]], [[1, 2]], [[1, 2], [3]], [["1e9", 2], [3, 4]]])
def test_an_odd_earlier_answer_carries_nothing(odd: Any) -> None:
    """Rows that are missing or absurd are no start for another step, and no reason to fail either."""
    variant = variants(Level.CHALLENGE)[0]
    right = {name: as_lists(value) for name, value in variant.key.items()}
    marked = {r.part: r for r in mark_answers(variant, right | {"momentum": odd, "second": odd})}
    assert marked["second"].score == 0
    assert marked["momentum"].score == 0


@pytest.mark.parametrize("odd", [[0, 0], [-1, 4], [1], [1, 2, 3], ["1e9", 1]])
def test_squares_that_have_no_root_carry_nothing(odd: Any) -> None:
    """A negative square has no root, and a zero one would let the gradient explode."""
    variant = variants(Level.INTRO)[0]
    right = {name: as_lists(value) for name, value in variant.key.items()}
    marked = {r.part: r for r in mark_answers(variant, right | {"squares": odd, "adaptive": [1, 1]})}
    assert marked["adaptive"].score == 0


# Fair variants ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
def test_variants_tell_all_mistakes_apart(level: Level) -> None:
    """No misconception gives the right answer, and no two of a part give the same one."""
    for variant in variants(level):
        for part in EXERCISE.parts:
            assert not collisions(part, variant.p, variant.key[part.name]), (variant.id, part.name)


@pytest.mark.parametrize("level", LEVELS)
def test_variants_are_rich_and_cost_what_is_stated(level: Level) -> None:
    """120 draws without a repetition, each of the same work."""
    assert len({variant.p for variant in variants(level)}) == NUMBER
    assert {EXERCISE.cost(variant.p) for variant in variants(level)} == {EXERCISE.costs[level]}


@pytest.mark.parametrize("level", LEVELS)
def test_numbers_can_be_worked_with(level: Level) -> None:
    """Roots are decimals, answers before rounding have few digits, no answer is zero or a number that is given."""
    for variant in variants(level):
        p, key = variant.p, variant.key
        roots = optimizers.each(root, optimizers.corrected(p, key["squares"]))
        assert all(isinstance(r, Fraction) and (100 * r).denominator == 1 for r in roots)
        exact = [*key["descent"], *key["decay"], *key["momentum"][0], *key["momentum"][1]]
        assert all((1000 * n).denominator == 1 and abs(n) < 30 and n != 0 for n in exact)
        assert all((10_000 * n).denominator == 1 for n in key["squares"])
        assert not set(p.w) & {*key["descent"], *key["decay"], *key["momentum"][1]}
        assert p.lowest is None or not set(p.lowest) & {*key["second"][1]}


@pytest.mark.parametrize("level", LEVELS)
def test_texts_have_no_machine_residue(level: Level) -> None:
    """A student reads numbers as a person writes them."""
    for variant in variants(level)[:12]:
        text = render_key(variant).partition("## Functions")[0] + render_sheet(variant).partition("## Functions")[0]
        assert not re.search(r"nan|Fraction\(|np\.|None|\{\{|\{%|\+ -|- -|-0\b(?!\.)|\d/\d", text), variant.id


def test_workings_end_in_the_key() -> None:
    """The last number of each line of the workings is the answer, not another one on the way."""
    for level in LEVELS:
        for variant in variants(level)[:20]:
            for name in ("descent", "decay", "squares", "adaptive"):
                part = EXERCISE.part(name)
                ends = re.findall(r"^- \$w?s?_\d.*?(-?[\d.]+)\$$", part.workings(variant.p), re.MULTILINE)
                want = [float(part.answer.show((n,))[1:-1]) for n in variant.key[name]]
                assert [float(end) for end in ends[-2:]] == pytest.approx(want, abs=0.0005), (variant.id, name)
