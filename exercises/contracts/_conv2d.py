"""Calls of conv2d: a way to draw them for each of its regimes, and parts that other contracts draw with, too."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import permutations, product
from typing import Any

import numpy as np

from grader.authoring import LAYOUTS, Call, Draw, integers, laid_out, reals
from solutions.windows import pair

Maker = Callable[..., Call]  # of a source of randomness, and sizes as `case` takes them


def case(
    rng: Draw,
    *,
    n: int | None = None,
    c: int | None = None,
    f: int | None = None,
    kernel: tuple[int, int] | None = None,
    stride: Any = 1,
    padding: Any = 0,
    spare: tuple[int, int] = (0, 0),
    outputs: tuple[int, int] | None = None,
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[Any, Any]]:
    """Return the shapes of x and w, and (stride, padding). Sizes that are not given are drawn, and square.

    The image is built from its output: KH + sh*(OH - 1) - 2*ph rows, and `spare` ones that no window reaches. Where
    that leaves nothing, or windows that all lie beside it, it is larger.
    """
    n, c, f = n or rng.integer(1, 2), c or rng.integer(1, 2), f or rng.integer(1, 2)
    kernel = kernel or (rng.integer(2, 3),) * 2
    outputs = outputs or (rng.integer(2, 3),) * 2
    steps, edges = pair(stride, "stride"), pair(padding, "padding", 0)
    sides = []
    for k, s, p, r, o in zip(kernel, steps, edges, spare, outputs, strict=True):
        size = k + s * (o - 1) + r - 2 * p
        while size < 1:
            size += s
        while not reached(size, k, s, p):
            size += 1
        sides.append(size)
    return (n, c, *sides), (f, c, *kernel), (stride, padding)


def reached(size: int, kernel: int, stride: int, padding: int) -> bool:
    """Does any window along an axis hold a pixel of the image, and not only padding? Else the result shows nothing."""
    starts = range(-padding, size + padding - kernel + 1, stride)
    return any(-kernel < start < size for start in starts)


def positions(x: tuple[int, ...], w: tuple[int, ...], stride: Any, padding: Any) -> tuple[int, int]:
    """Return how many rows and columns the map of these shapes has."""
    steps, edges = pair(stride, "stride"), pair(padding, "padding", 0)
    rows, columns = ((x[2 + a] + 2 * edges[a] - w[2 + a]) // steps[a] + 1 for a in (0, 1))
    return rows, columns


def whole(rng: Draw, *, biased: bool = False, **sizes: Any) -> Call:
    """Return a call with small whole numbers in float64, by default without a bias."""
    x, w, (stride, padding) = case(rng, **sizes)
    numbers = [integers(rng, shape, dtype="float64") for shape in (x, w)]
    if biased:
        numbers.append(bias(rng, w[0]))
    return Call(tuple(numbers), given(stride, padding))


def single(rng: Draw, **sizes: Any) -> Call:
    """Return a call with one image, one channel and one filter, without a bias."""
    return whole(rng, n=1, c=1, f=1, **sizes)


def with_bias(rng: Draw, **sizes: Any) -> Call:
    return whole(rng, biased=True, **sizes)


BIAS = (1, 2, 3, 5, -1, -2, -3, -4, 7, -6, 11, -9)


def bias(rng: Draw, filters: int, dtype: str = "float64") -> Any:
    """Return a bias whose entries all differ, and differ from zero."""
    return np.array(rng.sample(BIAS, filters), dtype)


def given(stride: Any, padding: Any) -> dict[str, Any]:
    """Return the arguments that are not at their default."""
    return {name: v for name, v, usual in (("stride", stride, 1), ("padding", padding, 0)) if v != usual}


def unequal(rng: Draw, *options: int) -> tuple[int, int]:
    """Return two different options; one choice among all pairs, so that a few draws do not have the same."""
    return rng.choice(tuple(permutations(options, 2)))


def remainder(rng: Draw, stride: tuple[int, int]) -> tuple[int, int]:
    """Return how many rows and columns no window reaches, not both zero; only a stride above 1 leaves any."""
    spare = [rng.integer(0, s - 1) for s in stride]
    if not any(spare):
        axis = rng.choice([axis for axis, s in enumerate(stride) if s > 1])
        spare[axis] = rng.integer(1, stride[axis] - 1)
    return spare[0], spare[1]


def not_dividing(rng: Draw, make: Maker = single) -> Call:
    stride = rng.integer(2, 3)
    return make(rng, stride=stride, spare=remainder(rng, (stride, stride)))


def beyond_kernel(rng: Draw, make: Maker = single) -> Call:
    return make(rng, kernel=(rng.integer(1, 2),) * 2, stride=rng.integer(3, 4), outputs=(2, 2))


def all_together(rng: Draw, make: Maker = with_bias) -> Call:
    stride, padding = unequal(rng, 1, 2, 3), unequal(rng, 0, 1, 2)
    kernel = rng.choice(((3, 2), (2, 3)))
    spare = remainder(rng, stride)
    sizes = {"n": 2, "c": rng.integer(2, 3), "f": rng.integer(2, 3), "outputs": unequal(rng, 2, 3)}
    return make(rng, kernel=kernel, stride=stride, padding=padding, spare=spare, **sizes)


def wide_padding(rng: Draw) -> Call:
    side = rng.integer(2, 3)
    return single(rng, kernel=(side, side), padding=side // 2 + 1, outputs=(5, 5))


FULL = ((2, 0), (3, 1), (3, 0), (4, 1))  # sides and paddings of kernels as large as the padded image


def full_kernel(rng: Draw) -> Call:
    side, padding = rng.choice(FULL)
    return single(rng, kernel=(side, side), padding=padding, outputs=(1, 1), stride=rng.integer(1, 2))


def alone(rng: Draw) -> Call:
    call = single(rng)
    return Call((*call.args, None) if rng.boolean() else call.args)


def biases(rng: Draw) -> Call:
    """Return a call whose map has as many columns as there are filters, so that a bias along them shows."""
    filters = many(rng, 2, 3)
    return whole(rng, biased=True, n=1, f=filters, outputs=(2, filters))


def empty(rng: Draw) -> Call:
    sizes: dict[str, Any] = {"stride": rng.integer(1, 2), "padding": rng.integer(0, 1), "kernel": (3, 3)}
    call = whole(rng, biased=rng.boolean(), n=1, f=2, **sizes)
    return Call((call.args[0][:0], *call.args[1:]), call.kwargs)


def typed(rng: Draw, image: str, weights: str, **sizes: Any) -> Call:
    """Return a call with whole numbers for an integer dtype and any numbers for a floating one."""
    x, w, (stride, padding) = case(rng, **sizes)
    whole_weights = weights.startswith("int")
    x_array = reals(rng, x, image) if image.startswith("float") else integers(rng, x, 0, 9, image)
    w_array = integers(rng, w, dtype=weights) if whole_weights else reals(rng, w, weights)
    b_array = bias(rng, w[0], weights) if whole_weights else reals(rng, (w[0],), weights) + np.asarray(0.5, weights)
    return Call((x_array, w_array, b_array), given(stride, padding))


def bytes_image(rng: Draw) -> Call:
    x, w, _ = case(rng)
    return Call((integers(rng, x, 0, 255, "uint8"), integers(rng, w, dtype="int64"), bias(rng, w[0], "int64")))


def scaled(rng: Draw, image: float, weights: float) -> Call:
    """Return a call whose image and weights are both far from 1, and from one another: either may be taken for zero."""
    x, w, _ = case(rng)
    return Call((reals(rng, x, scale=image), reals(rng, w, scale=weights), reals(rng, (w[0],), scale=image * weights)))


def stored(rng: Draw, layout: str) -> Call:
    """Return a call with arrays of a layout; a part of one is contiguous only where there is nothing besides it."""
    kernel, sizes = rng.choice((((2, 2), 1), ((3, 3), 2), ((1, 1), 1), ((2, 2), 2)))
    call = whole(rng, biased=True, kernel=kernel, n=sizes, c=sizes, f=rng.integer(1, 2))
    return Call(tuple(laid_out(array, layout) for array in call.args), call.kwargs)


def by_keyword(rng: Draw) -> Call:
    call = whole(rng, biased=True, stride=2, padding=1, kernel=(3, 3))
    return Call((), {**dict(zip(("b", "w", "x"), call.args[::-1], strict=True)), **call.kwargs})


def by_position(rng: Draw) -> Call:
    x, w, (stride, padding) = case(rng, stride=2, padding=1, kernel=(3, 3))
    return Call(
        (integers(rng, x, dtype="float64"), integers(rng, w, dtype="float64"), bias(rng, w[0]), stride, padding)
    )


def as_lists(rng: Draw, make: Maker = whole) -> Call:
    call = make(rng, stride=unequal(rng, 1, 2), padding=unequal(rng, 0, 1), kernel=(3, 3))
    return Call(call.args, {name: list(value) for name, value in call.kwargs.items()})


FLOATS, WHOLES = ("float64", "float32"), ("int64", "int32")
MIXED = ((*FLOATS, *WHOLES, "uint8"), (*FLOATS, *WHOLES), (*FLOATS, *WHOLES))  # dtypes of x, w and b


def numbers(rng: Draw, shape: tuple[int, ...], dtype: str) -> Any:
    """Return any numbers of a floating dtype, or small whole ones."""
    if dtype.startswith("float"):
        return reals(rng, shape, dtype)
    return integers(rng, shape, 0 if dtype == "uint8" else -4, 255 if dtype == "uint8" else 4, dtype)


def any_moves(rng: Draw, largest: int = 4) -> dict[str, Any]:
    """Return sizes in which everything varies at once, as `case` takes them.

    A kernel of one pixel and one as large as the padded image invite short cuts, so they come often.
    """
    kernel = rng.choice((1, 2, 3, 4)), rng.choice((1, 2, 3, 4))
    down, across = (rng.choice(tuple(product((1, 2, 3), (0, 1, 2)))) for _ in range(2))
    steps, edges = zip(down, across, strict=True)
    spare, outputs = (rng.integer(0, 2), rng.integer(0, 2)), (rng.integer(1, largest), rng.integer(1, largest))
    corner = rng.integer(0, 4)
    if corner == 1:
        kernel = (1, 1)
    elif corner == 2:
        spare, outputs = (0, 0), (1, 1)
    return {
        "n": rng.integer(1, 3),
        "c": rng.integer(1, 3),
        "f": rng.integer(1, 3),
        "kernel": kernel,
        "stride": rng.choice((steps[1], steps, steps)),
        "padding": rng.choice((edges[1], edges, edges)),
        "spare": spare,
        "outputs": outputs,
    }


THICK = ((2, 4), (3, 4), (1, 4), (3, 5))  # sides of kernels that are narrower than the padding beside them
LARGE_MAPS = ((2, 17), (1, 258), (17, 2), (258, 1))  # more than a short loop reaches, or a byte holds
TERMS = ((8, (3, 3), 2), (66, (1, 1), 8), (2, (6, 6), 2), (66, (1, 1), 9), (24, (3, 3), 6))  # channels, kernel, map
REAL, WHOLE, INTEGERS, LARGE = ("float64",) * 3, ("whole",) * 3, ("int64",) * 3, ("large",) * 3
ONE = {"n": 1, "c": 1, "f": 1}
CROWDS = (
    {"n": 4},
    {"n": 5},
    {"n": 9},
    {"c": 4, "padding": 0},
    {"c": 5},
    {**ONE, "c": 258, "kernel": (1, 1)},
    {"f": 8, "padding": 0},
    {"n": 1, "f": 17, "padding": 0},
)
ALIKE = (
    {"outputs": (2, 2), "stride": 2, "padding": 0, "spare": (1, 1)},
    {"outputs": (2, 2), "stride": 3, "padding": 0, "spare": (0, 0)},
    {"outputs": (2, 2), "stride": (2, 3), "padding": 0, "spare": (1, 0)},
    {"outputs": (2, 2), "stride": (3, 2), "padding": 0, "spare": (0, 1)},
    {"outputs": (2, 2), "stride": 2, "padding": 0, "spare": (1, 0)},
    {"outputs": (4, 4), "stride": 1, "padding": 1, "spare": (0, 0)},
    {"outputs": (2, 2), "stride": 2, "padding": 1, "spare": (1, 1)},
    {"outputs": (4, 4), "stride": 1, "padding": (0, 1), "spare": (0, 0)},
    {"outputs": (4, 4), "stride": 1, "padding": (1, 0), "spare": (0, 0)},
    {"outputs": (3, 5), "stride": 1, "padding": (0, 1), "spare": (0, 0)},
    {"outputs": (5, 3), "stride": 1, "padding": (1, 0), "spare": (0, 0)},
)  # of the same kernel and padded image: who remembers by shapes has the wrong one


Kind = str | float | None
KINDS: tuple[tuple[Kind, ...], ...] = (
    ("whole", "whole", "whole"),
    ("float64", "float64", "float64"),
    ("int64", "int64", "int64"),
    ("float32", "float32", "float32"),
    ("uint8", "large", "int64"),
    ("float64", "int64", "int64"),
    ("int64", "float64", "float64"),
    ("uint8", "float64", "int64"),
    ("int32", "float64", None),
    ("int32", "int64", "float64"),
    ("large", "large", "large"),
    ("float64", "float32", "float32"),
    ("float32", "float64", "float64"),
    (1e20, 1e10, 1e30),
    (1e-15, 1e-25, 1e-40),
    ("any", "any", "any"),
)  # of x, w and b: a dtype, small or large whole numbers, real ones of a scale, or no bias
PLAIN = {"stride": 1, "padding": 0, "form": "as drawn"}
COPIED = {**ONE, "kernel": (1, 1), **PLAIN, "kind": WHOLE, "bias": "none", "stored": "C"}  # the result is the image
CORNERS: tuple[dict[str, Any], ...] = (
    *({} for _ in range(5)),
    # the kernels that fast ways are written for
    *({"kernel": (3, 3), "stride": stride, "outputs": (2, 3)} for stride in (1, 2, (1, 2))),
    {"kernel": (3, 3), **PLAIN, "spare": (0, 0), "outputs": (3, 2), "kind": REAL},
    {"padding": 2, "form": "NumPy's integers"},
    # options left out
    *({**PLAIN, "short": short} for short in (False, True, True)),
    # one pixel, the image itself, and a window as large as the image
    {"kernel": (1, 1)},
    {"kernel": (1, 1), **PLAIN, "bias": "drawn"},
    {"kernel": (1, 1), "stride": (2, 3), "padding": 0, "outputs": (2, 2)},
    {**ONE, "kernel": (1, 1), "stride": 2, "padding": 0, "spare": (0, 0), "outputs": (2, 3)},
    *({**COPIED, "weights": weights} for weights in ("ones", "drawn")),
    {"n": 1, "spare": (0, 0), "outputs": (1, 1), **PLAIN, "kind": WHOLE, "bias": "drawn", "stored": "C"},
    *({"spare": (0, 0), "outputs": (1, 1), "padding": padding} for padding in (0, 0, 1, (1, 2))),
    # no image, and sizes that agree by chance
    *({"n": 1, "empty": True} for _ in range(3)),
    {"n": 2, "c": 3, "f": 2, "kernel": (2, 2), "outputs": (2, 2), **PLAIN, "spare": (0, 0)},
    {"n": 2, "c": 2, "f": 3, "outputs": (2, 3), "bias": "drawn"},
    {"n": 3, "c": 2, "f": 2, "outputs": (3, 2), "bias": "drawn"},
    # something that is large
    *({"n": 1, "kernel": kernel, "outputs": (1, 2)} for kernel in ((5, 5), (7, 7), (8, 11))),
    *({"f": 1, "kernel": kernel, "outputs": (2, 1)} for kernel in ((11, 1), (1, 11), (5, 6))),
    *({"n": 1, "stride": stride, "outputs": (2, 3)} for stride in (5, (6, 2), (2, 7), (7, 5))),
    *({**ONE, "kernel": (k, k), "padding": p, "stride": 2, "outputs": (5, 4)} for k, p in (*THICK, (2, 5))),
    *({**ONE, **PLAIN, "kernel": (2, 2), "outputs": outputs, "spare": (0, 0)} for outputs in (*LARGE_MAPS, (1, 18))),
    *({**many, "outputs": (1, 2), "bias": "drawn"} for many in CROWDS),
    *({**ONE, "c": c, "kernel": k, "outputs": (side, side), "kind": REAL} for c, k, side in (*TERMS[:1], *TERMS[2:4])),
    {**ONE, "c": 24, "kernel": (3, 3), "outputs": (2, 3), "kind": REAL},
    *({**ONE, "stride": 2, "padding": 0, "outputs": outputs} for outputs in ((9, 2), (2, 10))),
    *({"n": 2, "c": 3, "f": 2, "kernel": kernel, "outputs": (2, 2)} for kernel in ((2, 3), (3, 2))),
    # calls that look alike
    *({**ONE, "kernel": (2, 2), "kind": WHOLE, **moves} for moves in ALIKE),
    *({**ONE, "kernel": (2, 2), "kind": kind, **ALIKE[5]} for kind in (INTEGERS, REAL)),
    {**ONE, "c": 2, "kernel": (2, 2), "kind": WHOLE, **ALIKE[5]},
    *({"n": 2, **PLAIN, "kind": LARGE, "bias": "none"} for _ in range(2)),  # a bias makes float64 of float32
    # zeros, and numbers or filters that are equal; nothing that shows them stands in the padding
    *({"f": 3, "bias": bias, "padding": 0} for bias in ("zeros", "last zero", "first twice", "first again")),
    {"f": 3, "bias": "sum of zero"},
    *({"f": 2, "kernel": (2, 3), "weights": weights} for weights in ("first row zero", "last column zero")),
    {"f": 3, "weights": "last zero", "bias": "drawn"},
    {"f": 2, "kernel": (2, 3), **PLAIN, "weights": "ones", "kind": REAL},
    *({"f": 2, "weights": weights, "bias": "drawn", "padding": 0} for weights in ("last zero", "alike", "a product")),
    {"f": 3, "kernel": (2, 2), "weights": "first again", "bias": "drawn", "padding": 0},
    {"kernel": (2, 4), "weights": "symmetric"},
    {"kernel": (3, 3), "padding": 0, "weights": "equal corners"},
    *({"image": "sparse", "stride": stride, "outputs": (3, 3)} for stride in (1, 2, (1, 2))),
    {"image": "constant", "stride": 1},
)  # what a call has besides what is drawn: corners that invite short cuts, and something that is large
WAYS = ("usual", "usual", "keyword", "position")
FORMS = ("as drawn", "as drawn", "lists", "NumPy's integers")
STORED = (*LAYOUTS, *("each in its own",) * 5)
BIASES = ("drawn", "drawn", "drawn", "none")


def anything(rng: Draw) -> Call:
    """Return a call in which things meet that are each right alone: sizes, numbers, types, layouts, ways to call.

    What matters most is drawn first and whatever comes of it, so that several calls have it spread evenly.
    """
    corner, kind, layout = rng.choice(CORNERS), rng.choice(KINDS), rng.choice(STORED)
    way, form, biased = rng.choice(WAYS), rng.choice(FORMS), rng.choice(BIASES)
    moves = any_moves(rng, 3)
    x, w, (stride, padding) = case(rng, **{**moves, **{name: v for name, v in corner.items() if name in moves}})
    n, f = enough((x[0], w[0], *positions(x, w, stride, padding)), corner)
    x, w = (n, *x[1:]), (f, *w[1:])
    kinds = any_kinds(rng, corner.get("kind", kind), MIXED)
    image, weights, values = (of_kind(rng.fork(), *each) for each in zip((x, w, (w[0],)), kinds, strict=True))
    for weight in weights:
        weight.flat[0] = weight.flat[0] or 1  # of one pixel, a zero would hide the image
    if kinds[2] in ("whole", "int64", None) and w[0] <= len(BIAS):
        values = bias(rng.fork(), w[0], "int64" if kinds[2] == "int64" else "float64")  # nothing of it is zero
    for name, array in (("image", image), ("weights", weights), ("bias", values)):
        PATTERNS[corner.get(name, "drawn")](array)
    short = corner.get("short", False)
    left_out = short or corner.get("bias", "none" if kinds[2] is None else biased) == "none"
    arrays = [image[:0] if corner.get("empty") else image, weights, None if left_out else values]
    arrays = all_stored(rng, arrays, corner.get("stored", layout))
    if short:
        return Call(tuple(arrays[: rng.integer(2, 3)]))
    return handed(rng, arrays, {"stride": stride, "padding": padding}, way, corner.get("form", form))


MOST = 54  # entries of a map that is not large in itself: plain loops take as long as there are entries


def enough(made: tuple[int, ...], corner: Mapping[str, Any]) -> tuple[int, int]:
    """Return a number of images and of filters for a map, fewer than `made` has where it has more than MOST entries.

    What a corner gives is left as it is, and there still are several images or several filters.
    """
    counts = {"n": made[0], "f": made[1]}
    while math.prod((*counts.values(), *made[2:])) > MOST:
        least = 1 if min(counts.values()) > 1 else 2
        free = [name for name, count in counts.items() if count > least and name not in corner]
        if not free:
            break
        counts[max(free, key=counts.__getitem__)] -= 1
    return counts["n"], counts["f"]


def any_kinds(rng: Draw, kinds: Sequence[Kind], options: Sequence[Sequence[str]]) -> list[Kind]:
    """Return the kinds of arrays, with one of an array's options where any will do."""
    return [rng.choice(own) if kind == "any" else kind for kind, own in zip(kinds, options, strict=True)]


