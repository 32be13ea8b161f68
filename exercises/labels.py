"""Labels as one-hot rows, what a network makes of them, three losses by hand, and a split for validation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from exercises import _steps
from exercises.contracts.data import ONE_HOT, TRAIN_VALID_SPLIT
from grader.authoring import (
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
    tex_number,
)

Row = tuple[int, ...]
Rows = tuple[Row, ...]
CLASSES = 10  # of the images that are split


@dataclass(frozen=True)
class Params:
    """Labels of 0 … classes - 1; scores of a few images; shares of one more, in units of 1/grain; images to split."""

    classes: int
    labels: Row
    scores: Rows
    shares: Row
    grain: int
    label: int  # of the image with these shares
    images: int
    held: int  # back for validation
    of_class: int  # how many of the images show one class
    sizes: tuple[int, int, int]  # channels, height and width of an image

    @property
    def probabilities(self) -> tuple[Fraction, ...]:
        return tuple(Fraction(share, self.grain) for share in self.shares)

    @property
    def target(self) -> Row:
        """The one-hot row of that image."""
        return one_hot_row(self.label, self.classes)

    @property
    def errors(self) -> tuple[Fraction, ...]:
        return tuple(p - y for p, y in zip(self.probabilities, self.target, strict=True))


# Drawing ---------------------------------------------------------------------------------------------------

NUMBERS = {  # classes, labels, rows of scores, grain of the probabilities
    Level.INTRO: (4, 5, 3, 10),
    Level.STANDARD: (5, 7, 4, 20),
    Level.CHALLENGE: (6, 8, 5, 50),
}
COSTS = {Level.INTRO: 28, Level.STANDARD: 37, Level.CHALLENGE: 49}


def draw(rng: Draw, level: Level) -> Params:
    """Draw numbers on which every mistake gives another answer."""
    while True:
        p = draw_params(rng, level)
        if all(all_differ(part, p) for part in PARTS):
            return p


def draw_params(rng: Draw, level: Level) -> Params:
    classes, number, rows, grain = NUMBERS[level]
    present = rng.sample(range(classes), classes - 1)  # one class does not occur
    labels = tuple(rng.choice(present) for _ in range(number))
    scores = tuple(tuple(rng.sample(range(-9, 20), classes)) for _ in range(rows))
    parts, share = rng.choice((4, 5, 6, 8, 10, 12)), rng.integer(1, 3)
    images = parts * 100 * rng.integer(5, 60)
    sizes = rng.choice((1, 3)), rng.integer(16, 64), rng.integer(16, 64)
    return Params(
        classes,
        labels,
        scores,
        draw_shares(rng, classes, grain),
        grain,
        rng.integer(0, classes - 1),
        images,
        images // parts * share,
        parts * rng.integer(images // parts // 20 + 1, images // parts // 5),
        sizes,
    )


def draw_shares(rng: Draw, number: int, total: int) -> Row:
    """Return that many whole numbers from 1 with this sum."""
    cuts = sorted(rng.sample(range(1, total), number - 1))
    return tuple(b - a for a, b in pairwise((0, *cuts, total)))


def all_differ(part: Part[Params], p: Params) -> bool:
    """Do the right answer and every mistake's differ, a list in more than a slip, decimals in what is asked for?"""
    key, wrongs = part.solve(p), list(part.distractors(p).values())
    if isinstance(part.answer, Number):
        ordered = sorted(map(float, (key, *wrongs)))
        return all(b - a > 0.002 for a, b in pairwise(ordered))
    if len({key, *wrongs}) != len(wrongs) + 1:
        return False
    return part.name != "rows" or all(slips(wrong, key) > 1 for wrong in wrongs)


def slips(wrong: Rows, key: Rows) -> int:
    """Return in how many numbers two answers differ; in all where their sizes do."""
    if [len(row) for row in wrong] != [len(row) for row in key]:
        return len(key) * len(key[0])
    return sum(a != b for one, other in zip(wrong, key, strict=True) for a, b in zip(one, other, strict=True))


# Solvers ---------------------------------------------------------------------------------------------------


def one_hot_row(label: int, classes: int) -> Row:
    return tuple(int(column == label) for column in range(classes))


def rows_by(entry: Callable[[int, int], int]) -> Callable[[Params], Rows]:
    """Return a solver that makes a row of every label by entry(column, label)."""
    return lambda p: tuple(tuple(entry(column, label) for column in range(p.classes)) for label in p.labels)


