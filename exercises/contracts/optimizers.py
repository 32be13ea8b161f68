"""What is promised about the four optimizer steps: regimes, error budgets and wrong twins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.authoring import LAYOUTS, Call, Close, Contract, Draw, Regime, Twin, integers, laid_out, reals
from solutions.optimizers import adagrad_step, adam_step, rmsprop_step, sgd_step
from solutions.twins import optimizers as twins

Shape = tuple[int, ...]
Numbers = Callable[[Draw, Shape], Any]
Options = Mapping[str, Any]

ARRAYS = """\
{arrays}:
NumPy arrays of one shape, with any number of axes, also none, and at least one entry; float64, float32 or
whole numbers, not always all alike. Leave them unchanged: {returned} are new arrays, each at least as precise as the
one that it takes the place of."""

SGD_DOC = f"""\
Return (w, v): weights and velocity after one step of gradient descent with momentum and weight decay.

    v = momentum*v - lr*(g + weight_decay*w)    with the weights and the velocity from before the step
    w = w + v                                   with the new velocity

{ARRAYS.format(arrays="w (weights), g (gradient of the loss at w), v (velocity)", returned="both results")}
lr, momentum, weight_decay: numbers, at least 0; each may be 0, and each may be 1 or more.
"""
ADAGRAD_DOC = f"""\
Return (w, s): weights and sum of squared gradients after one step of AdaGrad, as torch.optim.Adagrad.

The weight decay adds weight_decay*w to the gradient first; then s grows by the gradient's square, and
w = w - lr * gradient / (sqrt(s) + eps), with the new s.

{ARRAYS.format(arrays="w (weights), g (gradient), s (sum so far, at least 0)", returned="both results")}
lr, eps, weight_decay: numbers, at least 0; lr and weight_decay may be 1 or more.
"""
RMSPROP_DOC = f"""\
Return (w, v): weights and average of squared gradients after one step of RMSprop, as torch.optim.RMSprop.

The weight decay adds weight_decay*w to the gradient first; then v keeps the share alpha of itself and takes
1 - alpha of the gradient's square, and w = w - lr * gradient / (sqrt(v) + eps), with the new v.

{ARRAYS.format(arrays="w (weights), g (gradient), v (average so far, at least 0)", returned="both results")}
lr, alpha, eps, weight_decay: numbers, at least 0; alpha below 1, the others may be 1 or more.
"""
ADAM_DOC = f"""\
Return (w, m, v): weights and both averages after step t of Adam, as torch.optim.Adam.

The weight decay adds weight_decay*w to the gradient first (this is not AdamW). The average of gradients m keeps
the share betas[0] of itself and takes 1 - betas[0] of the gradient; the average of squares v likewise with
betas[1] and the gradient's square. The step divides m by 1 - betas[0]**t and v by 1 - betas[1]**t, and
w = w - lr * corrected m / (sqrt(corrected v) + eps). The m and v returned are the ones not corrected.

