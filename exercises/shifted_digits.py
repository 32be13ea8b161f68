"""What a shift of a few pixels does to a dense unit and to a convolution, and how far three models fall by it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from exercises.contracts.shift_images import SHIFT_IMAGES
from grader.authoring import (
    Carry,
    Choice,
    Draw,
    Exercise,
    FunctionPart,
    Integer,
    Level,
    Misconception,
    Number,
    Part,
    count,
    write_number,
)
from solutions.pictures import painted
from solutions.planes import Plane

MEASURED = Path(__file__).parent / "measured" / "shifted_digits.json"
Row = tuple[int, ...]
GLYPHS = {
    "2": "01110 10001 00001 00110 01000 10000 11111",
    "3": "11110 00001 00001 01110 00001 00001 11110",
    "4": "00010 00110 01010 10010 11111 00010 00010",
    "5": "11111 10000 11110 00001 00001 10001 01110",
    "7": "11111 00001 00010 00100 01000 01000 01000",
    "9": "01110 10001 10001 01111 00001 00010 01100",
}
FRAME, TOP, LEFT = 12, 2, 3  # side of the picture of a digit, and where its 7 by 5 pixels begin


def dot(pixels: Row, weights: Row) -> int:
    return sum(x * w for x, w in zip(pixels, weights, strict=True))


@dataclass(frozen=True)
class Params:
    """What is drawn.

    side: of the images, in pixels. share: by how many percent of it they move at most. box: (height, width) of a digit.
    by: (rows, columns) that it moves. glyph: the digit of the picture, and how many (rows, columns) it moves there.
    stroke: what a row of pixels holds beside zeros, from `start` on; it moves by `move` (negative: to the left).
    weights: of a dense unit, one a pixel of the row. kernel: of a convolution. tested: how many digits; right: of these
    known before and after a shift. falling: is the order asked for from the largest fall on?
    """

    side: int
    share: int
    box: tuple[int, int]
    by: tuple[int, int]
    glyph: tuple[str, int, int]
    stroke: Row
    start: int
    move: int
    weights: Row
    kernel: Row
    tested: int
    right: tuple[int, int]
    falling: bool

    def row(self, move: int = 0) -> Row:
        """The row of pixels, moved."""
        first = self.start + move
        return (0,) * first + self.stroke + (0,) * (len(self.weights) - first - len(self.stroke))

    def dense(self, move: int) -> int:
        """The dense unit's response to the row, moved."""
        return dot(self.row(move), self.weights)

    def responses(self, move: int, kernel: Row | None = None) -> Row:
        """The convolution's responses at all positions of its kernel in the row, moved."""
        kernel = kernel or self.kernel
        row = self.row(move)
        return tuple(dot(row[i : i + len(kernel)], kernel) for i in range(len(row) - len(kernel) + 1))

    @property
    def most(self) -> int:
        """By how many whole pixels an image moves at most."""
        return self.side * self.share // 100

    @property
    def way(self) -> str:
        return f"{count(abs(self.move), 'pixel')} to the {'right' if self.move > 0 else 'left'}"

    @property
    def told(self) -> str:
        return measured_text()

    @property
    def table(self) -> str:
        return measured_table()

    @property
    def distances(self) -> str:
        return distance_table()

    @property
    def bars(self) -> str:
        return falls_picture()

    @property
    def bars_alt(self) -> str:
        return falls_alt()

    @property
    def greys(self) -> dict[str, Plane]:
        """A digit as it is and moved, in greys of 0 … 9."""
        name, dy, dx = self.glyph
        return {"as learned": drawn(name, 0, 0), f"{dy} down, {dx} to the right": drawn(name, dy, dx)}


def drawn(name: str, dy: int, dx: int) -> Plane:
    """Return the picture of a digit that has moved."""
    lines = GLYPHS[name].split()

    def value(r: int, c: int) -> int:
        row, column = r - TOP - dy, c - LEFT - dx
        return 9 if 0 <= row < len(lines) and 0 <= column < 5 and lines[row][column] == "1" else 0

    return painted(FRAME, value)


