"""Steps of an optimizer by hand: plain, with decay and momentum, Nesterov's, and with a rate for every weight."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from exercises.contracts.optimizers import ADAGRAD_STEP, ADAM_STEP, RMSPROP_STEP, SGD_STEP
from grader.authoring import (
    Carry,
    Draw,
    Exercise,
    FunctionPart,
    Level,
    Matrix,
    Misconception,
    Part,
    write_number,
)
from solutions.optimizers import adagrad_step, adam_step, look_ahead_step, rmsprop_step, root, sgd_step

Pair = tuple[Any, Any]
Rows = tuple[Pair, Pair]  # velocities, weights
Moved = tuple[Any, Any]  # one weight and its velocity


@dataclass(frozen=True)
class Params:
    """Two weights w and all that two steps need; every number is exact.

    At w the gradient is g and the velocity v; `later` is the gradient after the first step. At the level challenge it
    follows from the loss ½ Σ slope (w - lowest)², and `lowest` is None elsewhere. squares: what AdaGrad, RMSprop or
    Adam remember of earlier gradients; means: Adam's average of gradients.
    """

    level: Level
    w: Pair
    g: Pair
    v: Pair
    rate: Fraction
    decay: Fraction
    momentum: Fraction
    squares: Pair
    eps: Fraction
    keep: Fraction = Fraction(1)  # alpha of RMSprop, beta2 of Adam
    later: Pair = (0, 0)
    slope: Pair = (0, 0)
    lowest: Pair | None = None
    means: Pair = (0, 0)
    keep_mean: Fraction = Fraction(0)  # beta1

    @property
    def method(self) -> str:
        return METHODS[self.level]

    @property
    def early_decay(self) -> Fraction:
        """The decay of the first step with momentum: only challenge has both there."""
        return self.decay if self.level is Level.CHALLENGE else Fraction(0)

    @property
    def late_decay(self) -> Fraction:
        return self.decay if self.level is Level.STANDARD else Fraction(0)

    @property
    def gradient(self) -> str:
        """Write the gradient at (u_1, u_2) as LaTeX."""
        assert self.lowest is not None
        entries = []
        for i, (slope, low) in enumerate(zip(self.slope, self.lowest, strict=True), 1):
            entries.append(sloped(slope, f"u_{i}", low))
        return rf"({entries[0]},\ {entries[1]})"

    def tex(self, name: str) -> str:
        """Write a pair by its name as LaTeX."""
        return pair_tex(getattr(self, name))


METHODS = {Level.INTRO: "AdaGrad", Level.STANDARD: "RMSprop", Level.CHALLENGE: "Adam"}
BOTH = (0, 1)


# Drawing ---------------------------------------------------------------------------------------------------

TENTHS = tuple(Fraction(n, 10) for n in range(1, 6))
RATES = tuple(tenth for tenth in TENTHS if (1 / tenth).denominator <= 2)  # who divides by them gets a decimal
AVERAGES = (Fraction(3, 5), Fraction(3, 4), Fraction(4, 5), Fraction(9, 10))
MOMENTA = tuple(Fraction(n, 10) for n in range(5, 10))
SIDES = (1, -1)
SLOPES = (Fraction(1), Fraction(2), Fraction(4), Fraction(5), Fraction(1, 2))  # times the rate: 1 lands on the minimum


def draw(rng: Draw, level: Level) -> Params:
    """Draw numbers whose roots are rational, until no answer holds a zero or gives back what is given."""
    while True:
        p = DRAWN[level](rng)
        answers = [solve(p) for solve in (descent, decayed, momentum, second, squares)]
        numbers = [n for answer in answers for item in answer for n in (item if isinstance(item, tuple) else (item,))]
        varied = abs(p.w[0]) != abs(p.w[1]) and abs(p.v[0]) != abs(p.v[1])
        if (
            varied
            and 0 not in numbers
            and all(abs(n) < 20 for n in (*descent(p), *second(p)[1]))
            and not set(p.w) & set(numbers)
        ):
            return p


def shared(rng: Draw, level: Level, gradients: Pair, places: int) -> dict[str, Any]:
    """Draw what all levels have: weights of that many decimals, two rates, momentum, velocity."""
    rate = rng.choice(RATES)
    decay = rng.choice([tenth for tenth in TENTHS if tenth != rate])
    return {
        "level": level,
        "w": tuple(side * abs(rng.decimal(Fraction(1, 2) if places else 2, 9, places)) for side in signs(rng)),
        "g": gradients,
        "v": tuple(side * rng.decimal(Fraction(1, 10), Fraction(9, 10)) for side in signs(rng)),
        "rate": rate,
        "decay": decay,
        "momentum": rng.choice(MOMENTA),
        "eps": rng.choice((Fraction(1), Fraction(2), Fraction(1, 2))),
    }


def signs(rng: Draw) -> tuple[int, ...]:
    return tuple(rng.choice(SIDES) for _ in BOTH)


def whole_pair(rng: Draw, low: int = 1, high: int = 9) -> Pair:
    """Return two whole numbers of any sign and of different sizes."""
    sizes, sides = rng.sample(range(low, high + 1), 2), signs(rng)
    return sides[0] * sizes[0], sides[1] * sizes[1]


def draw_intro(rng: Draw) -> Params:
    g = whole_pair(rng)
    sums = tuple((abs(n) + rng.integer(2, 4)) ** 2 - n * n for n in g)
    return Params(**shared(rng, Level.INTRO, g, 0), squares=(sums[0], sums[1]), later=whole_pair(rng))


def draw_standard(rng: Draw) -> Params:
    g, keep = whole_pair(rng), rng.choice(AVERAGES)
    old = tuple(rng.choice(old_averages(keep, abs(n))) for n in g)
    return Params(**shared(rng, Level.STANDARD, g, 1), squares=(old[0], old[1]), keep=keep, later=whole_pair(rng))


@cache
def old_averages(keep: Fraction, g: int) -> tuple[Fraction, ...]:
    """Return whole old averages with which the new average has a whole root that is not the gradient's size."""
    found = [(r * r - (1 - keep) * g * g) / keep for r in range(1, 16) if r != g]
    return tuple(Fraction(s) for s in found if s > 0 and s.denominator == 1)


