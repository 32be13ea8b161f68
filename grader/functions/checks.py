"""How a function's result is compared with the reference's: kinds of checks for contracts.

The tolerance comes from an error budget: the unit roundoff of the inputs' dtype, the number of terms that
were added up, and the sum of their magnitudes (Higham 2002, chapter 3). It never depends on the student's
result. A result of an FFT errs by the largest entry's magnitude, hence the second term.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.answers import count
from grader.contract import Call
from grader.outcome import Verdict, correct, wrong
from grader.sandbox.replies import Junk

Array = npt.NDArray[Any]

SAFETY = 4  # on the bound for sums
SPECTRAL = 32  # on the bound for transforms
LOOSE = 64  # roundoffs by which a result may differ from a twin's and still be the same mistake


@dataclass(frozen=True)
class Exact:
    """Whole numbers, texts, None, and tuples of these: equal or wrong. A NumPy integer counts as an int."""

    def expect(self, function: Callable[..., Any], call: Call) -> Any:
        return _unwrap(function(*call.args, **call.kwargs))

    def compare(self, got: Any, expected: Any, call: Call) -> Verdict:  # noqa: ARG002 - the protocol's signature
        value = _unwrap(got)
        if type(value) is not type(expected):
            return wrong(f"returned {describe(got)}; {describe(expected)} is expected")
        if isinstance(expected, tuple) and len(value) != len(expected):
            return wrong(f"returned {describe(got)}; {describe(expected)} is expected")
        if value != expected:
            return wrong(f"returned {describe(value)}, should be {describe(expected)}")
        return correct()

    def agrees(self, got: Any, expected: Any) -> bool:
        mine, its = _item(got), _item(expected)
        return type(mine) is type(its) and bool(mine == its)


@dataclass(frozen=True)
class Target:
    """What an array should be: its values, how far each may be off, and the least itemsize of a float."""

    value: Array
    slack: Array  # of the same shape, or 0-d
    floating: bool  # some input is floating, so the result must be
    itemsize: int  # of the floating input that it takes the place of, else of the first one, bytes
    narrowest: int = 8  # of all floating inputs, bytes
    mixed: bool = False  # some input is floating and some is not, so a part of the result may be whole


@dataclass(frozen=True)
class Close:
    """Arrays within the error budget, or a tuple of arrays called `names`.

    `magnitude` has the function's signature and returns, for every entry of the result, the sum of the
    absolute values of the terms it is made of (an array, or a tuple of arrays). Without it entries must be
    equal. `terms` returns the largest number of terms of an entry; by default, the size of the largest input.
    A result that has an argument's name must be at least as precise as that argument, any other as the first.
    `largest` returns the largest magnitude that a transform of the inputs meets (a number, or a tuple of them): more
    than that of any entry where the result holds only some, as with a stride.
    """

    magnitude: Callable[..., Any] | None = None
    terms: Callable[..., int] | None = None
    names: tuple[str, ...] = ()
    largest: Callable[..., Any] | None = None

    def expect(self, function: Callable[..., Any], call: Call) -> Any:
        """Return Target, or a tuple of them; computed in double precision from the inputs as they are."""
        wide = Call(tuple(_widen(a) for a in call.args), {k: _widen(v) for k, v in call.kwargs.items()})
        value = function(*wide.args, **wide.kwargs)
        magnitudes = self.magnitude(*wide.args, **wide.kwargs) if self.magnitude else None
        inputs = [value for value in self._in_order(function, call) if isinstance(value, np.ndarray)]
        largest = self.largest(*wide.args, **wide.kwargs) if self.largest else 0.0
        if not self.names:
            return self._target(value, magnitudes, largest, inputs, wide)
        if magnitudes is None:
            magnitudes = (None,) * len(self.names)
        if not isinstance(largest, tuple):
            largest = (largest,) * len(self.names)
        replaced = inspect.signature(self.magnitude).bind(*call.args, **call.kwargs).arguments if self.magnitude else {}
        parts = zip(self.names, value, magnitudes, largest, strict=True)
        return tuple(
            self._target(array, magnitude, most, inputs, wide, replaced.get(name))
            for name, array, magnitude, most in parts
        )

    def compare(self, got: Any, expected: Any, call: Call) -> Verdict:  # noqa: ARG002 - the protocol's signature
        if not self.names:
            return compare_array(got, expected)
        value = got
        if not isinstance(value, tuple | list) or len(value) != len(self.names):
            return wrong(f"returned {describe(got)}; a tuple ({', '.join(self.names)}) is expected")
        first = correct()
        for index, (name, item, target) in enumerate(zip(self.names, value, expected, strict=True)):
            verdict = compare_array(item, target, name)
            if verdict.share != 1 and not verdict.imprecise:
                return wrong(verdict.message, (index, *verdict.at))
            if verdict.share != 1 and first.share == 1:
                first = wrong(verdict.message, (index, *verdict.at), imprecise=True)
        return first

    def agrees(self, got: Any, expected: Any) -> bool:
        if not self.names:
            return _agrees(got, expected)
        if not isinstance(got, tuple | list) or len(got) != len(self.names):
            return False
        return all(_agrees(item, target) for item, target in zip(got, expected, strict=True))

    def _in_order(self, function: Callable[..., Any], call: Call) -> list[Any]:
        """Return the arguments in the signature's order, also where they were given by keyword in another."""
        names = list(inspect.signature(self.magnitude or function).parameters)
        named = sorted(call.kwargs, key=lambda name: names.index(name) if name in names else len(names))
        return [*call.args, *(call.kwargs[name] for name in named)]

    def _target(
        self, value: Any, magnitude: Any, largest: float, inputs: Sequence[Array], call: Call, replaced: Any = None
    ) -> Target:
        array = np.asarray(value)
        floats = [a.dtype.itemsize for a in inputs if a.dtype.kind == "f"]
        own = [replaced.dtype.itemsize] if isinstance(replaced, np.ndarray) and replaced.dtype.kind == "f" else []
        itemsize = (own or floats or [0])[0]
        slack: Array = np.zeros(())
        if magnitude is not None:
            terms = self.terms(*call.args, **call.kwargs) if self.terms else max((a.size for a in inputs), default=1)
            slack = budget(np.asarray(magnitude, np.float64), terms, min(floats, default=8), largest)
            if slack.shape != array.shape:  # a twin's result of another shape
                slack = np.max(slack, initial=0.0, keepdims=False)
        return Target(array, slack, bool(floats), itemsize, min(floats, default=8), 0 < len(floats) < len(inputs))