one_hot_rows = rows_by(lambda column, label: int(column == label))


def occurring_only(p: Params) -> Rows:
    """The rows of someone who has columns for the classes that occur."""
    found = sorted(set(p.labels))
    return tuple(one_hot_row(found.index(label), len(found)) for label in p.labels)


def predicted(p: Params) -> Row:
    return tuple(row.index(max(row)) for row in p.scores)


def best_of_columns(p: Params) -> Row:
    """For every class the image that scores most: the largest number along the wrong axis."""
    columns = list(zip(*p.scores, strict=True))
    return tuple(column.index(max(column)) for column in columns)


def squared(p: Params) -> Fraction:
    return sum((e * e for e in p.errors), Fraction(0))


def absolute(p: Params) -> Fraction:
    return sum(map(abs, p.errors), Fraction(0))


def cross_entropy(p: Params) -> float:
    return -math.log(p.probabilities[p.label])


def others_missed(p: Params) -> float:
    """Add up the logarithms of all classes, as if each were right."""
    return -sum(math.log(share) for share in p.probabilities)


def expected(p: Params) -> Fraction:
    return Fraction(p.of_class * p.held, p.images)


# Workings --------------------------------------------------------------------------------------------------


def rows_workings(p: Params) -> str:
    lines = "\n".join(f"- label {label}: 1 in column {label}" for label in p.labels)
    return (
        f"There is a column for each of the {p.classes} classes, whether it occurs or not, and a row for each of the "
        f"{len(p.labels)} labels. Columns are counted from 0 like the classes:\n\n{lines}\n\n"
        f"$${Matrix().tex(one_hot_rows(p))}$$"
    )


def predicted_workings(p: Params) -> str:
    lines = "\n".join(
        f"- image {number}: the largest of ${', '.join(map(str, row))}$ is ${max(row)}$, of class {row.index(max(row))}"
        for number, row in enumerate(p.scores, 1)
    )
    return f"The class whose score is the largest in the image's own row, with classes counted from 0:\n\n{lines}"


def differences(p: Params) -> str:
    terms = [f"{tex_number(share)} - {y}" for share, y in zip(p.probabilities, p.target, strict=True)]
    return f"({', '.join(terms)}) = ({', '.join(tex_number(e) for e in p.errors)})"


def squared_workings(p: Params) -> str:
    terms = " + ".join(f"{bracketed(e)}^2" for e in p.errors)
    return (
        f"The one-hot row of label {p.label} is ${p.target}$, so the differences are\n\n$${differences(p)}$$\n\n"
        f"Their squares add up to\n\n$${terms} = {tex_number(squared(p))}$$"
    )


def absolute_workings(p: Params) -> str:
    terms = " + ".join(tex_number(abs(e)) for e in p.errors)
    return f"The same differences, without their signs:\n\n$${terms} = {tex_number(absolute(p))}$$"


def bracketed(value: Fraction) -> str:
    return f"({tex_number(value)})" if value < 0 else tex_number(value)


def cross_workings(p: Params) -> str:
    share = p.probabilities[p.label]
    return (
        "The one-hot row has a single 1, so only the probability of the right class remains of the sum "
        rf"$-\sum y \ln p$: $-\ln {tex_number(share)} = {cross_entropy(p):.3f}$."
    )


def left_workings(p: Params) -> str:
    return (
        rf"${_steps.tex(p.images)} - {_steps.tex(p.held)} = {_steps.tex(p.images - p.held)}$ images are left; each "
        f"keeps its {p.sizes[0]} × {p.sizes[1]} × {p.sizes[2]} numbers."
    )


def expected_workings(p: Params) -> str:
    return (
        "Every image is as likely to be held back as any other, so the class has the same share of the images held "
        rf"back as of all: ${_steps.tex(p.of_class)} / {_steps.tex(p.images)} \cdot {_steps.tex(p.held)} = "
        rf"{_steps.tex(int(expected(p)))}$."
    )


def cost(p: Params) -> int:
    """Labels to place, comparisons of the scores, two operations a number for each loss, and the split."""
    compared = len(p.scores) * (p.classes - 1)
    return len(p.labels) + compared + 2 * p.classes + 6


# What is asked ---------------------------------------------------------------------------------------------

