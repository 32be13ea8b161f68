"""A toy topic for tests of the engine: a sum, its double, and a choice."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from grader.authoring import (
    Call,
    Carry,
    Choice,
    Contract,
    Draw,
    Exact,
    Exercise,
    FunctionPart,
    Integer,
    Level,
    Misconception,
    Number,
    Part,
    Regime,
    Twin,
)


@dataclass(frozen=True)
class Params:
    """Two numbers to add."""

    a: int
    b: int


def draw(rng: Draw, level: Level) -> Params:
    top = {Level.INTRO: 9, Level.STANDARD: 99, Level.CHALLENGE: 999}[level]
    return Params(rng.integer(1, top), rng.integer(1, top))


def add(a: int, b: int) -> int:
    return a + b


def _call(rng: Draw) -> Call:
    return Call((rng.integer(0, 99), rng.integer(0, 99)))


ADD = Contract(
    name="add",
    signature="(a, b)",
    doc="Return a + b.",
    reference=add,
    regimes=(Regime("both numbers are natural", _call, cases=20),),
    check=Exact(),
    twins=(Twin("subtracted", lambda a, b: a - b, "Add, do not subtract."),),
)

EXERCISE = Exercise(
    name="sums",
    title="Sums",
    summary="Adding two numbers.",
    draw=draw,
    intro="Two numbers, {{ p.a }} and {{ p.b }}.",
    parts=(
        Part(
            name="total",
            ask="What is their sum?",
            solve=lambda p: p.a + p.b,
            answer=Integer(),
            workings=lambda p: f"${p.a} + {p.b} = {p.a + p.b}$",
            misconceptions=(
                Misconception("difference", lambda p: p.a - p.b, "You subtracted."),
                Misconception("product", lambda p: p.a * p.b, "You multiplied."),
            ),
            marks=2,
        ),
        Part(
            name="mean",
            ask="What is their mean?",
            solve=lambda p: Fraction(p.a + p.b, 2),
            answer=Number(),
            workings=lambda p: f"Half of {p.a + p.b}.",
            carry=Carry(
                parts=("total",),
                solve=lambda p, earlier: Fraction(earlier["total"], 2),
                condition="your sum is positive",
                when=lambda p, earlier: earlier["total"] > 0,
                penalty=Fraction(1, 4),
            ),
            marks=4,
        ),
        Part(
            name="parity",
            ask="Is the sum even or odd?",
            solve=lambda p: "odd" if (p.a + p.b) % 2 else "even",
            answer=Choice(),
            options=lambda p: ("even", "odd", "neither"),
            workings=lambda p: "Look at the last digit.",
        ),
    ),
    functions=(FunctionPart(ADD, marks=3),),
    cost=lambda p: 2,
    costs={Level.INTRO: 2, Level.STANDARD: 2, Level.CHALLENGE: 2},
)