{ARRAYS.format(arrays="w (weights), g (gradient), m, v (averages so far; v at least 0)", returned="all results")}
t: the number of this step, an int that counts from 1 to any number. lr, eps, weight_decay: numbers, at least 0, also
1 or more; betas: a pair (a tuple or a list) of numbers from 0 to below 1.
"""


@dataclass(frozen=True)
class Family:
    """How calls of one step are drawn.

    `signed` and `squares` name the arrays besides w and g: of any sign, or at least zero. `options` draws every option
    but weight_decay. The first `positional` of (arrays, options) are given by position.
    """

    step: Callable[..., Any]
    signed: tuple[str, ...]
    squares: tuple[str, ...]
    options: Callable[[Draw], dict[str, Any]]
    positional: int

    @property
    def arrays(self) -> tuple[str, ...]:
        return ("w", "g", *self.signed, *self.squares)


def decimal(rng: Draw, low: int, high: int, places: int = 1) -> float:
    return float(rng.decimal(low, high, places))


def share(rng: Draw) -> float:
    """Return how much of the old is kept: one decimal that is no half, or two."""
    return rng.choice((0.9, 0.8, 0.7, 0.99, 0.6))


def rate(rng: Draw) -> float:
    return rng.choice((0.1, 0.2, 0.5, 0.05, 0.01, 1.5))


def adam_options(rng: Draw, t: int | None = None) -> dict[str, Any]:
    betas = (share(rng), rng.choice((0.95, 0.999, 0.75)))
    return {"t": t or rng.integer(2, 9), "lr": rate(rng), "betas": betas, "eps": 0.0}


SGD = Family(sgd_step, ("v",), (), lambda rng: {"lr": rate(rng), "momentum": share(rng)}, 4)
ADAGRAD = Family(adagrad_step, (), ("s",), lambda rng: {"lr": rate(rng), "eps": 0.0}, 3)
RMSPROP = Family(rmsprop_step, (), ("v",), lambda rng: {"lr": rate(rng), "alpha": share(rng), "eps": 0.0}, 3)
ADAM = Family(adam_step, ("m",), ("v",), adam_options, 5)


# Drawing calls ---------------------------------------------------------------------------------------------


def whole(rng: Draw, shape: Shape) -> Any:
    """Return whole numbers in float64, seldom zero."""
    return integers(rng, shape, -9, 9, "float64")


def some_shape(rng: Draw) -> Shape:
    return rng.choice(((2,), (3,), (2, 2), (2, 3)))


def values(rng: Draw, family: Family, shape: Shape | None = None, numbers: Numbers = whole) -> dict[str, Any]:
    """Return the arrays of a call by name; gradients and squares are never zero, so that eps may be."""
    shape = some_shape(rng) if shape is None else shape
    found = {name: numbers(rng.fork(), shape) for name in family.arrays}
    found["g"] = np.where(found["g"] == 0, found["g"].dtype.type(1), found["g"])
    for name in family.squares:
        found[name] = np.abs(np.where(found[name] == 0, found[name].dtype.type(1), found[name]))
    return found


def called(family: Family, arrays: Options, options: Options) -> Call:
    """Return the call with the first arguments by position and the others by keyword."""
    given = {**arrays, **options}
    order = [*family.arrays, *(name for name in ("t", "lr") if name in options)]
    first = order[: family.positional]
    return Call(tuple(given[name] for name in first), {n: v for n, v in given.items() if n not in first})


def usual(
    rng: Draw,
    family: Family,
    shape: Shape | None = None,
    numbers: Numbers = whole,
    *,
    decay: bool = False,
    **fixed: Any,
) -> Call:
    """Return a call with drawn options, but for those that are fixed."""
    options = family.options(rng) | ({"weight_decay": rng.choice((0.1, 0.2, 0.5, 0.01))} if decay else {}) | fixed
    return called(family, values(rng, family, shape, numbers), options)


def first_step(rng: Draw, family: Family, shape: Shape | None = None, **others: Any) -> Call:
    """Return a call with no memory of earlier steps."""
    arrays = values(rng, family, shape)
    for name in (*family.signed, *family.squares):
        arrays[name] = np.zeros_like(arrays[name])
    fixed: dict[str, Any] = {"momentum": 0.0} if family is SGD else {"t": 1} if family is ADAM else {}
    return called(family, arrays, family.options(rng) | fixed | others)


def first_with_decay(rng: Draw, family: Family) -> Call:
    """Return a first step of one number or of several, with a decay that no gradient here cancels: eps is 0."""
    shape, decay = rng.choice(((), (1,), (2,), (2, 2))), rng.choice((0.1, 0.3, 0.7))
    return first_step(rng, family, shape, weight_decay=decay)


def typed(rng: Draw, family: Family, dtype_of_all: str, but: str = "", dtype_of_it: str = "") -> Call:
    """Return a call whose arrays have one dtype, but for the w, the g or the memory, which has another."""
    call = {}
    for name, value in values(rng, family, (rng.integer(2, 3),), whole).items():
        role = name if name in ("w", "g") else "memory"
        dtype = dtype_of_it if role == but else dtype_of_all
        parts = reals(rng.fork(), value.shape) / 4 if dtype.startswith("float") else 0
        call[name] = (np.abs(value + parts) if name in family.squares else value + parts).astype(dtype)
    return called(family, call, family.options(rng))


def precise(rng: Draw, family: Family, decay: bool = False) -> Call:
    return usual(rng, family, (rng.integer(2, 4),), reals, decay=decay)


def scaled(rng: Draw, family: Family, *scales: float, **fixed: Any) -> Call:
    """Return a call whose numbers have one of these magnitudes, and squares that of its square.

    The weights may be of the usual magnitude, so that a step far smaller than them shows.
    """
    arrays = values(rng, family, None, lambda source, shape: reals(source, shape, scale=1.0))
    scale = rng.choice(scales)
    factors = {name: scale**2 if name in family.squares else scale for name in arrays}
    factors["w"] = scale if rng.boolean() else 1.0
    return called(family, {n: v * factors[n] for n, v in arrays.items()}, family.options(rng) | fixed)


def spread(rng: Draw, family: Family) -> Call:
    """Return a call in which every entry has a magnitude of its own, of 10 to 100,000."""
    arrays = values(rng, family, None, lambda source, shape: reals(source, shape, scale=1.0))
    for name, value in arrays.items():
        factors = 10.0 ** integers(rng.fork(), value.shape, 1, 5, "float64")
        arrays[name] = value * (factors**2 if name in family.squares else factors)
    return called(family, arrays, family.options(rng))


def at_rest(rng: Draw, family: Family) -> Call:
    """Return a call with a rate of zero: only what is remembered changes, and with momentum the weights."""
    momentum: dict[str, Any] = {"momentum": rng.choice((0.9, 1.0, 0.5, 0.0))} if family is SGD else {}
    call = usual(rng, family, lr=rng.choice((0.0, 0)), **momentum)
    if family is SGD and rng.boolean():  # nothing moves at all, and yet both results are new arrays
        call.args[family.arrays.index("v")][...] = 0
    return call


def zero_gradient(rng: Draw, family: Family, memory: bool, **fixed: Any) -> Call:
    """Return a call with a gradient of zeros, and with or without memory of earlier steps."""
    arrays = values(rng, family)
    for name in arrays:
        if name == "g" or (name != "w" and not memory):
            arrays[name] = np.zeros_like(arrays[name])
    eps = {} if family is SGD else {"eps": 1e-8}
    return called(family, arrays, family.options(rng) | eps | fixed)


def stored(rng: Draw, family: Family, layout: str) -> Call:
    arrays = values(rng, family, (2, 3))
    return called(family, {n: laid_out(v, layout) for n, v in arrays.items()}, family.options(rng))


def by_keyword(rng: Draw, family: Family) -> Call:
    call = usual(rng, family, weight_decay=0.0)
    given = {**dict(zip([*family.arrays, "t" if family is ADAM else "lr"], call.args, strict=False)), **call.kwargs}
    return Call((), dict(reversed(given.items())))


def by_position(rng: Draw, family: Family) -> Call:
    return in_order(usual(rng, family, weight_decay=0.0))


def all_by_position(rng: Draw, family: Family) -> Call:
    """Return a call whose options are all different and none zero; eps is too small to show, but for an exchange."""
    options = family.options(rng)
    if "eps" in options:
        options["eps"] = 1e-18
    options["weight_decay"] = rng.choice((0.4, 0.3, 0.04))
    return in_order(called(family, values(rng, family), options))


def in_order(call: Call) -> Call:
    """Return the call with all arguments by position; the options were drawn in the signature's order."""
    return Call((*call.args, *call.kwargs.values()))