OUTPUT = (
    "After the softmax a network gives an image of **label {{ p.label }}** these probabilities of the classes "
    "0 to {{ p.classes - 1 }}: **{% for share in p.probabilities %}{{ share | num }}"
    "{{ ', ' if not loop.last }}{% endfor %}**."
)

PARTS: tuple[Part[Params], ...] = (
    Part(
        name="rows",
        ask="Write the labels as **one-hot rows**, a row for each label in their order, columns for the classes 0 to "
        "{{ p.classes - 1 }}.",
        solve=one_hot_rows,
        answer=Matrix(),
        workings=rows_workings,
        marks=2,
        misconceptions=(
            Misconception(
                "counted-from-one",
                rows_by(lambda column, label: int(column + 1 == label)),
                "The first column belongs to class 0, not to class 1.",
            ),
            Misconception(
                "occurring-only",
                occurring_only,
                "A class that does not occur among these labels has a column as well.",
            ),
            Misconception(
                "transposed",
                lambda p: tuple(zip(*one_hot_rows(p), strict=True)),
                "Labels go down, classes to the right: a row belongs to a label.",
            ),
            Misconception(
                "from-the-right",
                lambda p: tuple(row[::-1] for row in one_hot_rows(p)),
                "You counted the columns from the right.",
            ),
            Misconception(
                "label-in-place",
                rows_by(lambda column, label: label if column == label else 0),
                "It says only which class it is: the number is 1 whatever the label.",
            ),
            Misconception(
                "all-up-to-it",
                rows_by(lambda column, label: int(column <= label)),
                "One number of a row is 1, that of the label; classes have no order.",
            ),
        ),
    ),
    Part(
        name="predicted",
        ask=(
            "A network scores {{ p.scores | length }} images, a row for each image and a column for each of the "
            "classes 0 to {{ p.classes - 1 }}:\n\n{{ grid(p.scores) }}\n\nWhich class does it predict for each?"
        ),
        solve=predicted,
        answer=Matrix(depth=1),
        workings=predicted_workings,
        misconceptions=(
            Misconception(
                "counted-from-one",
                lambda p: tuple(label + 1 for label in predicted(p)),
                "The first column belongs to class 0.",
            ),
            Misconception(
                "scores-given",
                lambda p: tuple(max(row) for row in p.scores),
                "These are the largest scores: asked for are their classes.",
            ),
            Misconception(
                "smallest",
                lambda p: tuple(row.index(min(row)) for row in p.scores),
                "The class with the largest score is predicted, not that with the smallest.",
            ),
            Misconception(
                "along-columns",
                best_of_columns,
                "You looked down the columns: every image has a row, and its largest number counts.",
            ),
            Misconception(
                "largest-magnitude",
                lambda p: tuple(row.index(max(row, key=abs)) for row in p.scores) if largest_is_negative(p) else None,
                "A negative score is small, however far below 0 it is.",
            ),
        ),
    ),
    Part(
        name="squared",
        ask=f"{OUTPUT} How large is the **sum of the squared differences** from its one-hot row (L2 loss)?",
        solve=squared,
        answer=Number(),
        workings=squared_workings,
        misconceptions=(
            Misconception(
                "mean-instead",
                lambda p: squared(p) / p.classes,
                "You divided by the number of classes: the sum is asked for.",
            ),
            Misconception(
                "right-class-only",
                lambda p: p.errors[p.label] ** 2,
                "The other classes count too: their right value is 0.",
            ),
            Misconception(
                "target-forgotten",
                lambda p: sum((share * share for share in p.probabilities), Fraction(0)),
                "You squared the probabilities: take the one-hot row off first.",
            ),
            Misconception(
                "others-not-squared",
                lambda p: (1 - p.probabilities[p.label]) ** 2 + (1 - p.probabilities[p.label]),
                "Square each difference; only that of the right class is squared here.",
            ),
            Misconception(
                "halved", lambda p: squared(p) / 2, "There is no factor of one half here: it is the plain sum."
            ),
        ),
    ),
    Part(
        name="absolute",
        ask="And the **sum of the absolute differences** (L1 loss)?",
        solve=absolute,
        answer=Number(),
        workings=absolute_workings,
        misconceptions=(
            Misconception(
                "right-class-only",
                lambda p: 1 - p.probabilities[p.label],
                "The other classes count too: their right value is 0.",
            ),
            Misconception(
                "signs-kept",
                lambda p: sum(p.errors, Fraction(0)),
                "With their signs the differences cancel: both rows add up to 1.",
            ),
            Misconception(
                "mean-instead",
                lambda p: absolute(p) / p.classes,
                "You divided by the number of classes: the sum is asked for.",
            ),
            Misconception("squares-instead", squared, "These are the squares again."),
        ),
    ),
    Part(
        name="cross",
        ask="And the **cross-entropy**, with the natural logarithm?",
        solve=cross_entropy,
        answer=Number(places=3),
        workings=cross_workings,
        misconceptions=(
            Misconception(
                "sign-forgotten", lambda p: -cross_entropy(p), "The loss is minus the logarithm, and never negative."
            ),
            Misconception(
                "decimal-logarithm",
                lambda p: cross_entropy(p) / math.log(10),
                "That is the logarithm to the base 10; the natural one is asked for.",
            ),
            Misconception(
                "binary-logarithm",
                lambda p: cross_entropy(p) / math.log(2),
                "That is the logarithm to the base 2; the natural one is asked for.",
            ),
            Misconception(
                "all-classes",
                others_missed,
                "Only the right class has a 1 in its one-hot row: the other logarithms are multiplied by 0.",
            ),
            Misconception(
                "wrong-probability",
                lambda p: -math.log(1 - p.probabilities[p.label]),
                "That is the probability of all other classes together.",
            ),
        ),
    ),
    Part(
        name="left",
        ask=(
            "A data set has **{{ '{:,}'.format(p.images) }} images**, an array of shape ({{ p.images }}, "
            "{{ p.sizes | join(', ') }}). **{{ '{:,}'.format(p.held) }}** of them are held back for validation. Which "
            "shape has the array of those that are left for training?"
        ),
        solve=lambda p: (p.images - p.held, *p.sizes),
        answer=Shape(("images", "channels", "height", "width")),
        workings=left_workings,
        misconceptions=(
            Misconception(
                "validation-instead", lambda p: (p.held, *p.sizes), "These are held back; the others are learned from."
            ),
            Misconception(
                "nothing-taken-out",
                lambda p: (p.images, *p.sizes),
                "An image that validates is not learned from: those held back are taken out.",
            ),
            Misconception(
                "channels-last",
                lambda p: (p.images - p.held, *p.sizes[1:], p.sizes[0]),
                "The split takes images out and leaves the axes in their order.",
            ),
        ),
    ),
    Part(
        name="expected",
        ask=(
            f"The images have {CLASSES} classes, and {{{{ '{{:,}}'.format(p.of_class) }}}} of all images show class 3. "
            "Images are held back at random, each as likely as any other. How many of those held back show class 3, "
            "on average over many such splits?"
        ),
        solve=lambda p: int(expected(p)),
        answer=Integer(unit="images"),
        workings=expected_workings,
        misconceptions=(
            Misconception(
                "evenly",
                lambda p: p.held // CLASSES if p.held % CLASSES == 0 else None,
                "That would be so if all classes had as many images.",
            ),
            Misconception(
                "those-left",
                lambda p: p.of_class - int(expected(p)),
                "These are left for training.",
            ),
            Misconception("all-of-them", lambda p: p.of_class, "Only a part of the images is held back."),
            Misconception(
                "other-classes",
                lambda p: p.held - int(expected(p)),
                "These show the other classes.",
            ),
        ),
    ),
)


def largest_is_negative(p: Params) -> bool:
    """Is some score further below 0 than all others of its image are above?"""
    return any(max(row, key=abs) < 0 for row in p.scores)


EXERCISE = Exercise(
    name="labels",
    title="Labels, losses and a split",
    summary="one-hot rows, predictions, L2, L1 and cross-entropy of one image, and images held back for validation",
    draw=draw,
    intro=(
        "The labels of {{ p.labels | length }} images, of **{{ p.classes }} classes** that are counted from 0: "
        "**{{ p.labels | join(', ') }}**."
    ),
    conventions=(
        "Classes are counted from 0, and column 0 of a one-hot row is the first one.",
        "Losses are of one image, and sums over the classes, not means.",
    ),
    parts=PARTS,
    functions=(FunctionPart(ONE_HOT, marks=2), FunctionPart(TRAIN_VALID_SPLIT, marks=3)),
    cost=cost,
    costs=COSTS,
    cost_unit="comparisons and operations",
)