def budget(magnitude: Array, terms: int, itemsize: int, largest: float = 0.0) -> Array:
    """Return how far each entry may be off, given Σ|terms| of each and the narrowest input's bytes.

    A transform errs by the `largest` magnitude that it meets, or that of the largest entry.

    >>> float(budget(np.array([2.0]), 9, 8)[0]) < 1e-13
    True
    """
    finite = magnitude[np.isfinite(magnitude)]
    largest = max(float(finite.max(initial=0.0)), largest if math.isfinite(largest) else 0.0)
    spectral = SPECTRAL * math.log2(terms + 2) * largest
    slack: Array = unit(itemsize) * (SAFETY * (terms + 1) * np.where(np.isfinite(magnitude), magnitude, 0.0) + spectral)
    return slack


def unit(itemsize: int) -> float:
    """Return the unit roundoff of a floating dtype of that many bytes."""
    return {2: 2.0**-11, 4: 2.0**-24}.get(itemsize, 2.0**-53)


def compare_array(got: Any, target: Target, name: str = "") -> Verdict:
    """Compare one array with its target: shape, kind, finiteness, value."""
    of = f"{name}: " if name else ""
    want = target.value
    array = _as_array(got, want)
    if array is None:
        return wrong(f"{of}returned {describe(got)}; {describe(want)} is expected")
    if array.shape != want.shape:
        return wrong(f"{of}the shape is {array.shape}, should be {want.shape}")
    if not array.size:  # of no numbers, none is wrong or cut off
        return correct()
    kind = _kind_problem(array, target)
    if kind and not (target.mixed and array.dtype.kind in "iu" and _near(array, target).all()):
        return wrong(of + kind, imprecise=_single(array, target))
    bad = ~_near(array, target)
    if not bad.any():
        return correct()
    at = tuple(int(i) for i in np.argwhere(bad)[0])
    place = f"entry {list(at)}" if at else "the result"
    off = count(int(bad.sum()), "entry", "entries") if bad.size > 1 else ""
    return wrong(
        f"{of}{place} is {number(array[at])}, should be {number(want[at])}"
        + (f" ({off} of {bad.size:,} differ)" if off else ""),
        at,
        imprecise=_single(array, target),
    )


