"""What a small kernel does to a picture: its effect, its response on patches, and its result, seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from grader.authoring import (
    Carry,
    Choice,
    Draw,
    Exercise,
    Integer,
    Level,
    Matrix,
    Misconception,
    Number,
    Part,
    tex_number,
)
from solutions import filters, pictures, planes
from solutions.planes import Plane

Bump = tuple[int, int, int]  # row, column, by how much brighter than the ground
SEEN = 5  # pixels that must look different for two results to be told apart


@dataclass(frozen=True)
class Filter:
    """A kernel: whole numbers, all divided by `divisor`."""

    weights: Plane
    divisor: int = 1

    @property
    def total(self) -> Fraction:
        return filters.total(self.weights, self.divisor)

    @property
    def effect(self) -> str:
        return filters.effect(self.weights, self.divisor) or "none that has a name"

    @property
    def tex(self) -> str:
        matrix = Matrix().tex(self.weights)
        return matrix if self.divisor == 1 else rf"\frac{{1}}{{{self.divisor}}} {matrix}"

    def seen(self, picture: Plane) -> Plane:
        """Return the result on a picture as it is shown; a common divisor does not show."""
        return pictures.stretched(planes.correlate(picture, self.weights))


@dataclass(frozen=True)
class Params:
    """A kernel with a patch and a picture, another to name, one to complete, and one to find from its result.

    ground: the grey value of the patch, but for the bumps. ring: eight weights around a missing centre, to be
    divided by ring_divisor, which multiply flat areas by `goal`. results and offers: what is right and what
    mistakes lead to, by name, in the order shown.
    """

    kernel: Filter
    ground: int
    bumps: tuple[Bump, ...]
    named: Filter
    ring: Plane
    ring_divisor: int
    goal: int
    picture: Plane
    objects: tuple[str, ...]
    results: tuple[tuple[str, Plane], ...]
    other_picture: Plane
    made_by: Filter
    offers: tuple[tuple[str, Filter], ...]

    @cached_property
    def patch(self) -> Plane:
        return bumped(len(self.kernel.weights), self.ground, self.bumps)

    @property
    def shown(self) -> dict[str, Plane]:
        """The picture and the numbered results, for drawing."""
        numbered = {f"result {n}": plane for n, (_, plane) in enumerate(self.results, 1)}
        return {"picture": self.picture, **numbered}

    @property
    def shown_again(self) -> dict[str, Plane]:
        return {"picture": self.other_picture, "result": self.made_by.seen(self.other_picture)}

    @property
    def gap(self) -> tuple[tuple[Any, ...], ...]:
        """The kernel with the missing centre."""
        return tuple(
            tuple("?" if r == c == 1 else w for c, w in enumerate(row)) for r, row in enumerate(self.ring)
        )  # fmt: skip

    @property
    def wish(self) -> str:
        return GOALS[self.goal]

    @property
    def things(self) -> str:
        return f"{', '.join(self.objects[:-1])} and {self.objects[-1]}"


def bumped(side: int, ground: int, bumps: tuple[Bump, ...]) -> Plane:
    """Return a flat patch with some pixels brighter (or darker)."""
    heights = {(r, c): height for r, c, height in bumps}
    return tuple(tuple(ground + heights.get((r, c), 0) for c in range(side)) for r in range(side))


# Drawing kernels -------------------------------------------------------------------------------------------

Maker = Callable[[Draw], Filter]


def two(rng: Draw) -> tuple[int, int]:
    """Return the weights beside the centre and in the corners: the nearer ones are not the smaller ones."""
    beside = rng.integer(1, 3)
    return beside, rng.integer(1, beside)


def draw_edges(rng: Draw) -> Filter:
    a, b = two(rng)
    return Filter(filters.ring(4 * (a + b), -a, -b))


def draw_sharpening(rng: Draw) -> Filter:
    a, b = two(rng)
    return Filter(filters.ring(4 * (a + b) + 1, -a, -b))


def draw_blur(rng: Draw) -> Filter:
    middle = rng.integer(1, 4)
    return Filter(filters.outer((1, middle, 1), (1, middle, 1)), (middle + 2) ** 2)


def either_way(rng: Draw, weights: Plane) -> Filter:
    """Return a kernel for one direction as it is, or turned to the other."""
    return Filter(weights if rng.boolean() else planes.transpose(weights))


def draw_edge(rng: Draw) -> Filter:
    side, step = rng.integer(1, 3), rng.choice((1, 2, -1, -2))
    return either_way(rng, filters.outer((side, side + rng.integer(0, 3), side), (-step, 0, step)))


def draw_line(rng: Draw) -> Filter:
    beside = rng.integer(1, 6)
    middle = rng.choice([m for m in range(max(2, beside - 1), 2 * beside + 4) if m != 2 * beside])
    return either_way(rng, filters.outer((-beside, middle, -beside), (1, 1, 1)))


def draw_frame(rng: Draw) -> Filter:
    a, b = two(rng)
    return Filter(filters.ring(-rng.integer(2 * a, 4 * (a + b) - 1), a, b))


SMALL: tuple[Maker, ...] = (draw_edges, draw_sharpening, draw_blur, draw_edge, draw_line, draw_frame)


def draw_blob(rng: Draw) -> Filter:
    while True:
        near, far, corner, second = (rng.integer(1, 2) for _ in range(4))
        first = second + rng.integer(1, 2)
        middle = 4 * near + 8 * far + 4 * corner - 4 * first - 4 * second
        if middle > first:
            return Filter(filters.by_distance((middle, first, second, -near, -far, -corner)))


def draw_large_sharpening(rng: Draw) -> Filter:
    first, second = rng.integer(2, 4), rng.integer(1, 2)
    return Filter(filters.by_distance((4 * first + 4 * second + 17, -first, -second, -1, -1, -1)))


def draw_large_blur(rng: Draw) -> Filter:
    row = rng.choice(((1, 1, 1, 1, 1), (1, 2, 4, 2, 1), (1, 2, 3, 2, 1), (1, 3, 4, 3, 1)))
    return Filter(filters.outer(row, row), sum(row) ** 2)


def draw_large_edge(rng: Draw) -> Filter:
    near, far, side, sign = rng.integer(1, 3), rng.integer(1, 2), rng.integer(1, 2), rng.choice((1, -1))
    row = tuple(sign * w for w in (-far, -near, 0, near, far))
    return either_way(rng, filters.outer((1, 1 + side, 2 + side, 1 + side, 1), row))


def draw_large_line(rng: Draw) -> Filter:
    far = rng.integer(1, 4)
    near = far + rng.integer(0, 3)
    middle = rng.choice([m for m in range(near + 1, 3 * near + 5) if m != 2 * (near + far)])
    return either_way(rng, filters.outer((-far, -near, middle, -near, -far), (1, 1, 1, 1, 1)))


def draw_diagonal(rng: Draw) -> Filter:
    """Return a kernel for a diagonal line: narrow, so that it does not ask for a blob."""
    while True:
        top, below = rng.integer(5, 9), -rng.integer(1, 3)
        outer = below - rng.integer(1, 4)
        profile = (top, rng.integer(1, top // 2), below, outer, outer - rng.integer(1, 5))
        weights = filters.diagonal(profile)
        if filters.total(weights):
            return Filter(weights if rng.boolean() else turned_over(weights))


LARGE: tuple[Maker, ...] = (
    draw_blob,
    draw_large_sharpening,
    draw_large_blur,
    draw_large_edge,
    draw_large_line,
    draw_diagonal,
)


def draw_identity(rng: Draw) -> Filter:
    return Filter(filters.point(rng.choice((3, 5))))


def draw_sparse(rng: Draw) -> Filter:
    """Return an edge or sharpening kernel that looks at the four nearest neighbours only."""
    beside = rng.integer(1, 3)
    return Filter(filters.ring(4 * beside + rng.integer(0, 1), -beside, 0))


def draw_small_blur(rng: Draw) -> Filter:
    middle = rng.choice((1, 2, 2, 3))
    return Filter(filters.outer((1, middle, 1), (1, middle, 1)), (middle + 2) ** 2)


NAMED: dict[Level, tuple[Maker, ...]] = {
    Level.INTRO: (*SMALL, draw_small_blur, draw_sparse, draw_identity, draw_edge, draw_line),
    Level.STANDARD: (*SMALL, draw_sparse, draw_identity, draw_diagonal, draw_diagonal, draw_blob),
    Level.CHALLENGE: (*SMALL, *LARGE, *LARGE, draw_identity, draw_sparse),
}


# Drawing the rest ------------------------------------------------------------------------------------------


def draw(rng: Draw, level: Level) -> Params:
    """Draw kernels, numbers on which every mistake shows, and pictures on which the results look different."""
    kernel = rng.choice(LARGE if level is Level.CHALLENGE else SMALL)(rng)
    ground, bumps = draw_patch(rng, level, kernel)
    ring, divisor, goal = draw_gap(rng, level)
    made_by = rng.choice(SMALL)(rng)
    while made_by == kernel:
        made_by = rng.choice(SMALL)(rng)
    while True:
        picture, objects = draw_picture(rng, 12 if level is Level.CHALLENGE else 10)
        told = telling(kernel, picture)
        if len(told) > 3:
            break
    while True:
        other, _ = draw_picture(rng, 10)
        offered = telling(made_by, other)
        if len(offered) > 3:
            break
    results = rng.shuffled([(name, result) for name, (_, result) in told.items()])
    return Params(
        kernel,
        ground,
        bumps,
        rng.choice(NAMED[level])(rng),
        ring,
        divisor,
        goal,
        picture,
        objects,
        tuple(results),
        other,
        made_by,
        tuple((name, one) for name, (one, _) in offered.items()),
    )


TRIES = 50  # for telling numbers; if all fail, the whole variant is drawn again
BUMPS = {Level.INTRO: 1, Level.STANDARD: 2, Level.CHALLENGE: 3}


def draw_patch(rng: Draw, level: Level, kernel: Filter) -> tuple[int, tuple[Bump, ...]]:
    """Return a ground and bumps of which every mistake makes another response."""
    side = len(kernel.weights)
    weighty = [(r, c) for r, row in enumerate(kernel.weights) for c, w in enumerate(row) if w]
    centre = (side // 2, side // 2)
    ground, bumps = 2, tuple[Bump, ...]()
    for _ in range(TRIES):
        ground = rng.integer(2, 5)
        places = rng.sample(weighty, BUMPS[level])
        if level is Level.INTRO and centre in weighty:
            places = [centre]
        bumps = tuple((r, c, rng.choice((1, 2, 3, 4, -1))) for r, c in sorted(places))
        flat, whole = flat_slips(kernel, ground), bump_slips(kernel, ground, bumps)
        if tells(kernel.total * ground, flat) and tells(respond(kernel, ground, bumps), whole):
            break
    return ground, bumps


def tells(key: Any, slips: Mapping[str, Any]) -> bool:
    """Is every mistake's answer another one than the key and the others?"""
    values = [key, *(value for value in slips.values() if value is not None)]
    return len(set(values)) == len(values)