def draw_challenge(rng: Draw) -> Params:
    keep = rng.choice(AVERAGES[:3])  # 9/10 has no such roots
    options = [rng.choice(gradient_pairs(keep))]
    options.append(rng.choice([pair for pair in gradient_pairs(keep) if pair[1] != options[0][1]]))
    (first, g), sides = zip(*options, strict=True), signs(rng)
    earlier = tuple(side * n * other for side, n, other in zip(sides, first, signs(rng), strict=True))
    gradient = (sides[0] * g[0], sides[1] * g[1])
    keep_mean = rng.choice((Fraction(1, 2), Fraction(7, 10), Fraction(9, 10)))
    given = shared(rng, Level.CHALLENGE, gradient, 1)
    gentle = [slope for slope in SLOPES if given["rate"] * slope < 2 and given["rate"] * slope != 1]
    slope = tuple(rng.sample(gentle, 2))
    return Params(
        **given,
        squares=each(lambda n: (1 - keep) * n * n, earlier),
        means=each(lambda n: (1 - keep_mean) * n, earlier),
        keep=keep,
        keep_mean=keep_mean,
        slope=(slope[0], slope[1]),
        lowest=each(lambda w, n, h: w - n / h, given["w"], gradient, slope),
    )


@cache
def gradient_pairs(keep: Fraction) -> tuple[tuple[int, int], ...]:
    """Return sizes of the first and second gradient whose corrected average of squares has a decimal root."""
    found = []
    for first, second_ in itertools.product(range(1, 13), repeat=2):
        size = root((keep * first * first + second_ * second_) / (1 + keep))
        if first != second_ and isinstance(size, Fraction) and 100 % size.denominator == 0:
            found.append((first, second_))
    return tuple(found)


DRAWN = {Level.INTRO: draw_intro, Level.STANDARD: draw_standard, Level.CHALLENGE: draw_challenge}


def cost(p: Params) -> int:
    """Multiplications, divisions and roots, for both weights."""
    plain, decay, first, later = 1, 2, 2 + (p.early_decay != 0), 2 + (p.late_decay != 0 or p.lowest is not None)
    new_squares = {"AdaGrad": 1, "RMSprop": 3, "Adam": 3}[p.method]
    last = {"AdaGrad": 3, "RMSprop": 3, "Adam": 8}[p.method]  # Adam: its mean, both corrections
    return 2 * (plain + decay + first + later + new_squares + last)


# Solving ---------------------------------------------------------------------------------------------------


def each(function: Callable[..., Any], *pairs: Sequence[Any]) -> Pair:
    """Apply a function to the numbers of the first weight, then to those of the second."""
    one, other = (function(*numbers) for numbers in zip(*pairs, strict=True))
    return one, other


def stacked(function: Callable[..., Moved], *pairs: Sequence[Any]) -> Rows:
    """Return velocities, then weights, of a step that gives (weight, velocity) for the numbers of one weight."""
    moved = [function(*numbers) for numbers in zip(*pairs, strict=True)]
    return (moved[0][1], moved[1][1]), (moved[0][0], moved[1][0])


def descent(p: Params) -> Pair:
    return each(lambda w, g: sgd_step(w, g, 0, p.rate)[0], p.w, p.g)


def decayed(p: Params) -> Pair:
    return each(lambda w, g: sgd_step(w, g, 0, p.rate, weight_decay=p.decay)[0], p.w, p.g)


def momentum(p: Params) -> Rows:
    return first_step(lambda p, w, g, v: sgd_step(w, g, v, p.rate, p.momentum, p.early_decay))(p)


def first_step(rule: Callable[[Params, Any, Any, Any], Moved]) -> Callable[[Params], Rows]:
    """Return the solver of someone who takes the first step with momentum by a rule of (p, w, g, v)."""
    return lambda p: stacked(lambda w, g, v: rule(p, w, g, v), p.w, p.g, p.v)


def second(p: Params) -> Rows:
    return second_from(p, momentum(p))


def second_from(p: Params, rows: Rows) -> Rows:
    """Return velocities and weights after the second step, from those after the first."""
    return stacked(lambda w, v, later: right_second(p, w, v, later), rows[1], rows[0], gradients(p))


