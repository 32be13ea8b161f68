"""Backpropagation by hand: through a small convolution in symbols and numbers, one step of learning, and a pooling."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from typing import Any

from exercises.contracts.conv2d_backward import CONV2D_BACKWARD
from exercises.contracts.lp_pooling import LP_POOL2D_BACKWARD
from exercises.contracts.pooling_backward import AVG_POOL2D_BACKWARD, MAX_POOL2D_BACKWARD
from exercises.convolution import Geometry
from grader.authoring import (
    Carry,
    Draw,
    Exercise,
    Expression,
    FunctionPart,
    Level,
    Matrix,
    Misconception,
    Number,
    Part,
    count,
    root,
    tex_number,
)
from solutions import gradients, planes
from solutions.planes import Plane

Size = tuple[int, int]
Terms = Sequence[tuple[str, ...]]  # products of names


@dataclass(frozen=True)
class Symbol:
    """The entry (from 0) of the kernel W or the image X whose gradient is asked for as a formula."""

    letter: str
    row: int
    column: int

    @property
    def name(self) -> str:
        return f"{self.letter}{self.row + 1}{self.column + 1}"


@dataclass(frozen=True)
class Pooling:
    """A map and what comes back to its pooling: kind is max, mean or l2; sizes are (rows, columns)."""

    kind: str
    window: Size
    stride: Size
    plane: Plane
    upstream: Plane

    @property
    def numbers(self) -> int:
        return self.window[0] * self.window[1]

    @property
    def overlaps(self) -> bool:
        return any(s < k for s, k in zip(self.stride, self.window, strict=True))

    def back(self, share: Callable[[Sequence[Any], Any], Sequence[Any]], *, add: bool = True) -> Plane:
        return gradients.of_pooling(self.plane, self.upstream, self.window, self.stride, share, add=add)


@dataclass(frozen=True)
class Params:
    """An image and a kernel of whole numbers, and the upstream gradient in units of 1/unit."""

    geometry: Geometry
    image: Plane
    kernel: Plane
    grains: Plane
    unit: int
    rate: Fraction
    symbol: Symbol
    pool: Pooling

    @cached_property
    def upstream(self) -> Plane:
        return planes.each(self.grains, lambda g: Fraction(g, self.unit))

    @cached_property
    def slips(self) -> dict[str, Mapping[str, Any]]:
        """What mistakes lead to in each part, by part and misconception; None where a mistake cannot show."""
        return {name: made(self) for name, made in SLIPS.items()}

    @cached_property
    def kernel_gradient(self) -> Plane:
        g = self.geometry
        return gradients.of_kernel(self.image, self.upstream, g.kernel, g.stride, g.padding)

    @cached_property
    def image_gradient(self) -> Plane:
        g = self.geometry
        return gradients.of_image(self.upstream, self.kernel, g.image, g.stride, g.padding)


# In symbols ------------------------------------------------------------------------------------------------

SIDE, TAPS = 3, 2  # of the image and of the kernel in the question in symbols
MAP = SIDE - TAPS + 1
NAMES = tuple(
    f"{letter}{r}{c}"
    for letter, side in (("X", SIDE), ("W", TAPS), ("dh", MAP))
    for r in range(1, side + 1)
    for c in range(1, side + 1)
)
SQUARE = tuple(itertools.product(range(MAP), repeat=2))


def named(letter: str, row: int, column: int) -> str:
    return f"{letter}{row + 1}{column + 1}"


def terms(s: Symbol) -> Terms:
    """Return the products whose sum is the gradient: what the entry is multiplied by, and where that product goes."""
    if s.letter == "W":
        return [(named("X", i + s.row, j + s.column), named("dh", i, j)) for i, j in SQUARE]
    inside = [(i, j) for i, j in SQUARE if 0 <= s.row - i < TAPS and 0 <= s.column - j < TAPS]
    return [(named("W", s.row - i, s.column - j), named("dh", i, j)) for i, j in inside]


def formula(products: Terms) -> str:
    return " + ".join("*".join(factors) for factors in products)


def turned(name: str, side: int) -> str:
    """Return the name of the entry that a rotation by 180 degrees puts in this one's place."""
    letter, row, column = name[:-2], int(name[-2]), int(name[-1])
    return f"{letter}{side + 1 - row}{side + 1 - column}"


def swapped(name: str) -> str:
    return f"{name[:-2]}{name[-1]}{name[-2]}"