def all_stored(rng: Draw, arrays: list[Any], layout: str) -> list[Any]:
    """Return arrays, or None, in one of the layouts STORED."""
    layouts = [rng.choice(LAYOUTS) if layout == "each in its own" else layout for _ in arrays]
    return [a if a is None else laid_out(a, own) for a, own in zip(arrays, layouts, strict=True)]


def _set(places: Any, value: int = 0) -> Callable[[Any], None]:
    def change(array: Any) -> None:
        array[places] = value

    return change


def _sparse(image: Any) -> None:
    image[(np.arange(image.size) % 4 > 0).reshape(image.shape)] = 0


def _alike(array: Any) -> None:
    array[:] = array[0]


def _constant(image: Any) -> None:
    image[:] = image.flat[0]


def _product(w: Any) -> None:
    w[:] = np.sign(w[:, :, :1]) * np.sign(w[..., :1]) * np.abs(w[:, :, :1, :1])


def _symmetric(w: Any) -> None:
    half = w.shape[3] // 2
    w[..., w.shape[3] - half :] = w[..., :half][..., ::-1]


def _equal_corners(w: Any) -> None:
    w[:, :, :: w.shape[2] - 1, :: w.shape[3] - 1] = w[:, :, :1, :1]


def _first_again(array: Any) -> None:
    array[-1] = array[0]