def _single(array: Array, target: Target) -> bool:
    """Is this right but for its precision: numbers of float32, as near as they can be, where the input has more?"""
    if array.dtype.kind != "f" or array.dtype.itemsize < 4 or target.value.dtype.kind != "f" or target.narrowest < 8:
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        short = array.astype(np.float32)
        if not np.array_equal(short, array, equal_nan=True):
            return False
        finite = np.where(np.isfinite(target.value), np.abs(target.value), 0.0)
        slack = target.slack * (unit(4) / unit(8)) + 2 * unit(4) * finite
    return bool(_near(array, replace(target, slack=slack)).all())


def number(value: Any) -> str:
    """Write one number for a message: as many digits as tell it from its neighbours, NaN and infinity as words."""
    item = value.item() if isinstance(value, np.generic | np.ndarray) else value
    if isinstance(item, bool | int):
        return str(item)
    if isinstance(item, float):
        return repr(item).removesuffix(".0") if math.isfinite(item) else {True: "NaN"}.get(item != item, str(item))
    return str(item)


def describe(value: Any) -> str:
    """Say in a few words what a value is."""
    if isinstance(value, Junk):
        return value.kind
    if isinstance(value, np.ndarray):
        if value.ndim == 0:
            return f"the NumPy number {number(value)}"
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    if value is None:
        return "None"
    if isinstance(value, bool | int | float | complex):
        return f"the {type(value).__name__} {value!r}"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {count(len(value), 'item')}"
    return f"a {type(value).__name__}"


def _near(array: Array, target: Target) -> Array:
    """Return where the array is within its slack; NaN only where NaN is wanted, infinities alike."""
    want = target.value
    if array.dtype.kind in "iub" and want.dtype.kind in "iub" and not target.slack.any():
        return np.asarray(array == want)
    with np.errstate(invalid="ignore", over="ignore"):  # memory that was never filled may hold signalling NaNs
        got64, want64 = array.astype(np.longdouble), want.astype(np.longdouble)
        close = np.abs(got64 - want64) <= target.slack
    same = (got64 == want64) | (np.isnan(got64) & np.isnan(want64))
    finite = np.isfinite(got64) & np.isfinite(want64)
    return np.asarray(same | (close & finite))


def _agrees(got: Any, target: Target) -> bool:
    """Is this what a twin returns? A twin's rounding is its own, hence the looser slack."""
    array = _as_array(got, target.value)
    if array is None or array.shape != target.value.shape or array.dtype.kind not in "iubf":
        return False
    finite = np.abs(target.value[np.isfinite(target.value)]) if target.floating else np.zeros(0)
    own = LOOSE * unit(min(target.itemsize or 8, target.narrowest)) * float(finite.max(initial=0.0))
    return bool(_near(array, replace(target, slack=np.maximum(target.slack, own))).all())


def _as_array(got: Any, want: Array) -> Array | None:
    """Return the result as an array; a Python number only where a 0-d result is wanted."""
    if isinstance(got, np.ndarray):
        return got
    if want.ndim == 0 and isinstance(got, int | float) and not isinstance(got, bool):
        return np.asarray(got)
    return None


def _kind_problem(array: Array, target: Target) -> str:
    """Return what is wrong with the dtype, or nothing."""
    if target.value.dtype.kind == "b":
        return "" if array.dtype.kind == "b" else f"the dtype is {array.dtype}, should be bool"
    if array.dtype.kind not in "iuf":
        return f"the dtype is {array.dtype}, should be that of whole or real numbers"
    if target.floating and array.dtype.kind != "f":
        return f"the dtype is {array.dtype}, should be floating, as the input is"
    if target.floating and array.dtype.itemsize < target.itemsize:
        return f"the dtype is {array.dtype}, less precise than the input's float{8 * target.itemsize}"
    return ""


def _widen(value: Any) -> Any:
    """Return a value for the reference: floating arrays in double precision, everything else as it is."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return value.astype(np.float64)
    return value


def _item(value: Any) -> Any:
    """Return a NumPy number of any kind as Python's, for a twin's result."""
    return (
        value.item() if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0) else value
    )


def _unwrap(value: Any) -> Any:
    """Return a NumPy integer as an int, also inside a tuple; anything else as it is."""
    if isinstance(value, tuple):
        return tuple(_unwrap(item) for item in value)
    if isinstance(value, np.ndarray | np.generic) and value.ndim == 0 and value.dtype.kind in "iu":
        return int(value)
    return value