def draw_gap(rng: Draw, level: Level) -> tuple[Plane, int, int]:
    """Return eight weights around a missing one, their divisor, and what flat areas are to be multiplied by."""
    divisor = rng.choice((4, 5, 8, 10)) if level is Level.CHALLENGE else 1
    goals = {Level.INTRO: (0, 1), Level.STANDARD: (0, 1, 2), Level.CHALLENGE: (1, 2)}
    while True:
        if level is Level.INTRO:
            ring = filters.ring(0, *(rng.choice((-1, -2, -3, -4, -5, 1, 2, 3)) for _ in range(2)))
        else:
            ring = filters.with_centre(rng.matrix(3, 3, -5, 4), 0)
        goal = rng.choice(goals[level])
        centre = missing(ring, divisor, goal)
        if 0 not in filters.around(ring) and centre and tells(centre, gap_slips(ring, divisor, goal)):
            return ring, divisor, goal


def draw_picture(rng: Draw, size: int) -> tuple[Plane, tuple[str, ...]]:
    """Return a picture with a thing in each quarter, on a dark ground, and the names of the things."""
    half = size // 2
    corners = rng.shuffled([(1, 1), (1, half + 1), (half + 1, 1), (half + 1, half + 1)])
    upright, rising = rng.boolean(), rng.boolean()
    things = {
        "a square": pictures.square(size, *corners[0], 4, rng.integer(6, 9)),
        "an upright line" if upright else "a level line": draw_stroke(rng, size, corners[1], upright),
        f"a {'rising' if rising else 'falling'} diagonal": pictures.diagonal(
            size, *corners[2], 4, rng.integer(7, 9), rising=rising
        ),
        "a dot": pictures.square(size, corners[3][0] + rng.integer(0, 3), corners[3][1] + rng.integer(0, 3), 1),
    }
    ground = pictures.square(size, 0, 0, size, rng.integer(1, 3))
    return pictures.overlaid(ground, *things.values()), tuple(things)