def _first_twice(array: Any) -> None:
    array[1] = array[0]


def _sum_of_zero(bias: Any) -> None:
    bias[-1] = -bias[:-1].sum()


PATTERNS: dict[str, Callable[[Any], None]] = {
    "sparse": _sparse,
    "constant": _constant,
    "first row zero": _set((0, 0, 0)),
    "last column zero": _set((0, 0, slice(None), -1)),
    "last zero": _set(-1),
    "zeros": _set(slice(None)),
    "ones": _set(slice(None), 1),
    "alike": _alike,
    "a product": _product,
    "symmetric": _symmetric,
    "equal corners": _equal_corners,
    "first again": _first_again,
    "first twice": _first_twice,
    "sum of zero": _sum_of_zero,
    "drawn": lambda array: None,
    "none": lambda array: None,
}  # of an image, of weights, or of a bias: what invites a short cut


def of_kind(rng: Draw, shape: tuple[int, ...], kind: Kind) -> Any:
    """Return numbers of one of the KINDS."""
    if kind is None:
        return np.zeros(shape)
    if isinstance(kind, float):
        return reals(rng, shape, scale=kind)
    if kind == "whole":
        return integers(rng, shape, dtype="float64")
    return integers(rng, shape, -(10**6), 10**6) if kind == "large" else numbers(rng, shape, kind)


