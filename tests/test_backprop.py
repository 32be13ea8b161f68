"""Backpropagation on paper: keys by symbolic differentiation, mistakes that show, fair variants, true workings."""

from __future__ import annotations

import math
import re
import time
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
import sympy

from exercises import backprop
from grader.answers import read_number, write_number
from grader.exercise import Level
from grader.selftest import try_exercise
from grader.sheet import render_key, render_sheet, render_stub
from grader.surds import Surd
from grader.variant import AnyVariant, Seeded, collisions, draw_variant
from solutions import gradients, planes
from solutions.convolution import conv2d_backward
from solutions.pooling import avg_pool2d_backward, lp_pool2d_backward, max_pool2d_backward
from tests.worked import example

EXERCISE = backprop.EXERCISE
DRAWS = 120


@cache
def variants(level: Level) -> tuple[AnyVariant, ...]:
    return tuple(draw_variant(EXERCISE, level, Seeded(seed)) for seed in range(DRAWS))


def symbols(letter: str, rows: int, columns: int) -> planes.Plane:
    return tuple(tuple(sympy.Symbol(f"{letter}{r + 1}{c + 1}") for c in range(columns)) for r in range(rows))


def exact(plane: planes.Plane) -> list[list[Fraction]]:
    return [[Fraction(str(value)) for value in row] for row in plane]


# Published examples ----------------------------------------------------------------------------------------


def test_the_published_gradient_of_the_input_comes_out() -> None:
    """The handout's numbers in tenths, exactly."""
    case = example("cnn-backprop-dx")
    upstream, kernel = (exact(case["given"][name]) for name in ("upstream", "kernel"))
    got = gradients.of_image(upstream, kernel, (4, 4))  # type: ignore[arg-type]  # lists of rows do as well
    assert exact(got) == exact(case["answer"])


def test_the_published_symbolic_gradient_comes_out() -> None:
    """Every formula of the handout, from the questions' own terms and from the solver fed with symbols."""
    answer = example("cnn-backprop-dw-symbolic")["answer"]
    made = gradients.of_kernel(symbols("X", 3, 3), symbols("dh", 2, 2), (2, 2))
    for u, v in np.ndindex(2, 2):
        s = backprop.Symbol("W", u, v)
        published = answer[f"dW{u + 1}{v + 1}"]
        assert sympy.expand(sympy.sympify(published) - made[u][v]) == 0
        assert EXERCISE.part("symbol").answer.same(backprop.formula(backprop.terms(s)), published)
    assert sympy.expand(sympy.sympify(answer["db"]) - sum(planes.entries(symbols("dh", 2, 2)))) == 0


# Keys, by differentiating the loss -------------------------------------------------------------------------


def loss(image: planes.Plane, kernel: planes.Plane, upstream: planes.Plane, stride: Any, padding: Any, b: Any) -> Any:
    """Return L as a formula: every entry of the map, times what comes back to it."""
    h = planes.correlate(image, kernel, b, stride, padding)
    return sum(g * y for g, y in zip(planes.entries(upstream), planes.entries(h), strict=True))


def test_every_symbolic_key_is_the_derivative() -> None:
    """All nine pixels and four weights, differentiated by SymPy."""
    X, W = symbols("X", 3, 3), symbols("W", 2, 2)
    total = loss(X, W, symbols("dh", 2, 2), (1, 1), (0, 0), 0)
    for letter, plane in (("X", X), ("W", W)):
        for r, c in np.ndindex(len(plane), len(plane)):
            key = backprop.formula(backprop.terms(backprop.Symbol(letter, r, c)))
            assert sympy.expand(sympy.sympify(key) - sympy.diff(total, plane[r][c])) == 0


