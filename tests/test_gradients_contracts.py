"""The contracts of the gradients: twins are refused and told apart, any right style passes, ties are fair."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import scipy.signal

from exercises.contracts.conv2d_backward import CONV2D_BACKWARD, SHOWN
from exercises.contracts.lp_pooling import LP_POOL2D, LP_POOL2D_BACKWARD
from exercises.contracts.pooling_backward import AVG_POOL2D_BACKWARD, MAX_POOL2D_BACKWARD
from grader.authoring import Call, Contract, Regime, Twin
from grader.draw import Draw

CONTRACTS = (CONV2D_BACKWARD, MAX_POOL2D_BACKWARD, AVG_POOL2D_BACKWARD, LP_POOL2D, LP_POOL2D_BACKWARD)
TWINS = [pytest.param(c, t, id=f"{c.name}-{t.name}") for c in CONTRACTS for t in c.twins]
KEYS = ("one course", "another")


@cache
def calls(name: str, key: str = KEYS[0]) -> tuple[tuple[Regime, Call, Any], ...]:
    """Return the cases of every regime under a course key, with what is expected."""
    contract = next(c for c in CONTRACTS if c.name == name)
    drawn = [(r, r.draw(Draw(key, r.name, n))) for r in contract.regimes for n in range(r.cases)]
    return tuple((r, call, contract.check.expect(contract.reference, call)) for r, call in drawn)


def outcome(function: Callable[..., Any], call: Call) -> Any:
    """Return what a function does on copies of the arguments; its error's name where it raises."""
    args = [a.copy() if isinstance(a, np.ndarray) else a for a in call.args]
    kwargs = {name: a.copy() if isinstance(a, np.ndarray) else a for name, a in call.kwargs.items()}
    try:
        return function(*args, **kwargs)
    except (ValueError, IndexError, TypeError) as error:
        return type(error).__name__


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.name)
def test_every_regime_has_five_cases_and_the_reference_passes_them(contract: Contract) -> None:
    """A regime with too few cases lets a lucky function through; a reference that fails one refuses everybody."""
    for key in KEYS:
        for regime, call, expected in calls(contract.name, key):
            verdict = contract.check.compare(outcome(contract.reference, call), expected, call)
            assert verdict.share == 1, (regime.name, verdict.message)
    assert all(regime.cases >= 5 for regime in contract.regimes)


@pytest.mark.parametrize(("contract", "twin"), TWINS)
def test_a_wrong_twin_fails_a_whole_regime_under_every_key(contract: Contract, twin: Twin) -> None:
    """The report says "wrong on 5 of 5 cases where …": some regime must show the mistake in every case."""
    for key in KEYS:
        failed: dict[str, int] = {}
        for regime, call, expected in calls(contract.name, key):
            share = contract.check.compare(outcome(twin.function, call), expected, call).share
            failed[regime.name] = failed.get(regime.name, 0) + (share != 1)
        assert any(failed[regime.name] == regime.cases for regime in contract.regimes), failed


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.name)
def test_no_two_twins_do_the_same(contract: Contract) -> None:
    """Two mistakes that cannot be told apart would both be named, and one hint would be false."""
    results = {t.name: [outcome(t.function, call) for _, call, _ in calls(contract.name)] for t in contract.twins}
    for one, other in itertools.combinations(results, 2):
        assert not all(same(a, b) for a, b in zip(results[one], results[other], strict=True)), (one, other)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, str) or isinstance(b, str):
        return isinstance(a, str) and isinstance(b, str) and a == b
    if isinstance(a, tuple):
        return all(map(same, a, b))
    return bool(a.shape == b.shape and np.allclose(a, b, rtol=1e-12, atol=0))


def test_there_are_twins_enough_and_their_texts_read_well() -> None:
    """Ten mistakes of a convolution's gradient and eight of each pooling's are the least; hints are sentences."""
    for contract in CONTRACTS:
        assert len(contract.twins) >= (10 if contract is CONV2D_BACKWARD else 8)
        assert all(regime.name[0].islower() and not regime.name.endswith(".") for regime in contract.regimes)
        assert all(twin.hint.endswith(".") and twin.function.__doc__ for twin in contract.twins)
        assert len({twin.name for twin in contract.twins}) == len(contract.twins)


# Right functions in other styles ---------------------------------------------------------------------------


def two(value: Any) -> tuple[int, int]:
    return (value, value) if np.ndim(value) == 0 else tuple(value)