def gradients(p: Params) -> tuple[Callable[[Any], Any], ...]:
    """Return the gradient after the first step, for each weight as a function of the place where it is measured."""
    if p.lowest is None:
        return tuple(lambda _, g=g: g for g in p.later)
    return tuple(lambda w, h=h, low=low: h * (w - low) for h, low in zip(p.slope, p.lowest, strict=True))


def right_second(p: Params, w: Any, v: Any, later: Callable[[Any], Any]) -> Moved:
    if p.lowest is not None:
        return look_ahead_step(w, later, v, p.rate, p.momentum)
    return sgd_step(w, later(w), v, p.rate, p.momentum, p.late_decay)


def second_step(rule: Callable[..., Moved | None]) -> Callable[[Params], Rows | None]:
    """Return the solver of someone who takes the second step by a rule of (p, w, v, gradient as a function)."""

    def solve(p: Params) -> Rows | None:
        (v1, w1), later = momentum(p), gradients(p)
        moved = [rule(p, w, v, g) for w, v, g in zip(w1, v1, later, strict=True)]
        if moved[0] is None or moved[1] is None:
            return None
        return (moved[0][1], moved[1][1]), (moved[0][0], moved[1][0])

    return solve


def squares(p: Params) -> Pair:
    """Return what is remembered of the squares after the step."""
    if p.method == "AdaGrad":
        return each(lambda w, g, s: adagrad_step(w, g, s, lr=0)[1], p.w, p.g, p.squares)
    return each(lambda w, g, s: rmsprop_step(w, g, s, lr=0, alpha=p.keep)[1], p.w, p.g, p.squares)


def squares_by(rule: Callable[[Params, Any, Any], Any]) -> Callable[[Params], Pair]:
    """Return the solver of someone who remembers squares by a rule of (p, g, s)."""
    return lambda p: each(lambda g, s: rule(p, g, s), p.g, p.squares)


def averaged_by(rule: Callable[[Params, Any, Any], Any]) -> Callable[[Params], Pair | None]:
    """Return the same for mistakes with averages; AdaGrad keeps none."""
    return lambda p: None if p.method == "AdaGrad" else squares_by(rule)(p)


def adaptive(p: Params) -> Pair:
    if p.method == "Adam":
        return each(
            lambda w, g, m, s: adam_step(w, g, m, s, 2, p.rate, (p.keep_mean, p.keep), p.eps)[0],
            *(p.w, p.g, p.means, p.squares),
        )
    if p.method == "RMSprop":
        return each(lambda w, g, s: rmsprop_step(w, g, s, p.rate, p.keep, p.eps)[0], p.w, p.g, p.squares)
    return each(lambda w, g, s: adagrad_step(w, g, s, p.rate, p.eps)[0], p.w, p.g, p.squares)


def directions(p: Params) -> Pair:
    """Return what the step goes along: the gradient, or Adam's corrected average of gradients."""
    return each(lambda m: m / (1 - p.keep_mean**2), means(p)) if p.method == "Adam" else p.g


def means(p: Params) -> Pair:
    return each(lambda g, m: p.keep_mean * m + (1 - p.keep_mean) * g, p.g, p.means)


def corrected(p: Params, pair: Pair) -> Pair:
    """Return the squares under the root: Adam's are corrected for their start at zero."""
    return each(lambda s: s / (1 - p.keep**2), pair) if p.method == "Adam" else pair


def moved_by(p: Params, along: Pair, under: Pair) -> Pair:
    return each(lambda w, d, s: w - p.rate * d / (root(s) + p.eps), p.w, along, under)


def adaptive_by(rule: Callable[[Params, Any, Any, Any], Any]) -> Callable[[Params], Pair]:
    """Return the solver of someone who moves each weight by a rule of (p, w, direction, square under the root)."""
    return lambda p: each(lambda w, d, s: rule(p, w, d, s), p.w, directions(p), corrected(p, squares(p)))


def of_adam(solve: Callable[[Params], Pair]) -> Callable[[Params], Pair | None]:
    return lambda p: solve(p) if p.method == "Adam" else None


def but_adam(solve: Callable[[Params], Pair]) -> Callable[[Params], Pair | None]:
    return lambda p: None if p.method == "Adam" else solve(p)


# Error carried forward -------------------------------------------------------------------------------------


def has_rows(_: Params, earlier: Mapping[str, Any]) -> bool:
    rows = earlier["momentum"]
    return len(rows) == 2 and all(len(row) == 2 and all(abs(n) < 1000 for n in row) for row in rows)


def has_squares(_: Params, earlier: Mapping[str, Any]) -> bool:
    return len(earlier["squares"]) == 2 and all(0 < n < 10_000 for n in earlier["squares"])


def adaptive_from(p: Params, earlier: Mapping[str, Any]) -> Pair:
    return moved_by(p, directions(p), corrected(p, earlier["squares"]))


# Workings --------------------------------------------------------------------------------------------------


def tex(value: Any, places: int | None = None) -> str:
    return write_number(value, places)


def factor(value: Any) -> str:
    """Write a number as a factor or a term: a negative one in brackets."""
    return f"({tex(value)})" if value < 0 else tex(value)