def draw_stroke(rng: Draw, size: int, corner: tuple[int, int], upright: bool) -> Plane:
    across, along = corner[::-1] if upright else corner
    return pictures.line(
        size, across + rng.integer(0, 3), along, along + rng.integer(3, 4), rng.integer(7, 9), upright=upright
    )


# Kernels that are taken for another ------------------------------------------------------------------------

RIVALS = {
    "direction": "That is the kernel with its direction turned: look at which way its weights change, "
    "along the rows or along the columns.",
    "sign": "That has all signs exchanged: pixels under positive weights make the result brighter.",
    "blurred": "That is a plain blur: a kernel with weights of both signs takes differences, it does not average.",
    "sharpened": "That is sharper than the picture: weights that are all positive average, and smooth differences out.",
    "sum": "Add the weights up: that is the factor for flat areas, and here they do not fit.",
    "unchanged": "That is the picture itself, without its border. Only a single 1 in the centre leaves it as it is.",
}


def rivals(kernel: Filter) -> dict[str, Filter]:
    """Return the kernels that mistakes would take for this one."""
    weights = kernel.weights
    turned = next((one for one in (planes.transpose(weights), turned_over(weights)) if one != weights), None)
    found = {"direction": Filter(turned)} if turned and not filters.is_symmetric(weights) else {}
    found["sign"] = Filter(planes.each(weights, lambda w: -w), kernel.divisor)
    if min(planes.entries(weights)) > 0:
        found["sharpened"] = Filter(filters.ring(9, -1, -1) if len(weights) == 3 else SHARP)
    else:
        side = len(weights)
        found["blurred"] = Filter(filters.outer((1,) * side, (1,) * side), side * side)
    whole = int(filters.total(weights))
    lifted = -whole if whole else sum(w for row in weights for w in row if w > 0) // 2 + 1
    found["sum"] = Filter(filters.with_centre(weights, filters.centre(weights) + lifted), kernel.divisor)
    found["unchanged"] = Filter(filters.point(len(weights)))
    return found