def defaults(rng: Draw, family: Family) -> Call:
    """Return a call with the arguments that have no default, and no others."""
    options = family.options(rng)
    return called(family, values(rng, family), {n: v for n, v in options.items() if n == "t" or n in _needed(family)})


def small_betas(rng: Draw) -> Call:
    beta, t = rng.choice(((0.5, 2), (0.5, 1), (0.0, 3), (0.0, 1)))
    return usual(rng, ADAM, betas=(beta, beta), t=t)


def very_late(rng: Draw) -> Call:
    """Return a call with a large t, or one that a remainder by a power of two would take for one of the first.

    The betas are so near to 1 that the correction still matters there.
    """
    if rng.boolean():
        return usual(rng, ADAM, t=rng.integer(1000, 9999), betas=(0.999, 0.9999))
    return usual(rng, ADAM, t=rng.integer(1, 4) * 2**20 + rng.integer(0, 2), betas=(0.999999, 0.9999999))


def anything(rng: Draw, family: Family) -> Call:
    """Return a call in which two things that are each right alone may meet: zeros here and there, types, options.

    eps is never 0 here, so that the gradient and its squares may be zero in the same place.
    """
    shape, arrays = rng.choice(((), (1,), (3,), (2, 2), (3, 1), (2, 1, 3), (1, 2, 2, 2))), {}
    sparse = rng.choice((False, True, True, True))
    for name in family.arrays:
        dtype = rng.choice(("float64", "float64", "float32", "int64"))
        value = reals(rng.fork(), shape, dtype) if dtype.startswith("float") else integers(rng.fork(), shape)
        if sparse:
            value = np.where(integers(rng.fork(), shape, 0, 1) == 0, value.dtype.type(0), value)
        value = np.abs(value) if name in family.squares else value
        arrays[name] = laid_out(value, rng.choice(LAYOUTS)) if shape else np.asarray(value)  # one number has no layout
    varied: dict[str, tuple[Any, ...]] = {
        "lr": (0.1, 0.01, 2, 0.5, 1.5),
        "momentum": (0.9, 0.5, 0.0, 1.5),
        "alpha": (0.9, 0.5, 0.0),
        "betas": ((0.9, 0.99), [0.5, 0.75], (0.0, 0.9), (0.99, 0.9)),
        "eps": (1e-8, 0.5, 0.25),
        "t": (1, 2, 3, 15, 120, 1500),
    }
    options = {name: rng.choice(varied[name]) for name in family.options(rng)}
    return called(family, arrays, options | {"weight_decay": rng.choice((0.0, 0.1, 0.0, 1.5))})


