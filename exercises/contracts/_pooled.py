"""Which calls of poolings and their gradients are inside their regimes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from exercises.contracts._inside import (
    Look,
    Test,
    options,
    ways_to_call,
    with_numpy_integers,
    without_images,
)
from grader.authoring import Call
from solutions.windows import Array, pair, windows

MANY = 60  # numbers of which half differ tell places, however many there are


class Pooling(Look):
    """What a call of a pooling or of its gradient is made of."""

    names: ClassVar[tuple[str, ...]] = ("x", "kernel_size", "stride")
    factors: ClassVar[tuple[str, ...]] = ("x",)

    def __init__(self, call: Call) -> None:
        self.named = {**dict(zip(self.names, call.args, strict=False)), **call.kwargs}
        self.x: Array = self.named["x"]
        self.dy: Any = self.named.get("dy")  # None of a pooling itself
        self.arrays = [a for name in self.names if isinstance(a := self.named.get(name), np.ndarray)]
        self.kinds = "".join(array.dtype.kind for array in self.arrays)
        self.kernel, self.stride = self.named["kernel_size"], self.named.get("stride")
        self.kh, self.kw = pair(self.kernel, "kernel_size")
        self.sh, self.sw = (self.kh, self.kw) if self.stride is None else pair(self.stride, "stride")
        self.n, self.c, self.h, self.width = self.x.shape
        self.room = self.h - self.kh, self.width - self.kw
        self.oh, self.ow = self.room[0] // self.sh + 1, self.room[1] // self.sw + 1
        self.taps, self.positions = self.kh * self.kw, self.oh * self.ow

    def shows(self) -> bool:
        """Can a result be told from a wrong one? Not without an image, nor where dy is zero."""
        return bool(self.n and (self.dy is None or self.dy.any()))

    def told(self) -> bool:
        """Can places be told: do the numbers differ, mostly, and is little of dy zero?"""
        apart = len(np.unique(self.x)) * 2 > min(self.x.size, MANY)
        return apart and (self.dy is None or bool(np.count_nonzero(self.dy) * 2 > self.dy.size))

    @classmethod
    def placing(cls, test: Callable[[Self], bool]) -> Test:
        """Return whether the test holds of a call whose places can be told."""
        return cls.where(lambda look: test(look) and look.told())

    @classmethod
    def telling(cls, test: Callable[[Self], bool]) -> Test:
        """Return whether the test holds of such a call whose windows have more than one number."""
        return cls.placing(lambda look: look.taps > 1 and test(look))

    def both_move(self) -> bool:
        """Are there several windows in both directions?"""
        return bool(min(self.oh, self.ow) > 1)

    def overlap(self) -> bool:
        return self.sh < self.kh and self.sw < self.kw and self.both_move()

    @cached_property
    def flat(self) -> Array:
        """The windows: (N, C, OH, OW, KH*KW), in a type that holds their differences."""
        view = windows(self.x, (self.kh, self.kw), (self.sh, self.sw))
        return view.reshape(*view.shape[:4], self.taps)

    @cached_property
    def times(self) -> Array:
        """How often the largest number of each window occurs in it."""
        return np.asarray((self.flat == self.flat.max(axis=-1, keepdims=True)).sum(axis=-1))

    def tied(self) -> Array:
        """Return dy of the windows whose largest number occurs more than once."""
        return np.asarray(self.dy)[self.times > 1]

    def varies(self) -> bool:
        """Do the largest numbers of the windows differ?"""
        largest = self.flat.max(axis=-1)
        return bool((largest != largest.flat[0]).any())

    def at_limits(self, *dtypes: str) -> bool:
        """Are the numbers of one of these types, with its least and nearly its largest, in windows of several?"""
        if str(self.x.dtype) not in dtypes or self.taps == 1:
            return False
        ends = np.iinfo(self.x.dtype)
        return bool(self.flat.min() == ends.min and int(self.flat.max()) > int(ends.max) - 100 and self.varies())

    def misleads(self) -> bool:
        """Has a window a number of larger magnitude than its largest number?"""
        numbers = self.flat.astype(np.float64)
        return bool((np.abs(numbers).max(axis=-1) > np.abs(numbers.max(axis=-1))).any())

    def spread(self) -> float:
        """Return how far the numbers are apart, as a share of their magnitude; whole numbers are far."""
        if self.x.dtype != np.float64 or self.taps == 1:
            return 1.0
        return float(np.ptp(self.x) / max(np.abs(self.x).max(), np.finfo(np.float64).tiny))

    def magnitudes(self) -> tuple[float, float]:
        """Return the least and the most of the largest magnitudes of the arrays."""
        most = [float(np.abs(array.astype(np.float64)).max(initial=0)) for array in self.arrays]
        return min(most), max(most)

    def one_is_a_pair(self) -> bool:
        """Is one of kernel and stride a pair of unequal numbers, and the stride given?"""
        return self.stride is not None and (self.kh != self.kw or self.sh != self.sw)


class Gradient(Pooling):
    """What a call of the gradient of a pooling is made of."""

    names: ClassVar[tuple[str, ...]] = ("dy", "x", "kernel_size", "stride")
    factors: ClassVar[tuple[str, ...]] = ("dy", "x")


class Norm(Pooling):
    """What a call of Lp pooling is made of."""

    names: ClassVar[tuple[str, ...]] = ("x", "norm_type", "kernel_size", "stride")

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self.p = self.named["norm_type"]

    def whole_norm(self) -> bool:
        return bool(self.p == int(self.p))

    def zeros(self) -> bool:
        """Does a window hold a zero, and something else?"""
        return bool(((self.flat == 0).any(axis=-1) & self.flat.any(axis=-1)).any())


class NormGradient(Norm):
    """What a call of the gradient of Lp pooling is made of."""

    names: ClassVar[tuple[str, ...]] = ("dy", "x", "norm_type", "kernel_size", "stride")
    factors: ClassVar[tuple[str, ...]] = ("dy", "x")


def both_lists(call: Call) -> bool:
    """Are kernel and stride lists?"""
    return sum(isinstance(value, list) for value in options(call)) == 2


def arguments(look: type[Pooling], arrays: str = "the arrays are") -> dict[str, Test]:
    """Return who is inside the regimes of ways to call and of layouts; `arrays` is what the regimes call them."""
    return {
        **ways_to_call(len(look.names), arrays),
        "kernel and stride are NumPy's integers": with_numpy_integers,
        "kernel and stride are lists": both_lists,
        "the batch is empty": without_images,
    }


def places(look: type[Pooling]) -> dict[str, Test]:
    """Return who is inside the regimes of sizes: calls whose numbers tell where a window stands."""
    told = look.placing

    return {
        "the stride equals the kernel": told(
            lambda v: v.stride is not None and (v.sh, v.sw) == (v.kh, v.kw) and v.taps > 1 and v.positions > 3
        ),
        "there are several channels": told(lambda v: v.c > 1 and v.taps > 1 and v.positions > 1),
        "there are several images": told(lambda v: v.n > 1 and v.taps > 1 and v.positions > 1),
        "the stride is left to its default": told(lambda v: "stride" not in v.named and v.taps > 1 and v.both_move()),
        "the windows overlap": told(lambda v: v.overlap()),
        "the stride does not divide": told(lambda v: not v.divides() and v.taps > 1),
        "the strides are unequal": told(lambda v: v.sh != v.sw and v.both_move()),
        "the stride is larger than the kernel": told(lambda v: v.sh > v.kh and v.sw > v.kw and v.both_move()),
        "the kernel is not square": told(lambda v: v.kh != v.kw and v.positions > 3),
        "the map is not square": told(lambda v: v.h != v.width and v.oh != v.ow and v.taps > 1),
        "the kernel is one pixel": told(lambda v: v.taps == 1 and v.positions > 1),
        "the kernel is as large as the map": told(lambda v: v.room == (0, 0) and v.taps > 3),
        "images, channels, window and map are large at once": told(
            lambda v: min(v.n, v.c) > 1 and v.n * v.c > 11 and v.taps > 5 and v.positions > 3
        ),
        "kernel and stride are pairs, or one of them is": told(lambda v: v.one_is_a_pair() and v.both_move()),
        "the stride is given as None": told(lambda v: v.named.get("stride", 1) is None and v.both_move()),
        "the stride is 5 or more": told(lambda v: (v.sh > 4 and v.oh > 1) or (v.sw > 4 and v.ow > 1)),
        "the kernel is large": told(lambda v: max(v.kh, v.kw) > 4 and v.taps < 257),
        "the window has more than 256 entries": told(lambda v: v.taps > 256),
        "the map has 13 rows or columns or more": told(lambda v: max(v.oh, v.ow) > 12),
        "there are four images or more": told(lambda v: v.n > 3),
    }


def numbers(look: type[Pooling]) -> dict[str, Test]:
    """Return who is inside the regimes of numbers that max and mean pooling and their gradients share."""
    told = look.telling

    return {
        "there are four channels or more": told(lambda v: v.c > 3),
        "no number is positive and one is zero": told(lambda v: v.x.max() == 0 and v.flat.max() == 0),
        "the numbers are next to each other in float64": told(lambda v: v.spread() < 1e-12),
        "the numbers differ in their last digits only": told(lambda v: 1e-12 < v.spread() < 1e-8),
        "the whole numbers are large": told(lambda v: "f" not in v.kinds and v.magnitudes()[0] > 2**18),
        "some numbers are negative": told(lambda v: v.x.max() > 0 and v.misleads()),
        "all numbers are negative": told(lambda v: v.x.max() < 0),
        "the numbers are huge": told(lambda v: v.magnitudes()[0] > 1e20),
        "the numbers are tiny": told(lambda v: 0 < v.magnitudes()[1] < 1e-20),
        "the input is float32": told(lambda v: v.all_are("float32")),
        "float64 numbers need full precision": told(lambda v: v.all_are("float64") and v.decimals()),
    }


def types_of_gradients(look: type[Pooling]) -> dict[str, Test]:
    """Return who is inside the regimes of types of dy and x."""
    told = look.telling

    return {
        "dy is float64 and x is float32": told(
            lambda v: v.dy.dtype == np.float64 and v.x.dtype == np.float32 and v.decimals()
        ),
        "dy is whole and x is not": told(lambda v: v.kinds == "if"),
        "x is of bytes (uint8)": told(lambda v: v.kinds == "iu"),
        "x is whole and dy is not": told(lambda v: v.kinds == "fi"),
    }


def one_hot(look: type[Pooling]) -> Test:
    return look.where(lambda v: bool(np.count_nonzero(v.dy) == 1 and v.dy.size > 4 and v.taps > 1))


ONLY_LARGEST = ("the stride equals the kernel", "the window has more than 256 entries")  # not of Lp pooling
NUMBERS_OF_NORMS = (
    "all numbers are negative",
    "the numbers are huge",
    "the numbers are tiny",
    "the input is float32",
    "float64 numbers need full precision",
)


def gradient_inside(look: type[Pooling] = Gradient) -> dict[str, Test]:
    return {
        **arguments(look),
        **places(look),
        **numbers(look),
        **types_of_gradients(look),
        "dy and x are of whole numbers": look.where(lambda v: v.kinds == "ii" and v.taps > 1),
        "dy is zero but for one entry": one_hot(look),
    }


NUMBERS_OF_POOLING = (
    "the numbers are tiny",
    "the input is float32",
    "float64 numbers need full precision",
    "there are four channels or more",
)


def pooling_inside() -> dict[str, Test]:
    """Return who is inside the regimes that max and mean pooling share."""
    told, where, shared = Pooling.telling, Pooling.where, numbers(Pooling)
    return {
        **arguments(Pooling, "the array is"),
        **places(Pooling),
        **{name: shared[name] for name in NUMBERS_OF_POOLING},
        "some numbers are negative": where(lambda v: v.x.max() > 0 and v.misleads() and v.varies()),
        "all numbers are negative": where(lambda v: v.x.max() < 0 and v.taps > 1 and v.varies()),
        "the stride is 1": told(lambda v: v.sh == v.sw == 1 and v.both_move()),
        "the numbers are huge and negative": told(lambda v: float(v.x.max()) < -1e280),
        "there are ties and zeros": where(lambda v: bool((v.times > 1).any() and (v.flat == 0).any() and v.x.any())),
        "whole numbers are the largest or the least of 32 bits": where(lambda v: v.at_limits("int32")),
        "whole numbers are the largest or the least of 16 or 8 bits": where(lambda v: v.at_limits("int16", "uint8")),
        "the whole numbers are large": told(lambda v: v.kinds == "i" and v.magnitudes()[0] > 2**33),
        "the input is an integer array": told(lambda v: v.x.dtype in (np.int64, np.int32)),
        "the input is of bytes (uint8)": told(lambda v: v.x.dtype == np.uint8),
    }


def infinite_inside() -> dict[str, Test]:
    """Return who is inside the regimes that only max pooling has."""
    return {
        "some numbers are infinite": Pooling.where(
            lambda v: bool((v.flat == -np.inf).all(axis=-1).any() and v.varies())
        )
    }


def norm_inside(look: type[Norm]) -> dict[str, Test]:
    """Return who is inside the regimes that Lp pooling and its gradient share."""
    told, where = look.telling, look.where
    plain = places(look)
    common = {name: plain[name] for name in plain if name not in ONLY_LARGEST}
    shared = numbers(look)
    return {
        **arguments(look),
        **common,
        **{name: shared[name] for name in NUMBERS_OF_NORMS},
        "p is 2 and the stride equals the kernel": told(
            lambda v: v.p == 2 and v.stride is not None and (v.sh, v.sw) == (v.kh, v.kw) and v.positions > 3
        ),
        "p is 3": told(lambda v: v.p == 3),
        "p is 1": told(lambda v: v.p == 1),
        "p is not whole": told(lambda v: not v.whole_norm()),
        "there are three channels or more": told(lambda v: v.c > 2),
        "p is 5, 6 or 7": told(lambda v: v.p in (5, 6, 7)),
        "p is whole and given as a float": told(lambda v: isinstance(v.p, float) and v.whole_norm() and v.p != 2),
        "p is below 1 or not a half": told(lambda v: v.p < 1 or v.p * 2 != int(v.p * 2)),
        "some numbers are zero and p is between 1 and 2": where(lambda v: 1 < v.p < 2 and v.zeros()),
        "some numbers are zero": where(lambda v: v.p in (2, 3) and v.zeros()),
        "some numbers are negative": told(lambda v: v.x.min() < 0 < v.x.max()),
        "the powers of whole numbers do not fit into 32 bits": told(
            lambda v: v.x.dtype == np.int32 and int(v.x.min()) >= 10**5
        ),
        "the powers of whole numbers do not fit into 64 bits": told(
            lambda v: v.x.dtype == np.int64 and int(v.x.min()) >= 10**10
        ),
        "the input is of whole numbers": told(lambda v: "f" not in v.kinds),
        "x is of bytes (uint8)": told(lambda v: v.x.dtype == np.uint8 and "f" not in v.kinds),
    }


def norm_forward_inside() -> dict[str, Test]:
    return {**norm_inside(Norm), "windows hold nothing but zeros": Norm.where(lambda v: not v.flat.any(axis=-1).all())}


def norm_gradient_inside() -> dict[str, Test]:
    types = types_of_gradients(NormGradient)
    return {
        **norm_inside(NormGradient),
        **{name: types[name] for name in ("dy is float64 and x is float32", "x is whole and dy is not")},
        "dy is zero but for one entry": one_hot(NormGradient),
    }


def ties_inside() -> dict[str, Test]:
    """Return who is inside the regimes of ties, of the gradient of max pooling."""
    where = Gradient.where
    return {
        "dy and x are of whole numbers": where(lambda v: v.kinds == "ii" and len(v.tied()) > 0),
        "the largest number occurs twice": where(lambda v: bool((v.tied() > 0).any() and v.dy.min() >= 0)),
        "windows with ties overlap": where(
            lambda v: v.overlap() and bool(np.count_nonzero(v.tied() > 0) > 1 and v.dy.min() >= 0)
        ),
        "all numbers are equal": where(lambda v: v.taps > 1 and bool(np.ptp(v.x) == 0)),
        "windows hold nothing but zeros": where(
            lambda v: bool(v.x.any() and (~v.flat.any(axis=-1) & (v.dy != 0)).any())
        ),
        "there are ties and dy has both signs": where(
            lambda v: v.overlap() and bool((v.tied() > 0).any() and (v.tied() < 0).any())
        ),
    }