# Drawing ---------------------------------------------------------------------------------------------------

STROKE = {Level.INTRO: 3, Level.STANDARD: 4, Level.CHALLENGE: 5}
COSTS = {Level.INTRO: 17, Level.STANDARD: 21, Level.CHALLENGE: 25}
SIDES = {Level.INTRO: (24, 60), Level.STANDARD: (28, 120), Level.CHALLENGE: (100, 400)}
TAPS = 3


def draw(rng: Draw, level: Level) -> Params:
    """Draw numbers on which every mistake shows; the stroke stays in the row, with room for the kernel at both ends."""
    while True:
        p = draw_once(rng, level)
        told_apart = all(all_differ(part, p) for part in PARTS if not isinstance(part.answer, Choice))
        if told_apart and max(p.responses(0)) > 0:
            return p


def all_differ(part: Part[Params], p: Params) -> bool:
    """Do the right answer and all mistakes' differ, by more than rounding hides?"""
    answers = sorted([part.solve(p), *part.distractors(p).values()])
    return all(b - a > Fraction(1, 4) for a, b in pairwise(answers))


def draw_once(rng: Draw, level: Level) -> Params:
    side, share = rng.integer(*SIDES[level]), rng.integer(5, 16)
    length, move = STROKE[level], rng.integer(2, 3) if level is not Level.CHALLENGE else 2
    room = 2 * move + length + 2 * (TAPS - 1)
    tested = rng.integer(30, 90) * 10
    before = tested - rng.integer(tested // 50, tested // 15)
    return Params(
        side=side,
        share=share,
        box=(rng.integer(side // 2, 4 * side // 5), rng.integer(side // 3, side // 2)),
        by=(rng.integer(2, 2 + side // 12), rng.integer(2, 2 + side // 12)),
        glyph=(rng.choice(tuple(GLYPHS)), rng.integer(1, 3), rng.integer(1, 3)),
        stroke=tuple(rng.integer(1, 6) for _ in range(length)),
        start=move + TAPS - 1,
        move=rng.choice((move, -move)),
        weights=tuple(rng.choice((-3, -2, -1, 1, 2, 3)) for _ in range(room)),
        kernel=tuple(rng.sample((-3, -2, -1, 1, 2, 3), TAPS)),
        tested=tested,
        right=(before, before - rng.integer(tested // 10, tested // 3)),
        falling=rng.boolean(),
    )


def cost(p: Params) -> int:
    """Multiplications by hand: a product a pixel of the stroke and weight that meets it, and one a size or share."""
    return len(p.stroke) + TAPS * len(p.stroke) + 5


# Solvers ---------------------------------------------------------------------------------------------------


def kept(p: Params) -> int:
    return (p.box[0] - p.by[0]) * (p.box[1] - p.by[1])


def area(p: Params) -> int:
    return p.box[0] * p.box[1]


def at_old_place(p: Params) -> int:
    """The convolution's response after the move where the largest one was before it."""
    before = p.responses(0)
    return p.responses(p.move)[before.index(max(before))]


def nearer(p: Params, pixels: int) -> int:
    """A move that is shorter by so many pixels, in the same direction."""
    return p.move - pixels if p.move > 0 else p.move + pixels


def points(p: Params) -> Fraction:
    return Fraction(100 * (p.right[0] - p.right[1]), p.tested)


LOGISTIC, MLP, CNN = "logistic regression", "MLP", "CNN"
SPOKEN = {LOGISTIC: LOGISTIC, MLP: "the MLP", CNN: "the CNN"}


def ordered(p: Params, *names: str) -> str:
    """Write an order, given from the largest fall on, in the direction that is asked for."""
    return ", then ".join(SPOKEN[name] for name in (names if p.falling else names[::-1]))


def with_the_others(p: Params, *, least: bool) -> str:
    """Write an order in which the CNN stands apart and the other two are nearly alike."""
    less, more = ("smaller", "larger") if least else ("larger", "smaller")
    if least == p.falling:
        return f"{LOGISTIC} and the {MLP}, nearly alike; then, with a far {less} fall, the {CNN}"
    return f"the {CNN}; then, with far {more} falls that are nearly alike, {LOGISTIC} and the {MLP}"


# Workings --------------------------------------------------------------------------------------------------


def pixels_workings(p: Params) -> str:
    exact = write_number(Fraction(p.side * p.share, 100))
    return (
        rf"${p.share}\,\%$ of {p.side} pixels are $0.{p.share:02} \cdot {p.side} = {exact}$, and whole pixels that "
        f"do not exceed it are ${p.most}$: round down."
    )


def positions_workings(p: Params) -> str:
    d = p.most
    return (
        f"Along each axis the image may move by $-{d}, \\dots, {d}$ pixels, 0 among them: "
        rf"$2 \cdot {d} + 1 = {2 * d + 1}$ ways. Rows and columns are free of each other: "
        f"${2 * d + 1}^2 = {(2 * d + 1) ** 2}$."
    )


def kept_workings(p: Params) -> str:
    (h, w), (dy, dx) = p.box, p.by
    return (
        f"The box and its moved copy share ${h} - {dy} = {h - dy}$ rows and ${w} - {dx} = {w - dx}$ columns: "
        rf"${h - dy} \cdot {w - dx} = {kept(p)}$ of ${area(p)}$ weights. The other {area(p) - kept(p)} now "
        "meet black, and as many pixels of the digit stand where no weight has learned anything."
    )


def sum_of_products(pixels: Sequence[int], weights: Sequence[int]) -> str:
    """Write the products of pixels that are not 0."""
    pairs = [(x, w) for x, w in zip(pixels, weights, strict=True) if x]
    return " + ".join(rf"{x} \cdot {f'({w})' if w < 0 else w}" for x, w in pairs)


def dense_workings(p: Params) -> str:
    before, after = (sum_of_products(p.row(move), p.weights) for move in (0, p.move))
    return (
        f"The pixels meet other weights than before. Before: $${before} = {p.dense(0)}$$\n\n"
        f"After the move by {p.way}: $${after} = {p.dense(p.move)}$$"
    )


def conv_workings(p: Params) -> str:
    before, after = p.responses(0), p.responses(p.move)
    at = after.index(max(after))
    shown = sum_of_products(p.row(p.move)[at : at + TAPS], p.kernel)
    return (
        "The same weights stand at every position, so the responses move with the row:\n\n"
        f"- before: {', '.join(map(write_number, before))}\n"
        f"- after: {', '.join(map(write_number, after))}\n\n"
        f"The largest is ${shown} = {max(after)}$, as before the move: max pooling over the whole row does not see "
        "where it was."
    )


def fall_workings(p: Params) -> str:
    (before, after), n = p.right, p.tested
    first, second = (100 * Fraction(right, n) for right in p.right)
    return (
        rf"${before} / {n} = {float(first):.2f}\,\%$ and ${after} / {n} = {float(second):.2f}\,\%$. The difference of "
        rf"two percentages is in percentage points: $100 \cdot ({before} - {after}) / {n} = {float(points(p)):.2f}$."
    )


def order_workings(p: Params) -> str:  # noqa: ARG001 - the measurement is the same for all
    found = measured()
    falls = {model["name"]: model["fall"]["mean"] for model in found["models"]}
    return (
        f"Measured on {found['data']['tested on']} digits at {found['positions']} positions each, accuracy falls by "
        f"{falls[LOGISTIC]} points for {LOGISTIC}, by {falls[MLP]} for the {MLP}, and by {falls[CNN]} for the {CNN}; "
        f"the table is at the end. Both dense models have a weight a pixel. That the {MLP} has "
        f"{models_by_name()[MLP]:,} parameters helps it little; the {CNN} has "
        f"{models_by_name()[CNN]:,}, and its filters see a stroke wherever it stands. "
        "Only its dense layers at the end still depend on the place, which is why it falls too."
    )


# What was measured -----------------------------------------------------------------------------------------


@cache
def measured() -> dict[str, Any]:
    """Return what `python -m benchmarks.shifted` has written."""
    found: dict[str, Any] = json.loads(MEASURED.read_text(encoding="utf-8"))
    return found


def models_by_name() -> Mapping[str, int]:
    return {model["name"]: model["parameters"] for model in measured()["models"]}


def between(estimate: Mapping[str, float]) -> str:
    return f"{estimate['mean']:.1f} ({estimate['low']:.1f} to {estimate['high']:.1f})"


def measured_table() -> str:
    """Return the three models' accuracies and falls as a Markdown table."""
    head = "| model | parameters | as they are, % | shifted, % | fall, points |\n| --- | --- | --- | --- | --- |\n"
    return head + "".join(
        f"| {m['name']} | {m['parameters']:,} | {m['as they are']['mean']:.1f} | {m['shifted']['mean']:.1f} "
        f"| {between(m['fall'])} |\n"
        for m in measured()["models"]
    )


def distance_table() -> str:
    """Return the accuracies by the largest move as a Markdown table."""
    models = measured()["models"]
    far = range(len(models[0]["by distance"]))
    head = f"| model | {' | '.join(f'{d} px' for d in far)} |\n| --- |{' --- |' * len(far)}\n"
    return head + "".join(f"| {m['name']} | {' | '.join(f'{v:.1f}' for v in m['by distance'])} |\n" for m in models)


def measured_text() -> str:
    found = measured()
    data, versions = found["data"], found["versions"]
    return (
        f"Three models were trained on {data['trained on']:,} of scikit-learn's digits, resized to {found['side']} × "
        f"{found['side']}, as they are; the {MLP} and the {CNN} {found['seeds']} times each, from other seeds. Each "
        f"was tested on {data['tested on']} other digits as they are, and at all {found['positions']} positions up to "
        f"{found['pixels']} pixels away, which is {found['share']} % of {found['side']}, rounded down. In brackets: "
        f"95 % interval, over digits. (scikit-learn {versions['scikit-learn']}, PyTorch "
        f"{versions['torch'].split('+')[0]}; data {data['digest']}; `{found['command']}`)"
    )


BAR, LINE, TENTH = 12, 42, 15  # height of a bar, of a bar with its label, and width of a point of percent


def falls_picture() -> str:
    """Return the falls as bars with their intervals, as an SVG."""
    rows = []
    for at, model in enumerate(measured()["models"]):
        fall, y = model["fall"], at * LINE
        middle = y + 22 + BAR / 2
        low, high, mean = (fall[name] * TENTH for name in ("low", "high", "mean"))
        rows.append(
            f'<text x="0" y="{y + 14}" fill="currentColor">{model["name"]}: {fall["mean"]:.1f} points</text>'
            f'<rect x="0" y="{y + 22}" width="{mean:.5g}" height="{BAR}" fill="currentColor" fill-opacity="0.3"/>'
            f'<path d="M{low:.5g} {middle:g}H{high:.5g}M{low:.5g} {middle - 5:g}v10M{high:.5g} {middle - 5:g}v10"'
            ' stroke="currentColor" stroke-width="1.5" fill="none"/>'
        )
    height = len(rows) * LINE
    return (
        f'<svg class="cg" role="img" xmlns="http://www.w3.org/2000/svg" viewBox="-3 0 340 {height}" width="340"'
        f' height="{height}" font-family="system-ui, sans-serif" font-size="13">'
        f"<title>How far accuracy falls</title>{''.join(rows)}</svg>"
    )


def falls_alt() -> str:
    told = "; ".join(f"{m['name']}, {between(m['fall'])}" for m in measured()["models"])
    return f"Bars: by how many points accuracy falls, with its 95 % interval. {told}."


# Parts -----------------------------------------------------------------------------------------------------

INTRO = """\
A network has learned digits that stand in the middle of images of **{{ p.side }} × {{ p.side }}** pixels. It then \
meets the same digits **moved by up to {{ p.share }} %** of that side, up or down and to the left or right, by whole \
pixels; zeros (black) move in. A coarse one, before and after a move:
{{ drawn_greys(p.greys) }}

Along one row of another image stand these pixels, and below them the weights of a dense unit, without a bias, one for \
each pixel:
{{ drawn_grid((p.row(),), "Pixels of the row") }}
{{ drawn_grid((p.weights,), "Weights of the dense unit") }}

A convolution has one kernel, without a bias, which it lays on the row at every position where it fits:
{{ drawn_grid((p.kernel,), "Kernel") }}
"""

WORKED = """\
{{ p.told }}

{{ p.table }}

{{ picture(p.bars, p.bars_alt) }}

Accuracy, in percent, over all positions up to so many pixels away:

{{ p.distances }}
"""

PARTS: tuple[Part[Params], ...] = (
    Part(
        name="pixels",
        ask="By how many whole pixels does a digit move at most along one axis?",
        solve=lambda p: p.most,
        answer=Integer(unit="pixels"),
        workings=pixels_workings,
        misconceptions=(
            Misconception("rounded-up", lambda p: p.most + 1, "That is more than the share allows: round down."),
            Misconception(
                "percent-as-pixels", lambda p: p.share, "Percent are not pixels: take that share of the side."
            ),
            Misconception(
                "both-ways",
                lambda p: 2 * p.side * p.share // 100,
                "That is from one end to the other: the move starts in the middle.",
            ),
            Misconception(
                "of-all-pixels",
                lambda p: p.side**2 * p.share // 100,
                "That is a share of all the image's pixels: a move is measured along one side.",
            ),
        ),
    ),
    Part(
        name="positions",
        ask="At how many different positions can a digit then stand, its own among them?",
        solve=lambda p: (2 * p.most + 1) ** 2,
        answer=Integer(),
        workings=positions_workings,
        carry=Carry(
            ("pixels",),
            lambda p, earlier: (2 * earlier["pixels"] + 1) ** 2,
            "your number of pixels is positive",
            lambda p, earlier: earlier["pixels"] >= 1,
        ),
        misconceptions=(
            Misconception("zero-forgotten", lambda p: (2 * p.most) ** 2, "Not to move is a way as well: it is 2d + 1."),
            Misconception("one-direction", lambda p: (p.most + 1) ** 2, "It may move both ways along each axis."),
            Misconception("one-axis", lambda p: 2 * p.most + 1, "These are the ways along one axis: there are two."),
            Misconception(
                "axes-added",
                lambda p: 2 * (2 * p.most + 1),
                "Every move of rows goes with every move of columns: multiply.",
            ),
        ),
    ),
    Part(
        name="kept",
        ask=(
            "In training, a digit fills a box of {{ p.box[0] }} × {{ p.box[1] }} pixels (height × width), and a dense "
            "unit has a weight for each of them. The digit moves by {{ p.by[0] }} down and {{ p.by[1] }} to the right. "
            "How many of these weights still meet a pixel of the digit's box?"
        ),
        solve=kept,
        answer=Integer(),
        workings=kept_workings,
        misconceptions=(
            Misconception("all", area, "The weights stay where they are: only where the boxes overlap do they meet."),
            Misconception(
                "corner-only",
                lambda p: area(p) - p.by[0] * p.by[1],
                "More than a corner is lost: whole rows and whole columns are.",
            ),
            Misconception(
                "corner-twice",
                lambda p: area(p) - p.box[0] * p.by[1] - p.box[1] * p.by[0],
                "The corner is taken away with the rows and again with the columns: it is lost once.",
            ),
            Misconception("lost", lambda p: area(p) - kept(p), "These are the weights that meet it no longer."),
            Misconception(
                "rows-only",
                lambda p: (p.box[0] - p.by[0]) * p.box[1],
                "Only the rows' move is taken into account: columns are lost as well.",
            ),
        ),
    ),
    Part(
        name="dense",
        ask=(
            "The pixels of the row move by {{ p.way }}; zeros move in. The dense unit's response was "
            "{{ p.dense(0) | num }}. What is it now?"
        ),
        solve=lambda p: p.dense(p.move),
        answer=Integer(),
        workings=dense_workings,
        misconceptions=(
            Misconception(
                "unchanged",
                lambda p: p.dense(0),
                "The weights of a dense unit do not move along: each has its own pixel.",
            ),
            Misconception("other-way", lambda p: p.dense(-p.move), "You moved the row the other way."),
            Misconception(
                "one-short", lambda p: p.dense(nearer(p, 1)), "You moved the row one pixel less far than it says."
            ),
        ),
    ),
    Part(
        name="conv",
        ask=(
            "The convolution lays its kernel on the moved row (no padding, stride 1, not flipped), and max pooling "
            "over the whole row keeps the largest response. Which number is it?"
        ),
        solve=lambda p: max(p.responses(p.move)),
        answer=Integer(),
        workings=conv_workings,
        misconceptions=(
            Misconception(
                "at-old-place",
                at_old_place,
                "You looked where the largest response was before the move: pooling looks at all positions.",
            ),
            Misconception(
                "summed",
                lambda p: sum(p.responses(p.move)),
                "You added the responses up: max pooling keeps the largest.",
            ),
            Misconception(
                "kernel-flipped",
                lambda p: max(p.responses(p.move, p.kernel[::-1])),
                "Your kernel is flipped: a layer lays it on the row as it is.",
            ),
        ),
    ),
    Part(
        name="fall",
        ask=(
            "Of {{ p.tested }} digits a model knows {{ p.right[0] }} as they are, and {{ p.right[1] }} when they are "
            "moved. By how many percentage points does its accuracy fall?"
        ),
        solve=points,
        answer=Number(places=1),
        workings=fall_workings,
        misconceptions=(
            Misconception(
                "relative",
                lambda p: Fraction(100 * (p.right[0] - p.right[1]), p.right[0]),
                "That is a share of the digits known before: points are shares of all digits, subtracted.",
            ),
            Misconception(
                "digits", lambda p: Fraction(p.right[0] - p.right[1]), "These are digits, not a share of them."
            ),
            Misconception(
                "accuracy-left",
                lambda p: Fraction(100 * p.right[1], p.tested),
                "That is the accuracy after the move: the fall is the difference to before.",
            ),
        ),
    ),
    Part(
        name="order",
        ask=(
            "Logistic regression (a weight a pixel and class), an MLP (dense layers of 256, 128, 64 and 10 units) and "
            "a CNN (two convolutions with max pooling, then dense layers of 50 and 10 units) have learned digits of 28 "
            "× 28 pixels as they are, and know about as many. Then digits move by up to 10 %. By how much do their "
            "accuracies fall? Predict the order, from the {{ 'largest' if p.falling else 'smallest' }} fall to the "
            "{{ 'smallest' if p.falling else 'largest' }}."
        ),
        solve=lambda p: with_the_others(p, least=True),
        answer=Choice(),
        workings=order_workings,
        misconceptions=(
            Misconception(
                "more-weights",
                lambda p: ordered(p, LOGISTIC, CNN, MLP),
                "More weights do not help: each dense weight has learned one place, however many there are.",
            ),
            Misconception(
                "simple-is-robust",
                lambda p: ordered(p, MLP, CNN, LOGISTIC),
                "Few weights do not make a model robust: those of logistic regression are tied to their pixels.",
            ),
            Misconception(
                "filters-are-exact",
                lambda p: with_the_others(p, least=False),
                "A filter is small, but it is used at every position: the feature map moves along with the digit.",
            ),
            Misconception(
                "all-alike",
                lambda p: "all three fall by nearly the same",
                "What a move changes depends on the layers: convolution and pooling take most of it.",
            ),
        ),
    ),
)

EXERCISE = Exercise(
    name="shifted_digits",
    title="Shifted digits",
    summary="what a move of a few pixels does to a dense unit, to a convolution, and to three models' accuracy",
    draw=draw,
    intro=INTRO,
    conventions=(
        "A shift moves whole pixels; zeros move in, and nothing wraps around.",
        "The kernel is not flipped; max pooling takes the largest of all responses.",
        "Percentage points are the difference of two percentages.",
    ),
    parts=PARTS,
    functions=(FunctionPart(SHIFT_IMAGES, marks=2),),
    cost=cost,
    costs=COSTS,
    worked=WORKED,
)