def turned_over(weights: Plane) -> Plane:
    return tuple(row[::-1] for row in weights)


SHARP = filters.by_distance((25, -1, -1, -1, -1, -1))


def telling(kernel: Filter, picture: Plane) -> dict[str, tuple[Filter, Plane]]:
    """Return the kernel as "right" and at most four rivals, each with its result; all results look different."""
    right = kernel.seen(picture)
    found = {"right": (kernel, right)}
    for name, rival in rivals(kernel).items():
        if len(found) == 5:
            break
        result = negative(right) if name == "sign" else rival.seen(picture)
        if all(pictures.differing(result, other) >= SEEN for _, other in found.values()):
            found[name] = rival, result
    return found


def negative(picture: Plane) -> Plane:
    return planes.each(picture, lambda grey: pictures.WHITE - grey)


def result_of(name: str) -> Callable[[Params], str | None]:
    """Return the solver of the choice among the results: the one of that name, where it is shown."""

    def solve(p: Params) -> str | None:
        return next((f"result {n}" for n, (own, _) in enumerate(p.results, 1) if own == name), None)

    return solve


def offer_of(name: str) -> Callable[[Params], str | None]:
    return lambda p: next((f"${one.tex}$" for own, one in p.offers if own == name), None)


# Names of effects ------------------------------------------------------------------------------------------

EFFECTS = {
    filters.IDENTITY: "It leaves the picture as it is.",
    filters.BOX: "It blurs, and all pixels under it count the same.",
    filters.GAUSSIAN: "It blurs, and near pixels count more than far ones.",
    filters.SHARPEN: "It sharpens: differences grow, flat areas keep their value.",
    filters.EDGES: "It shows edges in every direction, and flat areas become 0.",
    filters.VERTICAL_EDGE: "It shows vertical edges, where left and right differ.",
    filters.HORIZONTAL_EDGE: "It shows horizontal edges, where top and bottom differ.",
    filters.BLOB: "It finds bright blobs of several pixels on a darker ground.",
    filters.HORIZONTAL_LINE: "It finds thin horizontal lines.",
    filters.VERTICAL_LINE: "It finds thin vertical lines.",
    filters.RISING: "It finds diagonal lines from bottom left to top right.",
    filters.FALLING: "It finds diagonal lines from top left to bottom right.",
    filters.FRAME: "It finds bright frames with an empty, dark centre.",
}

# What is taken for what, by which mistake.
CONFUSIONS: dict[str, tuple[str, dict[str, str]]] = {
    "direction-exchanged": (
        "You exchanged the directions: the edge or line runs the way along which the weights do not change sign.",
        {
            filters.VERTICAL_EDGE: filters.HORIZONTAL_EDGE,
            filters.HORIZONTAL_EDGE: filters.VERTICAL_EDGE,
            filters.VERTICAL_LINE: filters.HORIZONTAL_LINE,
            filters.HORIZONTAL_LINE: filters.VERTICAL_LINE,
            filters.RISING: filters.FALLING,
            filters.FALLING: filters.RISING,
        },
    ),
    "line-or-edge": (
        "A line has the same ground on both of its sides, so its kernel has the same sign there; "
        "at an edge the two sides differ, and so do the signs.",
        {
            filters.VERTICAL_EDGE: filters.VERTICAL_LINE,
            filters.HORIZONTAL_EDGE: filters.HORIZONTAL_LINE,
            filters.VERTICAL_LINE: filters.VERTICAL_EDGE,
            filters.HORIZONTAL_LINE: filters.HORIZONTAL_EDGE,
            filters.RISING: filters.HORIZONTAL_EDGE,
            filters.FALLING: filters.HORIZONTAL_EDGE,
        },
    ),
    "direction-overlooked": (
        "The weights are not the same on all sides: this kernel prefers one direction.",
        dict.fromkeys(
            (
                filters.VERTICAL_EDGE,
                filters.HORIZONTAL_EDGE,
                filters.VERTICAL_LINE,
                filters.HORIZONTAL_LINE,
                filters.RISING,
                filters.FALLING,
            ),
            filters.EDGES,
        ),
    ),
    "sum-overlooked": (
        "Add the weights up: with the sum 0 flat areas become 0, with the sum 1 they keep their value.",
        {filters.EDGES: filters.SHARPEN, filters.SHARPEN: filters.EDGES, filters.BLOB: filters.SHARPEN},
    ),
    "signs-overlooked": (
        "Weights of one sign average; weights of both signs take differences, which is no blur.",
        {
            filters.EDGES: filters.GAUSSIAN,
            filters.SHARPEN: filters.GAUSSIAN,
            filters.BLOB: filters.GAUSSIAN,
            filters.FRAME: filters.BOX,
            filters.VERTICAL_EDGE: filters.BOX,
            filters.HORIZONTAL_EDGE: filters.BOX,
            filters.VERTICAL_LINE: filters.GAUSSIAN,
            filters.HORIZONTAL_LINE: filters.GAUSSIAN,
            filters.RISING: filters.GAUSSIAN,
            filters.FALLING: filters.GAUSSIAN,
        },
    ),
    "centre-alone": (
        "You looked at the centre alone; its neighbours have weights as well, and change the picture.",
        dict.fromkeys((filters.EDGES, filters.SHARPEN, filters.BLOB, filters.GAUSSIAN, filters.BOX), filters.IDENTITY),
    ),
    "blur-or-sharpen": (
        "Sharpening needs negative weights around the centre, which take the neighbours away. There are none here.",
        {filters.BOX: filters.SHARPEN, filters.GAUSSIAN: filters.SHARPEN, filters.IDENTITY: filters.SHARPEN},
    ),
    "weights-alike": (
        "Compare the centre with its neighbours: all alike is the box blur, falling outwards the Gaussian one, "
        "and a single weight no blur at all.",
        {filters.BOX: filters.GAUSSIAN, filters.GAUSSIAN: filters.BOX, filters.IDENTITY: filters.BOX},
    ),
    "edges-assumed": (
        "Not every kernel is an edge detector: that takes weights of both signs whose sum is 0.",
        {
            filters.IDENTITY: filters.EDGES,
            filters.BOX: filters.EDGES,
            filters.GAUSSIAN: filters.EDGES,
            filters.FRAME: filters.EDGES,
        },
    ),
    "bright-and-dark": (
        "Positive weights ask for bright pixels and negative ones for dark pixels; you took it the other way round.",
        {
            filters.EDGES: filters.FRAME,
            filters.SHARPEN: filters.FRAME,
            filters.BLOB: filters.FRAME,
            filters.FRAME: filters.BLOB,
        },
    ),
    "frame-taken-for-contrast": (
        "Here the centre is negative and all around it is positive: it takes the centre away, not its neighbours.",
        {filters.FRAME: filters.SHARPEN},
    ),
    "shape-overlooked": (
        "To find blobs takes many weights, positive in the middle and negative around; here all but one are 0.",
        {filters.IDENTITY: filters.BLOB},
    ),
}


