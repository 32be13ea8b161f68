"""Max, mean and L2 pooling of one small map by hand, and what pooling keeps and loses."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, cached_property
from typing import Any

from exercises import _steps
from exercises.contracts.lp_pooling import LP_POOL2D
from exercises.contracts.pooling import AVG_POOL2D, MAX_POOL2D
from grader.authoring import (
    Carry,
    Choice,
    Draw,
    Exercise,
    FunctionPart,
    Integer,
    Level,
    Matrix,
    Misconception,
    Number,
    Part,
    Shape,
    root,
    tex_number,
    write_number,
)
from solutions import planes
from solutions.planes import Plane

Size = tuple[int, int]
Spot = tuple[int, int]
Line = tuple[Any, ...]  # exact numbers, with roots


@dataclass(frozen=True)
class Geometry:
    """Sizes as (rows, columns)."""

    map: Size
    window: Size
    stride: Size

    def output(self, *, plus: int = 1, stride: Size | None = None, up: bool = False) -> Size:
        """Return the size of the pooled map; the options are what may go wrong with the formula."""
        steps = self.stride if stride is None else stride
        room = [i - k for i, k in zip(self.map, self.window, strict=True)]
        rows, columns = ((-(-r // s) if up else r // s) + plus for r, s in zip(room, steps, strict=True))
        return rows, columns

    @cached_property
    def size(self) -> Size:
        """The size of the pooled map."""
        return self.output()

    @property
    def reached(self) -> Size:
        """How many rows and columns lie in some window."""
        rows, columns = ((o - 1) * s + k for o, s, k in zip(self.size, self.stride, self.window, strict=True))
        return rows, columns

    @property
    def overlaps(self) -> bool:
        return any(s < k for s, k in zip(self.stride, self.window, strict=True))

    @cached_property
    def slips(self) -> dict[str, Size | None]:
        """The sizes that mistakes lead to; None where a mistake cannot show."""
        rows, columns = self.output()
        (h, w), (sh, sw) = self.map, self.stride
        up, divided, swapped = self.output(up=True), (h // sh, w // sw), (columns, rows)
        return {
            "rounded-up": up if up != (rows, columns) else None,
            "no-plus-one": self.output(plus=0),
            "stride-is-window": self.output(stride=self.window) if self.overlaps else None,
            "stride-one": self.output(stride=(1, 1)) if self.stride != (1, 1) else None,
            "divided-by-stride": divided if divided not in (up, (rows, columns)) else None,
            "axes-swapped": swapped if rows != columns else None,
        }

    @cached_property
    def holders(self) -> dict[Spot, tuple[Spot, ...]]:
        """The entries (from 0) whose window holds a number of the map, for each of its places."""
        rows, columns = (
            [[i for i in range(o) if 0 <= at - i * s < k] for at in range(side)]
            for side, o, s, k in zip(self.map, self.size, self.stride, self.window, strict=True)
        )
        spots = itertools.product(range(self.map[0]), range(self.map[1]))
        return {(r, c): tuple(itertools.product(rows[r], columns[c])) for r, c in spots}

    @property
    def tells(self) -> bool:
        """Do all mistakes that can show give different sizes, and is the pooled map neither tiny nor large?"""
        sizes = [self.output(), *(size for size in self.slips.values() if size is not None)]
        return len(set(sizes)) == len(sizes) and all(2 <= side <= 5 for side in sizes[0])

    @property
    def work(self) -> int:
        """How many comparisons, additions and squares the two pooled maps and the row of L2 pooling take."""
        rows, columns = self.output()
        numbers = self.window[0] * self.window[1]
        return 2 * rows * columns * (numbers - 1) + columns * (2 * numbers - 1)


@dataclass(frozen=True)
class Params:
    """A map of whole numbers, a row (from 0) of its L2 pooling, and the number that is changed to `changed`."""

    geometry: Geometry
    plane: Plane
    line: int = 0
    spot: Spot = (0, 0)
    changed: int = 0

    def pooled(self, combine: Callable[[list[Any]], Any] = max, stride: Size | None = None) -> Plane:
        return planes.pool(self.plane, self.geometry.window, stride or self.geometry.stride, combine)

    @cached_property
    def maxima(self) -> Plane:
        return self.pooled()

    @cached_property
    def means(self) -> Plane:
        return self.pooled(planes.mean)

    @cached_property
    def squares(self) -> Line:
        """The sums of squares in the windows of the row of L2 pooling that is asked for."""
        return self.squares_from(self.line * self.geometry.stride[0])

    def squares_from(self, top: int, step: int = 0, number: int = 0) -> Line:
        """Return the sums of squares in windows that begin in a row, a step of columns apart."""
        (_, columns), (_, stride) = self.geometry.size, self.geometry.stride
        lefts = range(0, (number or columns) * (step or stride), step or stride)
        windows = (planes.window(self.plane, top, left, self.geometry.window) for left in lefts)
        return tuple(sum([v * v for row in window for v in row]) for window in windows)

    @cached_property
    def norms(self) -> Line:
        return roots(self.squares)

    @cached_property
    def norm_slips(self) -> dict[str, Line | None]:
        """What mistakes make of that row; None where a mistake cannot show."""
        found = norm_slips(self)
        return {name: None if line == self.norms else line for name, line in found.items()}

    @property
    def number(self) -> int:
        return int(self.plane[self.spot[0]][self.spot[1]])

    def corner(self, combine: Callable[[list[Any]], Any]) -> Plane | None:
        """The first rows and columns of the map of stride 1: the stride left out of the offsets."""
        if self.geometry.stride == (1, 1):
            return None
        return planes.window(self.pooled(combine, (1, 1)), 0, 0, self.geometry.size)

    def side_by_side(self, combine: Callable[[list[Any]], Any]) -> Plane | None:
        """The map of windows that do not overlap."""
        return self.pooled(combine, self.geometry.window) if self.geometry.overlaps else None

    def extended(self, combine: Callable[[list[Any]], Any]) -> Plane | None:
        """The map with the windows that stand over the end, pooled over the numbers that they have."""
        g = self.geometry
        if g.output(up=True) == g.size:
            return None
        rows, columns = g.output(up=True)
        return tuple(
            tuple(
                combine(planes.entries(planes.window(self.plane, r * g.stride[0], c * g.stride[1], g.window)))
                for c in range(columns)
            )
            for r in range(rows)
        )


# Drawing ---------------------------------------------------------------------------------------------------

COSTS = {Level.INTRO: 80, Level.STANDARD: 113, Level.CHALLENGE: 170}
SHAPES: dict[Level, tuple[tuple[Size, Size], ...]] = {  # windows with their strides
    Level.INTRO: (((2, 2), (2, 2)), ((2, 2), (1, 2)), ((2, 2), (2, 1))),
    Level.STANDARD: (
        ((2, 2), (1, 1)),
        ((3, 3), (2, 2)),
        ((2, 3), (2, 2)),
        ((3, 2), (2, 2)),
        ((2, 3), (1, 2)),
        ((3, 2), (2, 1)),
        ((2, 2), (1, 2)),
        ((2, 2), (2, 1)),
    ),
    Level.CHALLENGE: (
        ((3, 3), (2, 2)),
        ((3, 3), (1, 2)),
        ((3, 3), (2, 1)),
        ((3, 3), (2, 3)),
        ((3, 3), (3, 2)),
        ((2, 4), (2, 3)),
        ((4, 2), (3, 2)),
        ((2, 3), (1, 2)),
        ((3, 2), (2, 1)),
    ),
}
RANGES = {Level.INTRO: (0, 9), Level.STANDARD: (-9, 9), Level.CHALLENGE: (-9, 9)}


@cache
def geometries(level: Level) -> tuple[Geometry, ...]:
    """Return all sizes of a level on which the mistakes show, and whose work is near the level's cost."""
    return tuple(
        geometry
        for (window, stride), rows, columns in itertools.product(SHAPES[level], range(3, 10), range(3, 10))
        if min(rows - window[0], columns - window[1]) >= 0
        for geometry in (Geometry((rows, columns), window, stride),)
        if geometry.tells and abs(geometry.work / COSTS[level] - 1) <= 0.2
    )