def sloped(slope: Any, place: str, lowest: Any) -> str:
    r"""Write the gradient of ½ slope (place - lowest)² as LaTeX.

    >>> sloped(2, "u_1", Fraction(-3, 2)), sloped(1, "u_2", 4)
    ('2 \\cdot (u_1 + 1.5)', 'u_2 - 4')
    """
    if lowest == 0:
        return place if slope == 1 else rf"{tex(slope)} \cdot {place}"
    inner = f"{place} {'-' if lowest > 0 else '+'} {tex(abs(lowest))}"
    return inner if slope == 1 else rf"{tex(slope)} \cdot ({inner})"


def pair_tex(pair: Sequence[Any]) -> str:
    r"""Write a pair as LaTeX.

    >>> pair_tex((Fraction(1, 2), -3))
    '(0.5,\\ -3)'
    """
    return rf"({tex(pair[0])},\ {tex(pair[1])})"


def equals(value: Any, places: int = 3) -> str:
    """Write "= value", or "≈ value" where rounding changes it."""
    text = tex(value, places)
    return f"= {text}" if Fraction(text) == value else rf"\approx {text}"


def lines(formula: str, texts: Sequence[str]) -> str:
    return f"$${formula}$$\n\n" + "\n".join(f"- ${text}$" for text in texts)


def descent_workings(p: Params) -> str:
    texts = [f"w_{i + 1} = {tex(p.w[i])} - {tex(p.rate)} \\cdot {factor(p.g[i])} {equals(descent(p)[i])}" for i in BOTH]
    return "Against the gradient, by the learning rate:\n\n" + lines("W - a G", texts)


def decay_workings(p: Params) -> str:
    texts = [
        rf"w_{i + 1} = {tex(p.w[i])} - {tex(p.rate)} \cdot ({tex(p.g[i])} + {tex(p.decay)} \cdot {factor(p.w[i])}) = "
        rf"{tex(p.w[i])} - {tex(p.rate)} \cdot {factor(p.g[i] + p.decay * p.w[i])} {equals(decayed(p)[i])}"
        for i in BOTH
    ]
    return "The decay adds $bW$ to the gradient; then the step is a plain one:\n\n" + lines("W - a (G + bW)", texts)


def velocity_texts(p: Params, velocities: Pair, pushes: Pair, decay: Fraction, weights: Pair, rows: Rows) -> list[str]:
    """Write the new velocity and weight, for both weights, from the numbers of before."""
    texts = []
    for i in BOTH:
        push = factor(pushes[i])
        if decay:
            push = rf"({tex(pushes[i])} + {tex(decay)} \cdot {factor(weights[i])})"
        texts += [
            rf"v_{i + 1} = {tex(p.momentum)} \cdot {factor(velocities[i])} - {tex(p.rate)} \cdot {push} "
            f"{equals(rows[0][i], 5)}",
            f"w_{i + 1} = {tex(weights[i])} + {factor(rows[0][i])} {equals(rows[1][i], 5)}",
        ]
    return texts


def momentum_workings(p: Params) -> str:
    formula = r"V \leftarrow cV - a (G + bW), \quad W \leftarrow W + V" if p.early_decay else MOMENTUM
    texts = velocity_texts(p, p.v, p.g, p.early_decay, p.w, momentum(p))
    return "First the velocity, then the weights with the *new* velocity:\n\n" + lines(formula, texts)


MOMENTUM = r"V \leftarrow cV - a G, \quad W \leftarrow W + V"


def second_workings(p: Params) -> str:
    old, rows = momentum(p), second(p)
    rounded = "Rounded to 3 decimals: " + ", ".join(f"${tex(n, 3)}$" for row in rows for n in row) + "."
    if p.lowest is None:
        formula = r"V \leftarrow cV - a (G + bW), \quad W \leftarrow W + V" if p.late_decay else MOMENTUM
        texts = velocity_texts(p, old[0], p.later, p.late_decay, old[1], rows)
        lead = "The velocity and the weights to start from are those of the first step:\n\n"
        return f"{lead}{lines(formula, texts)}\n\n{rounded}"
    ahead = each(lambda w, v: w + p.momentum * v, old[1], old[0])
    there = each(lambda gradient, place: gradient(place), gradients(p), ahead)
    looks = [
        rf"w_{i + 1} + c v_{i + 1} = {tex(old[1][i])} + {tex(p.momentum)} \cdot {factor(old[0][i])} = {tex(ahead[i])}, "
        rf"\quad {sloped(p.slope[i], tex(ahead[i]), p.lowest[i])} = {tex(there[i])}"
        for i in BOTH
    ]
    steps = velocity_texts(p, old[0], there, Fraction(0), old[1], rows)
    return (
        "Look ahead to where the old velocity leads, and measure the gradient there:\n\n"
        f"{lines('W + cV', looks)}\n\nThen step from $W$ as with momentum:\n\n{lines(MOMENTUM, steps)}\n\n{rounded}"
    )


