"""Calls of poolings and their gradients: sizes, numbers, and calls in which much meets."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exercises.contracts._conv2d import many, unequal
from exercises.contracts._inside import Test, told_inside
from grader.authoring import LAYOUTS, Call, Draw, Regime, integers, laid_out, reals
from solutions.windows import Array, pair

# Sizes -----------------------------------------------------------------------------------------------------


def given(
    rng: Draw,
    *,
    n: int | None = None,
    c: int | None = None,
    kernel: Any = None,
    stride: Any = None,
    spare: Sequence[int] = (0, 0),
    outputs: tuple[int, int] | None = None,
) -> tuple[tuple[int, ...], dict[str, Any]]:
    """Return the shape of x and the other arguments; sizes that are not given are drawn, and square.

    The map is built from its output: KH + sh*(OH - 1) rows, and `spare` ones that no window reaches.
    """
    n, c = n or rng.integer(1, 2), c or rng.integer(1, 2)
    kernel = kernel or rng.integer(2, 3)
    outputs = outputs or (rng.integer(2, 3),) * 2
    size = pair(kernel, "kernel_size")
    steps = size if stride is None else pair(stride, "stride")
    sides = [k + s * (o - 1) + r for k, s, o, r in zip(size, steps, outputs, spare, strict=True)]
    arguments = {"kernel_size": kernel} if stride is None else {"kernel_size": kernel, "stride": stride}
    return (n, c, *sides), arguments


def sizes(rng: Draw, **wanted: Any) -> tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]:
    """Return the shapes of dy and x, and the other arguments; sizes as `given` takes them."""
    shape, arguments = given(rng, **wanted)
    size = pair(arguments["kernel_size"], "kernel_size")
    steps = pair(arguments.get("stride", size), "stride")
    rows, columns = ((side - k) // s + 1 for side, k, s in zip(shape[2:], size, steps, strict=True))
    return (*shape[:2], rows, columns), shape, arguments


def rest_left(rng: Draw) -> dict[str, Any]:
    """Return kernel, stride and rest, as `given` takes them: windows side by side or not, short rests and long."""
    options = ((2, 2, 0, 1), (3, None, 2, 1), (3, 2, 1, 0), (2, None, 1, 0), (3, None, 0, 2), (2, 2, 1, 1))
    kernel, stride, *spare = rng.choice(options)
    return {"kernel": kernel, "stride": stride, "spare": spare}


def unequally(rng: Draw) -> dict[str, Any]:
    """Return kernel, unequal strides and rest, as `given` takes them.

    One of the strides may be the kernel's, or the strides and the kernel may have one sum.
    """
    options = (2, (1, 3)), (2, (2, 3)), ((2, 3), (2, 1)), (3, (1, 2)), (2, (3, 2)), (3, (3, 1))
    kernel, stride = rng.choice(options)
    return {"kernel": kernel, "stride": stride, "spare": [rng.integer(0, side - 1) for side in stride]}


def any_sizes(rng: Draw) -> dict[str, Any]:
    """Return sizes in which everything varies at once, as `given` takes them."""
    kernel, steps = (tuple(rng.integer(1, 4) for _ in range(2)) for _ in range(2))
    corner = rng.integer(0, 4)
    whole_map = corner == 4  # the window is the map, or a pixel, which invites short cuts
    return {
        "n": rng.integer(1, 3),
        "c": rng.integer(1, 3),
        "kernel": 1 if corner == 3 else kernel if rng.boolean() else kernel[0],
        "stride": rng.choice((None, steps[0], steps)),
        "spare": (0, 0) if whole_map else (rng.integer(0, 3), rng.integer(0, 3)),
        "outputs": (1, 1) if whole_map else (rng.integer(1, 4), rng.integer(1, 4)),
    }


def larger_sizes(rng: Draw) -> dict[str, Any]:
    """Return sizes, as `given` takes them, that are mostly larger than elsewhere; a counterexample can shrink."""
    return {
        "n": many(rng, 5, 4),
        "c": many(rng, 5, 4),
        "kernel": rng.choice((2, (2, 6), (6, 2))),
        "stride": rng.choice((2, None)),
        "outputs": rng.choice(((2, 2), (3, 9), (9, 3))),
    }


def kernel_and_stride(rng: Draw) -> dict[str, Any]:
    """Return a kernel and a stride that are both unequal pairs, or one a pair and the other a number.

    In some, the windows stand side by side in one direction only, and both sides of the map are multiples of theirs.
    """
    kind = rng.integer(0, 4)
    if kind == 4:
        return {"kernel": 2, "stride": unequal(rng, 1, 2), "outputs": (3, 3)}
    return {
        "kernel": rng.integer(2, 3) if kind == 3 else unequal(rng, 2, 3),
        "stride": (unequal(rng, 1, 2), unequal(rng, 1, 4), rng.integer(1, 2), unequal(rng, 1, 4))[kind],
    }


LARGE_KERNELS = (4, 5, 6, 7, 5, (4, 1), (1, 5))
LARGE_MAPS = ((1, 13), (13, 1), (2, 14), (14, 2))


def numpy_sizes(rng: Draw, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments with NumPy's integers in place of ints."""
    return in_form(arguments, rng.choice(("int64", "int32", "int16")))