def draw(rng: Draw, level: Level) -> Params:
    dropping = [g for g in geometries(level) if g.reached != g.map]
    geometry = rng.choice(dropping if rng.below(4) else geometries(level))
    low, high = RANGES[level]
    for _ in range(400):
        plane = rng.matrix(*geometry.map, low, high)
        if level is not Level.INTRO:
            plane = with_negative_window(rng, geometry, plane)
        p = Params(geometry, plane)
        line = telling_line(rng, p)
        spots = rng.shuffled(telling_spots(p)) if line and tells(p) else []
        if spots:
            kept = rng.below(4) == 0  # now and then a number that is no window's largest
            spot = next((s for s in spots if (not affected(p, s)) == kept), spots[0])
            return replace(p, line=line, spot=spot, changed=low)
    raise AssertionError(f"no numbers tell right from wrong for {geometry}")


def with_negative_window(rng: Draw, geometry: Geometry, plane: Plane) -> Plane:
    """Return the plane with all numbers of one window negative, so that a maximum that starts at 0 shows."""
    rows, columns = geometry.size
    top = rng.integer(0, rows - 1) * geometry.stride[0]
    left = rng.integer(0, columns - 1) * geometry.stride[1]
    inside = {(top + u, left + v) for u in range(geometry.window[0]) for v in range(geometry.window[1])}
    return tuple(
        tuple(rng.integer(-9, -1) if (r, c) in inside else value for c, value in enumerate(row))
        for r, row in enumerate(plane)
    )