def squares_workings(p: Params) -> str:
    if p.method == "AdaGrad":
        texts = [f"s_{i + 1} = {tex(p.squares[i])} + {factor(p.g[i])}^2 {equals(squares(p)[i], 6)}" for i in BOTH]
        return "The square of the gradient is added, weight by weight:\n\n" + lines(r"S \leftarrow S + G^2", texts)
    name = r"\alpha" if p.method == "RMSprop" else r"\beta_2"
    texts = [
        rf"s_{i + 1} = {tex(p.keep)} \cdot {tex(p.squares[i])} + {tex(1 - p.keep)} \cdot {factor(p.g[i])}^2 "
        f"{equals(squares(p)[i], 6)}"
        for i in BOTH
    ]
    formula = rf"S \leftarrow {name} S + (1 - {name}) G^2"
    return "A part of the old average is kept, the new square takes the rest:\n\n" + lines(formula, texts)


def adaptive_workings(p: Params) -> str:
    under, along, answer = corrected(p, squares(p)), directions(p), adaptive(p)
    steps = [
        rf"w_{i + 1} = {tex(p.w[i])} - \frac{{{tex(p.rate)} \cdot {factor(rounded(along[i]))}}}"
        rf"{{\sqrt{{{tex(under[i])}}} + {tex(p.eps)}}} = {tex(p.w[i])} - \frac{{{tex(p.rate * rounded(along[i]), 5)}}}"
        rf"{{{tex(root(under[i]) + p.eps)}}} {equals(answer[i])}"
        for i in BOTH
    ]
    if p.method != "Adam":
        return "Each weight has a rate of its own:\n\n" + lines(r"W - \frac{a\, G}{\sqrt{S} + \varepsilon}", steps)
    mean = [
        rf"m_{i + 1} = {tex(p.keep_mean)} \cdot {factor(p.means[i])} + {tex(1 - p.keep_mean)} \cdot {factor(p.g[i])} = "
        rf"{tex(means(p)[i])}, \quad \hat m_{i + 1} = \frac{{{tex(means(p)[i])}}}{{1 - {tex(p.keep_mean)}^2}} "
        f"{equals(along[i], 5)}"
        for i in BOTH
    ]
    square = [rf"\hat s_{i + 1} = \frac{{{tex(squares(p)[i])}}}{{1 - {tex(p.keep)}^2}} = {tex(under[i])}" for i in BOTH]
    return (
        "The average of gradients, corrected for its start at zero:\n\n"
        + lines(r"M \leftarrow \beta_1 M + (1 - \beta_1) G, \quad \hat M = \frac{M}{1 - \beta_1^t}", mean)
        + "\n\nThe average of squares, corrected likewise:\n\n"
        + lines(r"\hat S = \frac{S}{1 - \beta_2^t}", square)
        + "\n\nThe step:\n\n"
        + lines(r"W - \frac{a\, \hat M}{\sqrt{\hat S} + \varepsilon}", steps)
    )


def rounded(value: Any) -> Any:
    """Return a number to five decimals, for what is written in between."""
    return Fraction(round(value * 10**5), 10**5)


# What is asked ---------------------------------------------------------------------------------------------

INTRO = """\
A network has two weights, $W = (w_1, w_2) = {{ p.tex("w") }}$. There the gradient of the loss is \
$G = {{ p.tex("g") }}$.

- learning rate $a = {{ p.rate | num }}$
- weight decay $b = {{ p.decay | num }}$
- momentum $c = {{ p.momentum | num }}$, with the velocity $V = {{ p.tex("v") }}$ left from earlier steps

A part uses decay or momentum only where it says so.
"""
SQUARES = """\
Back to the start, $W = {{ p.tex("w") }}$ and $G = {{ p.tex("g") }}$, without decay and momentum. \
{% if p.method == "AdaGrad" %}**AdaGrad** has added up the squares of earlier gradients, weight by weight: \
$S = {{ p.tex("squares") }}$. What are the sums after this step?\
{% elif p.method == "RMSprop" %}**RMSprop** keeps a running average of squared gradients, weight by weight, with \
$\\alpha = {{ p.keep | num }}$ as the share of the old: $S = {{ p.tex("squares") }}$ so far. \
What are the averages after this step?\
{% else %}**Adam** has taken one step. With $\\beta_1 = {{ p.keep_mean | num }}$ and $\\beta_2 = {{ p.keep | num }}$ \
its average of gradients is $M = {{ p.tex("means") }}$ and its average of squared gradients \
$S = {{ p.tex("squares") }}$; both started at zero and are not corrected. \
What are the averages of squared gradients after this second step, not corrected?{% endif %}
"""
ADAPTIVE = """\
What are the weights after this step of {{ p.method }}, \
{% if p.method == "Adam" %}with both averages corrected for $t = 2$, and {% endif %}\
with $\\varepsilon = {{ p.eps | num }}$? (Usually $\\varepsilon$ is tiny; here it is large, so that it shows.)
"""
SECOND = """\
{% if p.lowest %}The loss is such that its gradient at any weights $(u_1, u_2)$ is ${{ p.gradient }}$. \
Take a **second step**, with **Nesterov's momentum** and without decay: the gradient is measured at $W + cV$.\
{% elif p.late_decay %}At these weights the gradient is $G = {{ p.tex("later") }}$. \
Take a **second step**, this time with momentum **and weight decay**.\
{% else %}At these weights the gradient is $G = {{ p.tex("later") }}$. \
Take a **second step with momentum**.{% endif %} Give two rows again: the velocity, then the weights.
"""

