"""What is promised about one_hot and train_valid_split. A split is the student's choice: its properties are judged."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from itertools import chain, islice
from typing import Any

import numpy as np

from grader.authoring import (
    Call,
    Close,
    Contract,
    Draw,
    Regime,
    Twin,
    Verdict,
    correct,
    count,
    integers,
    laid_out,
    reals,
    wrong,
)
from solutions.data import one_hot, train_valid_split
from solutions.twins import data as twins

Shape = tuple[int, ...]

ONE_HOT_DOC = """\
Return a row for every label: 1 in the label's column, 0 in all others.

labels: (N,) a NumPy array of whole numbers of 0 … num_classes - 1, of any integer dtype, signed or not, of 8 to 64
bits; N may be 0 or thousands, and not every class need occur. Leave it unchanged.
num_classes: an int, the number of columns, 1 or more; it may be larger than the labels' dtype can hold.

Returns y: (N, num_classes) float64. (Zeros and ones of another number dtype are accepted; truth values are not.)
"""
SPLIT_DOC = """\
Hold back n_valid examples for validation: return ((x_train, y_train), (x_valid, y_valid)).

x: (N, ...) and y: (N, ...), NumPy arrays; row i of x and row i of y are one example. Leave both unchanged.
n_valid: an int of 0 … N. seed: an int of 0 … 2**32 - 1.

Which examples are held back is drawn at random by the seed, each example equally likely, wherever it stands and
however many there are. Every example is in exactly one part, with its own label. The same arguments give the same split
again; another seed gives another one, also where the seeds differ in their first or last digits only. How you draw, and
the order within a part, is up to you.