# Numbers ---------------------------------------------------------------------------------------------------


def distinct(rng: Draw, shape: tuple[int, ...], low: int = 1, dtype: str = "float64") -> Array:
    """Return the whole numbers from `low` on in a drawn order, so that there are no ties."""
    drawn = reals(rng, (math.prod(shape),))
    ranks = np.argsort(np.argsort(drawn, kind="stable"), kind="stable")
    return (ranks + low).astype(dtype).reshape(shape)


def upstream(rng: Draw, shape: tuple[int, ...], dtype: str = "float64") -> Array:
    """Return whole numbers of both signs, with zeros."""
    return integers(rng, shape, -4, 5, dtype)


def from_both_ends(rng: Draw, shape: tuple[int, ...], dtype: str, spread: int = 99) -> Array:
    """Return the largest whole numbers of a type, and in a fourth of the places the least, such as a picture's black.

    Two of the largest added up do not fit into the type; the least has no negative, and nothing is below it.
    """
    ends = np.iinfo(dtype)
    least = integers(rng.fork(), shape, 0, 3) == 0
    most = integers(rng, shape, int(ends.max) - spread, int(ends.max))
    return np.asarray(np.where(least, ends.min, most), dtype)


def _bytes(rng: Draw, shape: tuple[int, ...]) -> Array:
    """Return bytes that differ, up to the largest, but for zeros in a fourth of the places."""
    size = math.prod(shape)
    if size > 256:
        return from_both_ends(rng, shape, "uint8", 155)
    x = distinct(rng.fork(), shape, 256 - size, "uint8")
    x[(integers(rng, shape, 0, 3) == 0) & (x < 255)] = 0
    return x