UPHILL = "You went up the gradient: it points to where the loss grows, so the step is subtracted."
VELOCITY_HINTS = {
    "gradient-added": UPHILL,
    "velocity-forgotten": "The old velocity plays no part in yours: the new one starts from cV.",
    "momentum-sign": "You subtracted the old velocity: the new one is cV minus the gradient's share.",
    "old-velocity-added": "You moved the weights by the old velocity: work out the new one first, then add that.",
    "velocity-subtracted": "You subtracted the velocity from the weights: its sign is that of the step, so add it.",
    "rate-twice": "The velocity holds the learning rate already: add it to the weights as it is.",
    "rate-left-out-of-velocity": (
        "This is the velocity of PyTorch, cV + G, with W − aV. Here the rate and the sign are in the velocity."
    ),
    "averaged": "You weighted the gradient by 1 − c: momentum is no average here, the gradient counts in full.",
}
VELOCITY_RULES: dict[str, Callable[..., Moved]] = {
    "gradient-added": lambda p, w, g, v, b: sgd_step(w, g, v, -p.rate, p.momentum, b),
    "velocity-forgotten": lambda p, w, g, v, b: sgd_step(w, g, 0, p.rate, p.momentum, b),
    "momentum-sign": lambda p, w, g, v, b: sgd_step(w, g, v, p.rate, -p.momentum, b),
    "old-velocity-added": lambda p, w, g, v, b: (w + v, sgd_step(w, g, v, p.rate, p.momentum, b)[1]),
    "velocity-subtracted": lambda p, w, g, v, b: (
        w - sgd_step(w, g, v, p.rate, p.momentum, b)[1],
        sgd_step(w, g, v, p.rate, p.momentum, b)[1],
    ),
    "rate-twice": lambda p, w, g, v, b: (
        w + p.rate * sgd_step(w, g, v, p.rate, p.momentum, b)[1],
        sgd_step(w, g, v, p.rate, p.momentum, b)[1],
    ),
    "rate-left-out-of-velocity": lambda p, w, g, v, b: (
        w - p.rate * (p.momentum * v + g + b * w),
        p.momentum * v + g + b * w,
    ),
    "averaged": lambda p, w, g, v, b: sgd_step(w, g, v, p.rate * (1 - p.momentum), p.momentum, b),
}


def first_slip(name: str) -> Misconception[Params]:
    rule = VELOCITY_RULES[name]
    return Misconception(name, first_step(lambda p, w, g, v: rule(p, w, g, v, p.early_decay)), VELOCITY_HINTS[name])


def second_slip(name: str) -> Misconception[Params]:
    """Return a mistake of momentum made in the second step; Nesterov's gradient is measured where it should be."""
    rule = VELOCITY_RULES[name]
    return Misconception(
        name,
        second_step(lambda p, w, v, later: rule(p, w, later(w + p.momentum * v if p.lowest else w), v, p.late_decay)),
        VELOCITY_HINTS[name],
    )


def with_gradient(place: Callable[[Params, Any, Any], Any]) -> Callable[[Params], Rows | None]:
    """Return the solver of someone who measures Nesterov's gradient at another place, given (p, w, v)."""
    return second_step(
        lambda p, w, v, later: sgd_step(w, later(place(p, w, v)), v, p.rate, p.momentum) if p.lowest else None
    )


def moved_twice(p: Params, w: Any, v: Any, later: Callable[[Any], Any]) -> Moved | None:
    if p.lowest is None:
        return None
    new_w, new_v = right_second(p, w, v, later)
    return new_w + p.momentum * v, new_v


def from_the_start(p: Params) -> Rows:
    """The new velocity added to the weights before the first step."""
    velocities = second(p)[0]
    return velocities, each(lambda w, v: w + v, p.w, velocities)


def velocity_of_the_start(p: Params) -> Rows:
    """The second step made with the velocity before the first one."""
    return stacked(lambda w, v, later: right_second(p, w, v, later), momentum(p)[1], p.v, gradients(p))


def decay_slip(rule: Callable[..., Moved]) -> Callable[[Params], Rows | None]:
    """Return the solver of a mistake in the second step's decay; None where it has none."""
    return second_step(lambda p, w, v, later: rule(p, w, v, later(w)) if p.late_decay else None)