Returns new arrays with the dtypes of x and y: N - n_valid rows for training, n_valid rows for validation.
"""


# One-hot rows ----------------------------------------------------------------------------------------------


def labelled(rng: Draw, classes: Sequence[int], num_classes: int, dtype: str = "int64", least: int = 0) -> Call:
    """Return a call with labels of these classes in a drawn order, each of them at least once, or `least` in all."""
    more = [rng.choice(classes) for _ in range(max(rng.integer(0, 3), least - len(classes)))]
    return Call((np.array(rng.shuffled([*classes, *more]), dtype=dtype), num_classes))


def all_classes(rng: Draw, dtype: str = "int64") -> Call:
    size = rng.integer(2, 5)
    return labelled(rng, range(size), size, dtype, size + 1)


def last_missing(rng: Draw) -> Call:
    size = rng.integer(2, 4)
    return labelled(rng, range(size), size + rng.integer(1, 3))


def first_missing(rng: Draw) -> Call:
    size = rng.integer(3, 6)
    return labelled(rng, range(1, size), size)


def one_occurs(rng: Draw) -> Call:
    size = rng.integer(3, 5)
    return labelled(rng, [rng.integer(0, size - 1)], size, least=2)


def square(rng: Draw) -> Call:
    size = rng.integer(3, 5)
    return Call((np.array(rng.shuffled(range(size))), size))


def almost_in_order(rng: Draw) -> Call:
    """Return a call with every label once, the first and the last where they stand in order."""
    size = rng.integer(4, 7)
    inner = range(1, size - 1)
    turned = rng.integer(1, size - 3)
    return Call((np.array([0, *inner[turned:], *inner[:turned], size - 1]), size))


def thousands_of_classes(rng: Draw) -> Call:
    """Return a call with labels beyond those that 16 bits of a floating number tell apart, and their neighbours."""
    label = rng.integer(2049, 2996)
    return labelled(rng, [label, label + 1, label + 2, rng.integer(0, 9)], 3000)


def many_classes(rng: Draw) -> Call:
    """Return a call in which row times num_classes does not fit into a byte."""
    size = rng.integer(90, 256)
    return labelled(rng, rng.sample(range(size), 4), size, "uint8")


def hundreds_of_classes(rng: Draw) -> Call:
    """Return a call with more classes than a byte tells apart; labels equal in their last eight bits are among them."""
    size = rng.integer(300, 700)
    low = rng.integer(1, size - 257)
    return labelled(rng, [low, low + 256, *rng.sample(range(size), 3)], size, rng.choice(("int64", "int16", "uint16")))


def class_beyond_dtype(rng: Draw) -> Call:
    """Return a call with small labels, in a dtype that cannot hold the number of classes."""
    size = rng.integer(257, 600)
    return labelled(rng, rng.sample(range(128), 5), size, rng.choice(("uint8", "int8")))


def many_labels(rng: Draw) -> Call:
    """Return a call with so many labels that row times num_classes does not fit into the labels' own 15 or 16 bits.

    That makes a large result. With labels of bytes or of 64 bits, whose rows do not fit or always do, it is small.
    """
    dtype = rng.choice(("int64", "int16", "uint16", "uint8"))
    if dtype.endswith("int16"):
        size = rng.integer(20, 40)
        rows = 2 ** (16 if dtype == "uint16" else 15) // size + rng.integer(2, 40)
    else:
        size, rows = rng.integer(2, 3), rng.integer(2000, 2500)
    return Call((integers(rng.fork(), (rows,), 0, size - 1, dtype), size))


DTYPES = ("int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8")


def labels_stored(rng: Draw, layout: str) -> Call:
    call = all_classes(rng)
    return Call((laid_out(call.args[0], layout), *call.args[1:]))


def labels_by_keyword(rng: Draw) -> Call:
    call = all_classes(rng)
    return Call((), {"num_classes": call.args[1], "labels": call.args[0]})


def rows_of_identity(rng: Draw) -> Call:
    """Return a call whose result is the identity matrix; few sizes, so that the same one is asked for again."""
    classes = rng.integer(3, 4)
    return Call((np.arange(classes), classes))


ONE_HOT_REGIMES = (
    Regime("every class occurs", all_classes),
    Regime("the last class does not occur", last_missing, "classes"),
    Regime("the first class does not occur", first_missing, "classes"),
    Regime("only one class occurs", one_occurs, "classes"),
    Regime("there are as many labels as classes", square, "sizes"),
    Regime("every label is the number of its row", rows_of_identity, "sizes"),
    Regime("the first and the last label are in order, the others are not", almost_in_order, "sizes"),
    Regime("there is a single label", lambda rng: labelled(rng, [rng.integer(0, 2)], 3), "sizes"),
    Regime("there is a single class", lambda rng: labelled(rng, [0], 1, least=rng.integer(1, 2)), "sizes"),
    Regime("there are no labels", lambda rng: Call((np.zeros(0, np.int64), rng.integer(1, 9))), "sizes"),
    Regime("there is one label of two classes", lambda rng: Call((np.array([rng.choice((1, 0, 1))]), 2)), "sizes"),
    Regime("there are two classes", lambda rng: labelled(rng, [rng.integer(0, 1)], 2, least=2), "sizes"),
    Regime("there are thousands of labels", many_labels, "sizes"),
    Regime("there are more than 256 classes", hundreds_of_classes, "sizes"),
    Regime("there are thousands of classes", thousands_of_classes, "sizes"),
    *(Regime(f"the labels are {dtype}", partial(all_classes, dtype=dtype), "types") for dtype in DTYPES[1:]),
    Regime("the labels' dtype is too small for num_classes", class_beyond_dtype, "types"),
    Regime("the labels are bytes and the classes many", many_classes, "types"),
    Regime("the labels are read-only", lambda rng: labels_stored(rng, "readonly"), "arguments"),
    Regime("the labels have a negative stride", lambda rng: labels_stored(rng, "reversed"), "arguments"),
    Regime("the labels are not contiguous", lambda rng: labels_stored(rng, "gapped"), "arguments"),
    Regime("all arguments are given by keyword", labels_by_keyword, "arguments"),
)
ONE_HOT_HINTS = {
    twins.counted_from_one: "Labels count from 0: label 0 is the first column.",
    twins.transposed: "Rows and columns are exchanged: every label has a row.",
    twins.largest_label_for_classes: "The largest label need not be the last class: make num_classes columns.",
    twins.distinct_labels_for_classes: "A class that does not occur has its column too: make num_classes columns.",
    twins.renumbered: "The classes that occur are numbered anew: the label itself is the column.",
    twins.one_column_more: "There is one column too many: num_classes counts them, from 0 to num_classes - 1.",
    twins.inverted: "Ones and zeros are exchanged: the label's own column has the 1.",
    twins.label_for_one: "The label's column holds the label: put a 1 there.",
    twins.thermometer: "Every column up to the label's holds a 1: only the label's own does.",
    twins.identity_rows: "Row i has its 1 in column i: the column is the label of row i.",
    twins.all_labels_in_every_row: (
        "Every row has the ones of all labels: y[:, labels] means all rows; pair each row with its label, "
        "y[np.arange(N), labels]."
    ),
    twins.truth_values: "The result holds True and False: convert it to float64.",
    twins.columns_wrap_around: (
        "Column numbers in the labels' dtype start again at 0 where it ends: keep np.arange(num_classes) as it is."
    ),
    twins.position_wraps_around: "Positions are computed in the labels' dtype, where bytes wrap around at 256.",
}

# Splits: what is judged ------------------------------------------------------------------------------------

OFTEN = 50  # splits of one size from different seeds, from which on it is judged how often each row is held back
CHANCE = 10**9  # what one split in so many does, a right function is not seen to do
# Where the rows held back may pile up, when all splits are taken together.
PLACES: dict[str, Callable[[int, int], bool]] = {
    "in the first half": lambda row, size: 2 * row < size,
    "in the first quarter": lambda row, size: 4 * row < size,
    "in the last quarter": lambda row, size: 4 * row >= 3 * size,
    "in even rows": lambda row, size: row % 2 == 0,
}
Part = tuple[Any, Any]
Example = tuple[bytes, bytes]
Places = dict[Example, int]


@dataclass(frozen=True)
class Problem:
    """What is wrong with a split: a name, which tells mistakes apart, and a sentence. No name: it is right."""

    name: str = ""
    sentence: str = ""


@dataclass(frozen=True)
class Task:
    """What was to be split, and what the function in question did wrong there."""

    x: Any
    y: Any
    n_valid: int
    problem: Problem = Problem()

    @property
    def rows(self) -> int:
        return len(self.x)

    @property
    def telling(self) -> bool:
        """Are there so many ways to split that none comes about by chance?"""
        return math.comb(self.rows, self.n_valid) > CHANCE

    @cached_property
    def examples(self) -> list[Example]:
        return examples((self.x, self.y))

    def __str__(self) -> str:
        return (
            f"any split of the {count(self.rows, 'example')} into {self.rows - self.n_valid} for training and "
            f"{self.n_valid} for validation, drawn by the seed, every example with its own label"
        )


@dataclass(frozen=True)
class SplitCheck:
    """Sizes, dtypes, pairs, completeness and shuffling of one split; and what the seed does, over all of them."""

    def expect(self, function: Callable[..., Any], call: Call) -> Task:
        task = task_of(call)
        return Task(task.x, task.y, task.n_valid, problem_of(function(*call.args, **call.kwargs), task))

    def compare(self, got: Any, expected: Task, call: Call) -> Verdict:  # noqa: ARG002 - the protocol's signature
        problem = problem_of(got, expected)
        return wrong(problem.sentence) if problem.name else correct()

    def agrees(self, got: Any, expected: Task) -> bool:
        """Has it the same problem? Where few ways to split exist, chance may hide one and is not held against it."""
        mine, theirs = problem_of(got, expected).name, expected.problem.name
        return mine == theirs or (not expected.telling and {mine, theirs} <= BY_CHANCE)

    def across(self, seen: Sequence[tuple[Call, Any]]) -> Verdict:
        """Judge what the seed does: the same call splits the same way, another seed another way.

        It is asked for every submission, so each array is read once, however many calls have it.
        """
        first: dict[tuple[Any, ...], Any] = {}
        places: dict[tuple[Any, ...], Places | None] = {}
        held: dict[tuple[int, int, tuple[int, ...]], int] = {}
        by_size: dict[tuple[int, int], dict[int, tuple[int, ...]]] = {}
        for call, got in seen:
            *given, n_valid, seed = key = content(call)
            if (before := first.setdefault(key, got)) is not got:
                if equal(before, got):
                    continue
                return wrong(
                    "The same seed gives another split the second time: draw from a generator made of the seed."
                )
            task = task_of(call)
            if not 0 < n_valid < task.rows:
                continue
            arrays = tuple(given)
            if arrays not in places:
                places[arrays] = places_of(task)
            if (place := places[arrays]) is None:
                continue
            rows = tuple(sorted([place[example] for example in examples(got[1])]))
            size = task.rows, n_valid
            if task.telling and held.setdefault((*size, rows), seed) != seed:
                return wrong("Two different seeds give the same split: make the generator from the seed.")
            by_size.setdefault(size, {}).setdefault(seed, rows)
        return evenly(by_size)


def evenly(by_size: Mapping[tuple[int, int], Mapping[int, tuple[int, ...]]]) -> Verdict:
    """Judge how often each row was held back over all seeds, for every size that was split often.

    by_size: for (examples, n_valid), the rows held back for each seed.

    A right function fails less than once in CHANCE: that is shared out among all rows and places looked at, and both
    ends. A single row shows what never or always is held back, a place what a shuffle that is too short leaves.
    """
    often = {size: splits for size, splits in by_size.items() if len(splits) >= OFTEN}
    looks = 2 * CHANCE * sum(size + len(PLACES) for size, _ in often)
    for (size, n_valid), splits in often.items():
        counts = Counter(chain.from_iterable(splits.values()))
        for place, chosen in PLACES.items():
            rows_there = [row for row in range(size) if chosen(row, size)]
            hits = sum(counts[row] for row in rows_there)
            draws, expected = n_valid * len(splits), n_valid * len(splits) * len(rows_there) / size
            if by_chance(abs(hits - expected), draws) * looks < 1:
                return wrong(
                    f"With {n_valid} of {count(size, 'example')} held back, {hits} of the {draws} held back for "
                    f"{len(splits)} seeds stand {place}, where about {expected:.0f} are expected: each example must be "
                    f"equally likely, so shuffle all of them."
                )
        for row in range(size):
            at_most, at_least = tails(counts[row], len(splits), n_valid, size)
            if min(at_most, at_least) * looks < 1:
                return wrong(
                    f"With {n_valid} of {count(size, 'example')} held back, row {row} is among them for "
                    f"{counts[row]} of {len(splits)} seeds: each must be equally likely, so shuffle all of them."
                )
    return correct()


def by_chance(off: float, draws: int) -> float:
    """Return a bound of the chance that so many draws are `off` by so much on one side or the other.

    Hoeffding 1963, theorem 1, which his section 6 extends to drawing without replacement.

    >>> by_chance(141, 1800) < 1e-9
    True
    """
    return 2 * math.exp(-2 * off**2 / draws)


@cache
def tails(hits: int, tries: int, top: int, bottom: int) -> tuple[float, float]:
    """Return how likely at most and at least so many hits are, each with the chance top / bottom.

    >>> tails(0, 2, 1, 4)
    (0.5625, 1.0)
    """
    ways = [math.comb(tries, k) * top**k * (bottom - top) ** (tries - k) for k in range(tries + 1)]
    return sum(ways[: hits + 1]) / bottom**tries, sum(ways[hits:]) / bottom**tries


def bound(call: Call) -> dict[str, Any]:
    return {**dict(zip(("x", "y", "n_valid", "seed"), call.args, strict=False)), **call.kwargs}


def content(call: Call) -> tuple[Any, ...]:
    """Return the values of a call, so that equal calls are known as such: of x and y, then n_valid and the seed."""
    given = bound(call)
    arrays = [part for a in (given["x"], given["y"]) for part in (a.tobytes(), a.dtype.str, a.shape)]
    return (*arrays, int(given["n_valid"]), int(given["seed"]))


def task_of(call: Call) -> Task:
    given = bound(call)
    return Task(given["x"], given["y"], int(given["n_valid"]))


def equal(one: Any, other: Any) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(arrays(one), arrays(other), strict=True))


def arrays(split: Any) -> tuple[Any, ...]:
    return tuple(array for part in split for array in part)


def examples(part: Part) -> list[Example]:
    """Return every example of a part as the bytes of its row of x and of y."""
    x, y = map(rows_of, part)
    return list(zip(x, y, strict=True))


def rows_of(array: Any) -> list[bytes]:
    """Return the bytes of every row of an array."""
    if not array.size:
        return [b""] * len(array)
    whole, size = array.tobytes(), array.nbytes // len(array)
    return [whole[start : start + size] for start in range(0, len(whole), size)]


def places_of(task: Task) -> Places | None:
    """Return which row each example is; None where equal examples leave it open."""
    places = {example: row for row, example in enumerate(task.examples)}
    return places if len(places) == task.rows else None


def held_back(split: Any, task: Task) -> tuple[int, ...] | None:
    """Return which rows are held back, sorted; None where equal examples leave it open."""
    places = places_of(task)
    return None if places is None else tuple(sorted(places[example] for example in examples(split[1])))


def problem_of(got: Any, task: Task) -> Problem:
    """Return the first problem of a result: its form, sizes, dtypes, then its examples, then how they were chosen."""
    return form_problem(got, task) or size_problem(got, task) or row_problem(got, task) or Problem()


def form_problem(got: Any, task: Task) -> Problem | None:
    """Return what is wrong with the nesting."""
    want = "((x_train, y_train), (x_valid, y_valid)) is expected"
    if not isinstance(got, tuple | list):
        return Problem("form", f"{want}, not a single result")
    if len(got) == 4 and all(isinstance(item, np.ndarray) for item in got):
        return Problem("four-results", f"returned four arrays in a row; {want}: two pairs")
    if len(got) != 2 or not all(isinstance(part, tuple | list) and len(part) == 2 for part in got):
        return Problem("form", f"{want}: a pair of pairs")
    if not all(isinstance(array, np.ndarray) for array in arrays(got)):
        return Problem("form", f"{want}, all four of them arrays")
    shapes, wanted = [a.shape for a in arrays(got)], wanted_shapes(task, task.n_valid)
    if shapes != wanted and [shapes[i] for i in (0, 2, 1, 3)] == wanted:
        return Problem("inputs-and-labels-paired", f"returned ((x_train, x_valid), (y_train, y_valid)); {want}")
    return None


def wanted_shapes(task: Task, n_valid: int) -> list[Shape]:
    sizes = (task.rows - n_valid, n_valid)
    return [(size, *array.shape[1:]) for size in sizes for array in (task.x, task.y)]


NAMES = ("x_train", "y_train", "x_valid", "y_valid")


def size_problem(got: Any, task: Task) -> Problem | None:
    """Return what is wrong with a shape or a dtype."""
    shapes, wanted = [a.shape for a in arrays(got)], wanted_shapes(task, task.n_valid)
    if shapes != wanted:
        name, shape, want = next(item for item in zip(NAMES, shapes, wanted, strict=True) if item[1] != item[2])
        sentence = f"{name}: the shape is {shape}, should be {want}"
        if shapes == wanted_shapes(task, task.rows - task.n_valid):
            return Problem("exchanged", f"{sentence}: n_valid is the number of validation examples")
        if shapes[0][:1] == (task.rows,):
            return Problem("training-keeps-all", f"{sentence}: examples held back are no longer for training")
        return Problem(f"sizes {[s[:1] for s in shapes]}", sentence)
    dtypes = [a.dtype for a in arrays(got)]
    for name, dtype, want in zip(NAMES, dtypes, [task.x.dtype, task.y.dtype] * 2, strict=True):
        if dtype != want:
            return Problem("dtype", f"{name}: the dtype is {dtype}, should be {want}, as it came in")
    return None


LEFT_BEHIND, APART, REPEATED, FIRST, LAST, ALTERED = (
    "labels-left-behind",
    "pairs-broken",
    "repeated",
    "first-rows",
    "last-rows",
    "altered",
)
BY_CHANCE = {"", LEFT_BEHIND, APART, REPEATED, FIRST, LAST, ALTERED}  # what a small split may hide or resemble


def row_problem(got: Any, task: Task) -> Problem | None:
    """Return what is wrong with the examples, or with how those held back were chosen."""
    there, here = Counter(task.examples), Counter(example for part in got for example in examples(part))
    if there != here:
        return _mixed_up(there, here, got, task)
    rows = held_back(got, task) if task.telling else None
    if rows == tuple(range(task.n_valid)):
        return Problem(FIRST, f"the first {task.n_valid} examples are held back: choose them at random, by the seed")
    if rows == tuple(range(task.rows - task.n_valid, task.rows)):
        return Problem(LAST, f"the last {task.n_valid} examples are held back: choose them at random, by the seed")
    if rows and _regular(rows, task):
        return Problem(
            "regular", "the examples held back stand at regular distances: choose them at random, by the seed"
        )
    return None


def _regular(rows: tuple[int, ...], task: Task) -> bool:
    """Are the rows start, start + step, start + 2*step, …, going round at the end?"""
    if math.comb(task.rows, task.n_valid) <= CHANCE * task.rows**2:
        return False  # some of so many starts and steps may come about by chance
    held = set(rows)
    for step in range(1, task.rows):
        firsts = list(islice((row for row in rows if (row - step) % task.rows not in held), 2))
        start = firsts[0] if firsts else rows[0]
        if len(firsts) < 2 and {(start + k * step) % task.rows for k in range(len(rows))} == held:
            return True
    return False


def _mixed_up(there: Counter[Any], here: Counter[Any], got: Any, task: Task) -> Problem:
    """Return the problem of a split that does not hold the examples that came in."""
    if set(here) <= set(there):
        return Problem(REPEATED, "some examples come twice and others not at all: every example is in exactly one part")
    if any(not {e[i] for e in here} <= {e[i] for e in there} for i in (0, 1)):
        return Problem(ALTERED, "some rows are not rows that came in: choose whole rows, and leave their numbers as is")
    y = np.asarray(task.y)
    label_orders = [(got[1][1], got[0][1]), (got[0][1], got[1][1])]
    if any(np.array_equal(np.concatenate(labels), y) for labels in label_orders):
        return Problem(
            LEFT_BEHIND, "x is shuffled and y is not, so labels belong to other rows: use one order for both"
        )
    return Problem(APART, "labels belong to other rows than before: use one order for x and y")


# Splits: what is drawn -------------------------------------------------------------------------------------

MANY = (60, 80)  # examples; enough that no split comes about by chance


def split_call(
    rng: Draw,
    rows: int,
    n_valid: int,
    x_shape: Shape = (2,),
    y_shape: Shape = (),
    dtypes: tuple[str, str] = ("float64", "int64"),
) -> Call:
    """Return a call with that many examples; dtypes are those of x and y."""
    x_type, y_type = dtypes
    floating = x_type.startswith("float")
    source, shape = rng.fork(), (rows, *x_shape)
    x = reals(source, shape, x_type) if floating else integers(source, shape, 0, 120, x_type)
    y = integers(rng.fork(), (rows, *y_shape), 0, 9, y_type)
    return Call((x, y, n_valid, rng.integer(0, rng.choice((10**6, 2**32 - 1)))))


def few(rng: Draw, **options: Any) -> Call:
    rows = rng.integer(5, 9)
    return split_call(rng, rows, rng.choice([n for n in (2, 3, 4) if 2 * n < rows]), **options)


def many(rng: Draw) -> Call:
    """Return a call with distinct examples, so many that a drawn split is never the first or the last rows."""
    rows = rng.integer(*MANY)
    call = split_call(rng, rows, rng.integer(16, 22))
    x = np.array(call.args[0])
    x[:, 0] = np.arange(rows) + 0.5
    return Call((x, *call.args[1:]))


SPECIAL = (42, 1, 2, 3, 123, 1234, 2026, 2**31 - 1, 2**31, 2**32 - 1, 2**32 - 2, 2**32 - 3)  # taken for one another
LATTER = range(16)
FORMER = (0, 1000, 10**6, 10**9, 2**16, 2**20, 2**24, 2**28, 2**31, 3 * 2**30, 2**8, 2**12)


def seeded(rng: Draw) -> Call:
    """Return a call of always the same arrays, and a seed whose first or last bits or digits others have too.

    A function that looks at some of a seed only gives two of them the same split; so does one that takes the largest
    for -1, or 42 for none.
    """
    special, drawn = rng.choice((None,) * 7 + SPECIAL + (None,) * 80), rng.choice(FORMER) + rng.choice(LATTER)
    return numbered(drawn if special is None else special)


def numbered(seed: int) -> Call:
    x = np.arange(120.0).reshape(60, 2)
    return Call((x, np.arange(60) % 10, 24, seed))


def one_of_three(rng: Draw) -> Call:
    """Return a call of always the same three examples, and any seed."""
    return Call((np.arange(3.0), np.arange(3), 1, rng.integer(0, 2**32 - 1)))


def hundreds(rng: Draw) -> Call:
    """Return a call with more than 100 examples, of which some are held back; all are distinct.

    Of several calls most have more rows than a byte counts, and some more than 500.
    """
    rows = rng.integer(101, 800)
    call = split_call(rng, rows, rng.integer(16, 80))
    x = np.array(call.args[0])
    x[:, 0] = np.arange(rows) + 0.5
    return Call((x, *call.args[1:]))


def some_equal(rng: Draw) -> Call:
    call = few(rng)
    x, y = np.array(call.args[0]), np.array(call.args[1])
    x[1], y[1] = x[0], y[0]
    return Call((x, y, *call.args[2:]))


def arrays_stored(rng: Draw, layout: str) -> Call:
    call = few(rng, x_shape=(2, 3))
    return Call((*(laid_out(array, layout) for array in call.args[:2]), *call.args[2:]))


def split_by_keyword(rng: Draw) -> Call:
    return Call((), dict(reversed(bound(few(rng)).items())))


ODD_PARTS = ((22, 15), (10, 8), (23, 13), (14, 9), (26, 15), (15, 12), (20, 16))


def most_held_back(rng: Draw) -> Call:
    """Return a call with more examples to hold back than to train on; n_valid / N times N is not n_valid in floats."""
    return split_call(rng, *rng.choice(ODD_PARTS))


def _inside(test: Callable[[int, int, Any], bool]) -> Callable[[Call], bool]:
    """Return whether the test holds of a call's examples, of how many are held back, and of its inputs."""

    def holds(call: Call) -> bool:
        given = bound(call)
        return test(len(given["x"]), int(given["n_valid"]), given["x"])

    return holds