def handed(
    rng: Draw, arrays: list[Any], moves: dict[str, Any], way: str, form: str, names: Sequence[str] = ("x", "w", "b")
) -> Call:
    """Return a call of three arrays in one of the WAYS, with stride and padding in one of the FORMS."""
    if form == "lists":
        moves = {name: list(pair(value, name, 0)) for name, value in moves.items()}
    elif form == "NumPy's integers":
        moves = dict(numpy_moves(rng, Call((), moves), np.int64, np.int32).kwargs)  # int16 overflows on large images
    if way == "position":
        return Call((*arrays, *moves.values()))
    if way == "keyword":
        return Call((), {**moves, **dict(zip(names[::-1], arrays[::-1], strict=True))})
    given_arrays = arrays if arrays[2] is not None or rng.boolean() else arrays[:2]
    return Call(
        tuple(given_arrays), {n: value for n, value in moves.items() if value != {"stride": 1, "padding": 0}[n]}
    )


def many(rng: Draw, *options: int) -> int:
    """Return one of the options, mostly not 1, to which a counterexample can still shrink."""
    return rng.choice((1, *options, *options))


def larger(rng: Draw) -> Call:
    """Return a call with more of everything than elsewhere: images, channels, filters, taps and positions."""
    sizes = {"n": many(rng, 5, 4), "c": many(rng, 5, 4), "f": many(rng, 3, 4), "padding": rng.integer(0, 1)}
    kernel, outputs = rng.choice(((2, 2), (2, 5), (5, 2))), rng.choice(((2, 2), (1, 6), (6, 1)))
    return whole(rng, biased=True, kernel=kernel, outputs=outputs, **sizes)