def symbol_slips(s: Symbol) -> dict[str, str | None]:
    """Return the formulas that mistakes lead to; None where a mistake cannot show."""
    right, of_kernel = terms(s), s.letter == "W"
    partners = [(first, turned(dh, MAP)) for first, dh in right]
    other = Symbol("W", TAPS - 1 - s.row, TAPS - 1 - s.column)
    return {
        "kernel-not-rotated": None if of_kernel else formula([(turned(w, TAPS), dh) for w, dh in right]),
        "kernel-transposed": None if of_kernel else formula([(swapped(w), dh) for w, dh in right]),
        "upstream-rotated": formula(partners) if of_kernel else None,
        "result-rotated": formula(terms(other)) if of_kernel else None,
        "window-not-moved": formula([(s.name, dh) for _, dh in right]) if of_kernel else None,
        "upstream-forgotten": formula([(first,) for first, _ in right]),
        "one-window": formula(right[-1:]),
    }


# Drawing ---------------------------------------------------------------------------------------------------

COSTS = {Level.INTRO: 44, Level.STANDARD: 85, Level.CHALLENGE: 110}
UNITS = {Level.INTRO: 1, Level.STANDARD: 10, Level.CHALLENGE: 10}
RATES = (Fraction(1, 10), Fraction(1, 2), Fraction(1, 5))
WEIGHTS = (-2, -1, 1, 2, 3)


def work(g: Geometry) -> int:
    """Return how many products both gradients and the step take; zeros of the padding cost nothing."""
    return 2 * sum(planes.entries(g.uses)) + g.kernel[0] * g.kernel[1]


@cache
def geometries(level: Level) -> tuple[Geometry, ...]:
    """Return all sizes of a level whose work is near its cost."""
    kernels: tuple[Size, ...] = ((2, 2),) if level is Level.INTRO else ((2, 2), (2, 3), (3, 2), (3, 3))
    found = []
    for rows, columns, kernel in itertools.product(range(3, 8), range(3, 8), kernels):
        for stride, padding in _moves(level):
            g = Geometry((rows, columns), kernel, stride, padding)
            if any(i + 2 * p < k + s for i, p, k, s in zip(g.image, padding, kernel, stride, strict=True)):
                continue  # fewer than two positions along an axis
            if max(g.output()) <= 5 and abs(work(g) / COSTS[level] - 1) <= 0.2:
                found.append(g)
    return tuple(found)


def _moves(level: Level) -> list[tuple[Size, Size]]:
    """Return the strides and paddings of a level."""
    if level is Level.INTRO:
        return [((1, 1), (0, 0))]
    if level is Level.STANDARD:
        return [((1, 1), padding) for padding in ((0, 0), (0, 1), (1, 0), (1, 1))]
    strides, paddings = ((2, 2), (1, 2), (2, 1)), ((0, 1), (1, 0), (1, 1))
    return list(itertools.product(strides, paddings))


def draw(rng: Draw, level: Level) -> Params:
    geometry = rng.choice(geometries(level))
    while True:
        p = Params(
            geometry,
            rng.matrix(*geometry.image, 0, 5),
            draw_kernel(rng, geometry.kernel),
            signed(rng, geometry.output(), 4),
            UNITS[level],
            rng.choice(RATES),
            draw_symbol(rng, level),
            draw_pooling(rng, level),
        )
        total = sum(planes.entries(p.grains))
        if total not in (0, p.grains[0][0]) and p.kernel_gradient != planes.rotate(p.kernel_gradient):
            return p


def signed(rng: Draw, size: Size, most: int) -> Plane:
    """Return numbers of both signs, none of them 0, not all of one magnitude."""
    options = [v for v in range(-most + 1, most + 1) if v]
    while True:
        plane = tuple(tuple(rng.choice(options) for _ in range(size[1])) for _ in range(size[0]))
        values = planes.entries(plane)
        if min(values) < 0 < max(values) and len({abs(v) for v in values}) > 1:
            return plane


def draw_kernel(rng: Draw, size: Size) -> Plane:
    """Return a kernel of both signs that no turn or transposition leaves as it is."""
    while True:
        kernel = tuple(tuple(rng.choice(WEIGHTS) for _ in range(size[1])) for _ in range(size[0]))
        values = planes.entries(kernel)
        if kernel not in (planes.rotate(kernel), planes.transpose(kernel)) and min(values) < 0 < max(values):
            return kernel


def draw_symbol(rng: Draw, level: Level) -> Symbol:
    """Return a weight at first, then also a pixel that lies in several windows."""
    weights = [Symbol("W", r, c) for r, c in itertools.product(range(TAPS), repeat=2)]
    pixels = [Symbol("X", r, c) for r, c in itertools.product(range(SIDE), repeat=2) if r == 1 or c == 1]
    options = {Level.INTRO: weights, Level.STANDARD: weights + pixels, Level.CHALLENGE: pixels}
    return rng.choice(options[level])