PARTS: tuple[Part[Params], ...] = (
    Part(
        name="descent",
        ask="Take one step of plain **gradient descent**. What are the new weights?",
        solve=descent,
        answer=Matrix(depth=1),
        workings=descent_workings,
        misconceptions=(
            Misconception("uphill", lambda p: each(lambda w, g: w + p.rate * g, p.w, p.g), UPHILL),
            Misconception(
                "rate-forgotten",
                lambda p: each(lambda w, g: w - g, p.w, p.g),
                "You subtracted the whole gradient: multiply it by the learning rate first.",
            ),
            Misconception(
                "step-only",
                lambda p: each(lambda g: -p.rate * g, p.g),
                "That is the step; the new weights are the old ones plus the step.",
            ),
            Misconception(
                "weights-scaled",
                lambda p: each(lambda w, g: w - p.rate * g * w, p.w, p.g),
                "You multiplied the step by the weight as well: it is the rate times the gradient, nothing more.",
            ),
            Misconception(
                "rate-divides",
                lambda p: each(lambda w, g: w - g / p.rate, p.w, p.g),
                "You divided by the learning rate: multiply by it, so that a small rate makes a small step.",
            ),
        ),
    ),
    Part(
        name="decay",
        ask="From the same start, take one step with **weight decay** (no momentum). What are the new weights?",
        solve=decayed,
        answer=Matrix(depth=1),
        workings=decay_workings,
        misconceptions=(
            Misconception("decay-forgotten", descent, "That is the plain step: the decay adds bW to the gradient."),
            Misconception(
                "decay-without-rate",
                lambda p: each(lambda w, g: w - p.rate * g - p.decay * w, p.w, p.g),
                "You took off bW in full: it is a part of the gradient, so the learning rate multiplies it too.",
            ),
            Misconception(
                "decay-after-the-step",
                lambda p: each(lambda w: w * (1 - p.rate * p.decay), descent(p)),
                "You let the new weights decay: gradient and decay both belong to the weights before the step.",
            ),
            Misconception(
                "decay-sign",
                lambda p: each(lambda w, g: w - p.rate * (g - p.decay * w), p.w, p.g),
                "Your decay makes the weights grow: bW is added to the gradient, and the step subtracts it.",
            ),
            Misconception(
                "decay-of-the-gradient",
                lambda p: each(lambda w, g: w - p.rate * (g + p.decay * g * w), p.w, p.g),
                "You multiplied the decay by gradient and weight: add bW to G, without a product of both.",
            ),
            Misconception(
                "decay-without-weight",
                lambda p: each(lambda w, g: w - p.rate * (g + p.decay), p.w, p.g),
                "You added b itself to the gradient: it is b times the weight, so that large weights shrink faster.",
            ),
            Misconception("uphill", lambda p: each(lambda w, g: w + p.rate * (g + p.decay * w), p.w, p.g), UPHILL),
        ),
    ),
    Part(
        name="momentum",
        ask=(
            "From the same start again, take one step with **momentum"
            "{% if p.early_decay %} and weight decay**{% else %}** (no weight decay){% endif %}. "
            "Give two rows: the new velocity, then the new weights."
        ),
        solve=momentum,
        answer=Matrix(),
        workings=momentum_workings,
        marks=2,
        misconceptions=(
            *(first_slip(name) for name in VELOCITY_RULES),
            Misconception(
                "decay-forgotten",
                lambda p: (
                    first_step(lambda p, w, g, v: sgd_step(w, g, v, p.rate, p.momentum))(p) if p.early_decay else None
                ),
                "The weight decay is missing: bW is added to the gradient.",
            ),
        ),
    ),
    Part(
        name="second",
        ask=SECOND,
        solve=second,
        answer=Matrix(places=3),
        workings=second_workings,
        marks=2,
        carry=Carry(
            ("momentum",),
            lambda p, earlier: second_from(p, earlier["momentum"]),
            "your velocity and your new weights are two rows of two numbers between −1000 and 1000",
            has_rows,
        ),
        misconceptions=(
            *(second_slip(name) for name in VELOCITY_RULES),
            Misconception(
                "weights-of-the-start",
                from_the_start,
                "You added the velocity to the weights before the first step: go on from where that step led.",
            ),
            Misconception(
                "velocity-of-the-start",
                velocity_of_the_start,
                "You used the velocity from before the first step: go on with the one that it gave.",
            ),
            Misconception(
                "decay-forgotten",
                decay_slip(lambda p, w, v, g: sgd_step(w, g, v, p.rate, p.momentum)),
                "The weight decay is missing: bW is added to the gradient.",
            ),
            Misconception(
                "decay-without-rate",
                decay_slip(lambda p, w, v, g: sgd_step(w, g, v, p.rate, p.momentum, p.decay / p.rate)),
                "You took off bW in full: it is a part of the gradient, so the learning rate multiplies it too.",
            ),
            Misconception(
                "decay-sign",
                decay_slip(lambda p, w, v, g: sgd_step(w, g, v, p.rate, p.momentum, -p.decay)),
                "Your decay makes the weights grow: bW is added to the gradient, and the step subtracts it.",
            ),
            Misconception(
                "no-look-ahead",
                with_gradient(lambda p, w, v: w),
                "You measured the gradient at W: Nesterov's momentum looks ahead, to W + cV.",
            ),
            Misconception(
                "too-far-ahead",
                with_gradient(lambda p, w, v: w + v),
                "You looked ahead by the whole velocity: the old velocity carries on for c of it, to W + cV.",
            ),
            Misconception(
                "looked-back",
                with_gradient(lambda p, w, v: w - p.momentum * v),
                "You looked back: the place is W plus cV.",
            ),
            Misconception(
                "moved-twice",
                second_step(moved_twice),
                "You started from the place of the look-ahead: only the gradient is taken there, the step starts at W.",
            ),
        ),
    ),
    Part(
        name="squares",
        ask=SQUARES,
        solve=squares,
        answer=Matrix(depth=1),
        workings=squares_workings,
        misconceptions=(
            Misconception(
                "not-squared",
                squares_by(lambda p, g, s: s + g if p.method == "AdaGrad" else p.keep * s + (1 - p.keep) * g),
                "You took the gradient as it is: square it first.",
            ),
            Misconception(
                "old-forgotten",
                squares_by(lambda p, g, s: g * g if p.method == "AdaGrad" else (1 - p.keep) * g * g),
                "What was remembered from earlier steps is missing.",
            ),
            Misconception(
                "sum-squared",
                squares_by(
                    lambda p, g, s: (s + g) ** 2 if p.method == "AdaGrad" else (p.keep * s + (1 - p.keep) * g) ** 2
                ),
                "You squared the sum: square the gradient alone, then add.",
            ),
            Misconception(
                "added-up",
                averaged_by(lambda p, g, s: s + g * g),
                "You added the square in full, as AdaGrad does: here an average is kept.",
            ),
            Misconception(
                "shares-swapped",
                averaged_by(lambda p, g, s: (1 - p.keep) * s + p.keep * g * g),
                "You exchanged the shares: the old average keeps the large one.",
            ),
            Misconception(
                "new-in-full",
                averaged_by(lambda p, g, s: p.keep * s + g * g),
                "The new square must be multiplied by what the old average leaves.",
            ),
        ),
    ),
    Part(
        name="adaptive",
        ask=ADAPTIVE,
        solve=adaptive,
        answer=Matrix(places=3, depth=1),
        workings=adaptive_workings,
        marks=2,
        carry=Carry(
            ("squares",),
            adaptive_from,
            "your remembered squares are two positive numbers below 10,000",
            has_squares,
        ),
        misconceptions=(
            Misconception("uphill", adaptive_by(lambda p, w, d, s: w + p.rate * d / (root(s) + p.eps)), UPHILL),
            Misconception(
                "root-forgotten",
                adaptive_by(lambda p, w, d, s: w - p.rate * d / (s + p.eps)),
                "You divided by the squares themselves: take the root first.",
            ),
            Misconception(
                "eps-inside",
                adaptive_by(lambda p, w, d, s: float(w) - float(p.rate * d) / math.sqrt(s + p.eps)),
                "You added ε under the root: take the root, then add ε.",
            ),
            Misconception(
                "eps-forgotten",
                adaptive_by(lambda p, w, d, s: w - p.rate * d / root(s)),
                "You left ε out of the denominator.",
            ),
            Misconception(
                "not-scaled",
                but_adam(descent),
                "That is the plain step: here it is divided by the root of what is remembered, plus ε.",
            ),
            Misconception(
                "old-squares",
                but_adam(lambda p: moved_by(p, p.g, p.squares)),
                "You divided by the root of the old squares: this step's own square comes in first.",
            ),
            Misconception(
                "not-corrected",
                of_adam(lambda p: moved_by(p, means(p), squares(p))),
                "You used the averages as they are: divide each by 1 − β², since both started at zero.",
            ),
            Misconception(
                "only-gradients-corrected",
                of_adam(lambda p: moved_by(p, directions(p), squares(p))),
                "The average of squares is not corrected: divide it by 1 − β₂², before the root.",
            ),
            Misconception(
                "only-squares-corrected",
                of_adam(lambda p: moved_by(p, means(p), corrected(p, squares(p)))),
                "The average of gradients is not corrected: divide it by 1 − β₁².",
            ),
            Misconception(
                "corrected-as-at-first",
                of_adam(
                    lambda p: moved_by(
                        p,
                        each(lambda m: m / (1 - p.keep_mean), means(p)),
                        each(lambda s: s / (1 - p.keep), squares(p)),
                    )
                ),
                "You divided by 1 − β, as at the first step: at step t it is 1 − β to the power of t.",
            ),
            Misconception(
                "gradient-for-average",
                of_adam(lambda p: moved_by(p, p.g, corrected(p, squares(p)))),
                "You went along the gradient: Adam goes along its corrected average of gradients.",
            ),
        ),
    ),
)

EXERCISE = Exercise(
    name="optimizers",
    title="Steps of an optimizer",
    summary="two weights: gradient descent, weight decay, momentum, Nesterov, AdaGrad, RMSprop, Adam",
    draw=draw,
    intro=INTRO,
    conventions=(
        "Weight decay $b$ adds $bW$ to the gradient.",
        "The velocity is what is added to the weights: $V \\leftarrow cV - aG$, then $W \\leftarrow W + V$. "
        "Rate and sign are inside it.",
        "AdaGrad, RMSprop and Adam divide by the root plus $\\varepsilon$: $\\varepsilon$ is outside the root.",
        "All weights change at once. Give two numbers as `[1.5, -2]`, two rows as `[[0.1, 0.2], [1.5, -2]]`.",
    ),
    parts=PARTS,
    functions=(
        FunctionPart(SGD_STEP, marks=3),
        FunctionPart(ADAGRAD_STEP, marks=2),
        FunctionPart(RMSPROP_STEP, marks=2),
        FunctionPart(ADAM_STEP, marks=3),
    ),
    cost=cost,
    costs={Level.INTRO: 22, Level.STANDARD: 28, Level.CHALLENGE: 40},
)