def _signed(rng: Draw, shape: tuple[int, ...], dtype: str) -> Array:
    return distinct(rng.fork(), shape, rng.choice((1, -(math.prod(shape) * 2 // 3))), dtype)


def _few(low: int, high: int, dtype: str = "float64") -> Callable[[Draw, tuple[int, ...]], Array]:
    return lambda rng, shape: integers(rng, shape, low, high, dtype)


def _last_largest(rng: Draw, shape: tuple[int, ...]) -> Array:
    """Return numbers that grow along rows and columns: the largest of every window is its last."""
    steps = (np.arange(side) + reals(rng.fork(), (side,)) / 5 for side in shape[2:])
    rows, columns = steps
    return np.asarray(reals(rng, (*shape[:2], 1, 1)) + rows[:, None] + columns)


def _nonzero(rng: Draw, shape: tuple[int, ...]) -> Array:
    """Return different whole numbers of both signs, none of them 0."""
    x = distinct(rng, shape, -(math.prod(shape) * 2 // 3))
    return np.asarray(np.where(x >= 0, x + 1, x))


def _some_zeros(rng: Draw, shape: tuple[int, ...]) -> Array:
    """Return positive whole numbers and zeros, of which no two are next to each other."""
    x = distinct(rng.fork(), shape)
    odd = np.indices(shape).sum(axis=0) % 2 == 1
    x[odd & (integers(rng, shape, 0, 2) > 0)] = 0
    return x


def _zeros_in_front(rng: Draw, shape: tuple[int, ...]) -> Array:
    """Return positive whole numbers, and zeros in the first two rows and columns."""
    x = distinct(rng, shape)
    x[..., :2, :2] = 0
    return x


def _infinite(rng: Draw, shape: tuple[int, ...]) -> Array:
    """Return whole numbers, minus infinity in the first two rows and columns, and at the end some infinity."""
    x = integers(rng.fork(), shape, -9, 9, "float64")
    x[..., -1, -1] = rng.choice((np.inf, -np.inf))
    x[..., :2, :2] = -np.inf
    return x


def nonzero(array: Array, instead: int = 6) -> Array:
    """Return the array with another number for zeros: where dy is zero, a window shows nothing."""
    return np.asarray(np.where(array == 0, np.asarray(instead, array.dtype), array))


Kind = Callable[[Draw, tuple[int, ...]], Array]
NUMBERS: dict[str, Kind] = {
    "ranks": distinct,
    "signed": lambda rng, shape: distinct(rng, shape, -(math.prod(shape) * 2 // 3)),
    "negative": lambda rng, shape: distinct(rng.fork(), shape, -math.prod(shape) - rng.choice((0, 10**4, 10**12))),
    "up to zero": lambda rng, shape: distinct(rng, shape, 1 - math.prod(shape)),
    "digits": lambda rng, shape: 1 + distinct(rng, shape) * 2.0**-40,
    "next": lambda rng, shape: 1 + distinct(rng, shape) * 2.0**-52,
    "large": lambda rng, shape: distinct(rng.fork(), shape, rng.choice((2**29, -(2**30), 2**45)), "int64"),
    "huge": lambda rng, shape: reals(rng, shape, scale=1e30),
    "tiny": lambda rng, shape: reals(rng, shape, scale=1e-30),
    "float64": reals,
    "float32": lambda rng, shape: reals(rng, shape, "float32"),
    "int64": lambda rng, shape: _signed(rng, shape, "int64"),
    "int32": lambda rng, shape: _signed(rng, shape, "int32"),
    "uint8": _bytes,
    "last largest": _last_largest,
    "few": _few(0, 2),
    "few negative": _few(-2, -1),
    "few of int64": _few(1, 2, "int64"),
    "few of int32": _few(-1, 1, "int32"),
    "few of float32": _few(0, 2, "float32"),
    "few of bytes": _few(0, 1, "uint8"),
    "zeros": lambda rng, shape: np.maximum(integers(rng, shape, -4, 2, "float64"), 0),
    "equal": lambda rng, shape: np.full(shape, float(rng.integer(-1, 1))),
    "huge and negative": lambda rng, shape: -np.abs(reals(rng, shape, scale=1e290)) - 1e290,
    "beyond 32 bits": lambda rng, shape: integers(rng, shape, -(2**45), 2**40),
    "limits of int32": lambda rng, shape: from_both_ends(rng, shape, "int32"),
    "limits of int16": lambda rng, shape: from_both_ends(rng, shape, "int16"),
    "limits of uint8": lambda rng, shape: from_both_ends(rng, shape, "uint8"),
    "infinite": _infinite,
    "nonzero": _nonzero,
    "quarters": lambda rng, shape: distinct(rng, shape) / 4,
    "quarters of both signs": lambda rng, shape: _nonzero(rng, shape) / 4,
    "thousandths": lambda rng, shape: _nonzero(rng, shape) / 1000,
    "zeros in front": _zeros_in_front,
    "some zeros": _some_zeros,
    "positive int64": lambda rng, shape: distinct(rng, shape, dtype="int64"),
    "positive float64": lambda rng, shape: np.abs(reals(rng, shape)) + 0.5,
    "positive float32": lambda rng, shape: np.abs(reals(rng, shape, "float32")) + np.float32(0.5),
    "positive huge": lambda rng, shape: (np.abs(reals(rng, shape)) + 0.5) * 1e30,
    "positive tiny": lambda rng, shape: (np.abs(reals(rng, shape)) + 0.5) * 1e-30,
    "long int32": lambda rng, shape: integers(rng, shape, 10**5, 2 * 10**5, "int32"),
    "long int64": lambda rng, shape: integers(rng, shape, 10**10, 2 * 10**10, "int64"),
    "large bytes": lambda rng, shape: integers(rng, shape, 90, 255, "uint8"),
}  # of x
ZEROS_APART = {"some zeros": "ranks"}  # what has zeros next to other numbers, and what is taken for windows of one
UPSTREAM: dict[str, Kind] = {
    "whole": lambda rng, shape: nonzero(upstream(rng, shape)),
    "with zeros": upstream,
    "positive": lambda rng, shape: integers(rng, shape, 1, 6, "float64"),
    "negative": lambda rng, shape: integers(rng, shape, -6, -1, "float64"),
    "int64": lambda rng, shape: nonzero(upstream(rng, shape, "int64")),
    "int32": lambda rng, shape: nonzero(upstream(rng, shape, "int32")),
    "large": lambda rng, shape: nonzero(integers(rng, shape, -(10**6), 10**6), 10**5),
    "float64": reals,
    "float32": lambda rng, shape: reals(rng, shape, "float32"),
    "huge": lambda rng, shape: reals(rng, shape, scale=1e30),
    "tiny": lambda rng, shape: reals(rng, shape, scale=1e-30),
}  # of dy


# Calls in which much meets ---------------------------------------------------------------------------------

ONE = {"n": 1, "c": 1}
PLAIN = {"form": "as drawn", "stored": "C"}
LEFT_OUT = {"stride": None, "way": "usual"}
SIDE_BY_SIDE = (
    (2, (0, 0), (2, 3)),
    (3, (2, 0), (2, 2)),
    ((2, 3), (1, 1), (3, 2)),
    ((3, 2), (0, 0), (2, 3)),
)  # kernel, rest and output where the stride is the kernel
OVERLAPPING = ((3, 2), (2, 1), (4, 1), ((3, 4), (2, 1)))
UNEQUAL = (
    (2, (1, 3)),
    (2, (2, 3)),
    ((2, 3), (2, 1)),
    (3, (1, 2)),
    (2, (3, 2)),
    ((2, 3), (3, 2)),
    ((3, 2), (1, 4)),
    (2, (2, 1)),
)  # kernels and strides; in some one of the strides is the kernel's, or the sums agree
OBLONG = (((1, 2), 1), ((3, 1), None), ((1, 3), (1, 2)), ((2, 1), 2), ((2, 3), None), ((3, 2), 2), ((1, 3), None))
GAPS = (
    (2, 3, (2, 2)),
    ((1, 2), (1, 3), (0, 1)),
    ((2, 1), (3, 1), (1, 0)),
    ((1, 2), 3, (2, 2)),
    ((2, 1), 2, (0, 0)),
    ((1, 2), 2, (0, 0)),
)  # kernel, stride and rest
ROOM = (((2, 3), (1, 0), (1, 2)), ((3, 2), (0, 1), (2, 1)))  # of kernel, rest and output: for windows turned round, too
ALIKE: tuple[dict[str, Any], ...] = (
    {"kernel": 2, "stride": 2, "spare": (1, 1)},
    {"kernel": 2, "stride": 3},
    {"kernel": 3, "stride": 2},
    {"kernel": (2, 3), "stride": (3, 2)},
    {"kernel": (3, 2), "stride": (2, 3)},
    {"kernel": 4, "stride": 1},
)  # of one shape, and with one output: who remembers by shapes has the wrong places
EXACT: tuple[dict[str, Any], ...] = (
    {"kind": ("float64", "next")},
    {"kind": ("large", "large")},
    {"kind": ("float64", "digits")},
    {},
)
ONLY = ((1, 2, 2), (2, 1, (2, 3)), (2, 3, 3), (1, 3, (2, 4)))  # images, channels, and the kernel
LARGE = ((5, 2), (7, None), (4, 3), ((6, 8), 3))  # kernels and strides
LONG = (((11, 1), 1), ((1, 11), 2), ((5, 2), None), ((2, 6), 1))
MANY = (((300, 1), (1, 2)), ((2, 150), (2, 1)), ((17, 16), (1, 2)))  # kernels of more than a byte counts, and outputs
AT_ONCE = ((3, 4, (2, 3)), (4, 3, (3, 2)), (2, 6, (2, 4)), (6, 2, (4, 2)), (4, 4, (2, 3)))  # images, channels, kernel
SHAPES: tuple[dict[str, Any], ...] = (
    *({} for _ in range(3)),
    # windows side by side: the stride given, left out, given as None
    *({"kernel": k, "stride": k, "spare": r, "outputs": o} for k, r, o in SIDE_BY_SIDE[:3]),
    *({"kernel": k, **LEFT_OUT, "spare": r, "outputs": o} for k, r, o in SIDE_BY_SIDE),
    *({"kernel": k, **LEFT_OUT, "spare": r, "outputs": o} for k, r, o in ROOM),
    *({"kernel": k, "stride": None, "way": w, "outputs": (2, 3)} for k, w in ((2, "position"), ((3, 2), "keyword"))),
    # and not
    *({"kernel": k, "stride": s, "outputs": (3, 2)} for k, s in OVERLAPPING),
    *({"kernel": k, "stride": s, "outputs": (3, 2), "form": "lists"} for k, s in ((3, 1), (2, (1, 2)))),
    *({**ONE, "kernel": k, "stride": s, "outputs": (3, 3)} for k, s in UNEQUAL),
    *({"n": 1, "kernel": k, "stride": s, "outputs": (4, 3)} for k, s in OBLONG),
    *({"kernel": k, "stride": s, "outputs": (2, 3)} for k, s in ((2, (3, 4)), (1, (2, 3)))),
    *({"kernel": k, "stride": s, "spare": r, "outputs": (3, 2)} for k, s, r in GAPS),
    # one pixel: the gradient is dy itself
    *({"kernel": 1, "stride": 1, "spare": (0, 0), **more} for more in ({}, {**PLAIN, "way": "usual"})),
    {"kernel": 1, **LEFT_OUT, **PLAIN, "outputs": (2, 3), "spare": (0, 0)},
    *({"kernel": 1, "stride": s, "outputs": (3, 2), "spare": r} for s, r in ((2, (0, 0)), ((1, 2), (0, 1)))),
    # the window is the map, or the only one
    *({"n": n, "c": c, "kernel": k, "spare": (0, 0), "outputs": (1, 1), "stored": "C"} for n, c, k in ONLY),
    {**ONE, "kernel": 1, "spare": (0, 0), "outputs": (1, 1)},
    {"n": 1, "c": 2, "kernel": (3, 4), "spare": (0, 0), "outputs": (1, 1), **LEFT_OUT},
    {"kernel": 2, "stride": 3, "spare": (2, 1), "outputs": (1, 1)},
    # a map of one row or of one column
    *({"kernel": k, "spare": (0, 0), "outputs": o} for k, o in (((1, 2), (1, 3)), ((2, 1), (3, 1)))),
    # no image, and sizes that agree by chance
    *({"n": 1, "empty": True} for _ in range(4)),
    {"n": 2, "c": 2, "kernel": 2, "stride": 2, "spare": (0, 0), "outputs": (2, 2)},
    *({"n": n, "c": c, "kernel": 2, "stride": 1, "outputs": (n, c)} for n, c in ((2, 3), (3, 2))),
    # something that is large
    *({"n": 1, "kernel": k, "stride": s, "outputs": (2, 2), **e} for (k, s), e in zip(LARGE, EXACT, strict=True)),
    *({**ONE, "kernel": k, "stride": s, "outputs": (2, 3)} for k, s in LONG),
    *({**ONE, "kernel": k, "stride": 1, "outputs": o, "x": "last largest"} for k, o in MANY),
    *({"n": 1, "stride": s, "outputs": (2, 2)} for s in (5, (6, 2), (2, 7))),
    *({**ONE, "kernel": 2, "stride": 16, "outputs": o, "form": "as drawn"} for o in ((1, 17), (17, 1))),
    *({**ONE, "outputs": o} for o in ((2, 17), (13, 2), (1, 14))),
    *({"n": n, "c": 1, "kernel": 2, "outputs": (1, 2)} for n in (4, 5, 9)),
    *({"n": 1, "c": c, "kernel": 2, "outputs": (2, 1)} for c in (4, 5, 17)),
    *({"n": n, "c": c, "kernel": k, "stride": None, "outputs": (2, 2)} for n, c, k in AT_ONCE),
    # calls that look alike
    *({**ONE, "outputs": (2, 2), "spare": (0, 0), **moves} for moves in ALIKE),
    {"n": 1, "c": 2, "outputs": (2, 2), **ALIKE[0]},
)  # what a call has besides what is drawn: corners that invite short cuts, and something that is large
MOVES = ("n", "c", "kernel", "stride", "spare", "outputs")
WAYS = ("usual", "usual", "keyword", "position")
FORMS = (*("as drawn",) * 4, *("lists",) * 2, "int64", "int32", "int16")
STORED = (*LAYOUTS, *("each in its own",) * 5)


@dataclass(frozen=True)
class Mix:
    """How to draw calls in which things meet that are each right alone: sizes, numbers, types, layouts, ways to call.

    `names` are the parameters, `corners` what is laid down one by one, `kinds` what dy and x are made of, besides.
    """

    names: tuple[str, ...]
    corners: tuple[dict[str, Any], ...]
    kinds: tuple[tuple[Any, ...], ...]

    def draw(self, rng: Draw) -> Call:
        """Return a call. What matters most is drawn first, so that several calls have it spread evenly."""
        corner, kind, layout = rng.choice(self.corners), rng.choice(self.kinds), rng.choice(STORED)
        way, form = rng.choice(WAYS), rng.choice(FORMS)
        wanted = mixed_sizes(rng) | {name: value for name, value in corner.items() if name in MOVES}
        wanted["spare"] = not_reached(wanted)
        up, shape, arguments = sizes(rng, **wanted)
        dy, x, *norm = corner.get("kind", kind)
        x = corner.get("x", x)
        if max(pair(arguments["kernel_size"], "kernel_size")) == 1:
            x = ZEROS_APART.get(x, x)
        made: dict[str, Any] = {"x": NUMBERS[x](rng.fork(), shape)}
        if "dy" in self.names:
            made["dy"] = UPSTREAM[corner.get("dy", dy)](rng.fork(), up)
        if corner.get("empty"):
            made = {name: array[:0] for name, array in made.items()}
        layout = corner.get("stored", layout)
        made = {
            name: laid_out(array, rng.choice(LAYOUTS) if layout == "each in its own" else layout)
            for name, array in made.items()
        }
        if norm:
            made["norm_type"] = rng.choice(norm[0])
        return self.handed(made | in_form(arguments, corner.get("form", form)), corner.get("way", way))

    def handed(self, named: Mapping[str, Any], way: str) -> Call:
        """Return a call with these arguments in one of the WAYS."""
        if way == "position":
            return Call(tuple(named.get(name) for name in self.names))
        if way == "keyword":
            return Call((), {name: named.get(name) for name in self.names[::-1]})
        *required, option = self.names
        return Call(tuple(named[name] for name in required), {option: named[option]} if option in named else {})


def with_mixed(
    regimes: tuple[Regime, ...],
    mix: Mix,
    inside: dict[str, Test],
    name: str = "sizes, types and layouts are mixed",
) -> tuple[Regime, ...]:
    """Return the regimes with who is inside them, and with calls in which they meet."""
    mixed = Regime(name, mix.draw, "together", len(mix.corners) + 1)
    return told_inside((*regimes, mixed), inside)


PLANES = ((1, 1), (1, 2), (2, 1), (2, 2), (1, 3), (3, 2))  # images and channels


def mixed_sizes(rng: Draw) -> dict[str, Any]:
    """Return sizes in which everything varies at once, as `given` takes them; few, for there are many calls."""
    n, c = rng.choice(PLANES)
    kernel, steps = ((rng.integer(1, 4), rng.integer(1, 4)) for _ in range(2))
    return {
        "n": n,
        "c": c,
        "kernel": rng.choice((kernel[0], kernel)),
        "stride": rng.choice((None, steps[0], steps)),
        "spare": (rng.integer(0, 3), rng.integer(0, 3)),
        "outputs": (rng.integer(1, 3), rng.integer(1, 3)),
    }


def not_reached(wanted: Mapping[str, Any]) -> tuple[int, ...]:
    """Return what of the spare rows and columns has no room for a further window."""
    steps = pair(wanted["kernel"] if wanted["stride"] is None else wanted["stride"], "stride")
    return tuple(rest % step for rest, step in zip(wanted["spare"], steps, strict=True))


def in_form(arguments: Mapping[str, Any], form: str) -> dict[str, Any]:
    """Return kernel and stride in one of the FORMS."""
    if form == "as drawn":
        return dict(arguments)
    if form == "lists":
        return {name: list(pair(value, name)) for name, value in arguments.items()}
    kind = {"int64": np.int64, "int32": np.int32, "int16": np.int16}[form]
    return {
        name: kind(value) if isinstance(value, int) else tuple(map(kind, value)) for name, value in arguments.items()
    }