def large_kernel(rng: Draw, make: Maker = single) -> Call:
    kernel = rng.choice(((5, 5), (7, 7), (11, 1), (5, 5), (8, 11), (1, 11)))
    return make(rng, kernel=kernel, padding=rng.integer(0, 1), outputs=(2, 2))


def large_stride(rng: Draw) -> Call:
    stride = rng.integer(5, 7)
    return single(rng, kernel=(rng.integer(2, 3),) * 2, stride=stride, padding=rng.integer(0, 1), outputs=(2, 3))


def thick_padding(rng: Draw) -> Call:
    """Return a call with more padding than the kernel is wide, and at least 4."""
    side, padding = rng.choice(THICK)
    room = 2 * padding - side + 1  # positions that a window has without any image
    return single(rng, kernel=(side, side), padding=padding, outputs=(room + 2, room + rng.integer(1, 2)))


def large_map(rng: Draw) -> tuple[int, int]:
    """Return a number of rows and columns one of which is large."""
    return rng.choice(LARGE_MAPS)


def wide(rng: Draw) -> Call:
    return whole(rng, biased=True, n=1, c=1, f=1, outputs=large_map(rng))


def many_terms(rng: Draw) -> Call:
    """Return a call with real numbers and sums of more than 64 terms, of thousands of pixels or of few."""
    c, kernel, side = rng.choice(TERMS)
    return typed(rng, "float64", "float64", n=1, f=1, c=c, kernel=kernel, outputs=(side, side))