def with_list(call: Call) -> Call:
    return Call(call.args, {**call.kwargs, "betas": list(call.kwargs["betas"])})


def _needed(family: Family) -> tuple[str, ...]:
    return ("lr",) if family is SGD else ()


def regimes(family: Family, own: tuple[Regime, ...]) -> tuple[Regime, ...]:
    """Return the regimes of a step: the first step, its own ones, and those that every step has."""

    def of(name: str, draw: Callable[..., Call], group: str, *args: Any, **options: Any) -> Regime:
        return Regime(name, lambda rng: draw(rng, family, *args, **options), group)

    shape = "the arrays have {}"
    return (
        of("nothing is remembered from earlier steps", first_step, "basics"),
        *own,
        of("there is weight decay", usual, "decay", decay=True),
        Regime("there is weight decay in the first step", lambda rng: first_with_decay(rng, family), "decay", 7),
        Regime("the decay is 1 or more", lambda rng: usual(rng, family, weight_decay=rng.choice(LARGE)), "decay"),
        of("there is weight decay, and float64 numbers need full precision", precise, "decay", decay=True),
        of("all arguments are given by position, and no option is zero", all_by_position, "decay"),
        of(shape.format("no axis (one number)"), usual, "shapes", ()),
        of(shape.format("a single entry"), usual, "shapes", (1,)),
        of(shape.format("three axes"), usual, "shapes", (2, 1, 3)),
        of(shape.format("four axes"), usual, "shapes", (2, 2, 1, 3)),
        Regime(shape.format("a single row"), lambda rng: usual(rng, family, (1, rng.integer(2, 5))), "shapes"),
        Regime(shape.format("a single column"), lambda rng: usual(rng, family, (rng.integer(2, 5), 1)), "shapes"),
        Regime(shape.format("many entries"), lambda rng: usual(rng, family, rng.choice(MANY)), "shapes"),
        of("the gradient is zero", zero_gradient, "numbers", memory=True),
        of("the rate is zero", at_rest, "numbers"),
        of("the numbers are of 10 to 100,000", spread, "numbers"),
        of("the numbers are huge", scaled, "numbers", 1e15, 1e12, 1e20, 1e30),
        of("the numbers are tiny", scaled, "numbers", 1e-12, 1e-15, 1e-20, 1e-25),
        of("float64 numbers need full precision", precise, "types"),
        of("the arrays are float32", typed, "types", "float32"),
        of("the arrays hold whole numbers (int64)", typed, "types", "int64"),
        of("only the gradient holds decimals", typed, "types", "int64", "g", "float64"),
        *(
            of(f"only {what} {wide}, the others are {narrow}", typed, "types", narrow, role, wide)
            for role, what in (("w", "the weights are"), ("g", "the gradient is"), ("memory", "what is remembered is"))
            for wide, narrow in (("float64", "float32"), ("float32", "float64"))
        ),
        of("the arrays are read-only", stored, "arguments", "readonly"),
        of("the arrays are Fortran-ordered", stored, "arguments", "F"),
        of("the arrays have negative strides", stored, "arguments", "reversed"),
        of("the arrays are not contiguous", stored, "arguments", "gapped"),
        of("all arguments are given by keyword", by_keyword, "arguments"),
        of("all arguments are given by position", by_position, "arguments"),
        Regime("the rate is a whole number", lambda rng: usual(rng, family, lr=rng.integer(1, 20)), "arguments"),
        Regime("zeros, types, layouts and options are mixed", lambda rng: anything(rng, family), "together", 25),
    )


