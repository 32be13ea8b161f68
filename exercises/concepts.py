"""Why convolutional networks are built as they are, by numbers: shifts, sharing, linearity, pooling, borders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from exercises import _steps
from grader.authoring import (
    Carry,
    Draw,
    Exercise,
    Level,
    Matrix,
    Misconception,
    MultipleChoice,
    Part,
    Shape,
)
from solutions import counting, planes, sequences, shapes
from solutions.planes import Plane

Row = tuple[int, ...]


@dataclass(frozen=True)
class Layer:
    """A convolution of a square image with "same" padding and stride 1, and numbers for statements about it.

    stride, moved: for another stride, by how much the image moves. stroke: (height, width) of a stroke of a digit
    that moves `slid` pixels to the right.
    """

    side: int
    channels: int
    filters: int
    kernel: int
    stride: int
    moved: int
    stroke: tuple[int, int]
    slid: int


@dataclass(frozen=True)
class Grid:
    """One image of size (rows, columns), a kernel's side, a stride, a padding, and a pixel (row, column), from 0."""

    size: tuple[int, int]
    kernel: int
    stride: int
    padding: int
    pixel: tuple[int, int]


@dataclass(frozen=True)
class Params:
    """An image, a kernel, and the column that comes in from the left; another map; two short kernels and their input;
    a map to pool; a grid to count on; and claims about a layer, each a kind of CLAIMS with the number that it states.
    """

    image: Plane
    kernel: Plane
    column: Row
    other: Plane
    factors: tuple[int, int]
    first: Row
    second: Row
    signal: Row
    pooled: Plane
    pooled_column: Row
    grid: Grid
    layer: Layer
    claims: tuple[tuple[str, int], ...]

    @cached_property
    def map(self) -> Plane:
        return planes.correlate(self.image, self.kernel)

    @cached_property
    def before(self) -> Plane:
        return pool(self.pooled)

    @cached_property
    def answers(self) -> dict[str, tuple[Any, Mapping[str, Any]]]:
        """For each part, the right answer and what every mistake makes of it; None where it cannot show."""
        return {
            "shift": shift_answers(self.image, self.kernel, self.column),
            "linear": linear_answers(self.map, self.other, self.factors),
            "stacked": stacked_answers(self.first, self.second),
            "relu": relu_answers(self.first, self.second, self.signal),
            "pooling": pooling_answers(self.pooled, self.pooled_column),
            "seen": (seen_answer(self.grid), seen_slips(self.grid)),
            "claims": (accepted(self.layer, self.claims), believed(self.layer, self.claims)),
        }


def moved(plane: Plane, column: Row) -> Plane:
    """Return the plane one column further right: `column` comes in, the last one drops out.

    >>> moved(((1, 2), (3, 4)), (8, 9))
    ((8, 1), (9, 3))
    """
    return tuple((new, *row[:-1]) for new, row in zip(column, plane, strict=True))


def moved_left(plane: Plane, column: Row) -> Plane:
    return tuple((*row[1:], new) for new, row in zip(column, plane, strict=True))


def first_column(plane: Plane) -> Row:
    return tuple(row[0] for row in plane)


def last_column(plane: Plane) -> Row:
    return tuple(row[-1] for row in plane)


def pool(plane: Plane, combine: Callable[[list[Any]], Any] = max) -> Plane:
    return planes.pool(plane, (2, 2), (2, 2), combine)


# Drawing ---------------------------------------------------------------------------------------------------

SIZES = {  # image, side of the kernel, lengths of the two short kernels, map to pool
    Level.INTRO: ((4, 4), 2, (2, 2), (4, 4)),
    Level.STANDARD: ((4, 5), 2, (3, 3), (4, 6)),
    Level.CHALLENGE: ((5, 6), 3, (3, 4), (4, 8)),
}


def draw(rng: Draw, level: Level) -> Params:
    (rows, columns), side, (n, m), (high, wide) = SIZES[level]
    while True:
        kernel = rng.matrix(side, side, -3, 3)
        if all(planes.entries(kernel)) and kernel != planes.rotate(kernel):
            break
    out = (rows - side + 1, columns - side + 1)
    while True:
        image, column, other = rng.matrix(rows, columns, 0, 6), draw_row(rng, rows, 0, 6), rng.matrix(*out, -6, 9)
        factors = rng.integer(2, 5), rng.choice((-1, -2, -3, 2, 3))
        if tells(*shift_answers(image, kernel, column)) and tells(
            *linear_answers(planes.correlate(image, kernel), other, factors)
        ):
            break
    while True:
        first, second = draw_short(rng, n), draw_short(rng, m)
        signal = draw_row(rng, n + m - 1, -4, 6)
        if tells(*stacked_answers(first, second)) and tells(*relu_answers(first, second, signal)):
            break
    while True:
        pooled, pooled_column = rng.matrix(high, wide, 0, 12), draw_row(rng, high, 0, 12)
        if tells(*pooling_answers(pooled, pooled_column)) and keeps_some(pooled, pooled_column):
            break
    grid = draw_grid(rng, level)
    layer = draw_layer(rng, level)
    claims = draw_claims(rng, layer)
    return Params(
        image, kernel, column, other, factors, first, second, signal, pooled, pooled_column, grid, layer, claims
    )