def unequal_strides(rng: Draw) -> Call:
    """Return a call with unequal strides and a square kernel.

    Half of the calls have the same shapes, of the map too, with one pair of strides or the same pair turned round: who
    remembers indices by shapes has the wrong ones.
    """
    kind = rng.integer(0, 3)
    if kind > 1:
        return square(rng, 5, 2, stride=((2, 3), (3, 2))[kind - 2])
    return single(rng, stride=unequal(rng, 1, 2, 3))


def unequal_paddings(rng: Draw) -> Call:
    """Return a call with unequal paddings and a square kernel: the image is square or the map, not both."""
    padding = unequal(rng, 0, 1, 2)
    if rng.boolean():
        return square(rng, rng.integer(5, 7), rng.integer(2, 3), padding=padding)
    return single(rng, padding=padding)


def square(rng: Draw, side: int, kernel: int, **moves: Any) -> Call:
    """Return a call with one square image of one channel and one square filter."""
    return Call(tuple(integers(rng, (1, 1, n, n), dtype="float64") for n in (side, kernel)), moves)


def bias_with_zero(rng: Draw) -> Call:
    """Return a call whose bias holds a zero or a number twice, or adds up to zero; filters may be equal."""
    size = rng.integer(1, 5)
    pairs = (((0, size), True), ((size, -size), False), ((size, 0), True), ((0, 0), False))
    values, alike = rng.choice((*pairs, *(((size, size, end), end == 6) for end in (7, -7, 6))))
    call = whole(rng, n=1, c=1, f=len(values))
    if alike:
        call.args[1][-1] = call.args[1][0]
    return Call((*call.args, np.array(values, "float64")), call.kwargs)