@pytest.mark.parametrize("level", Level)
def test_numeric_keys_are_derivatives(level: Level) -> None:
    """Kernel, bias and image: the loss with symbols, differentiated, then the numbers put in."""
    for variant in variants(level)[:5]:
        p, g = variant.p, variant.p.geometry
        X, W, b = symbols("X", *g.image), symbols("W", *g.kernel), sympy.Symbol("b")
        upstream = planes.each(p.upstream, lambda v: sympy.Rational(v.numerator, v.denominator))
        total = sympy.expand(loss(X, W, upstream, g.stride, g.padding, b))
        numbers = dict(
            zip(planes.entries(X) + planes.entries(W), planes.entries(p.image) + planes.entries(p.kernel), strict=True)
        )
        for plane, key in ((W, variant.key["kernel"]), (X, variant.key["image"])):
            wanted = [sympy.diff(total, symbol).subs(numbers) for symbol in planes.entries(plane)]
            assert [Fraction(int(w.p), int(w.q)) for w in wanted] == planes.entries(key)
        assert sympy.diff(total, b) == sympy.Rational(str(variant.key["bias"]))


@pytest.mark.parametrize("level", Level)
def test_keys_agree_with_the_layers(level: Level) -> None:
    """All variants, by the solvers of whole stacks; the step by hand."""
    pools: dict[str, Any] = {
        "max": max_pool2d_backward,
        "mean": avg_pool2d_backward,
        "l2": lambda dy, x, k, s: lp_pool2d_backward(dy, x, 2, k, s),
    }
    for variant in variants(level):
        p, g, key = variant.p, variant.p.geometry, variant.key
        stacked = [np.array(plane, object)[None, None] for plane in (p.upstream, p.image, p.kernel)]
        dx, dw, db = conv2d_backward(stacked[0], stacked[1], stacked[2], g.stride, g.padding)
        assert [dx[0, 0].tolist(), dw[0, 0].tolist(), db[0]] == [
            [list(row) for row in key["image"]],
            [list(row) for row in key["kernel"]],
            key["bias"],
        ]
        assert np.array_equal(np.array(key["step"]), np.array(p.kernel) - p.rate * dw[0, 0])
        up, x = (np.array(plane, float)[None, None] for plane in (p.pool.upstream, p.pool.plane))
        back = pools[p.pool.kind](up, x, p.pool.window, p.pool.stride)[0, 0]
        assert np.array(planes.each(key["pooled"], float)) == pytest.approx(back, abs=1e-12)


def test_radicals_are_exact_and_read_back() -> None:
    """L2 pooling by SymPy's own square roots, and what the sheet prints is what it reads."""
    seen = 0
    for variant in variants(Level.CHALLENGE)[:15]:
        pool = variant.p.pool
        X = symbols("X", len(pool.plane), len(pool.plane[0]))
        norms = planes.pool(X, pool.window, pool.stride, lambda values: sympy.sqrt(sum(v * v for v in values)))
        total = sum(g * y for g, y in zip(planes.entries(pool.upstream), planes.entries(norms), strict=True))
        numbers = dict(zip(planes.entries(X), planes.entries(pool.plane), strict=True))
        for symbol, value in zip(planes.entries(X), planes.entries(variant.key["pooled"]), strict=True):
            wanted = sympy.diff(total, symbol).subs(numbers)
            assert sympy.simplify(wanted - sympy.sympify(str(value))) == 0
            assert read_number(write_number(value)) == value
            seen += isinstance(value, Surd)
    assert seen > 30


# Fair variants ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", Level)
def test_mistakes_show_and_are_told_apart(level: Level) -> None:
    """A variant on which a mistake gives the right answer, or another's, teaches and diagnoses nothing."""
    for variant in variants(level):
        for part in EXERCISE.parts:
            assert not collisions(part, variant.p, variant.key[part.name]), (variant.id, part.name)
            assert len(part.distractors(variant.p)) >= 3, (variant.id, part.name)


@pytest.mark.parametrize("level", Level)
def test_variants_cost_the_same_are_many_and_cannot_be_guessed(level: Level) -> None:
    """Equal work for all students, no two with the same numbers, and no constant guess that pays."""
    costs = [EXERCISE.cost(v.p) / EXERCISE.costs[level] for v in variants(level)]
    assert sum(0.8 <= cost <= 1.2 for cost in costs) >= 0.95 * len(costs)
    assert len({v.p for v in variants(level)}) == DRAWS
    for part in EXERCISE.parts:
        keys = [str(v.key[part.name]) for v in variants(level)]
        assert max(map(keys.count, keys)) <= 0.45 * DRAWS, part.name


