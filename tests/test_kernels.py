"""Small kernels: recognised by their properties, right on published figures, and told apart by eye on the sheet."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import scipy.signal
import torch

from exercises import kernels
from exercises.kernels import EXERCISE, LARGE, SMALL, Filter
from grader.answers import Choice
from grader.draw import Draw
from grader.drawing import greys
from grader.exercise import Level
from grader.sheet import render_key, render_sheet
from grader.variant import AnyVariant, Seeded, collisions, draw_variant
from solutions import filters, pictures
from tests.worked import example

over_levels = pytest.mark.parametrize("level", list(Level))


def variants(level: Level, number: int) -> list[AnyVariant]:
    return [draw_variant(EXERCISE, level, Seeded(2026, n)) for n in range(number)]


def exact(rows: Any) -> Any:
    return tuple(tuple(Fraction(repr(v)) for v in row) for row in rows)


# Solvers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["wang-edge-flat", "wang-edge-bump", "wang-sharpen-flat", "wang-sharpen-bump"])
def test_published_responses_come_out(name: str) -> None:
    """A handout's inner products, in exact tenths."""
    given = example(name)["given"]
    assert filters.response(exact(given["kernel"]), exact(given["patch"])) == Fraction(repr(example(name)["answer"]))


@pytest.mark.parametrize("name", ["ist-kernel-f1", "ist-kernel-f2", "ist-kernel-f3"])
def test_published_effects_come_out(name: str) -> None:
    """A handout's three kernels are recognised, though nothing here lists them."""
    kernel = tuple(map(tuple, example(name)["given"]["kernel"]))
    assert filters.effect(kernel) == example(name)["answer"]


@pytest.mark.parametrize(
    ("kernel", "divisor", "effect"),
    [
        (((0, 0, 0), (0, 1, 0), (0, 0, 0)), 1, filters.IDENTITY),
        (((1, 1, 1), (1, 1, 1), (1, 1, 1)), 9, filters.BOX),
        (((1, 2, 1), (2, 4, 2), (1, 2, 1)), 16, filters.GAUSSIAN),
        (((0, -1, 0), (-1, 5, -1), (0, -1, 0)), 1, filters.SHARPEN),
        (((0, -1, 0), (-1, 4, -1), (0, -1, 0)), 1, filters.EDGES),
        (((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)), 1, filters.VERTICAL_EDGE),
        (((1, 1, 1), (0, 0, 0), (-1, -1, -1)), 1, filters.HORIZONTAL_EDGE),
        (((-1, 2, -1), (-1, 2, -1), (-1, 2, -1)), 1, filters.VERTICAL_LINE),
        (((2, -1, -1), (-1, 2, -1), (-1, -1, 2)), 1, filters.FALLING),
        (((2, -1, -1), (-1, 2, -1), (-1, -2, 2)), 1, None),
        (((2, 0, -1), (0, 2, 0), (-1, 0, 2)), 1, filters.FALLING),
        (filters.by_distance((16, -2, -1, -1, 0, 0)), 1, filters.BLOB),
        (((1, 1, 1), (1, 1, 1), (1, 1, 1)), 1, None),
        (((0, 0, 1), (0, 0, 0), (0, 0, 0)), 1, None),
        (((1, 2, 1), (2, 3, 2), (1, 2, 1)), 15, None),
    ],
)
def test_effects_follow_from_properties(kernel: Any, divisor: int, effect: str | None) -> None:
    """Textbook kernels have their effect, and near misses (no sum of 1, not the same along the diagonal) have none."""
    assert filters.effect(kernel, divisor) == effect


def test_an_even_kernel_is_refused() -> None:
    """A kernel without a centre has none of the effects, and guessing one would be wrong."""
    with pytest.raises(ValueError, match="square, of odd side"):
        filters.effect(((1, 1), (1, 1)))


def test_a_kernel_finds_what_it_is_named_for() -> None:
    """On pictures of a line, a diagonal, a blob and a frame, the kernel of that name responds most strongly."""
    targets = {
        filters.HORIZONTAL_LINE: pictures.line(5, 2, 0, 4),
        filters.VERTICAL_LINE: pictures.line(5, 2, 0, 4, upright=True),
        filters.RISING: pictures.diagonal(5, 0, 0, 5, rising=True),
        filters.FALLING: pictures.diagonal(5, 0, 0, 5),
        filters.BLOB: pictures.blob(5, 2, 2, 2),
    }
    for n in range(120):
        one = LARGE[n % len(LARGE)](Draw("finds", n))
        if one.effect in targets:
            responses = {filters.response(one.weights, patch): name for name, patch in targets.items()}
            assert responses[max(responses)] == one.effect, one


def test_stretching_keeps_order_and_uses_all_of_the_scale() -> None:
    """A result is seen by its contrast: black and white occur, and no pixel overtakes another."""
    for n in range(50):
        plane = Draw("stretch", n).matrix(4, 5, -30, 60)
        flat = np.array(plane).ravel()
        seen: Any = np.array(pictures.stretched(plane)).ravel()
        assert (seen.min(), seen.max()) == (0, 9)
        assert (np.diff(seen[np.argsort(flat, kind="stable")]) >= 0).all()
    assert set(np.ravel(pictures.stretched(((7, 7), (7, 7))))) == {4}


# Promises of the topic -------------------------------------------------------------------------------------