LARGE = (1.0, 2, 1.5, 5.0, 10.0)
MANY = ((25,), (6, 7), (3, 4, 5), (300,))

SGD_OWN = (
    Regime("there is momentum", lambda rng: usual(rng, SGD), "momentum"),
    Regime("there is a velocity but no momentum", lambda rng: usual(rng, SGD, momentum=0.0), "momentum"),
    Regime("momentum and decay are left to their defaults", lambda rng: defaults(rng, SGD), "momentum"),
    Regime("the momentum is 1 or more", lambda rng: usual(rng, SGD, momentum=rng.choice(LARGE)), "momentum"),
    Regime(
        "the gradient and the momentum are zero",
        lambda rng: zero_gradient(rng, SGD, memory=True, momentum=0.0),
        "numbers",
    ),
    Regime("gradient and velocity are zero", lambda rng: zero_gradient(rng, SGD, memory=False), "numbers"),
    Regime("there is weight decay but no momentum", lambda rng: usual(rng, SGD, decay=True, momentum=0.0), "decay"),
)
ADAGRAD_OWN = (
    Regime("there are earlier squares", lambda rng: usual(rng, ADAGRAD), "memory"),
    Regime("eps is large", lambda rng: usual(rng, ADAGRAD, eps=rng.choice((1.0, 0.5, 0.1, 3.0))), "epsilon"),
    Regime("eps is small and the numbers are tiny", lambda rng: scaled(rng, ADAGRAD, 1e-9, eps=1e-8), "epsilon"),
    Regime("options are left to their defaults", lambda rng: defaults(rng, ADAGRAD), "epsilon"),
    Regime(
        "the gradient and all earlier ones are zero", lambda rng: zero_gradient(rng, ADAGRAD, memory=False), "epsilon"
    ),
)
RMSPROP_OWN = (
    Regime("there are earlier squares", lambda rng: usual(rng, RMSPROP), "memory"),
    Regime("alpha is 0 or 1/2", lambda rng: usual(rng, RMSPROP, alpha=rng.choice((0.5, 0.0))), "memory"),
    Regime(
        "the gradient and alpha are zero", lambda rng: zero_gradient(rng, RMSPROP, rng.boolean(), alpha=0.0), "numbers"
    ),
    Regime("eps is large", lambda rng: usual(rng, RMSPROP, eps=rng.choice((1.0, 0.5, 0.1, 3.0))), "epsilon"),
    Regime("eps is small and the numbers are tiny", lambda rng: scaled(rng, RMSPROP, 1e-9, eps=1e-8), "epsilon"),
    Regime("options are left to their defaults", lambda rng: defaults(rng, RMSPROP), "epsilon"),
    Regime(
        "the gradient and all earlier ones are zero", lambda rng: zero_gradient(rng, RMSPROP, memory=False), "epsilon"
    ),
)
ADAM_OWN = (
    Regime("it is the second step", lambda rng: usual(rng, ADAM, t=2), "memory"),
    Regime("it is a later step", lambda rng: usual(rng, ADAM, t=rng.integer(3, 20)), "memory"),
    Regime("it is a very late step", very_late, "memory"),
    Regime("both betas are 1/2 or 0", small_betas, "memory"),
    Regime("the betas are a list", lambda rng: with_list(usual(rng, ADAM)), "arguments"),
    Regime(
        "the gradient and the betas are zero",
        lambda rng: zero_gradient(rng, ADAM, rng.boolean(), betas=(0.0, 0.0)),
        "numbers",
    ),
    Regime("eps is large", lambda rng: usual(rng, ADAM, eps=rng.choice((1.0, 0.5, 0.1, 3.0))), "epsilon"),
    Regime(
        "eps is large in the first step", lambda rng: first_step(rng, ADAM, eps=rng.choice((1.0, 0.5, 3.0))), "epsilon"
    ),
    Regime("eps is small and the numbers are tiny", lambda rng: scaled(rng, ADAM, 1e-9, eps=1e-8), "epsilon"),
    Regime("options are left to their defaults", lambda rng: defaults(rng, ADAM), "epsilon"),
    Regime("the gradient and all earlier ones are zero", lambda rng: zero_gradient(rng, ADAM, memory=False), "epsilon"),
)
LESSER = {"shapes": 1, "numbers": 1, "types": 1, "arguments": 1, "together": 1}
SGD_GROUPS = {"basics": 2, "momentum": 3, "decay": 3, **LESSER}
GROUPS = {"basics": 2, "memory": 3, "epsilon": 1, "decay": 2, **LESSER}


