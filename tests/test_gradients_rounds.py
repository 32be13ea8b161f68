"""The first round of conv2d_backward: a right function is asked little, and no call of it is blind."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pytest

from exercises.contracts._gradients import CORNERS, REMEMBERED, Upstream, anything
from exercises.contracts.conv2d_backward import CONV2D_BACKWARD
from grader.contract import Call
from grader.draw import Draw
from grader.functions.arrays import LAYOUTS, integers, laid_out, reals
from grader.functions.cases import Case, CaseSet, case_set, fresh
from solutions.convolution import conv2d_backward
from solutions.twins.conv2d_backward import single_precision
from solutions.windows import pad, pair, windows

KEYS = (b"first", b"second", b"third")
MIXED = CONV2D_BACKWARD.regimes[-1].name
OF_ZEROS = ("dy is zero but for one entry", "dy is zero everywhere")


@cache
def drawn(key: bytes) -> CaseSet:
    return case_set(CONV2D_BACKWARD, key)


def opening(key: bytes) -> list[Case]:
    """Return the cases of the first round that are drawn for it."""
    cases = drawn(key)
    return [case for case in cases.cases[: cases.opening] if case.follows is None]


@pytest.mark.parametrize("key", KEYS)
def test_every_regime_is_visited_by_less_than_half_of_the_calls(key: bytes) -> None:
    visits = Counter(name for case in opening(key) for name in (case.regime, *case.inside))
    assert [regime.name for regime in CONV2D_BACKWARD.regimes if visits[regime.name] < regime.cases] == []
    assert 2 * drawn(key).opening < len(drawn(key).cases)


def test_every_corner_is_in_every_first_round() -> None:
    """The strata take each in turn: what is large, what has no image, what is zero."""
    for key in KEYS:
        mixed = [Upstream(case.call) for case in opening(key) if case.regime == MIXED]
        assert len(mixed) == len(CORNERS) + 1
        assert max(look.dy.size for look in mixed) > 3000
        assert sum(max(look.oh, look.ow) > 256 for look in mixed) == 2
        assert {look.n for look in mixed} >= {0, 5, 9}
        assert {look.f for look in mixed} >= {8, 17}
        assert {(look.kh, look.kw) for look in mixed} >= {(5, 5), (7, 7), (8, 11), (11, 1), (1, 11), (7, 2)}
        assert sum(np.count_nonzero(look.dy) == 1 < look.dy.size for look in mixed) == 2


def test_every_call_shows_something_in_each_of_the_three_gradients() -> None:
    """Windows in the padding alone, or numbers that cancel, make a wrong gradient equal to a right one."""
    for n in range(400):
        look = Upstream(call := anything(Draw("shown", n)))
        if look.n:
            gradients = conv2d_backward(look.dy, look.x, look.w, (look.sh, look.sw), (look.ph, look.pw))
            assert all(gradient.any() for gradient in gradients), call


def test_dy_has_no_zeros_but_where_they_are_the_matter() -> None:
    """A window whose dy is zero gives nothing to any gradient; sums of zero are means of zero, too."""
    for key in KEYS:
        cases = [case for case in opening(key) if case.regime not in OF_ZEROS and Upstream(case.call).n]
        holed = {case.number for case in cases if not Upstream(case.call).dy.all()}
        assert len(holed) == sum(corner.get("upstream") in ("one hot", "last zero", "sparse") for corner in CORNERS)
        for case in cases:
            if case.number not in holed:
                assert Upstream(case.call).dy.astype(float).sum(axis=(0, 2, 3)).all(), case.call


def test_a_call_that_shows_little_visits_no_regime_of_images() -> None:
    """Without images, and where dy is zero but for an entry, a visit would stand for one that shows a mistake."""
    calls = [anything(Draw("any", n)) for n in range(300)]
    for call in calls[:40]:
        look = Upstream(call)
        blank = {**look.named, "dy": np.zeros_like(look.dy)}
        calls += [Call((), blank)] * (look.dy.size > 1)
    poor = [call for call in calls if np.count_nonzero(Upstream(call).dy) < min(2, max(1, Upstream(call).dy.size))]
    assert len(poor) > 40
    for regime in CONV2D_BACKWARD.regimes:
        if regime.holds and regime.group not in ("arguments", "upstream") and regime.name != "the batch is empty":
            assert not any(map(regime.holds, poor)), regime.name


def remembering(*left_out: str) -> Any:
    """Return a right function, but that it keeps the windows of an image by all that they depend on but for these."""
    kept: dict[Any, Any] = {}

    def gradients(dy: Any, x: Any, w: Any, stride: Any = 1, padding: Any = 0) -> Any:
        steps, edges = pair(stride, "stride"), pair(padding, "padding", 0)
        parts = {"image": x.tobytes(), "kernel": w.shape[2:], "stride": steps, "padding": edges, "map": dy.shape[2:]}
        parts |= {"width": steps[1], "columns": edges[1], "shape": x.shape, "type": x.dtype}
        key = tuple(part for name, part in parts.items() if name not in left_out)
        view = kept.setdefault(key, windows(pad(x, edges), w.shape[2:], steps))
        dx, _, db = conv2d_backward(dy, x, w, stride, padding)
        return dx, np.tensordot(dy, view, axes=((0, 2, 3), (0, 2, 3))), db

    return gradients


def found(function: Any, key: bytes) -> int:
    """Return how many calls of the first round a function is wrong on, siblings left out."""
    failures = 0
    for case in opening(key):
        call = fresh(case.call)
        try:
            got = function(*call.args, **call.kwargs)
            failures += CONV2D_BACKWARD.check.compare(got, case.expected, case.call).share < 1
        except (ValueError, IndexError):
            failures += 1
    return failures


@pytest.mark.parametrize(
    "left_out", [("image",), ("kernel",), ("stride", "width"), ("stride",), ("padding", "columns"), ("padding", "map")]
)
def test_who_remembers_without_one_thing_is_found_under_every_key(left_out: tuple[str, ...]) -> None:
    """Calls for the same image, alike but for one thing, meet in every first round, and not by luck."""
    assert all(found(remembering(), key) == 0 for key in KEYS)
    assert min(found(remembering(*left_out), key) for key in KEYS) >= 2


def test_what_is_remembered_is_of_the_same_image() -> None:
    """The corners differ in one thing only: the images of a size are equal, byte by byte."""
    assert len(REMEMBERED) > 10
    for key in KEYS:
        images = [Upstream(case.call) for case in opening(key) if case.regime == MIXED]
        fives = [look.x for look in images if look.x.shape == (1, 1, 5, 5) and look.x.dtype == "float64"]
        assert max(Counter(image.tobytes() for image in fives).values()) >= 10


def test_single_precision_rounds_alike_however_the_arrays_lie() -> None:
    """It is named where its results are the twin's, which is asked with arrays that lie in memory as C has them."""
    for n in range(20):
        rng = Draw("single", n)
        dy, x, w = (reals(rng.fork(), shape) for shape in ((2, 2, 3, 3), (2, 3, 4, 4), (2, 3, 2, 2)))
        plain = single_precision(dy, x, w)
        for layout in LAYOUTS:
            stored = single_precision(laid_out(dy, layout), laid_out(x, layout), laid_out(w, layout))
            assert all(np.array_equal(a, b) for a, b in zip(plain, stored, strict=True)), layout


def test_a_look_tells_left_over_pixels_from_left_over_padding() -> None:
    """Who fills up dx to the image's size is right where only padding is left over."""
    rng = Draw("left over")
    dy, w = integers(rng, (1, 1, 2, 2)), integers(rng, (1, 1, 2, 2))
    beside = Upstream(Call((dy, integers(rng, (1, 1, 4, 4)), w), {"stride": 3, "padding": 1}))
    inside = Upstream(Call((dy, integers(rng, (1, 1, 6, 5)), w), {"stride": 3, "padding": 1}))
    assert (beside.divides(), beside.left_over()) == (False, False)
    assert inside.left_over()