def tells(p: Params) -> bool:
    """Are the pooled maps varied, and do they show the mistakes in which numbers get lost?"""
    maxima = planes.entries(p.maxima)
    varied = len(set(maxima)) >= max(3, len(maxima) // 2) and len(set(planes.entries(p.means))) >= 3
    return varied and sum(maxima) != 0 and any(mean.denominator > 1 for mean in planes.entries(p.means))


# L2 pooling ------------------------------------------------------------------------------------------------


@cache
def exact_root(number: int | Fraction) -> Any:
    """Return the square root: a fraction where it has no root in it."""
    value = root(number)
    return Fraction(*value.as_integer_ratio()) if value.is_rational else value


def roots(totals: Iterable[Any]) -> Line:
    return tuple(exact_root(total) for total in totals)


def telling_line(rng: Draw, p: Params) -> int:
    """Return a row in which two thirds of the norms have a root in them and none is 0, or 0 where there is none.

    The first row never does: in it, a stride that is left out of the offsets would hardly show.
    """
    for line in rng.shuffled(range(1, p.geometry.size[0])):
        norms = replace(p, line=line).norms
        if 3 * sum(isinstance(norm, Fraction) for norm in norms) <= len(norms) and 0 not in norms:
            return line
    return 0


def norm_slips(p: Params) -> dict[str, Line | None]:
    """Return what mistakes make of the row of L2 pooling, shown or not."""
    g, numbers, top = p.geometry, p.geometry.window[0] * p.geometry.window[1], p.line * p.geometry.stride[0]
    windows = [planes.entries(w) for w in planes.windows(p.plane, g.window, g.stride)[p.line]]
    signed = [sum(v * abs(v) for v in values) for values in windows]
    (rows, columns), beside, up = g.size, g.output(stride=g.window), g.output(up=True)[1]
    return {
        "root-forgotten": p.squares,
        "root-of-mean": roots(Fraction(total, numbers) for total in p.squares),
        "divided": tuple(norm * Fraction(1, numbers) for norm in p.norms),
        "root-of-each": tuple(sum(map(abs, values)) for values in windows),
        "signs-squared": roots(signed) if min(signed) >= 0 else None,
        "max-instead": p.maxima[p.line],
        "mean-instead": p.means[p.line],
        "rows-from-zero": roots(p.squares_from(top + g.stride[0])) if p.line + 1 < rows else None,
        "stride-not-in-offset": roots(p.squares_from(p.line, 1)),
        "stride-is-window": (
            roots(p.squares_from(p.line * g.window[0], g.window[1], beside[1])) if p.line < beside[0] else None
        ),
        "rounded-up": roots(p.squares_from(top, number=up)) if up > columns else None,
    }


# What changes when one number changes ----------------------------------------------------------------------


def holders(p: Params, spot: Spot) -> tuple[Spot, ...]:
    """Return the entries (from 0) whose window holds a number of the map."""
    return p.geometry.holders[spot]


def affected(p: Params, spot: Spot) -> tuple[Spot, ...]:
    """Return the entries of the max map that a number alone makes: they change when it is lowered."""
    value = p.plane[spot[0]][spot[1]]
    return tuple(at for at in holders(p, spot) if p.maxima[at[0]][at[1]] == value and _once(p, at, value))


def _once(p: Params, at: Spot, value: int) -> bool:
    g = p.geometry
    window = planes.window(p.plane, at[0] * g.stride[0], at[1] * g.stride[1], g.window)
    return planes.entries(window).count(value) == 1


MOST_SLIPS = 4  # wrong options of a choice: there are five letters


def lowered_slips(p: Params, spot: Spot) -> dict[str, tuple[Spot, ...] | None]:
    """Return the entries that mistakes would change; None where a mistake cannot show."""
    right, every = affected(p, spot), holders(p, spot)
    g = p.geometry
    cell = (spot[0] // g.window[0], spot[1] // g.window[1])
    rows, columns = g.size
    alone = (cell,) if cell[0] < rows and cell[1] < columns else None
    swapped = tuple(sorted((c, r) for r, c in right))
    inside = all(r < rows and c < columns for r, c in swapped)
    same = (spot,) if spot[0] < rows and spot[1] < columns else None
    slips = {
        "every-window": every if every != right else None,
        "side-by-side": alone if g.overlaps and alone not in (right, every) else None,
        "axes-swapped": swapped if inside and swapped not in ((), right, every, alone) else None,
        "same-place": same if same not in (right, every, alone, swapped) else None,
    }
    room = sum(slip is not None for slip in slips.values()) < MOST_SLIPS
    return {**slips, "nothing": () if right and room else None}


def telling_spots(p: Params) -> list[Spot]:
    """Return the numbers for which the question has at least two wrong answers of its own."""
    low = min(planes.entries(p.plane))
    found = []
    for spot in itertools.product(range(p.geometry.map[0]), range(p.geometry.map[1])):
        if p.plane[spot[0]][spot[1]] > max(low, -9) and holders(p, spot):
            wrong = [v for v in lowered_slips(p, spot).values() if v is not None]
            if len(wrong) >= 2 or not affected(p, spot):
                found.append(spot)
    return found


def in_words(spots: tuple[Spot, ...]) -> str:
    """Return entries, counted from 1, as an option of a choice."""
    if not spots:
        return "none"
    named = [f"row {r + 1}, column {c + 1}" for r, c in spots]
    return f"only the one in {named[0]}" if len(named) == 1 else "those in " + "; ".join(named)


def further_options(p: Params) -> list[str]:
    """Return distractors beyond the misconceptions': neighbouring entries, and none."""
    rows, columns = p.geometry.size
    here = holders(p, p.spot)[0]
    near = [(here[0], here[1] + 1), (here[0] + 1, here[1]), (here[0], here[1] - 1), (here[0] - 1, here[1])]
    inside = [spot for spot in near if 0 <= spot[0] < rows and 0 <= spot[1] < columns]
    return [in_words((here,)), in_words(()), *(in_words((spot,)) for spot in inside)]


# Workings --------------------------------------------------------------------------------------------------


def tex(value: Any) -> str:
    if isinstance(value, tuple):
        return r"\begin{pmatrix} " + r" \\ ".join(" & ".join(tex(v) for v in row) for row in value) + r" \end{pmatrix}"
    text = write_number(value)
    if "/" not in text:
        return text
    top, bottom = text.lstrip("-").split("/")
    return ("-" if text.startswith("-") else "") + rf"\frac{{{top}}}{{{bottom}}}"


def size_workings(p: Params) -> str:
    g = p.geometry
    lines = [
        f"- {name}: ${_steps.size(i, k, s)}$"
        for name, i, k, s in zip(("rows", "columns"), g.map, g.window, g.stride, strict=True)
    ]
    return "Along each axis, $\\lfloor (i - k) / s \\rfloor + 1$:\n\n" + "\n".join(lines)


def each_window(p: Params, letter: str, write: Callable[[list[int], Any], str], result: Plane) -> str:
    """Return a line for every window, then the map."""
    lines = []
    for r, line in enumerate(planes.windows(p.plane, p.geometry.window, p.geometry.stride)):
        for c, window in enumerate(line):
            lines.append(f"- ${letter}_{{{r + 1},{c + 1}}} = {write(planes.entries(window), result[r][c])}$")
    return "\n".join(lines) + f"\n\n$${tex(result)}$$"


def max_workings(p: Params) -> str:
    lines = each_window(p, "m", lambda v, m: rf"\max({', '.join(map(str, v))}) = {m}", p.maxima)
    return f"The largest number of every window, whose numbers are read row by row:\n\n{lines}"


def mean_workings(p: Params) -> str:
    def write(values: list[int], mean: Fraction) -> str:
        terms = " + ".join(f"({v})" if v < 0 else str(v) for v in values)
        total, n = sum(values), len(values)
        reduced = f" = {tex(mean)}" if write_number(mean) != f"{total}/{n}" else ""
        sign, top = ("-", -total) if total < 0 else ("", total)
        return rf"({terms}) / {n} = {sign}\frac{{{top}}}{{{n}}}{reduced}"

    size = p.geometry.window
    return f"The sum of every window, divided by ${size[0]} \\cdot {size[1]} = {size[0] * size[1]}$:\n\n" + each_window(
        p, "a", write, p.means
    )


def norm_workings(p: Params) -> str:
    g, lines = p.geometry, []
    for c, window in enumerate(planes.windows(p.plane, g.window, g.stride)[p.line]):
        total, norm = p.squares[c], p.norms[c]
        powers = " + ".join(f"({v})^2" if v < 0 else f"{v}^2" for v in planes.entries(window))
        reduced = "" if tex_number(norm) == rf"\sqrt{{{total}}}" else f" = {tex_number(norm)}"
        lines.append(rf"- $l_{{{p.line + 1},{c + 1}}} = \sqrt{{{powers}}} = \sqrt{{{total}}}{reduced}$")
    return (
        "The squares of all numbers of a window are added, and the root of the sum is taken. Row "
        f"{p.line + 1} of the windows begins in row {p.line * g.stride[0] + 1} of the map:\n\n" + "\n".join(lines)
    )


def unused(p: Params) -> int:
    (h, w), (rows, columns) = p.geometry.map, p.geometry.reached
    return h * w - rows * columns


def unused_workings(p: Params) -> str:
    g, (h, w), (rows, columns) = p.geometry, p.geometry.map, p.geometry.reached
    (oh, ow), (sh, sw), (kh, kw) = g.size, g.stride, g.window
    return (
        f"The last window ends in row ${oh - 1} \\cdot {sh} + {kh} = {rows}$ of {h} and in column "
        f"${ow - 1} \\cdot {sw} + {kw} = {columns}$ of {w}. No row or column is skipped between windows, so "
        f"${h} \\cdot {w} - {rows} \\cdot {columns} = {unused(p)}$ numbers are in no window."
    )


def lowered_workings(p: Params) -> str:
    lines = []
    for r, c in holders(p, p.spot):
        window = planes.window(p.plane, r * p.geometry.stride[0], c * p.geometry.stride[1], p.geometry.window)
        before = planes.entries(window)
        after = list(before)
        at = (p.spot[0] - r * p.geometry.stride[0]) * p.geometry.window[1] + p.spot[1] - c * p.geometry.stride[1]
        after[at] = p.changed
        change = "it changes" if max(before) != max(after) else "it stays"
        lines.append(
            rf"- row {r + 1}, column {c + 1}: $\max({', '.join(map(str, before))}) = {max(before)}$ before, "
            rf"$\max({', '.join(map(str, after))}) = {max(after)}$ after: {change}"
        )
    return "The entries whose window holds the number:\n\n" + "\n".join(lines)


def overall_workings(p: Params) -> str:
    values = planes.entries(p.maxima)
    terms = " + ".join(f"({v})" if v < 0 else str(v) for v in values)
    return rf"The mean of the {len(values)} entries: $({terms}) / {len(values)} = {tex(planes.mean(values))}$."


# What is asked ---------------------------------------------------------------------------------------------


def size_slip(name: str) -> Callable[[Params], Size | None]:
    return lambda p: p.geometry.slips[name]


def lowered_slip(name: str) -> Callable[[Params], str | None]:
    def solve(p: Params) -> str | None:
        spots = lowered_slips(p, p.spot)[name]
        return None if spots is None else in_words(spots)

    return solve


def norm_slip(name: str) -> Callable[[Params], Line | None]:
    return lambda p: p.norm_slips[name]


def starts_at_zero(p: Params) -> Plane | None:
    wrong = planes.each(p.maxima, planes.relu)
    return wrong if wrong != p.maxima else None


def largest_magnitude(values: list[int]) -> int:
    return max(values, key=abs)


def magnitude_map(p: Params) -> Plane | None:
    wrong = p.pooled(largest_magnitude)
    return wrong if wrong != p.maxima else None


def divided_by(p: Params, number: int) -> Plane | None:
    """Return the sums divided by a wrong number; None where that is the right one."""
    size = p.geometry.window[0] * p.geometry.window[1]
    return None if number == size else planes.each(p.means, lambda mean: mean * Fraction(size, number))


def edges_added(p: Params) -> int | None:
    """Count dropped rows and columns in full, so that their common corner counts twice."""
    (h, w), (rows, columns) = p.geometry.map, p.geometry.reached
    return (h - rows) * w + (w - columns) * h if rows < h and columns < w else None


def lines_added(p: Params) -> int | None:
    (h, w), (rows, columns) = p.geometry.map, p.geometry.reached
    return h - rows + w - columns if unused(p) else None


def side_by_side_unused(p: Params) -> int | None:
    if not p.geometry.overlaps:
        return None
    (h, w), (kh, kw) = p.geometry.map, p.geometry.window
    wrong = h * w - (h // kh * kh) * (w // kw * kw)
    return wrong if wrong not in (unused(p), edges_added(p), lines_added(p), 0) else None


def without_overlap(p: Params) -> int | None:
    """Subtract the windows' numbers as if none were counted twice."""
    (h, w), (rows, columns), (kh, kw) = p.geometry.map, p.geometry.size, p.geometry.window
    wrong = h * w - rows * columns * kh * kw
    others = (unused(p), edges_added(p), lines_added(p), side_by_side_unused(p))
    return wrong if p.geometry.overlaps and wrong > 0 and wrong not in others else None


def one_window_less(p: Params) -> int | None:
    """Count what windows leave out that stop one position early along each axis."""
    (h, w), (rows, columns), (sh, sw) = p.geometry.map, p.geometry.reached, p.geometry.stride
    wrong = h * w - (rows - sh) * (columns - sw)
    others = (unused(p), edges_added(p), lines_added(p), side_by_side_unused(p), without_overlap(p))
    return wrong if wrong not in others else None


def own_entries(earlier: Mapping[str, Any]) -> list[Any]:
    return [value for row in earlier["max"] for value in row]


INTRO = """\
A feature map of {{ p.geometry.map[0] }} by {{ p.geometry.map[1] }}:
{{ drawn_grid(p.plane, window=(0, 0) + p.geometry.window, note="The map; the frame is the first window") }}
It is pooled with a window of {{ p.geometry.window[0] }} by {{ p.geometry.window[1] }}
{%- if p.geometry.stride[0] == p.geometry.stride[1] %} and the stride {{ p.geometry.stride[0] }}.
{%- else %} and the stride {{ p.geometry.stride[0] }} downwards and {{ p.geometry.stride[1] }} to the right.
{%- endif %}
"""

SIZE_HINTS = {
    "rounded-up": "A window that would stand over the end is left out: round down, not up.",
    "no-plus-one": "You counted the steps between the windows: there is one position more than there are steps.",
    "stride-is-window": "Your windows lie side by side: here they move by the stride, which is smaller, and overlap.",
    "stride-one": "You let the window move by one number: it moves by the stride.",
    "divided-by-stride": "You divided the map by the stride: the room for the window is i − k, then add 1.",
    "axes-swapped": "Rows come first, then columns: you exchanged them.",
}
NORM_HINTS = {
    "root-forgotten": "These are the sums of the squares: take their roots.",
    "root-of-mean": "You took the root of the mean of the squares: L2 pooling adds them and divides by nothing.",
    "divided": "You divided the roots by how many numbers the window has: L2 pooling divides by nothing.",
    "root-of-each": "You took the root of each square by itself: add the squares first.",
    "signs-squared": "The square of a negative number is positive: (−3)² = 9.",
    "max-instead": "These are the largest numbers of the windows.",
    "mean-instead": "These are the means of the windows.",
    "rows-from-zero": "You took the next row: the first one has the number 1.",
    "stride-not-in-offset": "Your windows move by one number: the second one starts a whole stride further.",
    "stride-is-window": "Your windows lie side by side: here they move by the stride, which is smaller, and overlap.",
    "rounded-up": "You kept a window that stands over the end of the map: it is left out.",
}
LOWERED_HINTS = {
    "every-window": "These are all windows that hold the number; a maximum changes only where it alone is the largest.",
    "side-by-side": "Windows overlap here: the number lies in others than the one that you get by dividing the map up.",
    "axes-swapped": "You exchanged rows and columns of the pooled map.",
    "same-place": "You took the place that the number has in the feature map: the pooled map has others, and fewer.",
    "nothing": "The number is the largest of a window, with no equal beside it: without it that maximum is smaller.",
}
FRACTIONS = (
    "{% if p.geometry.window[0] * p.geometry.window[1] not in (4, 8) %} Write a fraction where a decimal does not end, "
    'as `"11/9"`.{% endif %}'
)

EXERCISE = Exercise(
    name="pooling",
    title="Pooling by hand",
    summary="max, mean and L2 pooling with overlapping windows and maps that the window does not divide",
    draw=draw,
    intro=INTRO,
    conventions=(
        "There is no padding. A window that would stand over the end of the map is left out.",
        "Sizes are given as rows by columns; rows and columns are counted from 1, from the top left.",
    ),
    parts=(
        Part(
            name="size",
            ask="How large is the pooled map?",
            solve=lambda p: p.geometry.size,
            answer=Shape(("rows", "columns")),
            workings=size_workings,
            misconceptions=tuple(Misconception(name, size_slip(name), hint) for name, hint in SIZE_HINTS.items()),
        ),
        Part(
            name="max",
            ask="Work out the map of max pooling.",
            solve=lambda p: p.maxima,
            answer=Matrix(),
            workings=max_workings,
            misconceptions=(
                Misconception(
                    "mean-instead", lambda p: p.means, "These are the means; max pooling keeps the largest number."
                ),
                Misconception(
                    "smallest",
                    lambda p: p.pooled(min),
                    "These are the smallest numbers; max pooling keeps the largest.",
                ),
                Misconception(
                    "top-left",
                    lambda p: p.pooled(lambda values: values[0]),
                    "You kept the first number of each window; max pooling keeps the largest.",
                ),
                Misconception(
                    "stride-not-in-offset",
                    lambda p: p.corner(max),
                    "Your windows move by one number: the second one starts a whole stride further.",
                ),
                Misconception(
                    "stride-is-window",
                    lambda p: p.side_by_side(max),
                    "Your windows lie side by side: here they move by the stride, which is smaller, and overlap.",
                ),
                Misconception(
                    "rounded-up",
                    lambda p: p.extended(max),
                    "You kept windows that stand over the end of the map: they are left out.",
                ),
                Misconception(
                    "starts-at-zero",
                    starts_at_zero,
                    "In a window of negative numbers the largest is negative too, not 0.",
                ),
                Misconception(
                    "largest-magnitude", magnitude_map, "You compared without the sign: −7 is smaller than 2."
                ),
            ),
            marks=2,
        ),
        Part(
            name="mean",
            ask=f"Work out the map of mean pooling, exactly.{FRACTIONS}",
            solve=lambda p: p.means,
            answer=Matrix(),
            workings=mean_workings,
            misconceptions=(
                Misconception(
                    "sum-instead",
                    lambda p: divided_by(p, 1),
                    "These are the sums: divide each by how many numbers the window has.",
                ),
                Misconception("max-instead", lambda p: p.maxima, "These are the largest numbers, not the means."),
                Misconception(
                    "divided-by-side",
                    lambda p: divided_by(p, p.geometry.window[0]),
                    "You divided by the window's height: it has height times width numbers.",
                ),
                Misconception(
                    "divided-by-stride",
                    lambda p: (
                        divided_by(p, p.geometry.stride[0] * p.geometry.stride[1])
                        if p.geometry.stride[0] * p.geometry.stride[1] not in (1, p.geometry.window[0])
                        else None
                    ),
                    "You divided by the product of the strides: divide by how many numbers the window has.",
                ),
                Misconception(
                    "rounded",
                    lambda p: planes.each(p.means, lambda mean: mean.numerator // mean.denominator),
                    "You rounded down to whole numbers: the means are asked for exactly.",
                ),
                Misconception(
                    "stride-not-in-offset",
                    lambda p: p.corner(planes.mean),
                    "Your windows move by one number: the second one starts a whole stride further.",
                ),
                Misconception(
                    "stride-is-window",
                    lambda p: p.side_by_side(planes.mean),
                    "Your windows lie side by side: here they move by the stride, which is smaller, and overlap.",
                ),
                Misconception(
                    "rounded-up",
                    lambda p: p.extended(planes.mean),
                    "You kept windows that stand over the end of the map: they are left out.",
                ),
            ),
            marks=2,
        ),
        Part(
            name="l2",
            ask=(
                "L2 pooling takes the norm $\\sqrt{\\sum x^2}$ of every window. Work out **row {{ p.line + 1 }}** of "
                "its map, exactly and not rounded. A root may stay as it is: "
                '`"sqrt(18)"` and `"3*sqrt(2)"` are both right.'
            ),
            solve=lambda p: p.norms,
            answer=Matrix(depth=1, roots=True),
            workings=norm_workings,
            misconceptions=tuple(Misconception(name, norm_slip(name), hint) for name, hint in NORM_HINTS.items()),
            marks=2,
        ),
        Part(
            name="unused",
            ask="How many of the map's numbers lie in no window, so that pooling ignores them?",
            solve=unused,
            answer=Integer(),
            workings=unused_workings,
            misconceptions=(
                Misconception(
                    "nothing",
                    lambda p: 0 if unused(p) else None,
                    "The windows do not reach the end of the map: see where the last one stops.",
                ),
                Misconception(
                    "lines-counted",
                    lines_added,
                    "You counted rows and columns: asked for are the numbers in them.",
                ),
                Misconception(
                    "corner-twice",
                    edges_added,
                    "The corner lies in a dropped row and in a dropped column: you counted it twice.",
                ),
                Misconception(
                    "stride-is-window",
                    side_by_side_unused,
                    "Your windows lie side by side: with the smaller stride they reach further.",
                ),
                Misconception(
                    "no-plus-one",
                    one_window_less,
                    "You stopped one window early: there is one position more than there are steps.",
                ),
                Misconception(
                    "overlap-twice",
                    without_overlap,
                    "Windows overlap: a number that lies in several of them is still one number.",
                ),
            ),
        ),
        Part(
            name="lowered",
            ask=(
                "The ${{ p.number }}$ in row {{ p.spot[0] + 1 }}, column {{ p.spot[1] + 1 }} of the feature map is "
                "replaced by ${{ p.changed }}$. Which entries of the max-pooled map change?"
            ),
            solve=lambda p: in_words(affected(p, p.spot)),
            answer=Choice(),
            workings=lowered_workings,
            misconceptions=tuple(Misconception(name, lowered_slip(name), hint) for name, hint in LOWERED_HINTS.items()),
            options=further_options,
        ),
        Part(
            name="overall",
            ask=(
                "Global mean pooling of the max-pooled map gives one number, the mean of all its entries. "
                "Which, exactly?"
            ),
            solve=lambda p: planes.mean(planes.entries(p.maxima)),
            answer=Number(),
            workings=overall_workings,
            misconceptions=(
                Misconception(
                    "global-max",
                    lambda p: max(planes.entries(p.maxima)),
                    "This is the largest entry; global mean pooling averages them.",
                ),
                Misconception(
                    "sum", lambda p: sum(planes.entries(p.maxima)), "This is the sum: divide by the number of entries."
                ),
                Misconception(
                    "mean-of-means",
                    lambda p: planes.mean(planes.entries(p.means)),
                    "You averaged the mean-pooled map; the max-pooled one is asked about.",
                ),
                Misconception(
                    "mean-of-map",
                    lambda p: planes.mean(planes.entries(p.plane)),
                    "You averaged the feature map itself; pool it with the maximum first.",
                ),
            ),
            carry=Carry(
                ("max",),
                lambda p, earlier: planes.mean(own_entries(earlier)),
                "your max-pooled map has at least two different numbers",
                lambda p, earlier: len(set(own_entries(earlier))) > 1,
            ),
        ),
    ),
    functions=(FunctionPart(MAX_POOL2D, marks=2), FunctionPart(AVG_POOL2D, marks=2), FunctionPart(LP_POOL2D, marks=2)),
    cost=lambda p: p.geometry.work,
    costs=COSTS,
    cost_unit="comparisons, additions and squares",
    version=3,
)