# Error budgets: Σ|terms| of each entry, first-order -----------------------------------------------------------


def sgd_magnitude(w: Any, g: Any, v: Any, lr: float, momentum: float = 0.0, weight_decay: float = 0.0) -> Any:
    size = abs(momentum) * np.abs(v) + abs(lr) * (np.abs(g) + abs(weight_decay) * np.abs(w))
    return np.abs(w) + size, size


def quotient(push: Any, square: Any, push_size: Any, square_size: Any, eps: float) -> Any:
    """Return the magnitude of push / (sqrt(square) + eps), given the magnitudes of both."""
    root = np.sqrt(square)
    with np.errstate(divide="ignore", invalid="ignore"):
        root_size = np.where(square > 0, square_size / (2 * root), 0.0) + root + eps
    return push_size / (root + eps) + np.abs(push) * root_size / (root + eps) ** 2


def adagrad_magnitude(
    w: Any, g: Any, s: Any, lr: float = 1e-2, eps: float = 1e-10, weight_decay: float = 0.0
) -> tuple[Any, Any]:
    size = np.abs(g) + abs(weight_decay) * np.abs(w)
    push = g + weight_decay * w
    squares = s + size**2
    return np.abs(w) + lr * quotient(push, s + push * push, size, squares, eps), squares


def rmsprop_magnitude(
    w: Any, g: Any, v: Any, lr: float = 1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0.0
) -> tuple[Any, Any]:
    size = np.abs(g) + abs(weight_decay) * np.abs(w)
    push = g + weight_decay * w
    square, squares = (alpha * v + (1 - alpha) * p * p for p in (push, size))
    return np.abs(w) + lr * quotient(push, square, size, squares, eps), squares