def conv_loops(dy: Any, x: Any, w: Any, stride: Any = 1, padding: Any = 0) -> Any:
    """A student's loops over images, filters and positions, without padding x."""
    (sh, sw), (ph, pw) = two(stride), two(padding)
    kind = float if "f" in (dy.dtype.kind, x.dtype.kind, w.dtype.kind) else int
    dx, dw, db = np.zeros(x.shape, kind), np.zeros(w.shape, kind), np.zeros(len(w), kind)
    for n, f, i, j in np.ndindex(dy.shape):
        up = kind(dy[n, f, i, j])
        db[f] += up
        for c, u, v in np.ndindex(w.shape[1:]):
            r, s = i * sh + u - ph, j * sw + v - pw
            if 0 <= r < x.shape[2] and 0 <= s < x.shape[3]:
                dx[n, c, r, s] += up * kind(w[f, c, u, v])
                dw[f, c, u, v] += up * kind(x[n, c, r, s])
    return dx, dw, db


def conv_by_full_convolution(dy: Any, x: Any, w: Any, stride: Any = 1, padding: Any = 0) -> Any:
    """Signal processing: dy spread out, a full convolution for dx, a valid correlation for dw; by FFT."""
    (sh, sw), (ph, pw) = two(stride), two(padding)
    n, f = dy.shape[:2]
    room = [x.shape[2] + 2 * ph - w.shape[2] + 1, x.shape[3] + 2 * pw - w.shape[3] + 1]
    wide = np.zeros((n, f, *room))
    wide[:, :, ::sh, ::sw] = dy
    xp = np.pad(x.astype(float), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dxp, dw = np.zeros(xp.shape), np.zeros(w.shape)
    for image, m, c in np.ndindex(n, f, x.shape[1]):
        dxp[image, c] += scipy.signal.fftconvolve(wide[image, m], w[m, c].astype(float))
        dw[m, c] += scipy.signal.fftconvolve(xp[image, c], wide[image, m, ::-1, ::-1], "valid")
    return dxp[:, :, ph : ph + x.shape[2], pw : pw + x.shape[3]], dw, wide.sum(axis=(0, 2, 3))


def conv_columns(dy: Any, x: Any, w: Any, stride: Any = 1, padding: Any = 0) -> Any:
    """im2col and matrix products in the inputs' own precision; add.at puts the columns back."""
    (sh, sw), (ph, pw) = two(stride), two(padding)
    dtype = np.result_type(dy, x, w, np.int64) if dy.dtype.kind != "f" else dy.dtype
    dy, w = dy.astype(dtype), w.astype(dtype)
    xp = np.pad(x.astype(dtype), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    (oh, ow), (kh, kw) = dy.shape[2:], w.shape[2:]
    rows = (np.arange(oh) * sh)[:, None, None, None] + np.arange(kh)[None, None, :, None]
    columns = (np.arange(ow) * sw)[None, :, None, None] + np.arange(kw)[None, None, None, :]
    patches = xp[:, :, rows, columns]  # (N, C, OH, OW, KH, KW)
    dw = np.einsum("nfij,ncijuv->fcuv", dy, patches)
    dxp = np.zeros_like(xp)
    where: Any = (slice(None), slice(None), rows, columns)
    np.add.at(dxp, where, np.einsum("nfij,fcuv->ncijuv", dy, w))
    return [dxp[:, :, ph : ph + x.shape[2], pw : pw + x.shape[3]], dw, dy.sum(axis=(0, 2, 3))]


def pool_loops(share: Callable[..., Any]) -> Callable[..., Any]:
    """Return the gradient window by window, in float64."""

    def back(dy: Any, x: Any, *rest: Any, kernel_size: Any = None, stride: Any = None, norm_type: Any = None) -> Any:
        extra = list(rest)
        if share is norm_share or share is scaled_share:
            norm_type = extra.pop(0) if norm_type is None else norm_type
        kernel_size = extra.pop(0) if kernel_size is None else kernel_size
        stride = extra.pop(0) if extra else stride
        (kh, kw), (sh, sw) = two(kernel_size), two(kernel_size if stride is None else stride)
        dx = np.zeros(x.shape)
        for n, c, i, j in np.ndindex(dy.shape):
            at = (n, c, slice(i * sh, i * sh + kh), slice(j * sw, j * sw + kw))
            dx[at] += float(dy[n, c, i, j]) * share(x[at].astype(float), norm_type)
        return dx

    return back


def only(window: Any, at: Any) -> Any:
    part = np.zeros(window.shape)
    part[tuple(at)] = 1
    return part


chance = np.random.default_rng()  # a student's own, unseeded: another choice at every call


def first_share(window: Any, _: Any) -> Any:
    return only(window, np.argwhere(window == window.max())[0])


def last_share(window: Any, _: Any) -> Any:
    return only(window, np.argwhere(window == window.max())[-1])


def random_share(window: Any, _: Any) -> Any:
    return only(window, chance.choice(np.argwhere(window == window.max())))


def even_share(window: Any, _: Any) -> Any:
    mask = window == window.max()
    return mask / mask.sum()


def uneven_share(window: Any, _: Any) -> Any:
    weights = (window == window.max()) * (1 + chance.random(window.shape))
    return weights / weights.sum()


def mean_share(window: Any, _: Any) -> Any:
    return np.ones(window.shape) / window.size


def norm_share(window: Any, p: Any) -> Any:
    """With absolute values and signs, as many write it."""
    y = np.sum(np.abs(window) ** p) ** (1 / p)
    return np.sign(window) * np.abs(window) ** (p - 1) / y ** (p - 1)


def scaled_share(window: Any, p: Any) -> Any:
    """With the largest number divided out first, so that nothing overflows."""
    scaled = np.abs(window) / np.abs(window).max()
    return np.sign(window) * (scaled / np.sum(scaled**p) ** (1 / p)) ** (p - 1)


def norm_of_numpy(x: Any, norm_type: Any, kernel_size: Any, stride: Any = None) -> Any:
    (kh, kw), (sh, sw) = two(kernel_size), two(kernel_size if stride is None else stride)
    view = np.lib.stride_tricks.sliding_window_view(x.astype(float), (kh, kw), axis=(2, 3))[:, :, ::sh, ::sw]
    return np.linalg.norm(view.reshape(*view.shape[:4], kh * kw), ord=norm_type, axis=-1)


def mean_powers(x: Any, norm_type: Any, kernel_size: Any, stride: Any = None) -> Any:
    """As PyTorch computes it: the mean of the powers times their number, in the input's own precision."""
    (kh, kw), (sh, sw) = two(kernel_size), two(kernel_size if stride is None else stride)
    x = x if x.dtype.kind == "f" else x.astype(float)
    view = np.lib.stride_tricks.sliding_window_view(x**norm_type, (kh, kw), axis=(2, 3))[:, :, ::sh, ::sw]
    return (view.mean(axis=(4, 5)) * (kh * kw)) ** (1 / norm_type)


RIGHT = [
    *[(CONV2D_BACKWARD, f) for f in (conv_loops, conv_by_full_convolution, conv_columns)],
    *[(MAX_POOL2D_BACKWARD, pool_loops(s)) for s in (first_share, last_share, random_share, even_share, uneven_share)],
    (AVG_POOL2D_BACKWARD, pool_loops(mean_share)),
    *[(LP_POOL2D, f) for f in (norm_of_numpy, mean_powers)],
    *[(LP_POOL2D_BACKWARD, pool_loops(s)) for s in (norm_share, scaled_share)],
]


@pytest.mark.parametrize(("contract", "function"), RIGHT)
def test_right_functions_of_other_styles_pass_every_case(contract: Contract, function: Callable[..., Any]) -> None:
    """No right solution is refused: other orders, transforms and shares at ties round and route differently."""
    for key in KEYS:
        for regime, call, expected in calls(contract.name, key):
            verdict = contract.check.compare(outcome(function, call), expected, call)
            assert verdict.share == 1, (regime.name, verdict.message)


# Ties ------------------------------------------------------------------------------------------------------


def judged(x: Any, dy: Any, dx: Any, kernel_size: Any = (1, 2), stride: Any = (1, 1)) -> Any:
    """Return the verdict on dx, all given as one row."""
    row = [np.array(values, float).reshape(1, 1, 1, -1) for values in (dy, x, dx)]
    call, check = Call((row[0], row[1], kernel_size), {"stride": stride}), MAX_POOL2D_BACKWARD.check
    return check.compare(row[2], check.expect(MAX_POOL2D_BACKWARD.reference, call), call)


@pytest.mark.parametrize(
    ("dx", "right"),
    [
        ((3, 4, 0), True),
        ((0, 7, 0), True),
        ((0, 3, 4), True),
        ((1, 5, 1), True),
        ((1.5, 3.5, 2), True),
        ((3, 7, 4), False),
        ((4, 3, 0), False),
        ((0, 0, 7), False),
        ((3, 0, 5), False),
        ((-1, 8, 0), False),
        ((0, 0, 0), False),
    ],
)
def test_a_chain_of_ties_allows_what_its_windows_can_give_and_no_more(dx: Any, right: bool) -> None:
    """Windows (5, 5), (5, 5) with dy 3 and 4: the first entry gets at most 3, the last at most 4, all together 7."""
    assert (judged((5, 5, 5), (3, 4), dx).share == 1) == right


@pytest.mark.parametrize(
    ("dx", "right"), [((3, -4, 0), True), ((0, 3, -4), True), ((3, 0, -4), True), ((-4, 3, 0), False)]
)
def test_ties_with_dy_of_both_signs_are_judged_as_well(dx: Any, right: bool) -> None:
    """With dy 3 and -4 the sum is -1 in every case: only the flow tells which shares are possible."""
    assert (judged((5, 5, 5), (3, -4), dx).share == 1) == right


def test_what_is_forced_beside_a_tie_is_still_exact() -> None:
    """A tie in one window must not excuse another window, nor an entry that is never the largest."""
    x, dy = (5, 5, 1, 8, 2), (3, 2, 4, 6)
    assert judged(x, dy, (1, 4, 0, 10, 0)).share == 1
    for wrong in ((1, 4, 0, 9, 1), (1, 4, 0, 10.001, 0), (1, 2, 0, 10, 0), (1, 4, 1, 9, 0)):
        assert judged(x, dy, wrong).share < 1
    assert judged(x, dy, (1, 4, 0, float("nan"), 0)).share < 1
    assert judged(x, dy, (float("nan"), 4, 0, 10, 0)).share < 1
    assert judged(x, dy, (float("inf"), 4, 0, 10, 0)).share < 1


@pytest.mark.parametrize("far", [1.7e308, -1.7e308, 1e300])
def test_a_share_beyond_all_counting_is_wrong(far: float) -> None:
    """It must not end in an error of the grader's own, which would cost no mark."""
    assert judged((5, 5, 5), (3, 4), (far, 3, 4)).message.endswith("far from all that dy can give")


def test_the_message_on_ties_says_what_is_wrong() -> None:
    """Place and problem: which entries tie, what they got together, and what dy adds up to."""
    doubled = judged((7, 7), (3,), (3, 3))
    assert "entries [0, 0, 0, 0], [0, 0, 0, 1] are equally large in 1 window" in doubled.message
    assert "together they get 6, should be 3, the sum of dy" in doubled.message
    assert doubled.at == (0, 0, 0, 0)
    assert "no sharing of dy" in judged((5, 5, 5), (3, 4), (4, 3, 0)).message


# Pictures --------------------------------------------------------------------------------------------------


def test_the_window_of_a_gradient_adds_up_to_the_entry() -> None:
    """The picture must show numbers and weights whose products make the entry, for dx and for dw."""
    for _, call, expected in calls(CONV2D_BACKWARD.name):
        for which in (0, 1):
            value = expected[which].value
            if not value.size or {"dy"} & set(call.kwargs) or not len(call.args[1]):
                continue
            if call.args[0].size > SHOWN:
                assert CONV2D_BACKWARD.window(call, (which, *(0,) * value.ndim)) is None
                continue
            at = (which, *(side - 1 for side in value.shape))
            window = CONV2D_BACKWARD.window(call, at)
            assert window is not None
            total = 0.0
            for pane in window.panes:
                plane = np.array(pane.plane)[slice(*pane.rows), slice(*pane.columns)]
                total += float((plane * np.array(pane.weights)).sum())
            assert total == pytest.approx(float(value[at[1:]]), rel=1e-6, abs=1e-300)
            assert window.sentence.startswith(("dx[", "dw[")[which])


def test_a_place_outside_the_result_has_no_picture() -> None:
    """A result of another shape differs at places that do not exist."""
    x = np.ones((1, 1, 3, 3))
    call = Call((np.ones((1, 1, 2, 2)), x, np.ones((1, 1, 2, 2))))
    assert all(CONV2D_BACKWARD.window(call, at) is None for at in ((), (0,), (3, 0), (0, 0, 0, 3, 0), (1, 0)))
    bias = CONV2D_BACKWARD.window(call, (2, 0))
    assert bias is not None
    assert bias.sentence == "db[0] = 4, the sum of all of dy[:, 0]"
    pooled = Call((np.ones((1, 1, 1, 1)), x, 2))
    assert MAX_POOL2D_BACKWARD.window(pooled, (0, 0, 3, 0)) is None
    unreached = MAX_POOL2D_BACKWARD.window(pooled, (0, 0, 2, 2))
    assert unreached is not None
    assert unreached.sentence == "dx[0, 0, 2, 2] = 0: no window holds this entry"
    norm = LP_POOL2D.window(Call((np.array([[[[3.0, 4.0]]]]), 2, (1, 2))), (0, 0, 0, 0))
    assert norm is not None
    assert norm.sentence == "y[0, 0, 0, 0] = (3^2 + 4^2)^(1/2) = 5"
