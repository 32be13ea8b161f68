"""Which calls are inside the regimes of functions of images: sizes, numbers, layouts, and ways to call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self, cast

import numpy as np

from grader.authoring import Call, Regime, has_layout
from solutions.windows import pair

Test = Callable[[Call], bool]


_LAST: dict[type[Look], tuple[Call, Look]] = {}  # of each class, what was looked at last


class Look:
    """What a call f(x, w, b, stride, padding) is made of; of other arguments, a class of its own."""

    names: ClassVar[tuple[str, ...]] = ("x", "w", "b", "stride", "padding")
    factors: ClassVar[tuple[str, ...]] = ("x", "w")  # the arrays whose numbers are multiplied

    def __init__(self, call: Call) -> None:
        self.named = {**dict(zip(self.names, call.args, strict=False)), **call.kwargs}
        self.x, self.w, self.b = self.named["x"], self.named["w"], self.named.get("b")
        self.arrays = [a for name in self.names if isinstance(a := self.named.get(name), np.ndarray)]
        self.kinds = "".join(array.dtype.kind for array in self.arrays)
        self.sh, self.sw = pair(self.named.get("stride", 1), "stride")
        self.ph, self.pw = pair(self.named.get("padding", 0), "padding", 0)
        (self.n, self.c, self.h, self.width), (self.f, _, self.kh, self.kw) = self.x.shape, self.w.shape
        self.room = self.h + 2 * self.ph - self.kh, self.width + 2 * self.pw - self.kw
        self.oh, self.ow = self.room[0] // self.sh + 1, self.room[1] // self.sw + 1

    @classmethod
    def where(cls, test: Callable[[Self], bool]) -> Test:
        """Return whether the test holds of what a call is made of, if the call shows anything."""

        def holds(call: Call) -> bool:
            look = cls.at(call)
            return bool(look.shows() and test(look))

        return holds

    @classmethod
    def at(cls, call: Call) -> Self:
        """Return what a call is made of, the same as the last time where it is the last call: many regimes ask."""
        known = _LAST.get(cls)
        if known is None or known[0] is not call:
            known = _LAST[cls] = call, cls(call)
        return cast(Self, known[1])

    def shows(self) -> bool:
        """Can a result be told from a wrong one? Without an image there is nothing to compare."""
        return bool(self.n)

    def divides(self) -> bool:
        return not (self.room[0] % self.sh or self.room[1] % self.sw)

    def all_are(self, dtype: str) -> bool:
        return all(array.dtype == dtype for array in self.arrays)

    def decimals(self) -> bool:
        """Are some numbers of every array that is multiplied not whole?"""
        return all(bool(np.any(self.named[name] != np.round(self.named[name]))) for name in self.factors)

    def largest(self) -> tuple[float, ...]:
        """Return the largest magnitude of each array that is multiplied."""
        return tuple(float(np.max(np.abs(self.named[name].astype(np.float64)), initial=0)) for name in self.factors)

    def zero_weights(self) -> bool:
        """Is all of a filter zero, or a row or a column of one of its slices?"""
        return not all(self.w.any(axis=axis).all() for axis in (2, 3, (1, 2, 3)))

    def bias_invites(self) -> bool:
        """Has the bias a zero or a number twice, or does it add up to zero?"""
        return self.b is not None and (0 in self.b or len(set(self.b.tolist())) < self.f or not self.b.sum())


where = Look.where


def without_images(call: Call) -> bool:
    return any(array.size == 0 for array in arrays(call))


def arrays(call: Call) -> list[Any]:
    return [value for value in (*call.args, *call.kwargs.values()) if isinstance(value, np.ndarray)]


def stored_as(layout: str) -> Test:
    """Return whether all arrays of a call are laid out so: those of more than one axis, with more than one entry."""

    def stored(call: Call) -> bool:
        told = [array for array in arrays(call) if array.ndim > 1 and array.size > 1]
        return bool(told) and all(has_layout(array, layout) for array in told)

    return stored


def options(call: Call) -> list[Any]:
    """Return what is given besides arrays."""
    values = (*call.args, *call.kwargs.values())
    return [value for value in values if value is not None and not isinstance(value, np.ndarray)]


def with_lists(call: Call) -> bool:
    return any(isinstance(value, list) for value in options(call))


def with_numpy_integers(call: Call) -> bool:
    flat = [item for value in options(call) for item in (value if isinstance(value, tuple | list) else (value,))]
    return any(isinstance(item, np.integer) for item in flat)


def all_by_keyword(call: Call) -> bool:
    return not call.args


def all_by_position(number: int) -> Test:
    """Return whether a call gives its `number` arguments by position."""
    return lambda call: len(call.args) == number


def ways_to_call(number: int, arrays: str = "the arrays are") -> dict[str, Test]:
    """Return who is inside the regimes of layouts, and of all `number` arguments given in one way.

    `arrays` is what the regimes call them.
    """
    return {
        f"{arrays} Fortran-ordered": stored_as("F"),
        f"{arrays.replace(' are', ' have').replace(' is', ' has')} negative strides": stored_as("reversed"),
        f"{arrays} not contiguous": stored_as("gapped"),
        f"{arrays} read-only": stored_as("readonly"),
        "all arguments are given by keyword": all_by_keyword,
        "all arguments are given by position": all_by_position(number),
    }


def told_inside(regimes: Sequence[Regime], inside: Mapping[str, Test]) -> tuple[Regime, ...]:
    """Return the regimes with who is inside them, by their names.

    Raises:
        ValueError: there is no regime of a name; what is mistyped would be passed over in silence.
    """
    if strangers := inside.keys() - {regime.name for regime in regimes}:
        raise ValueError(f"no regime is called {sorted(strangers)[0]!r}")
    return tuple(replace(regime, holds=inside.get(regime.name)) for regime in regimes)