@over_levels
def test_every_mistake_has_an_answer_of_its_own(level: Level) -> None:
    """A wrong answer names one mistake only if it is neither the key nor another mistake's answer."""
    for variant in variants(level, 150):
        for part in EXERCISE.parts:
            assert not collisions(part, variant.p, variant.key[part.name]), (variant.id, part.name)


@over_levels
def test_the_work_is_what_the_level_states(level: Level) -> None:
    """Two students of one level must not get questions of different length."""
    costs = [EXERCISE.cost(variant.p) for variant in variants(level, 200)]
    stated = EXERCISE.costs[level]
    assert sum(abs(cost - stated) <= stated / 5 for cost in costs) >= 0.95 * len(costs)


def test_every_kernel_drawn_has_the_effect_of_its_maker() -> None:
    """A kernel without a name would leave a question without an answer."""
    effects = set()
    for n in range(600):
        for maker in (*SMALL, *LARGE, kernels.draw_identity, kernels.draw_sparse):
            one = maker(Draw("effect", maker.__name__, n))
            assert one.effect in kernels.EFFECTS, one
            effects.add(one.effect)
    assert effects == set(kernels.EFFECTS)


@over_levels
def test_choices_have_four_or_five_options_and_none_twice(level: Level) -> None:
    """With fewer, guessing pays."""
    for variant in variants(level, 60):
        for part in EXERCISE.parts:
            if isinstance(part.answer, Choice):
                options = variant.options[part.name]
                assert len(set(options)) == len(options) >= 4, (variant.id, part.name)


@over_levels
def test_responses_by_torch(level: Level) -> None:
    """The two responses and the missing weight by another route."""
    for variant in variants(level, 60):
        p, key = variant.p, variant.key
        weights = torch.tensor(p.kernel.weights, dtype=torch.float64) / p.kernel.divisor
        assert float((weights * p.ground).sum()) == pytest.approx(float(key["flat"]))
        assert float((weights * torch.tensor(p.patch)).sum()) == pytest.approx(float(key["bump"]))
        filled: Any = np.array(filters.with_centre(p.ring, key["centre"]))
        flat = scipy.signal.correlate2d(np.full((5, 5), 3.0), filled / p.ring_divisor, mode="valid")
        assert np.allclose(flat, 3.0 * p.goal)


def look(picture: Any, one: Filter) -> Any:
    """Return a result as it is shown, by SciPy."""
    result = scipy.signal.correlate2d(np.array(picture), np.array(one.weights), mode="valid")
    return np.floor(9 * (result - result.min()) / (result.max() - result.min()) + 0.5).astype(int)


@over_levels
def test_pictures_by_scipy(level: Level) -> None:
    """The right result is the kernel's, the right kernel makes the result, and no other option looks like it."""
    for variant in variants(level, 40):
        p = variant.p
        shown = {name: np.array(plane) for name, plane in p.shown.items()}
        want = look(p.picture, p.kernel)
        alike = [name for name, plane in shown.items() if name != "picture" and (abs(plane - want) < 3).all()]
        assert alike == [variant.key["picture"]]
        result = np.array(p.shown_again["result"])
        makers = [one for _, one in p.offers if (abs(look(p.other_picture, one) - result) < 3).all()]
        assert [f"${one.tex}$" for one in makers] == [variant.key["maker"]]


@over_levels
def test_an_own_response_is_followed_through(level: Level) -> None:
    """Carrying the right answer changes nothing; another ground changes the response by as much."""
    carry = EXERCISE.part("bump").carry
    assert carry is not None
    for variant in variants(level, 20):
        assert carry.solve(variant.p, variant.key) == variant.key["bump"]
        assert carry.solve(variant.p, {"flat": variant.key["flat"] + 5}) == variant.key["bump"] + 5


RESIDUE = re.compile(r"\bnan\b|np\.|\{\{|\{%|\+ -|- -|Fraction\(|\b1 (pixels|rows|columns)\b")


@over_levels
def test_sheets_and_keys_read_like_a_teachers(level: Level) -> None:
    """No machine residue on any page."""
    for variant in variants(level, 12):
        for text in (render_sheet(variant), render_key(variant)):
            found = RESIDUE.search(text)
            assert not found, (variant.id, text[max(0, found.start() - 60) : found.end() + 60])


# Grey pictures on a sheet ----------------------------------------------------------------------------------


def test_grey_pictures_are_drawn_run_by_run() -> None:
    """Black is 0, white the highest value, and equal neighbours are one rectangle: a page must stay small."""
    svg = greys({"before": ((0, 0, 9), (9, 9, 9))}, white=9, alt="two rows")
    assert re.findall(r'fill="#(\w{6})"', svg) == ["000000", "ffffff", "ffffff"]
    assert ">before</text>" in svg
    assert "<desc>two rows</desc>" in svg


def test_pictures_are_seen_in_html_and_told_in_text() -> None:
    """A reader without pictures, and a screen reader, get the same grey values."""
    variant = variants(Level.INTRO, 1)[0]
    first = variant.p.picture[0]
    page = render_sheet(variant, medium="html")
    assert "Grey values row by row, from 0 (black) to 9 (white). picture: " + "".join(map(str, first)) in page
    assert "<svg" in page
    text = render_sheet(variant)
    assert "```grid result 1" in text
    assert " ".join(map(str, first)) in text