def weights_with_zeros(rng: Draw) -> Call:
    """Return a call in which a row or a column at the edge of the kernel is zero, or all of a filter."""
    call = whole(rng, n=1, c=1, f=2, kernel=(3, 3))
    w = call.args[1]
    w[rng.choice(((0, 0, 0), (0, 0, 2), (0, 0, slice(None), 0), (0, 0, slice(None), 2), (1,)))] = 0
    return call


def one_pixel(rng: Draw) -> Call:
    """Return a call with a kernel of one pixel; often it is 1, so that the result equals the image."""
    call = single(rng, kernel=(1, 1), outputs=(3, 3))
    return Call((call.args[0], np.ones((1, 1, 1, 1)))) if rng.boolean() else call


def numpy_moves(rng: Draw, call: Call, *kinds: type) -> Call:
    """Return the call with NumPy's integers in place of the ints of stride and padding."""
    kind = rng.choice(kinds or (np.int64, np.int32, np.int16))

    def of(value: Any) -> Any:
        return kind(value) if isinstance(value, int) else tuple(map(kind, value))

    return Call(call.args, {name: of(value) for name, value in call.kwargs.items()})


def with_numpy_ints(rng: Draw, make: Maker = single) -> Call:
    stride = rng.choice((2, (2, 1)))
    return numpy_moves(rng, make(rng, kernel=(3, 3), stride=stride, padding=rng.choice((1, (0, 1)))))