def confused(name: str) -> Misconception[Params]:
    hint, taken_for = CONFUSIONS[name]

    def solve(p: Params) -> str | None:
        other = taken_for.get(p.named.effect)
        return None if other is None else EFFECTS[other]

    return Misconception(name, solve, hint)


# Responses, and what mistakes make of them -----------------------------------------------------------------


def respond(kernel: Filter, ground: int, bumps: tuple[Bump, ...] = ()) -> Fraction:
    return filters.response(kernel.weights, bumped(len(kernel.weights), ground, bumps), kernel.divisor)


def flat_slips(kernel: Filter, ground: int) -> dict[str, Fraction | None]:
    """Return what mistakes make of the response on a flat patch; None where a mistake cannot show."""
    flat, size = planes.entries(kernel.weights), len(kernel.weights) ** 2
    centre, magnitude = filters.centre(kernel.weights), sum(map(abs, flat))
    signed = min(flat) < 0
    return {
        "centre-only": Fraction(ground * centre, kernel.divisor) if centre not in (0, sum(flat)) else None,
        "kept": Fraction(ground) if kernel.total != 1 else None,
        "signs-lost": Fraction(ground * magnitude) if signed else None,
        "averaged": ground * kernel.total / size if signed and kernel.total not in (0, size) else None,
        "not-divided": Fraction(ground * sum(flat)) if kernel.divisor > 1 else None,
        "pixels-added": Fraction(ground * size) if signed and kernel.total != size else None,
        "sum-alone": kernel.total if kernel.total else None,
        "cancelled": Fraction(0) if kernel.total else None,
    }


def bump_slips(kernel: Filter, ground: int, bumps: tuple[Bump, ...]) -> dict[str, Fraction | None]:
    """Return what mistakes make of the response on a patch with bumps."""
    weights, divisor = kernel.weights, kernel.divisor
    patch = bumped(len(weights), ground, bumps)
    pixels = sum(weights[r][c] * (ground + height) for r, c, height in bumps)
    turned = planes.rotate(weights)
    response = respond(kernel, ground, bumps)
    size, middle = len(weights) ** 2, len(weights) // 2
    return {
        "as-if-flat": respond(kernel, ground),
        "bumps-alone": response - respond(kernel, ground) if kernel.total else None,
        "bump-pixels-alone": Fraction(pixels, divisor),
        "kernel-turned": filters.response(turned, patch, divisor) if turned != weights else None,
        "centre-only": Fraction(weights[middle][middle] * patch[middle][middle], divisor)
        if weights[middle][middle] and (middle, middle) not in [at[:2] for at in bumps]
        else None,
        "not-divided": response * divisor if divisor > 1 else None,
        "averaged": response / size if divisor == 1 else None,
    }