def test_the_stated_work_is_the_work() -> None:
    """Counted by doing it: one product for every weight on a pixel of the image, for each of both gradients."""
    for variant in variants(Level.CHALLENGE)[:20]:
        p, g = variant.p, variant.p.geometry
        ones = planes.each(p.image, lambda _: 1)
        kernel, upstream = planes.each(p.kernel, lambda _: 1), planes.each(p.upstream, lambda _: 1)
        products = loss(ones, kernel, upstream, g.stride, g.padding, 0)
        assert EXERCISE.cost(p) == 2 * products + len(planes.entries(p.kernel))


def test_no_window_of_a_pooling_has_two_largest_numbers() -> None:
    """On paper there must be one right answer."""
    for level in Level:
        for variant in variants(level):
            pool = variant.p.pool
            for line in planes.windows(pool.plane, pool.window, pool.stride):
                for window in map(planes.entries, line):
                    assert pool.kind == "l2" or window.count(max(window)) == 1
                    assert any(window)


def test_drawing_is_quick() -> None:
    """A class of hundreds is drawn in seconds; the promise is 200 a second, a busy machine is granted a third."""
    start = time.process_time()
    for seed in range(60):
        draw_variant(EXERCISE, Level.CHALLENGE, Seeded(seed, 2))
    assert time.process_time() - start < 0.9


def test_the_key_earns_everything_and_every_mistake_is_named() -> None:
    """The whole way through reading and marking, roots and formulas included."""
    trial = try_exercise(EXERCISE, 4)
    assert trial.checks > 300
    assert not trial.broken


def test_other_forms_of_a_formula_are_right() -> None:
    """Order, brackets and signs of multiplication are the student's own affair."""
    answer = EXERCISE.part("symbol").answer
    for same in ("dh22*X22 + X21 dh21 + dh12·X12 + X11 dh11", "(X11*dh11 + X12*dh12) + (X21*dh21 + X22*dh22)"):
        assert answer.same(answer.read(same), backprop.formula(backprop.terms(backprop.Symbol("W", 0, 0))))


def test_a_step_from_the_students_own_gradient_is_right() -> None:
    """A slip in the gradient must not cost the step; a gradient that is not there must not crash the marking."""
    variant = variants(Level.STANDARD)[0]
    carry = EXERCISE.part("step").carry
    assert carry is not None
    rows, columns = variant.p.geometry.kernel
    own = {"kernel": ((Fraction(1),) * columns,) * rows}
    assert carry.when(variant.p, own)
    assert carry.solve(variant.p, own) == planes.each(variant.p.kernel, lambda w: w - variant.p.rate)
    for odd in ((), ((),), ((Fraction(1),) * 9,), ((Fraction(0),) * columns,) * rows):
        assert not carry.when(variant.p, {"kernel": odd})


# Texts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", Level)
def test_sheets_and_keys_read_as_if_written_by_hand(level: Level) -> None:
    """No machine residue, right plurals, and formulas that are closed."""
    for variant in variants(level)[:8]:
        page = render_sheet(variant) + render_key(variant) + render_stub(variant)
        plain = page.replace("import numpy as np", "")
        for residue in ("{{", "{%", "Fraction(", "Surd(", "np.", " nan", "+ -", "- -", "None left", "\\cdot -"):
            assert residue not in plain, (residue, variant.id)
        assert not re.search(r"\b1 (pixels|rows|columns|entries|windows)\b", page)
        assert page.count("$") % 2 == 0


@pytest.mark.parametrize("level", Level)
def test_the_written_out_sums_of_products_are_true(level: Level) -> None:
    """Every line of the workings is worked out again from its own text."""
    for variant in variants(level)[:20]:
        text = backprop.kernel_workings(variant.p) + backprop.image_workings(variant.p)
        lines = re.findall(r"\}\} = ([^$=]+) = (-?[\d.]+)\$", text)
        g = variant.p.geometry
        weights, pixels = math.prod(g.kernel), math.prod(g.image)
        assert len(lines) == weights + (pixels if pixels <= 12 else 5)
        assert (f"each of the {pixels} pixels" in text) == (pixels > 12)
        for terms, value in lines:
            products = [term.replace("(", "").replace(")", "").split(r"\cdot") for term in terms.split(" + ")]
            total = sum((math.prod(Fraction(f.strip()) for f in product) for product in products), Fraction(0))
            assert write_number(total) == value