def crowded(rng: Draw, make: Maker = with_bias) -> Call:
    """Return a call with many images, channels and filters; a counterexample can shrink to many of one of them."""
    n, c, f = many(rng, 4, 5), many(rng, 4, 5, 6), many(rng, 8, 9)
    n = 4 if n == c == f == 1 else n
    return make(rng, kernel=(2, 2), outputs=(1, 2), n=n, c=c, f=f)


def whole_image(rng: Draw) -> Call:
    """Return a call with a whole image and decimals in the weights; the bias is of decimals, whole, or left out."""
    image, biases = rng.choice((("int64", "float64"), ("uint8", None), ("int32", "int64"), ("uint8", "float64")))
    x, w, b = typed(rng, image, "float64").args
    if biases is None:
        return Call((x, w))
    return Call((x, w, bias(rng, len(b), biases) if biases == "int64" else b))


def fractional_bias(rng: Draw) -> Call:
    x, w, b = typed(rng, "int64", "int64").args
    return Call((x, w, b + 0.5))


def unequal_floats(rng: Draw) -> Call:
    """Return a call whose image and weights are of unequal floating types."""
    image, weights = rng.choice((("float64", "float32"), ("float32", "float64")))
    return typed(rng, image, weights, c=2)


def precise(rng: Draw) -> Call:
    return typed(rng, "float64", "float64", c=2, stride=rng.integer(1, 2), padding=rng.integer(1, 2), kernel=(3, 3))


def large_whole(rng: Draw) -> Call:
    """Return a call with whole numbers whose products need more than 32 bits and fewer than 53."""
    x, w, (stride, padding) = case(rng)
    return Call(tuple(integers(rng, shape, -(10**6), 10**6) for shape in (x, w)), given(stride, padding))