def slipped(
    slips: Callable[[Params], Mapping[str, Any]], hints: Mapping[str, str]
) -> tuple[Misconception[Params], ...]:
    return tuple(
        Misconception(name, lambda p, name=name: slips(p)[name], hint)  # type: ignore[misc]  # mypy takes name for P's
        for name, hint in hints.items()
    )


FLAT_HINTS = {
    "centre-only": "You took the centre's weight alone: every pixel of the patch counts, with its own weight.",
    "kept": "A flat area keeps its value only where the weights add up to 1. Add them up.",
    "signs-lost": "You added the sizes of the weights; the negative ones take away.",
    "averaged": "The response is a sum, not a mean: do not divide by the number of pixels.",
    "not-divided": "You forgot to divide by the number in front of the kernel.",
    "pixels-added": "You added the pixels up: each one is first multiplied by the weight in its place.",
    "sum-alone": "That is the sum of the weights: it is still to be multiplied by the grey value.",
    "cancelled": "Flat areas become 0 only where the weights add up to 0. Add them up.",
}
BUMP_HINTS = {
    "as-if-flat": "That is the response on the flat patch: the pixels that stand out change it.",
    "bumps-alone": "You counted only by how much some pixels stand out; the flat ground beneath has a response, too.",
    "bump-pixels-alone": "You left out the pixels of the ground: all pixels under the kernel count.",
    "kernel-turned": "You turned the kernel by 180 degrees: here each weight meets the pixel in its own place.",
    "centre-only": "You multiplied the centre alone: all pixels under the kernel count.",
    "not-divided": "You forgot to divide by the number in front of the kernel.",
    "averaged": "The response is a sum, not a mean: do not divide by the number of pixels.",
}


def missing(ring: Plane, divisor: int, goal: int) -> int:
    """Return the centre with which flat areas are multiplied by `goal`."""
    return goal * divisor - int(filters.total(ring))


def gap_slips(ring: Plane, divisor: int, goal: int) -> dict[str, int | None]:
    around = int(filters.total(ring))
    corners = ring[0][0] + ring[0][2] + ring[2][0] + ring[2][2]
    other = 0 if goal == 1 else 1
    magnitude = goal * divisor - sum(abs(w) for row in ring for w in row)
    return {
        "other-goal": other * divisor - around,
        "sign-exchanged": around - goal * divisor,
        "sum-copied": around if goal else None,
        "corners-left-out": goal * divisor - around + corners,
        "signs-lost": magnitude if magnitude != goal * divisor - around else None,
        "not-divided": goal - around if divisor > 1 else None,
    }


GAP_HINTS = {
    "other-goal": "The sum 0 makes flat areas black, the sum 1 leaves them as they are: you took another sum.",
    "sign-exchanged": "The sign is wrong: centre and neighbours together must give the sum.",
    "sum-copied": "That is what the neighbours add up to. The centre makes up for what is missing to the sum.",
    "corners-left-out": "The four weights in the corners count as well.",
    "signs-lost": "You added the sizes of the weights; the negative ones take away.",
    "not-divided": "All weights are divided in the end, so before that they must add up to more.",
}
GOALS = {0: "become 0", 1: "keep their grey value", 2: "get twice their grey value"}


def carried(p: Params, earlier: Mapping[str, Any]) -> Fraction:
    """Return the response on the bumps that follows from the student's own response on the flat patch."""
    rise = respond(p.kernel, p.ground, p.bumps) - respond(p.kernel, p.ground)
    return Fraction(earlier["flat"]) + rise


# Workings --------------------------------------------------------------------------------------------------


def signed(value: int) -> str:
    return f"({value})" if value < 0 else str(value)


def added(values: list[int]) -> str:
    """Write a sum as one does by hand.

    >>> added([1, -2, 3])
    '1 - 2 + 3'
    """
    return str(values[0]) + "".join(f" - {-v}" if v < 0 else f" + {v}" for v in values[1:])


def rows_added(kernel: Filter) -> str:
    """Write the sum of the weights row by row."""
    rows = [sum(row) for row in kernel.weights]
    whole = f"{added(rows)} = {sum(rows)}"
    return (
        whole if kernel.divisor == 1 else f"{whole}, \\quad {sum(rows)} / {kernel.divisor} = {tex_number(kernel.total)}"
    )


def sum_means(total: Fraction) -> str:
    """Say what the sum of the weights does to flat areas."""
    if total == 0:
        return "flat areas become 0"
    if total == 1:
        return "flat areas keep their grey value"
    return f"flat areas are multiplied by ${tex_number(total)}$"


def effect_workings(p: Params) -> str:
    kernel = p.named
    flat = planes.entries(kernel.weights)
    kinds = "of both signs" if min(flat) < 0 < max(flat) else "all positive" if min(flat) > 0 else "0 but for one"
    return (
        f"The weights are {kinds}; they add up to ${tex_number(kernel.total)}$, so {sum_means(kernel.total)}. "
        f"{REASONS[kernel.effect]}\n\nHence: {EFFECTS[kernel.effect]}"
    )