SPLIT_REGIMES = (
    Regime("there are few examples", few, holds=_inside(lambda rows, held, _: 5 <= rows <= 9 and 4 <= 2 * held < rows)),
    Regime(
        "there are many examples",
        many,
        "shuffled",
        holds=_inside(lambda rows, held, _: 60 <= rows <= 80 and 16 <= held <= 24),
    ),
    Regime("there are hundreds of examples", hundreds, "shuffled"),
    Regime("the seed is zero", lambda _: numbered(0), "shuffled"),
    Regime("the seeds differ", seeded, "shuffled", 102),
    Regime("one of three examples is held back", one_of_three, "edges", 67),
    Regime("the inputs are images (N, C, H, W)", lambda rng: few(rng, x_shape=(2, 3, 3)), "shapes"),
    Regime(
        "the inputs are single numbers (N,)",
        lambda rng: few(rng, x_shape=()),
        "shapes",
        holds=_inside(lambda rows, held, x: x.ndim == 1 and 0 < held < rows),
    ),
    Regime("the labels are rows (N, K)", lambda rng: few(rng, y_shape=(rng.choice((3, 1)),)), "shapes"),
    Regime("nothing is held back", lambda rng: split_call(rng, rng.integer(3, 8), 0), "edges"),
    Regime("everything is held back", lambda rng: split_call(rng, n := rng.integer(3, 8), n), "edges"),
    Regime(
        "one example is held back",
        lambda rng: split_call(rng, rng.integer(3, 8), 1),
        "edges",
        holds=_inside(lambda rows, held, _: held == 1 < rows),
    ),
    Regime("most examples are held back", most_held_back, "edges", len(ODD_PARTS) + 1),
    Regime("half is held back", lambda rng: split_call(rng, 2 * (n := rng.integer(2, 4)), n), "edges"),
    Regime("there is one example", lambda rng: split_call(rng, 1, rng.integer(0, 1)), "edges"),
    Regime("some examples are equal", some_equal, "edges"),
    Regime("the inputs are float32", lambda rng: few(rng, dtypes=("float32", "int32")), "types"),
    Regime("the inputs are bytes (uint8)", lambda rng: few(rng, dtypes=("uint8", "uint8")), "types"),
    Regime("the arrays are read-only", lambda rng: arrays_stored(rng, "readonly"), "arguments"),
    Regime("the arrays are Fortran-ordered", lambda rng: arrays_stored(rng, "F"), "arguments"),
    Regime("the arrays have negative strides", lambda rng: arrays_stored(rng, "reversed"), "arguments"),
    Regime("the arrays are not contiguous", lambda rng: arrays_stored(rng, "gapped"), "arguments"),
    Regime("all arguments are given by keyword", split_by_keyword, "arguments"),
)
SPLIT_HINTS = {
    twins.first_rows: "The first rows are held back: data often comes sorted, so choose rows at random, by the seed.",
    twins.last_rows: "The last rows are held back: data often comes sorted, so choose rows at random, by the seed.",
    twins.labels_left_behind: "x is shuffled and y is not: use one order of rows for both.",
    twins.shuffled_apart: "x and y are each shuffled in an order of their own: draw one order, and use it for both.",
    twins.drawn_with_replacement: (
        "Rows are drawn with replacement, or twice: draw one permutation of all rows and cut it in two."
    ),
    twins.training_keeps_all: "The validation rows stay among the training rows: a model could learn them by heart.",
    twins.exchanged: "The parts are exchanged: n_valid rows are for validation, and the training part comes first.",
    twins.negative_slice: "A slice [-n_valid:] is everything where n_valid is 0: count from the start.",
    twins.one_row_lost: "The row between the two parts is in neither: the second slice starts where the first stops.",
    twins.inputs_and_labels_paired: (
        "The order is that of other libraries: return the pair (x_train, y_train) first, then (x_valid, y_valid)."
    ),
    twins.four_results: "Four arrays in a row are returned: make two pairs of them.",
    twins.columns_shuffled: "All numbers of x are mixed: rows stay whole.",
    twins.dtype_lost: "The dtypes are lost: index the arrays, which keeps them, or make new ones with dtype=x.dtype.",
}


def made_twins(hints: dict[Callable[..., Any], str]) -> tuple[Twin, ...]:
    return tuple(Twin(twin.__name__.replace("_", "-"), twin, hint) for twin, hint in hints.items())


ONE_HOT = Contract(
    name="one_hot",
    signature="(labels, num_classes)",
    doc=ONE_HOT_DOC,
    reference=one_hot,
    regimes=ONE_HOT_REGIMES,
    check=Close(),
    twins=made_twins(ONE_HOT_HINTS),
    groups={"basics": 3, "classes": 3, "sizes": 2, "types": 1, "arguments": 1},
)
TRAIN_VALID_SPLIT = Contract(
    name="train_valid_split",
    signature="(x, y, n_valid, seed)",
    doc=SPLIT_DOC,
    reference=train_valid_split,
    regimes=SPLIT_REGIMES,
    check=SplitCheck(),
    twins=made_twins(SPLIT_HINTS),
    groups={"basics": 3, "shuffled": 3, "shapes": 2, "edges": 1, "types": 1, "arguments": 1},
)
CONTRACTS = (ONE_HOT, TRAIN_VALID_SPLIT)