def adam_magnitude(
    w: Any,
    g: Any,
    m: Any,
    v: Any,
    t: int,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> tuple[Any, Any, Any]:
    size = np.abs(g) + abs(weight_decay) * np.abs(w)
    (beta1, beta2), (first, second) = betas, (1 - betas[0] ** t, 1 - betas[1] ** t)
    push, pushes = beta1 * m + (1 - beta1) * (g + weight_decay * w), beta1 * np.abs(m) + (1 - beta1) * size
    square = beta2 * v + (1 - beta2) * (g + weight_decay * w) ** 2
    squares = beta2 * v + (1 - beta2) * size**2
    # A power of t factors, multiplied one by one, errs by t roundings.
    first_size, second_size = (1 / c + t * beta**t / c for beta, c in ((beta1, first), (beta2, second)))
    step = quotient(push / first, square / second, pushes / first * first_size, squares / second * second_size, eps)
    return np.abs(w) + lr * step, pushes, squares


TERMS = 8  # roundings on the way to an entry


def close(magnitude: Callable[..., Any], *names: str) -> Close:
    return Close(magnitude, terms=lambda *_, **__: TERMS, names=names)


# Wrong twins -----------------------------------------------------------------------------------------------

COMMON_HINTS = {
    "uphill": "The weights move up the gradient: the gradient points to where the loss grows, so subtract it.",
    "rate-forgotten": "The learning rate is not used: it scales the gradient.",
    "decay-forgotten": "weight_decay is not used: it adds weight_decay*w to the gradient.",
    "decay-sign": "The weight decay has the wrong sign: weights must shrink, so g + weight_decay*w is subtracted.",
    "decay-decoupled": (
        "This is the decay of AdamW, which shrinks the weights directly. Here weight_decay*w is added to the gradient, "
        "and goes into what is remembered."
    ),
    "memory-not-returned": "The weights are right, but what you return for the next step is the old: return the new.",
    "swapped": "The results are in the wrong order: the weights come first.",
    "whole-numbers-kept": (
        "Decimals are cut off where the weights are whole numbers: an array made like w cannot hold them, so make a "
        "floating one."
    ),
    "single-precision": "float64 numbers are computed in float32: half the digits are lost.",
}
SGD_HINTS = {
    "rate-twice": "The velocity holds the learning rate already: add it to the weights as it is.",
    "momentum-forgotten": "The old velocity plays no part: the new one starts from momentum*v.",
    "momentum-sign": "The old velocity is subtracted: the new one is momentum*v minus the gradient's share.",
    "momentum-always": "All of the old velocity is kept: multiply it by momentum, also where that is 0.",
    "dampened": "The gradient is weighted by 1 - momentum: this is no average, and lr alone scales the gradient.",
    "velocity-subtracted": "The velocity is subtracted from the weights: it has the step's sign already, so add it.",
    "old-velocity-added": "The weights move by the old velocity: update the velocity first, then add the new one.",
    "buffer": "This is PyTorch's buffer, without rate and sign. Here the velocity is what is added to the weights.",
    "nesterov": "This is Nesterov's momentum, which moves the weights ahead once more; here w + v is all.",
    "decay-without-rate": "The decay is not multiplied by the rate: the step is lr*(g + weight_decay*w).",
    "decay-after": "The decay is taken off after the step: it is a part of the gradient, with the old weights.",
    "decay-times-gradient": "The decay multiplies the gradient: add weight_decay*w to g, without a product of both.",
    "decay-without-weight": "weight_decay itself is added to the gradient: multiply it by the weights first.",
    "decay-of-size": "The decay uses the weights' absolute values: a negative weight must be pulled up to zero.",
}
SQUARE_HINTS = {
    "square-forgotten": "The gradients are not squared before they are remembered.",
    "root-forgotten": "You divide by the squares themselves: take the root.",
    "eps-inside": "eps stands under the root: take the root first, then add eps.",
    "eps-forgotten": "eps is missing: where no gradient was seen yet, zero is divided by zero.",
}
ADAGRAD_HINTS = SQUARE_HINTS | {
    "old-sum": "You divide by the root of the old sum: add this step's square first.",
    "sum-replaced": "The earlier squares are forgotten: the new one is added to s.",
    "averaged": "This is a running average, as in RMSprop: AdaGrad adds all squares up.",
    "decay-not-squared": "The decay is in the step but not in the sum: square the gradient that has the decay in it.",
}
RMSPROP_HINTS = SQUARE_HINTS | {
    "shares-swapped": "alpha is the share of the old average that is kept; the new square gets 1 - alpha.",
    "summed": "All squares are added up, as in AdaGrad: RMSprop keeps an average.",
    "new-share-forgotten": "The new square has the full weight: multiply it by 1 - alpha.",
    "old-average": "You divide by the root of the old average: update it first.",
    "keras-defaults": "These are the defaults of Keras: PyTorch's are lr=1e-2, alpha=0.99 and eps=1e-8.",
}
ADAM_HINTS = SQUARE_HINTS | {
    "not-corrected": "The averages start at zero and are too small at first: divide them by 1 - beta**t.",
    "gradients-not-corrected": "m is not corrected: divide it by 1 - betas[0]**t.",
    "squares-not-corrected": "v is not corrected: divide it by 1 - betas[1]**t, before the root.",
    "corrected-as-at-first": "The correction is that of the first step at every step: use 1 - beta**t.",
    "one-step-late": "The correction is that of the step after: t counts from 1, so use it as it is.",
    "corrected-returned": "You return the corrected averages, so that the next step would correct them again.",
    "gradient-for-average": "The step uses the gradient itself: Adam goes along its average m.",
    "betas-swapped": "The betas are exchanged: betas[0] is for the gradients, betas[1] for the squares.",
    "new-share-forgotten": "The new gradient and square have the full weight: multiply them by 1 - beta.",
    "eps-before-correction": "eps is added to the root before the correction: correct v, take the root, then add eps.",
    "old-averages": "The step uses the averages from before: update m and v first.",
}


def made_twins(step: Callable[..., Any], prefix: str, hints: Mapping[str, str]) -> Any:
    """Return the common mistakes made in this step, and its own."""
    shared = twins.common(step)
    own = {name: getattr(twins, f"{prefix}_{name.replace('-', '_')}") for name in hints}
    return tuple(Twin(name, function, {**COMMON_HINTS, **hints}[name]) for name, function in {**own, **shared}.items())


SGD_STEP = Contract(
    name="sgd_step",
    signature="(w, g, v, lr, momentum=0.0, weight_decay=0.0)",
    doc=SGD_DOC,
    reference=sgd_step,
    regimes=regimes(SGD, SGD_OWN),
    check=close(sgd_magnitude, "w", "v"),
    twins=made_twins(sgd_step, "sgd", SGD_HINTS),
    groups=SGD_GROUPS,
)
ADAGRAD_STEP = Contract(
    name="adagrad_step",
    signature="(w, g, s, lr=1e-2, eps=1e-10, weight_decay=0.0)",
    doc=ADAGRAD_DOC,
    reference=adagrad_step,
    regimes=regimes(ADAGRAD, ADAGRAD_OWN),
    check=close(adagrad_magnitude, "w", "s"),
    twins=made_twins(adagrad_step, "adagrad", ADAGRAD_HINTS),
    groups=GROUPS,
)
RMSPROP_STEP = Contract(
    name="rmsprop_step",
    signature="(w, g, v, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0.0)",
    doc=RMSPROP_DOC,
    reference=rmsprop_step,
    regimes=regimes(RMSPROP, RMSPROP_OWN),
    check=close(rmsprop_magnitude, "w", "v"),
    twins=made_twins(rmsprop_step, "rmsprop", RMSPROP_HINTS),
    groups=GROUPS,
)
ADAM_STEP = Contract(
    name="adam_step",
    signature="(w, g, m, v, t, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)",
    doc=ADAM_DOC,
    reference=adam_step,
    regimes=regimes(ADAM, ADAM_OWN),
    check=close(adam_magnitude, "w", "m", "v"),
    twins=made_twins(adam_step, "adam", ADAM_HINTS),
    groups=GROUPS,
)
CONTRACTS = (SGD_STEP, ADAGRAD_STEP, RMSPROP_STEP, ADAM_STEP)