REASONS = {
    filters.IDENTITY: "Only the pixel in the centre counts, with the weight 1.",
    filters.BOX: "All are alike: the result is the plain mean of the pixels under the kernel.",
    filters.GAUSSIAN: "They fall from the centre on, the same in all directions: a weighted mean.",
    filters.SHARPEN: "It is the same in all directions, and takes the neighbours away from the centre: "
    "where the centre differs from them, the difference grows.",
    filters.EDGES: "It is the same in all directions, and compares the centre with its neighbours.",
    filters.VERTICAL_EDGE: "The left side is the right side with the signs exchanged, and rows do not change signs: "
    "it takes the difference of right and left.",
    filters.HORIZONTAL_EDGE: "The top is the bottom with the signs exchanged, and columns do not change signs: "
    "it takes the difference of bottom and top.",
    filters.BLOB: "The same in all directions, it is positive in the middle and negative further out: the response is "
    "greatest where a bright spot fills the positive part (a Laplacian of Gaussian).",
    filters.HORIZONTAL_LINE: "Along each row they are alike; the middle row is positive, those beside it negative: "
    "the response is greatest where one row is bright and its neighbours are dark.",
    filters.VERTICAL_LINE: "Along each column they are alike; the middle column is positive, those beside it negative: "
    "the response is greatest where one column is bright and its neighbours are dark.",
    filters.RISING: "They are alike along each line from bottom left to top right, positive on the diagonal and "
    "falling to both sides.",
    filters.FALLING: "They are alike along each line from top left to bottom right, positive on the diagonal and "
    "falling to both sides.",
    filters.FRAME: "Positive all round and negative in the centre: the response is greatest where bright pixels "
    "surround a dark one.",
}


def flat_workings(p: Params) -> str:
    value = respond(p.kernel, p.ground)
    return (
        "All pixels are the same, so the grey value can be taken out of the sum: the response is the grey value times "
        f"the sum of the weights. Row by row:\n\n$${rows_added(p.kernel)}$$\n\n"
        rf"$${p.ground} \cdot {_bracketed(p.kernel.total)} = {tex_number(value)}$$"
        f"\n\nSo with this kernel, {sum_means(p.kernel.total)}."
    )


def _bracketed(value: Fraction) -> str:
    return f"({tex_number(value)})" if value < 0 else tex_number(value)


def bump_workings(p: Params) -> str:
    rises = [(height, p.kernel.weights[r][c]) for r, c, height in p.bumps]
    terms = " + ".join(rf"{signed(height)} \cdot {signed(weight)}" for height, weight in rises)
    rise = sum(height * weight for height, weight in rises)
    flat, value = respond(p.kernel, p.ground), respond(p.kernel, p.ground, p.bumps)
    divided = "" if p.kernel.divisor == 1 else f" / {p.kernel.divisor}"
    step = terms if not divided else f"({terms}){divided}"
    middle = f"{rise}{divided}"
    return (
        f"The patch is the flat one of before plus what stands out of it: {_places(p)}. The response to a sum is the "
        f"sum of the responses, so to the response ${tex_number(flat)}$ on the flat patch comes\n\n"
        f"$${step} = {middle}$$\n\n"
        rf"$${tex_number(flat)} + {_grouped(rise, divided)} = {tex_number(value)}$$"
    )


def _grouped(rise: int, divided: str) -> str:
    return f"({rise}{divided})" if rise < 0 or divided else str(rise)


def _places(p: Params) -> str:
    return ", ".join(
        f"{abs(height)} {'more' if height > 0 else 'less'} in row {r + 1}, column {c + 1}" for r, c, height in p.bumps
    )


def gap_workings(p: Params) -> str:
    around = filters.around(p.ring)
    wanted = p.goal * p.ring_divisor
    because = f"${p.goal}$" if p.ring_divisor == 1 else rf"${p.goal} \cdot {p.ring_divisor} = {wanted}$"
    return (
        f"Flat areas {GOALS[p.goal]} when the weights"
        f"{'' if p.ring_divisor == 1 else ', before the division,'} add up to {because}. The neighbours give\n\n"
        f"$${added(around)} = {sum(around)}$$\n\n"
        f"so the centre is ${wanted} - {signed(sum(around))} = {missing(p.ring, p.ring_divisor, p.goal)}$."
    )


STORIES = {
    "direction": "belongs to the kernel turned to the other direction",
    "sign": "has bright and dark exchanged: all weights with the other sign",
    "blurred": "is a plain blur, which takes weights of one sign",
    "sharpened": "is sharper than the picture, which takes negative weights",
    "sum": "treats flat areas otherwise: its weights have another sum",
    "unchanged": "is the picture without its border",
}


def picture_workings(p: Params) -> str:
    others = "\n".join(
        f"- Result {n} {STORIES[name]}." for n, (name, _) in enumerate(p.results, 1) if name != "right"
    )  # fmt: skip
    kernel = p.kernel
    return (
        f"The weights add up to ${tex_number(kernel.total)}$, so {sum_means(kernel.total)}. {REASONS[kernel.effect]} "
        f"{EFFECTS[kernel.effect]} That is {result_of('right')(p)}.\n\n{others}"
    )