def draw_row(rng: Draw, length: int, low: int, high: int) -> Row:
    return tuple(rng.integer(low, high) for _ in range(length))


def draw_short(rng: Draw, length: int) -> Row:
    """Return a short kernel of both signs that is not the same backwards."""
    while True:
        row = tuple(rng.choice((1, -1, 2, -2, 3, -3)) for _ in range(length))
        if min(row) < 0 < max(row) and row != row[::-1]:
            return row


def tells(key: Any, slips: Mapping[str, Any]) -> bool:
    """Is every mistake's answer another one than the key and the others?"""
    values = [key, *(value for value in slips.values() if value is not None)]
    return len(set(values)) == len(values)


def keeps_some(plane: Plane, column: Row) -> bool:
    """Does the shift leave some of the pooled numbers as they are, and change others?"""
    pairs = list(zip(planes.entries(pool(plane)), planes.entries(pool(moved(plane, column))), strict=True))
    same = sum(1 for a, b in pairs if a == b)
    return len(pairs) // 4 <= same <= len(pairs) * 3 // 4 and same > 0


def draw_grid(rng: Draw, level: Level) -> Grid:
    """Return a grid on which a pixel near the border is seen less often than one in the middle."""
    while True:
        kernel = rng.choice((3, 5)) if level is Level.INTRO else rng.choice((3, 5, 7))
        stride = 1 if level is not Level.CHALLENGE else rng.integer(2, 3)
        padding = rng.integer(0 if level is Level.INTRO else 1, kernel // 2)
        size = rng.integer(2 * kernel, 32), rng.integer(2 * kernel, 32)
        pixel = rng.integer(0, kernel - 1), rng.integer(0, kernel - 1)
        grid = Grid(size, kernel, stride, padding, pixel)
        key = seen_answer(grid)
        if pixel != (0, 0) and key[0] > 0 and key[0] != key[1] and tells(key, seen_slips(grid)):
            return grid


def draw_layer(rng: Draw, level: Level) -> Layer:
    high = {Level.INTRO: 16, Level.STANDARD: 32, Level.CHALLENGE: 64}[level]
    stride = rng.integer(2, 3 if level is Level.INTRO else 4)
    width = rng.integer(4, 9)
    return Layer(
        side=2 * rng.integer(6, high // 2),
        channels=rng.integer(2, 4),
        filters=rng.integer(4, 9) if level is Level.INTRO else rng.integer(6, 20),
        kernel=rng.choice((3, 5)) if level is Level.INTRO else rng.choice((3, 5, 7)),
        stride=stride,
        moved=stride * rng.integer(2, 5),
        stroke=(rng.integer(3, 12), width),
        slid=rng.integer(1, width - 2),
    )


def draw_claims(rng: Draw, layer: Layer) -> tuple[tuple[str, int], ...]:
    """Return five claims of different kinds, one to four of them true, and a wrong number where one is not."""
    while True:
        kinds = rng.sample(tuple(CLAIMS), 5)
        true = set(rng.sample(kinds, rng.integer(1, 4)))
        claims = []
        for kind in kinds:
            fact = CLAIMS[kind](layer)
            claims.append((kind, fact.right if kind in true else rng.choice(tuple(fact.beliefs.values()))))
        if len(believed(layer, tuple(claims))) >= 4:
            return tuple(claims)


# Shifts ----------------------------------------------------------------------------------------------------


def shift_answers(image: Plane, kernel: Plane, column: Row) -> tuple[Plane, dict[str, Plane]]:
    """Return the map of the moved image, and what mistakes make of it."""
    old, new = planes.correlate(image, kernel), planes.correlate(moved(image, column), kernel)
    zeros = (0,) * len(old)
    turned = planes.correlate(moved(image, column), planes.rotate(kernel))
    return new, {
        "taken-for-invariant": old,
        "zeros-come-in": moved(old, zeros),
        "moved-left": moved_left(old, first_column(new)),
        "wrapped-round": moved(old, last_column(old)),
        "border-repeated": moved(old, first_column(old)),
        "kernel-turned": moved(old, first_column(turned)),
    }


SHIFT_HINTS = {
    "taken-for-invariant": "That is the old map. A convolution follows a shift: it is equivariant, not invariant.",
    "zeros-come-in": "The first column is not 0: compute it from the new column and what stands beside it.",
    "moved-left": "You moved the map to the left; it moves the way the image moves.",
    "wrapped-round": "The last column drops out; it does not come in again on the other side.",
    "border-repeated": "You repeated the first column; compute the new one from the moved image.",
    "kernel-turned": "You turned the kernel by 180 degrees for the new column; it is laid down as it is.",
}

# Linearity -------------------------------------------------------------------------------------------------


def combined(one: Plane, other: Plane, factors: tuple[int, int]) -> Plane:
    a, c = factors
    return tuple(
        tuple(a * x + c * y for x, y in zip(row, line, strict=True)) for row, line in zip(one, other, strict=True)
    )


def linear_answers(one: Plane, other: Plane, factors: tuple[int, int]) -> tuple[Plane, dict[str, Plane]]:
    a, c = factors
    return combined(one, other, factors), {
        "factors-dropped": combined(one, other, (1, 1)),
        "factors-exchanged": combined(one, other, (c, a)),
        "factors-added": combined(one, other, (a + c, a + c)),
        "second-factor-dropped": combined(one, other, (a, 1)),
        "first-alone": combined(one, other, (a, 0)),
    }


LINEAR_HINTS = {
    "factors-dropped": "The factors stay: a factor on every pixel is a factor on each sum of products.",
    "factors-exchanged": "You gave each map the other one's factor.",
    "factors-added": "Each map has its own factor; the sum of the two is neither's.",
    "second-factor-dropped": "You multiplied the first map only: the second has a factor of its own.",
    "first-alone": "You left the second map out.",
}


# Two layers in a row ---------------------------------------------------------------------------------------


def slide(values: Row, weights: Row) -> Row:
    """Return the cross-correlation at every place where the weights fit.

    >>> slide((1, 2, 3), (1, -1))
    (-1, -1)
    """
    return tuple(
        sum([v * w for v, w in zip(values[at:], weights, strict=False)])
        for at in range(len(values) - len(weights) + 1)
    )  # fmt: skip


def stacked_answers(first: Row, second: Row) -> tuple[Row, dict[str, Row | None]]:
    """Return the one kernel that does what two in a row do, and what mistakes make of it."""
    key = sequences.convolve(first, second)
    longer = max(len(first), len(second))
    filled = [(*row, *[0] * (longer - len(row))) for row in (first, second)]
    return key, {
        "one-turned": sequences.convolve(first, second[::-1]),
        "added": tuple(a + b for a, b in zip(*filled, strict=True)),
        "multiplied": tuple(a * b for a, b in zip(*filled, strict=True)),
        "backwards": key[::-1],
        "side-by-side": (*first, *second),
    }


STACKED_HINTS = {
    "one-turned": "You slid one kernel over the other without turning it. Shift the first by 0, 1, … places, each time "
    "the second's weight as its factor, and add.",
    "added": "The layers come one after the other; adding the kernels would be two layers side by side.",
    "multiplied": "Every weight of the second meets every weight of the first, not just the one in its own place.",
    "backwards": "Your kernel is turned round: the first weights of both meet at the first number of the input.",
    "side-by-side": "The kernels overlap: together they reach over n + m − 1 numbers, not n + m.",
}


def relu_answers(first: Row, second: Row, signal: Row) -> tuple[tuple[int, int], dict[str, tuple[int, int] | None]]:
    """Return what both layers make of the input, without and with a ReLU between them, and what mistakes do."""
    hidden = slide(signal, first)
    (without,) = slide(hidden, second)
    (between,) = slide(tuple(max(v, 0) for v in hidden), second)
    (early,) = slide(slide(tuple(max(v, 0) for v in signal), first), second)
    (absolute,) = slide(tuple(abs(v) for v in hidden), second)
    return (without, between), {
        "no-difference": (without, without),
        "exchanged": (between, without),
        "relu-at-the-end": (without, max(without, 0)) if without < 0 else None,
        "relu-at-the-start": (without, early) if min(signal) < 0 else None,
        "sizes-kept": (without, absolute),
    }


RELU_HINTS = {
    "no-difference": "The ReLU makes the negative numbers between the layers 0, which changes the result here.",
    "exchanged": "You exchanged the two results.",
    "relu-at-the-end": "You applied the ReLU to the result; it stands between the two layers.",
    "relu-at-the-start": "You applied the ReLU to the input; it stands between the two layers.",
    "sizes-kept": "A ReLU makes negative numbers 0; you took their size.",
}


def carried(p: Params, earlier: Mapping[str, Any]) -> tuple[int, int]:
    """Return the pair that follows from the student's own combined kernel; the ReLU is computed layer by layer."""
    (_, between), _ = relu_answers(p.first, p.second, p.signal)
    own = sum(v * w for v, w in zip(p.signal, earlier["stacked"], strict=True))
    return int(own), between


def fits(p: Params, earlier: Mapping[str, Any]) -> bool:
    own = earlier["stacked"]
    return len(own) == len(p.signal) and all(w.denominator == 1 for w in own)


# Pooling ---------------------------------------------------------------------------------------------------


def pooling_answers(plane: Plane, column: Row) -> tuple[Plane, dict[str, Plane]]:
    old, new = pool(plane), pool(moved(plane, column))
    return new, {
        "taken-for-invariant": old,
        "moved-along": moved(old, first_column(new)),
        "zeros-come-in": pool(moved(plane, (0,) * len(plane))),
        "moved-left": pool(moved_left(plane, column)),
        "averaged": pool(moved(plane, column), planes.mean),
        "smallest": pool(moved(plane, column), min),
    }


POOLING_HINTS = {
    "taken-for-invariant": "That is the old map. Pooling makes small shifts matter less, but some maxima do change.",
    "moved-along": "The pooled map would follow by one pixel only after a shift by two: pool the moved map anew.",
    "zeros-come-in": "The column that comes in is given; it is not 0.",
    "moved-left": "You moved the map to the left.",
    "averaged": "You took the mean of each window; here the maximum is asked for.",
    "smallest": "You took the smallest number of each window.",
}


# How often a pixel is seen ---------------------------------------------------------------------------------


def seen_along(size: int, grid: Grid, at: int) -> int:
    """Return how many positions along one axis have the pixel `at` under the kernel."""
    return len(starts_over(size, grid, at))


def starts_over(size: int, grid: Grid, at: int) -> list[int]:
    """Return the pixels (from 0, negative in the padding) at which the kernel starts when it covers the pixel `at`."""
    positions = range(-grid.padding, size + grid.padding - grid.kernel + 1, grid.stride)
    return [start for start in positions if 0 <= at - start < grid.kernel]


def seen(grid: Grid, pixel: tuple[int, int]) -> int:
    return seen_along(grid.size[0], grid, pixel[0]) * seen_along(grid.size[1], grid, pixel[1])


def seen_answer(grid: Grid) -> tuple[int, int]:
    return seen(grid, (0, 0)), seen(grid, grid.pixel)


def seen_slips(grid: Grid) -> dict[str, tuple[int, int] | None]:
    unpadded = Grid(grid.size, grid.kernel, grid.stride, 0, grid.pixel)
    dense = Grid(grid.size, grid.kernel, 1, grid.padding, grid.pixel)
    corner, pixel = seen_answer(grid)
    area = grid.kernel**2
    return {
        "border-ignored": (area, area),
        "padding-ignored": seen_answer(unpadded) if grid.padding else None,
        "stride-ignored": seen_answer(dense) if grid.stride > 1 else None,
        "exchanged": (pixel, corner),
        "rows-alone": (seen_along(grid.size[0], grid, 0), seen_along(grid.size[0], grid, grid.pixel[0])),
        "once-each": (1, 1),
    }


SEEN_HINTS = {
    "border-ignored": "Only pixels far from the border lie under all k × k places of the kernel.",
    "padding-ignored": "With padding the kernel may hang over the edge, so it covers the border more often.",
    "stride-ignored": "The kernel does not stop at every pixel: count the positions that the stride leaves.",
    "exchanged": "You exchanged the two pixels.",
    "rows-alone": "You counted along the rows only: multiply by the number of positions along the columns.",
    "once-each": "Windows overlap: a pixel lies in several of them.",
}


# Claims ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fact:
    """What a claim says, with "{}" for its number; the right number, why, and what mistakes believe it to be."""

    text: str
    right: int
    why: str
    beliefs: Mapping[str, int]


def conv_weights(layer: Layer) -> int:
    return counting.conv_parameters(layer.channels, layer.filters, layer.kernel)


def claim_weights(layer: Layer) -> Fact:
    c, f, k, right = layer.channels, layer.filters, layer.kernel, conv_weights(layer)
    return Fact(
        "The convolution has {} weights and biases to learn.",
        right,
        rf"{f} \cdot ({c} \cdot {k} \cdot {k} + 1)",
        {"not-shared": right * layer.side**2, "channels-forgotten": counting.conv_parameters(1, f, k)},
    )


def claim_dense(layer: Layer) -> Fact:
    inputs, outputs = layer.channels * layer.side**2, layer.filters * layer.side**2
    return Fact(
        "A fully connected layer from the image to as many outputs has {} weights, without biases.",
        counting.linear_weights(inputs, outputs),
        rf"{inputs} \cdot {outputs}",
        {"dense-taken-as-shared": inputs * layer.filters},
    )


def claim_larger(layer: Layer) -> Fact:
    right, side = conv_weights(layer), 2 * layer.side
    return Fact(
        f"For images of {side} × {side} pixels, the same convolution has {{}} weights and biases.",
        right,
        "as many as before, since the kernels do not depend on the size of the image",
        {"grows-with-image": 4 * right},
    )


def claim_looks(layer: Layer) -> Fact:
    c, k = layer.channels, layer.kernel
    return Fact(
        "Away from the border, each number of the output depends on {} numbers of the image.",
        c * k * k,
        rf"{c} \cdot {k} \cdot {k}",
        {"channels-forgotten": k * k, "all-connected": c * layer.side**2},
    )


def claim_reach(layer: Layer) -> Fact:
    f, k = layer.filters, layer.kernel
    return Fact(
        "Changing one number of the image, away from the border, can change {} numbers of the output.",
        f * k * k,
        rf"{f} \cdot {k} \cdot {k}",
        {"maps-forgotten": k * k, "all-connected": f * layer.side**2},
    )


def claim_shift(layer: Layer) -> Fact:
    return Fact(
        f"With stride {layer.stride}, maps move by {{}} pixels when the image moves by {layer.moved} pixels.",
        layer.moved // layer.stride,
        f"{layer.moved} / {layer.stride}",
        {"stride-forgotten": layer.moved, "stride-multiplied": layer.moved * layer.stride},
    )


def claim_padding(layer: Layer) -> Fact:
    n, k = layer.side, layer.kernel
    return Fact(
        "Without the padding, each map would have {} rows.",
        shapes.output_size(n, k),
        f"{n} - {k} + 1",
        {"size-taken-as-kept": n, "no-plus-one": n - k},
    )


def claim_merged(layer: Layer) -> Fact:
    k = layer.kernel
    return Fact(
        f"Two convolutions of {k} × {k} in a row with no activation between can be replaced by a single one with "
        "kernels of side {}.",
        2 * k - 1,
        rf"{k} + {k} - 1",
        {"sides-added": 2 * k, "size-taken-as-kept": k},
    )


def claim_stroke(layer: Layer) -> Fact:
    high, wide = layer.stroke
    return Fact(
        f"A stroke of {high} × {wide} pixels moves to the right by {layer.slid}. Of the {high * wide} weights "
        "that it met in a fully connected unit (one channel), it meets {} again.",
        high * (wide - layer.slid),
        rf"{high} \cdot ({wide} - {layer.slid})",
        {
            "dense-taken-as-shared": high * wide,
            "shift-taken-both-ways": max(0, high - layer.slid) * (wide - layer.slid),
        },
    )


CLAIMS: dict[str, Callable[[Layer], Fact]] = {
    "weights": claim_weights,
    "dense": claim_dense,
    "larger": claim_larger,
    "looks": claim_looks,
    "reach": claim_reach,
    "shift": claim_shift,
    "padding": claim_padding,
    "merged": claim_merged,
    "stroke": claim_stroke,
}
CLAIM_HINTS = {
    "not-shared": "All positions of a map use the same weights: count them once.",
    "channels-forgotten": "A filter has a kernel for every channel of the image.",
    "dense-taken-as-shared": "A fully connected layer shares nothing: each unit has its own weight for each input.",
    "grows-with-image": "The number of weights of a convolution does not depend on the size of the image.",
    "all-connected": "A kernel sees only what lies under it, not the whole image.",
    "maps-forgotten": "Every filter makes a map of its own, and all of them see the pixel.",
    "stride-forgotten": "With a stride s, the maps move by one pixel for every s pixels of the image.",
    "stride-multiplied": "Divide by the stride: the maps are smaller than the image, and so are their shifts.",
    "size-taken-as-kept": "Without padding maps get smaller, by k − 1 each way; two kernels in a row reach further.",
    "no-plus-one": "Count the positions: one more than the steps.",
    "sides-added": "Two kernels in a row share one pixel: together they reach over 2k − 1.",
    "shift-taken-both-ways": "The stroke moves to the right only: its height overlaps in full.",
}


def accepted(layer: Layer, claims: tuple[tuple[str, int], ...], mistake: str = "") -> frozenset[str]:
    """Return the texts of the claims that hold for someone with this mistake, or for nobody's mistake."""
    found = []
    for kind, stated in claims:
        fact = CLAIMS[kind](layer)
        if stated == fact.beliefs.get(mistake, fact.right):
            found.append(fact.text.format(f"{stated:,}"))
    return frozenset(found)


def believed(layer: Layer, claims: tuple[tuple[str, int], ...]) -> dict[str, frozenset[str]]:
    """Return what each mistake accepts, where that is not what is right and no other mistake accepts the same."""
    found: dict[str, frozenset[str]] = {}
    key = accepted(layer, claims)
    for mistake in CLAIM_HINTS:
        texts = accepted(layer, claims, mistake)
        if texts != key and texts not in found.values():
            found[mistake] = texts
    return found


# Workings --------------------------------------------------------------------------------------------------


def tex(plane: Plane) -> str:
    return Matrix().tex(plane)


def signed(value: int) -> str:
    return f"({value})" if value < 0 else str(value)


def products(values: Any, weights: Any) -> str:
    """Write a sum of products with its result.

    >>> products((2, -1), (3, 1))
    '2 \\\\cdot 3 + (-1) \\\\cdot 1 = 5'
    """
    pairs = list(zip(values, weights, strict=True))
    return " + ".join(rf"{signed(v)} \cdot {signed(w)}" for v, w in pairs) + f" = {sum(v * w for v, w in pairs)}"


def shift_workings(p: Params) -> str:
    side = len(p.kernel)
    image = moved(p.image, p.column)
    weights = planes.entries(p.kernel)
    lines = "\n".join(
        f"- ${products(planes.entries(planes.window(image, r, 0, (side, side))), weights)}$" for r in range(len(p.map))
    )
    return (
        "Every window but those of the first column stood in the old image as well, one column further left. So the "
        "old map moves one column to the right, and loses its last column. Only the first column is new:\n\n"
        f"{lines}\n\n$${tex(planes.correlate(image, p.kernel))}$$"
    )


def linear_workings(p: Params) -> str:
    a, c = p.factors
    return (
        "Each entry is a sum of products, so it can be taken apart: "
        "$(aX + cZ) \\star K = a (X \\star K) + c (Z \\star K)$. "
        f"Nothing needs to be convolved anew. The first entry is "
        f"${products((a, c), (p.map[0][0], p.other[0][0]))}$, and the whole map\n\n"
        f"$$ {a} \\cdot {tex(p.map)} + {signed(c)} \\cdot {tex(p.other)} = {tex(combined(p.map, p.other, p.factors))}$$"
    )


def stacked_workings(p: Params) -> str:
    key, _ = stacked_answers(p.first, p.second)
    lines = "\n".join(
        f"- {_ordinal(at)} weight of the second, ${weight}$: "
        f"${row((*[0] * at, *(weight * v for v in p.first), *[0] * (len(p.second) - 1 - at)))}$"
        for at, weight in enumerate(p.second)
    )
    return (
        "The second kernel adds up numbers of the map between, and each of these is the first kernel on a window that "
        "stands one place further right. So the combined kernel is the first one, moved along and multiplied by each "
        f"weight of the second:\n\n{lines}\n\nTheir sum is ${row(key)}$ (the full convolution of the two)."
    )


def _ordinal(at: int) -> str:
    return ("first", "second", "third", "fourth")[at]


def row(values: Any) -> str:
    return f"({', '.join(map(str, values))})"


def relu_workings(p: Params) -> str:
    hidden = slide(p.signal, p.first)
    cut = tuple(max(v, 0) for v in hidden)
    key, _ = stacked_answers(p.first, p.second)
    return (
        f"The first layer makes ${row(hidden)}$ of the input.\n\n"
        f"Without a ReLU: ${products(hidden, p.second)}$, the same as with the combined kernel: "
        f"${products(p.signal, key)}$.\n\n"
        f"With a ReLU, ${row(cut)}$ remains between the layers: ${products(cut, p.second)}$.\n\n"
        "No single kernel does this for every input: with activations between them, layers in a row can do more than "
        "one alone."
    )


def pooling_workings(p: Params) -> str:
    new = moved(p.pooled, p.pooled_column)
    after = pool(new)
    pairs = list(zip(planes.entries(p.before), planes.entries(after), strict=True))
    same = len([None for a, b in pairs if a == b])
    return (
        f"The moved map:\n\n$${tex(new)}$$\n\nThe greatest number of each window of 2 × 2:\n\n$${tex(after)}$$\n\n"
        f"Of the {len(pairs)} numbers, {same} {'is' if same == 1 else 'are'} the same as before the shift: a maximum "
        "that stays in its window does not change. So pooling makes a network less sensitive to small shifts, but not "
        "blind to them."
    )


def seen_workings(p: Params) -> str:
    grid = p.grid
    row, column = grid.pixel
    lines = [
        _seen_text("The corner, row 1, column 1", grid, (0, 0)),
        _seen_text(f"Row {row + 1}, column {column + 1}", grid, grid.pixel),
    ]
    return (
        "Count the positions of the kernel that have the pixel under it, along the rows and along the columns, and "
        f"multiply. {_starts(grid)}\n\n" + "\n".join(lines) + f"\n\nA pixel in the middle of the image is seen "
        f"{'about ' if grid.stride > 1 else ''}{_middle(grid)} times. "
        "Padding lets the border count more often than it would without."
    )


def _seen_text(name: str, grid: Grid, at: tuple[int, int]) -> str:
    """List where the kernel stands over a pixel, row by row and column by column, and multiply."""
    rows, columns = (starts_over(size, grid, place) for size, place in zip(grid.size, at, strict=True))
    return (
        f"- {name}: in the rows the kernel covers it when it starts at {listed(rows)}, in the columns at "
        f"{listed(columns)}: ${len(rows)} \\cdot {len(columns)} = {seen(grid, at)}$."
    )


def listed(starts: list[int]) -> str:
    """Write the rows or columns, from 1, at which a kernel starts; 0 and less lie in the padding.

    >>> listed([-1, 0, 1])
    '0, 1 and 2'
    """
    *first, last = (str(start + 1).replace("-", "−") for start in starts)
    return f"{', '.join(first)} and {last}" if first else last


def _starts(grid: Grid) -> str:
    """Say where the positions of the kernel start, counted in rows and columns of the image from 1."""
    step = "every pixel" if grid.stride == 1 else f"every {grid.stride} pixels"
    outside = "" if grid.padding == 0 else " (in the padding; numbers below 1 lie outside of the image)"
    return (
        f"The kernel reaches over {grid.kernel} rows and columns, and starts anew {step}, first in row and column "
        f"{listed([-grid.padding])}{outside}."
    )


def _middle(grid: Grid) -> str:
    area, steps = grid.kernel**2, grid.stride**2
    return rf"${grid.kernel} \cdot {grid.kernel} = {area}$" if steps == 1 else rf"${area} / {steps}$"


def claims_workings(p: Params) -> str:
    lines = ["The statements, each by its own words (on the sheet they may stand in another order):\n"]
    for kind, stated in p.claims:
        fact = CLAIMS[kind](p.layer)
        verdict = "true" if stated == fact.right else "false"
        why = fact.why if kind == "larger" else f"${fact.why} = {_steps.tex(fact.right)}$"
        words = fact.text.format(f"{stated:,}").removesuffix(".")
        lines.append(f"- **“{words}”** is *{verdict}*: {why}.")
    return "\n".join(lines)


def cost(p: Params) -> int:
    """Multiplications: the new column, two maps times a factor, the kernels, the layers, the counts, the claims."""
    side, entries, pairs = len(p.kernel), len(planes.entries(p.map)), len(p.first) * len(p.second)
    return len(p.map) * side * side + 2 * entries + 2 * pairs + 2 * len(p.second) + 2 + 2 * len(p.claims)


def key(part: str) -> Callable[[Params], Any]:
    return lambda p: p.answers[part][0]


def hinted(part: str, hints: Mapping[str, str]) -> tuple[Misconception[Params], ...]:
    """Return a misconception for each hint of a part."""

    def slip(name: str) -> Callable[[Params], Any]:
        return lambda p: p.answers[part][1].get(name)

    return tuple(Misconception(name, slip(name), hint) for name, hint in hints.items())


EXERCISE = Exercise(
    name="concepts",
    title="Why convolutions, by numbers",
    summary="shift equivariance, linearity, stacked layers and ReLU, pooling and shifts, borders, weight sharing",
    draw=draw,
    intro=(
        "An image $X$\n{{ grid(p.image) }}\na kernel $K$\n{{ grid(p.kernel) }}\n"
        "and the map $X \\star K$ that it makes\n{{ grid(p.map) }}"
    ),
    conventions=(
        "Convolution means cross-correlation, as in every deep-learning library: the kernel is not flipped.",
        "Stride 1, no padding, no bias, unless a question says otherwise. Padding is with zeros.",
        "Rows and columns are counted from 1, from the top left.",
    ),
    parts=(
        Part(
            name="shift",
            ask=(
                "The camera turns: the whole image moves **one column to the right**. Its last column drops out, and "
                "from the left comes the column ${{ p.column | join(', ') }}$ (from top to bottom). "
                "What is the map of $K$ now?"
            ),
            solve=key("shift"),
            answer=Matrix(),
            workings=shift_workings,
            misconceptions=hinted("shift", SHIFT_HINTS),
            marks=2,
        ),
        Part(
            name="linear",
            ask=(
                "The same kernel makes of another image $Z$ the map $Z \\star K$:\n{{ grid(p.other) }}\n"
                "What does it make of the image ${{ p.factors[0] }} X {{ '-' if p.factors[1] < 0 else '+' }} "
                "{{ p.factors[1] | abs ~ ' ' if p.factors[1] | abs > 1 }}Z$, with $X$ as given above?"
            ),
            solve=key("linear"),
            answer=Matrix(),
            workings=linear_workings,
            misconceptions=hinted("linear", LINEAR_HINTS),
        ),
        Part(
            name="stacked",
            ask=(
                "Two layers along one axis, with nothing between them: the first has the kernel "
                "$({{ p.first | join(', ') }})$, the second $({{ p.second | join(', ') }})$. A single layer does the "
                "same to every input. What is its kernel?"
            ),
            solve=key("stacked"),
            answer=Matrix(depth=1),
            workings=stacked_workings,
            misconceptions=hinted("stacked", STACKED_HINTS),
            marks=2,
        ),
        Part(
            name="relu",
            ask=(
                "The input of these two layers is $({{ p.signal | join(', ') }})$, and the output is one number. "
                "What is it without an activation, and what with a **ReLU between** the layers?"
            ),
            solve=key("relu"),
            answer=Shape(("without", "with ReLU")),
            workings=relu_workings,
            misconceptions=hinted("relu", RELU_HINTS),
            marks=2,
            carry=Carry(
                ("stacked",),
                carried,
                "your kernel has as many numbers as the input, all whole",
                fits,
            ),
        ),
        Part(
            name="pooling",
            ask=(
                "Max pooling, 2 × 2 with stride 2, makes of the map\n{{ grid(p.pooled) }}\nthe pooled map\n"
                "{{ grid(p.before) }}\nNow the map moves **one column to the right**, its last column drops out, and "
                "from the left comes ${{ p.pooled_column | join(', ') }}$ (from top to bottom). "
                "What is the pooled map now?"
            ),
            solve=key("pooling"),
            answer=Matrix(),
            workings=pooling_workings,
            misconceptions=hinted("pooling", POOLING_HINTS),
        ),
        Part(
            name="seen",
            ask=(
                "An image of {{ p.grid.size[0] }} × {{ p.grid.size[1] }} pixels, a kernel of {{ p.grid.kernel }} × "
                "{{ p.grid.kernel }}, stride {{ p.grid.stride }}, "
                "{% if p.grid.padding %}padding {{ p.grid.padding }} on every side"
                "{% else %}no padding{% endif %}. How many outputs of one map depend on "
                "the pixel in the top left corner, and how many on the one in row {{ p.grid.pixel[0] + 1 }}, "
                "column {{ p.grid.pixel[1] + 1 }}?"
            ),
            solve=key("seen"),
            answer=Shape(("corner", "other pixel")),
            workings=seen_workings,
            misconceptions=hinted("seen", SEEN_HINTS),
        ),
        Part(
            name="claims",
            ask=(
                "A convolution of images with {{ p.layer.channels }} channels of {{ p.layer.side }} × "
                "{{ p.layer.side }} pixels: {{ p.layer.filters }} filters of {{ p.layer.kernel }} × "
                "{{ p.layer.kernel }}, stride 1, padding {{ p.layer.kernel // 2 }} (so the maps are as large as the "
                "image), with biases. Which of these statements are right?"
            ),
            solve=key("claims"),
            answer=MultipleChoice(),
            options=lambda p: tuple(CLAIMS[kind](p.layer).text.format(f"{stated:,}") for kind, stated in p.claims),
            workings=claims_workings,
            misconceptions=hinted("claims", CLAIM_HINTS),
            marks=2,
        ),
    ),
    cost=cost,
    costs={Level.INTRO: 54, Level.STANDARD: 72, Level.CHALLENGE: 95},
)