POOLS: dict[Level, tuple[tuple[str, Size, Size, Size], ...]] = {  # kind, map, window, stride
    Level.INTRO: (("max", (4, 4), (2, 2), (2, 2)), ("max", (4, 5), (2, 2), (2, 2)), ("max", (5, 4), (2, 2), (2, 2))),
    Level.STANDARD: tuple(
        (kind, *sizes)
        for kind in ("max", "mean")
        for sizes in (
            ((3, 3), (2, 2), (1, 1)),
            ((3, 4), (2, 2), (1, 2)),
            ((4, 3), (2, 2), (2, 1)),
            ((3, 4), (2, 2), (1, 1)),
            ((4, 3), (2, 2), (1, 1)),
        )
    ),
    Level.CHALLENGE: tuple(
        ("l2", size, window, window)
        for size, window in (
            ((4, 4), (2, 2)),
            ((4, 5), (2, 2)),
            ((5, 4), (2, 2)),
            ((4, 3), (2, 1)),
            ((3, 4), (1, 2)),
        )
    ),
}


def draw_pooling(rng: Draw, level: Level) -> Pooling:
    kind, size, window, stride = rng.choice(POOLS[level])
    rows, columns = ((i - k) // s + 1 for i, k, s in zip(size, window, stride, strict=True))
    low, high = (-3, 4) if kind == "l2" else (-4, 9)
    while True:
        pool = Pooling(kind, window, stride, rng.matrix(*size, low, high), signed(rng, (rows, columns), 6))
        held = [planes.entries(w) for line in planes.windows(pool.plane, window, stride) for w in line]
        if tells_pooling(pool, held):
            return pool


def tells_pooling(pool: Pooling, held: list[list[int]]) -> bool:
    """Has every window one largest number, or a norm with a root in most; and are the mistakes different?"""
    if pool.kind == "l2":
        norms = [sum(v * v for v in values) for values in held]
        rational = sum(root(n).is_rational for n in norms)
        return all(sum(v != 0 for v in values) > 1 for values in held) and 2 * rational <= len(norms)
    if any(values.count(max(values)) > 1 or max(values) in (0, 1) for values in held):
        return False
    return not pool.overlaps or pool.back(SHARES[pool.kind]) != pool.back(SHARES[pool.kind], add=False)


# Pooling ---------------------------------------------------------------------------------------------------


def evenly(values: Sequence[Any], g: Any) -> list[Any]:
    return [Fraction(g, len(values))] * len(values)


def by_norm(values: Sequence[Any], g: Any) -> list[Any]:
    """Return dy * x / y with the norm y: exact, with roots."""
    squares = sum(v * v for v in values)
    return [simple(root(squares) * Fraction(g * v, squares)) for v in values]


def simple(value: Any) -> Any:
    """Return a number without roots as a fraction."""
    return Fraction(*value.as_integer_ratio()) if value.is_rational else value


SHARES: dict[str, Callable[[Sequence[Any], Any], list[Any]]] = {
    "max": gradients.to_largest,
    "mean": evenly,
    "l2": by_norm,
}


def pooled(p: Params) -> Plane:
    return p.pool.back(SHARES[p.pool.kind])


def pool_slips(pool: Pooling) -> dict[str, Plane | None]:
    """Return what mistakes of this kind of pooling give back."""
    common = {
        "all-to-all": pool.back(lambda values, g: [g] * len(values)),
        "overwritten": pool.back(SHARES[pool.kind], add=False) if pool.overlaps else None,
    }
    if pool.kind == "max":
        return common | {
            "spread-evenly": pool.back(evenly),
            "mask-only": pool.back(lambda values, g: gradients.to_largest(values, 1)),
            "times-number": pool.back(lambda values, g: gradients.to_largest(values, g * max(values))),
            "to-smallest": pool.back(lambda values, g: gradients.to_largest([-v for v in values], g)),
        }
    if pool.kind == "mean":
        return common | {
            "to-largest": pool.back(gradients.to_largest),
            "divided-by-side": pool.back(lambda values, g: [Fraction(g, pool.window[0])] * len(values)),
            "times-number": pool.back(lambda values, g: [Fraction(g * v, len(values)) for v in values]),
        }
    return common | {
        "to-largest": pool.back(gradients.to_largest),
        "spread-evenly": pool.back(evenly),
        "not-divided": pool.back(lambda values, g: [g * v for v in values]),
        "sum-of-squares": pool.back(lambda values, g: [2 * g * v for v in values]),
        "divided-by-square": pool.back(lambda values, g: [Fraction(g * v, sum(u * u for u in values)) for v in values]),
    }


# Convolution -----------------------------------------------------------------------------------------------


def ones(plane: Plane) -> Plane:
    return planes.each(plane, lambda _: 1)


def kernel_slips(p: Params) -> dict[str, Plane | None]:
    """Return the kernel's gradients that mistakes lead to; None where a mistake cannot show."""
    g, right = p.geometry, p.kernel_gradient
    positions = len(p.grains) * len(p.grains[0])
    w, (ph, pw) = g.image[1], g.padding
    shifted = tuple((*row, *(0,) * (2 * pw)) for row in p.image) + ((0,) * (w + 2 * pw),) * (2 * ph)
    return {
        "rotated": planes.rotate(right),
        "upstream-ignored": gradients.of_kernel(p.image, ones(p.grains), g.kernel, g.stride, g.padding),
        "averaged": planes.each(right, lambda value: value / positions),
        "times-weight": tuple(
            tuple(a * b for a, b in zip(*rows, strict=True)) for rows in zip(right, p.kernel, strict=True)
        ),
        "stride-ignored": gradients.of_kernel(p.image, p.upstream, g.kernel, (1, 1), g.padding)
        if g.stride != (1, 1)
        else None,
        "padding-ignored": gradients.of_kernel(shifted, p.upstream, g.kernel, g.stride)
        if g.padding != (0, 0)
        else None,
    }


def image_slips(p: Params) -> dict[str, Plane | None]:
    """Return the image's gradients that mistakes lead to; None where a mistake cannot show."""
    g = p.geometry
    padded, strided = g.padding != (0, 0), g.stride != (1, 1)
    rows, columns = (i + 2 * pad for i, pad in zip(g.image, g.padding, strict=True))
    whole = gradients.of_image(p.upstream, p.kernel, (rows, columns), g.stride)
    again = gradients.of_image(p.upstream, p.kernel, g.image, g.stride, g.padding, add=False)
    turned_kernel, flipped = planes.rotate(p.kernel), planes.transpose(p.kernel)
    square = g.kernel[0] == g.kernel[1]
    return {
        "kernel-not-rotated": gradients.of_image(p.upstream, turned_kernel, g.image, g.stride, g.padding),
        "kernel-transposed": gradients.of_image(p.upstream, flipped, g.image, g.stride, g.padding) if square else None,
        "overwritten": again,
        "upstream-ignored": gradients.of_image(ones(p.grains), p.kernel, g.image, g.stride, g.padding),
        "stride-ignored": gradients.of_image(p.upstream, p.kernel, g.image, (1, 1), g.padding) if strided else None,
        "padding-kept": whole if padded else None,
        "cropped-at-start": planes.window(whole, 0, 0, g.image) if padded else None,
    }


def bias_slips(p: Params) -> dict[str, Fraction | None]:
    values = planes.entries(p.upstream)
    return {
        "mean": sum(values) / len(values),
        "positions": Fraction(len(values)),
        "first-entry": values[0],
        "times-weights": sum(values) * sum(planes.entries(p.kernel)),
    }


def step_slips(p: Params) -> dict[str, Plane | None]:
    gradient = p.kernel_gradient
    step = planes.each(gradient, lambda value: p.rate * value)
    return {
        "uphill": gradients.descend(p.kernel, gradient, -p.rate),
        "rate-forgotten": gradients.descend(p.kernel, gradient, 1),
        "step-only": step,
        "rate-on-all": planes.each(gradients.descend(p.kernel, gradient, 1), lambda value: p.rate * value),
        "gradient-rotated": gradients.descend(p.kernel, planes.rotate(gradient), p.rate),
    }


def fits(p: Params, earlier: Mapping[str, Any]) -> bool:
    """Has the student's gradient the kernel's size, and an entry that is not 0?"""
    own = earlier["kernel"]
    rows, columns = p.geometry.kernel
    shaped = len(own) == rows and all(len(row) == columns for row in own)
    return shaped and any(value != 0 for row in own for value in row)


# Workings --------------------------------------------------------------------------------------------------


def tex(value: Any) -> str:
    return Matrix().tex(value) if isinstance(value, tuple) else tex_number(value)


def signed_tex(value: Any) -> str:
    """Write a number as a factor or a term: a negative one in brackets."""
    text = tex_number(value)
    return f"({text})" if text.startswith("-") else text


def partial_of(name: str) -> str:
    """Write the derivative of L for a name such as X12 or dh12's h12, as LaTeX."""
    return rf"\frac{{\partial L}}{{\partial {name[:-2]}_{{{name[-2:]}}}}}"


def symbol_workings(p: Params) -> str:
    s, products = p.symbol, terms(p.symbol)
    lines = []
    for factor, dh in products:
        entry = f"h_{{{dh[-2:]}}}"
        lines.append(rf"- ${entry}$ holds the product ${_index(s.name)} \, {_index(factor)}$")
    total = " + ".join(rf"{_index(factor)} \, {partial_of('h' + dh[-2:])}" for factor, dh in products)
    every = "every entry" if len(products) == len(SQUARE) else count(len(products), "entry", "entries")
    return (
        f"${_index(s.name)}$ enters {every} of the map $h$, each time multiplied by what lies on it:\n\n"
        + "\n".join(lines)
        + "\n\nThe chain rule multiplies each factor by the gradient that comes back to its entry, and adds up:\n\n"
        + f"$${partial_of(s.name)} = {total}$$\n\n"
        + f"In the names of the question: `{formula(products)}`."
    )


def _index(name: str) -> str:
    return f"{name[:-2]}_{{{name[-2:]}}}"


def kernel_workings(p: Params) -> str:
    g = p.geometry
    padded = planes.pad(p.image, g.padding)
    wide = gradients.spread(p.upstream, g.stride)
    blocks = [
        "Weight $(u, v)$ meets, in every window, the pixel in row $u$, column $v$ of the window. So its gradient is "
        "the sum of these pixels, each times the upstream gradient of its window: a cross-correlation of the image "
        "with $\\partial L / \\partial h$, without a flip."
    ]
    if g.padding != (0, 0):
        blocks.append(f"The image with its zeros:\n\n$${tex(padded)}$$")
    if g.stride != (1, 1):
        blocks.append(f"The upstream gradient, spread out by the stride:\n\n$${tex(wide)}$$")
    lines = []
    for u, v in itertools.product(range(g.kernel[0]), range(g.kernel[1])):
        pairs = [
            (padded[i * g.stride[0] + u][j * g.stride[1] + v], value)
            for i, row in enumerate(p.upstream)
            for j, value in enumerate(row)
        ]
        total = " + ".join(rf"{tex(x)} \cdot {signed_tex(value)}" for x, value in pairs)
        lines.append(f"- ${partial_of(named('W', u, v))} = {total} = {tex(p.kernel_gradient[u][v])}$")
    blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + f"\n\n$$\\frac{{\\partial L}}{{\\partial W}} = {tex(p.kernel_gradient)}$$"


def bias_workings(p: Params) -> str:
    values = planes.entries(p.upstream)
    total = " + ".join(signed_tex(value) for value in values)
    return f"The bias is added to every entry of $h$ once, so its gradient is the sum: ${total} = {tex(sum(values))}$."


def image_workings(p: Params) -> str:
    g = p.geometry
    wide = gradients.spread(p.upstream, g.stride)
    edge = (g.kernel[0] - 1, g.kernel[1] - 1)
    blocks = [
        "Every window pastes the kernel, times its upstream gradient, where it stood; where windows overlap, the "
        "pasted numbers are added. That is the full convolution of the upstream gradient with the kernel, which is "
        "the cross-correlation with the kernel rotated by 180 degrees:",
        f"$${tex(planes.rotate(p.kernel))}$$",
        f"laid over the upstream gradient{', spread out by the stride,' if g.stride != (1, 1) else ''} with "
        f"{count(edge[0], 'row')} and {count(edge[1], 'column')} of zeros on each side:",
        f"$${tex(planes.pad(wide, edge))}$$",
    ]
    lines = []
    shown = _shown(p)
    for r, c in shown:
        found = list(_pastes(p, r, c))
        total = " + ".join(rf"{signed_tex(weight)} \cdot {signed_tex(value)}" for weight, value in found)
        lines.append(f"- ${partial_of(named('X', r, c))} = {total or '0'} = {tex(p.image_gradient[r][c])}$")
    blocks += [_which_shown(p, shown), "\n".join(lines)]
    if g.padding != (0, 0):
        blocks.append("What falls on the padding is left out.")
    return "\n\n".join(blocks) + f"\n\n$$\\frac{{\\partial L}}{{\\partial X}} = {tex(p.image_gradient)}$$"


MOST_SHOWN = 12  # pixels whose gradients are all written out


def _shown(p: Params) -> list[Size]:
    """Return the pixels to write out: all, or the corners and a middle one where there are many."""
    rows, columns = p.geometry.image
    if rows * columns <= MOST_SHOWN:
        return list(itertools.product(range(rows), range(columns)))
    return [(0, 0), (0, columns - 1), (rows // 2, columns // 2), (rows - 1, 0), (rows - 1, columns - 1)]


def _which_shown(p: Params, shown: list[Size]) -> str:
    rows, columns = p.geometry.image
    if len(shown) == rows * columns:
        return "Pixel by pixel, with a product for each window that holds it:"
    return (
        f"The same sum is taken for each of the {rows * columns} pixels. Written out here are the four corners, where "
        "mistakes with the border show first, and one from the middle:"
    )


def _pastes(p: Params, r: int, c: int) -> list[tuple[Any, Any]]:
    """Return (weight, upstream gradient) of every window that holds a pixel."""
    g = p.geometry
    found = []
    for i, row in enumerate(p.upstream):
        for j, value in enumerate(row):
            u, v = r + g.padding[0] - i * g.stride[0], c + g.padding[1] - j * g.stride[1]
            if 0 <= u < g.kernel[0] and 0 <= v < g.kernel[1]:
                found.append((p.kernel[u][v], value))
    return found


def step_workings(p: Params) -> str:
    new = gradients.descend(p.kernel, p.kernel_gradient, p.rate)
    return (
        "Gradient descent moves every weight against its gradient, $W - \\eta \\, \\partial L / \\partial W$ with "
        f"$\\eta = {tex(p.rate)}$:\n\n"
        f"$${tex(p.kernel)} - {tex(p.rate)} \\cdot {tex(p.kernel_gradient)} = {tex(new)}$$"
    )


def pool_workings(p: Params) -> str:
    lines = []
    for i, line in enumerate(planes.windows(p.pool.plane, p.pool.window, p.pool.stride)):
        for j, window in enumerate(line):
            lines.append(f"- window ({i + 1}, {j + 1}): {_share_text(p.pool, planes.entries(window), i, j)}")
    leads = {
        "max": "Only the largest number of a window made the entry of the pooled map, so it gets all of its gradient",
        "mean": f"Each of the {p.pool.numbers} numbers made 1/{p.pool.numbers} of the mean, so each gets that share",
        "l2": "The norm $y = \\sqrt{\\sum x^2}$ changes by $x / y$ with each number, so each gets that multiple",
    }
    added = "; where windows overlap, what they give is added" if p.pool.overlaps else ""
    return f"{leads[p.pool.kind]}{added}.\n\n" + "\n".join(lines) + f"\n\n$${tex(pooled(p))}$$"


def _share_text(pool: Pooling, values: list[int], i: int, j: int) -> str:
    g = pool.upstream[i][j]
    if pool.kind == "max":
        return f"the largest of ${', '.join(map(str, values))}$ is ${max(values)}$, which gets ${g}$"
    if pool.kind == "mean":
        return f"${tex(g)} / {len(values)} = {tex(Fraction(g, len(values)))}$ for each number"
    squares = sum(v * v for v in values)
    powers = " + ".join(f"{signed_tex(v)}^2" for v in values)
    norm = simple(root(squares))
    shares = r",\; ".join(tex(v) for v in by_norm(values, g))
    reduced = f" = {tex(norm)}" if tex(norm) != rf"\sqrt{{{squares}}}" else ""
    return rf"$y = \sqrt{{{powers}}} = \sqrt{{{squares}}}{reduced}$; ${signed_tex(g)} \cdot x / y$ gives ${shares}$"


# What is asked ---------------------------------------------------------------------------------------------


SLIPS: dict[str, Callable[[Params], Mapping[str, Any]]] = {
    "symbol": lambda p: symbol_slips(p.symbol),
    "kernel": kernel_slips,
    "bias": bias_slips,
    "image": image_slips,
    "step": step_slips,
    "pooled": lambda p: pool_slips(p.pool),
}


def slip(part: str, name: str) -> Callable[[Params], Any]:
    return lambda p: p.slips[part].get(name)


def hinted(part: str, hints: Mapping[str, str]) -> tuple[Misconception[Params], ...]:
    return tuple(Misconception(name, slip(part, name), hint) for name, hint in hints.items())


INTRO = """\
A convolutional layer computes $h = X * W + b$ from an image $X$ of {{ p.geometry.image[0] }} by \
{{ p.geometry.image[1] }} pixels:
{% set padded = p.geometry.padding != (0, 0) %}
{{ drawn_grid(p.image, window=(0, 0) + p.geometry.kernel, padding=p.geometry.padding,
   note="The image" ~ (" in its zero padding" if padded else "") ~ "; the frame is the first window") }}
with the kernel $W$:
{{ grid(p.kernel) }}
{% if p.geometry.stride == (1, 1) %}The stride is 1
{%- elif p.geometry.stride[0] == p.geometry.stride[1] %}The stride is {{ p.geometry.stride[0] }} in both directions
{%- else %}The stride is {{ p.geometry.stride[0] }} downwards and {{ p.geometry.stride[1] }} to the right
{%- endif %}, and
{%- if p.geometry.padding == (0, 0) %} there is no padding.
{%- else %} the zero padding is
{%- if p.geometry.padding[0] %} {{ p.geometry.padding[0] | count("row") }} above and below
{%- if p.geometry.padding[1] %}, and{% else %}, with none left and right{% endif %}{% endif %}
{%- if p.geometry.padding[1] %} {{ p.geometry.padding[1] | count("column") }} left and right
{%- if not p.geometry.padding[0] %}, with none above and below{% endif %}{% endif %}.
{%- endif %} The rest of the network makes a loss $L$ of the map $h$. On the way back, this gradient
$\\partial L / \\partial h$ arrives (upstream):
{{ grid(p.upstream) }}
"""

SYMBOL_ASK = """\
First in symbols, for a smaller layer: an image of 3 by 3 with the pixels X11 to X33, a kernel of 2 by 2 with the \
weights W11 to W22, stride 1, no padding; dh11 to dh22 are the gradients $\\partial L / \\partial h_{11}$ to \
$\\partial L / \\partial h_{22}$ of its map. Write $\\partial L / \\partial \
{{ p.symbol.letter }}_{ {{- p.symbol.row + 1 }}{{ p.symbol.column + 1 -}} }$ as a formula."""

POOL_ASK = """\
Another layer does {% if p.pool.kind == "max" %}max{% elif p.pool.kind == "mean" %}mean{% else %}L2{% endif %} pooling \
with a window of {{ p.pool.window[0] }} by {{ p.pool.window[1] }} and \
{% if p.pool.stride == p.pool.window %}windows side by side\
{%- elif p.pool.stride[0] == p.pool.stride[1] %}the stride {{ p.pool.stride[0] }}\
{%- else %}the stride {{ p.pool.stride[0] }} downwards and {{ p.pool.stride[1] }} to the right{% endif %}\
{% if p.pool.kind == "l2" %}, $y = \\sqrt{\\sum x^2}${% endif %}. Its input:
{{ grid(p.pool.plane) }}
The gradient of $L$ for its output:
{{ grid(p.pool.upstream) }}
What is the gradient for its input, exactly?\
{% if p.pool.kind == "l2" %} Write roots as texts such as `"3*sqrt(2)/5"`.{% endif %}"""

EXERCISE = Exercise(
    name="backprop",
    title="Backpropagation by hand",
    summary="gradients of a convolution's kernel, bias and input, one step of learning, pooling backwards",
    draw=draw,
    intro=INTRO,
    conventions=(
        "Convolution means cross-correlation, as in every deep-learning library: the kernel of $h$ is not flipped.",
        "Rows and columns are counted from 1, from the top left. A window that would stand over the end is left out, "
        "and pixels in no window have the gradient 0.",
        "$L$ is not averaged: gradients are sums over all positions.",
    ),
    parts=(
        Part(
            name="symbol",
            ask=SYMBOL_ASK,
            solve=lambda p: formula(terms(p.symbol)),
            answer=Expression(NAMES),
            workings=symbol_workings,
            misconceptions=hinted(
                "symbol",
                {
                    "kernel-not-rotated": (
                        "The weights are the wrong way round: in the window (i, j) the pixel X(r, c) meets the weight "
                        "W(r − i + 1, c − j + 1), so that the kernel runs backwards, rotated by 180 degrees."
                    ),
                    "kernel-transposed": "Rows and columns of the kernel are exchanged: rotate it instead.",
                    "upstream-rotated": (
                        "The gradients dh are the wrong way round: dh11 belongs to the first window, whose pixels "
                        "start at X11. Nothing is rotated for the kernel."
                    ),
                    "result-rotated": "This is the gradient of the weight opposite: nothing is rotated for the kernel.",
                    "window-not-moved": "In every window the weight meets another pixel: the window moves.",
                    "upstream-forgotten": "By the chain rule each factor is multiplied by the dh of its entry.",
                    "one-window": "The entry takes part in several windows: add up what comes back from all of them.",
                },
            ),
            marks=2,
        ),
        Part(
            name="kernel",
            ask="Work out the gradient of the kernel, $\\partial L / \\partial W$, for the numbers above.",
            solve=lambda p: p.kernel_gradient,
            answer=Matrix(),
            workings=kernel_workings,
            misconceptions=hinted(
                "kernel",
                {
                    "rotated": "Your result is rotated by 180 degrees: correlate the image with the upstream gradient "
                    "as it is, without a flip.",
                    "upstream-ignored": "You added the pixels alone: each is multiplied by its upstream gradient.",
                    "averaged": "You divided by the number of positions: the gradient is the sum.",
                    "times-weight": "You multiplied by the weights as well: a weight's gradient holds pixels only.",
                    "stride-ignored": "You moved the window by one pixel: it moves by the stride, so spread the "
                    "upstream gradient out first.",
                    "padding-ignored": "You started inside the image: the first windows hold zeros of the padding.",
                },
            ),
            marks=2,
        ),
        Part(
            name="bias",
            ask="What is the gradient of the bias, $\\partial L / \\partial b$?",
            solve=lambda p: sum(planes.entries(p.upstream)),
            answer=Number(),
            workings=bias_workings,
            misconceptions=hinted(
                "bias",
                {
                    "mean": "You took the mean: the bias acts on every entry, and what comes back is added.",
                    "positions": "You counted the entries: each counts with its upstream gradient.",
                    "first-entry": "You took one entry: the bias is added to all of them.",
                    "times-weights": "The weights play no part: the bias is added after the products.",
                },
            ),
        ),
        Part(
            name="image",
            ask="Work out the gradient of the image, $\\partial L / \\partial X$.",
            solve=lambda p: p.image_gradient,
            answer=Matrix(),
            workings=image_workings,
            misconceptions=hinted(
                "image",
                {
                    "kernel-not-rotated": "As a full convolution the kernel is rotated by 180 degrees; you laid it "
                    "over the upstream gradient as it is printed. Pasting the kernel window by window needs no turn.",
                    "kernel-transposed": "You transposed the kernel: rotate it by 180 degrees (both axes reversed).",
                    "overwritten": "Where windows overlap you kept the last one: add what all of them give back.",
                    "upstream-ignored": "You pasted the kernel unweighted: each copy is multiplied by its gradient.",
                    "stride-ignored": "You pasted the kernel at every pixel: windows stand a stride apart.",
                    "padding-kept": "This is the gradient of the padded image: cut off what falls on the padding.",
                    "cropped-at-start": "You cut off the padding at the end only: it lies at both ends.",
                },
            ),
            marks=3,
        ),
        Part(
            name="step",
            ask=(
                "One step of gradient descent with the learning rate {{ p.rate | num }}: what is the kernel after it?"
            ),
            solve=lambda p: gradients.descend(p.kernel, p.kernel_gradient, p.rate),
            answer=Matrix(),
            workings=step_workings,
            misconceptions=hinted(
                "step",
                {
                    "uphill": "You went uphill: the gradient times the learning rate is subtracted.",
                    "rate-forgotten": "The learning rate is missing: subtract the gradient times the rate.",
                    "step-only": "This is the step alone: subtract it from the old kernel.",
                    "rate-on-all": "The learning rate scales the gradient only, not the old weights.",
                    "gradient-rotated": "You used the gradient rotated by 180 degrees.",
                },
            ),
            carry=Carry(
                ("kernel",),
                lambda p, earlier: gradients.descend(p.kernel, earlier["kernel"], p.rate),
                "your gradient of the kernel has the kernel's size and is not 0 everywhere",
                fits,
            ),
        ),
        Part(
            name="pooled",
            ask=POOL_ASK,
            solve=pooled,
            answer=Matrix(),
            workings=pool_workings,
            misconceptions=hinted(
                "pooled",
                {
                    "all-to-all": "Every number of a window got the whole gradient: it is not copied.",
                    "overwritten": "Windows overlap here: add what they give back, do not overwrite it.",
                    "spread-evenly": "You spread the gradient evenly over the window: only mean pooling does.",
                    "mask-only": "You marked the largest numbers with 1: they get the gradient of their window.",
                    "times-number": "You multiplied by the numbers of the map: here their size plays no part.",
                    "to-smallest": "The gradient went to the smallest number: the largest made the entry.",
                    "to-largest": "You gave all to the largest number: only max pooling does.",
                    "divided-by-side": "You divided by the window's height: it has height times width numbers.",
                    "not-divided": "You left out the norm: the gradient is multiplied by x / y, not by x.",
                    "sum-of-squares": "This is the gradient of the sum of squares: the root contributes 1 / (2 y).",
                    "divided-by-square": "You divided by the sum of squares: divide by its root.",
                },
            ),
            marks=2,
        ),
    ),
    functions=(
        FunctionPart(CONV2D_BACKWARD, marks=4),
        FunctionPart(MAX_POOL2D_BACKWARD, marks=2),
        FunctionPart(AVG_POOL2D_BACKWARD, marks=2),
        FunctionPart(LP_POOL2D_BACKWARD, marks=2),
    ),
    cost=lambda p: work(p.geometry),
    costs=COSTS,
    version=2,
)