def maker_workings(p: Params) -> str:
    others = "\n".join(f"- ${one.tex}$ {MADE[name]}." for name, one in p.offers if name != "right")
    return (
        f"$${p.made_by.tex}$$\n\nIts weights add up to ${tex_number(p.made_by.total)}$, so "
        f"{sum_means(p.made_by.total)}. {REASONS[p.made_by.effect]} {EFFECTS[p.made_by.effect]} "
        f"The others:\n\n{others}"
    )


MADE = {
    "direction": "does the same in the other direction",
    "sign": "exchanges bright and dark",
    "blurred": "blurs",
    "sharpened": "sharpens",
    "sum": "has another sum, and so other flat areas",
    "unchanged": "leaves the picture as it is",
}


def cost(p: Params) -> int:
    """Additions and multiplications: the sum, the patches, the missing weight, and one entry of a result each."""
    weights = len([w for w in planes.entries(p.kernel.weights) if w])
    made = len([w for w in planes.entries(p.made_by.weights) if w])
    return (weights - 1) + 1 + 2 * len(p.bumps) + 8 + (2 * weights - 1) + (2 * made - 1)


EXERCISE = Exercise(
    name="kernels",
    title="What kernels do to a picture",
    summary="effects of small kernels, responses on flat and bumped patches, results seen as grey pictures",
    draw=draw,
    intro=(
        "A kernel $K$"
        "{% if p.kernel.divisor > 1 %}, with these numbers, each divided by {{ p.kernel.divisor }}{% endif %}:\n\n"
        "{{ grid(p.kernel.weights) }}"
    ),
    conventions=(
        "The response of a kernel on a patch of its size is the sum of the products of each weight with the pixel in "
        "its own place; the kernel is not turned. Stride 1, no padding, no bias.",
        "Grey values run from 0 (black) upwards. A result is shown with its smallest value black and its largest "
        "white, whatever they are; where no picture is seen, digits from 0 (black) to 9 (white) stand for it.",
        "Rows and columns are counted from 1, from the top left.",
    ),
    parts=(
        Part(
            name="flat",
            ask="What is the response of $K$ on a flat patch, in which every pixel is {{ p.ground }}?",
            solve=lambda p: respond(p.kernel, p.ground),
            answer=Number(),
            workings=flat_workings,
            misconceptions=slipped(lambda p: flat_slips(p.kernel, p.ground), FLAT_HINTS),
        ),
        Part(
            name="bump",
            ask="And on this patch?\n{{ grid(p.patch) }}",
            solve=lambda p: respond(p.kernel, p.ground, p.bumps),
            answer=Number(),
            workings=bump_workings,
            misconceptions=slipped(lambda p: bump_slips(p.kernel, p.ground, p.bumps), BUMP_HINTS),
            marks=2,
            carry=Carry(("flat",), carried, "your response on the flat patch is a number"),
        ),
        Part(
            name="effect",
            ask=(
                "Another kernel"
                "{% if p.named.divisor > 1 %}, of these numbers, each divided by {{ p.named.divisor }}{% endif %}:\n"
                "{{ grid(p.named.weights) }}\nWhich effect does it have?"
            ),
            solve=lambda p: EFFECTS[p.named.effect],
            answer=Choice(),
            workings=effect_workings,
            misconceptions=tuple(confused(name) for name in CONFUSIONS),
        ),
        Part(
            name="centre",
            ask=(
                "In this kernel the weight in the centre is missing:\n{{ grid(p.gap) }}\n"
                "{% if p.ring_divisor > 1 %}All weights are then divided by {{ p.ring_divisor }}. {% endif %}"
                "Which number must stand there so that flat areas {{ p.wish }}?"
            ),
            solve=lambda p: missing(p.ring, p.ring_divisor, p.goal),
            answer=Integer(),
            workings=gap_workings,
            misconceptions=slipped(lambda p: gap_slips(p.ring, p.ring_divisor, p.goal), GAP_HINTS),
        ),
        Part(
            name="picture",
            ask=(
                "A picture with {{ p.things }} on a dark ground, and results of several kernels on it. "
                "Which result is that of $K$?\n{{ drawn_greys(p.shown) }}"
            ),
            solve=lambda p: result_of("right")(p) or "",
            answer=Choice(),
            workings=picture_workings,
            misconceptions=tuple(Misconception(name, result_of(name), hint) for name, hint in RIVALS.items()),
            marks=2,
        ),
        Part(
            name="maker",
            ask="Another picture and what a kernel made of it. Which kernel was it?\n{{ drawn_greys(p.shown_again) }}",
            solve=lambda p: f"${p.made_by.tex}$",
            answer=Choice(),
            workings=maker_workings,
            misconceptions=tuple(Misconception(name, offer_of(name), hint) for name, hint in RIVALS.items()),
            marks=2,
        ),
    ),
    cost=cost,
    cost_unit="additions and multiplications",
    costs={Level.INTRO: 46, Level.STANDARD: 48, Level.CHALLENGE: 92},
)
