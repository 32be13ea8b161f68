"""The contracts on arrays: every twin is refused and told from the others, right functions pass."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from exercises.contracts.conv1d import CONV1D, CROSS_CORRELATE1D
from exercises.contracts.conv2d import CONV2D
from exercises.contracts.im2col import IM2COL
from exercises.contracts.pooling import AVG_POOL2D, MAX_POOL2D
from grader.authoring import Call, Contract, Regime, Twin
from grader.draw import Draw

CONTRACTS = (CONV2D, MAX_POOL2D, AVG_POOL2D, CONV1D, CROSS_CORRELATE1D, IM2COL)
TWINS = [pytest.param(c, t, id=f"{c.name}-{t.name}") for c in CONTRACTS for t in c.twins]
KEYS = ("one course", "another")


def calls(contract: Contract, key: str = KEYS[0]) -> tuple[tuple[Regime, Call, Any], ...]:
    """Return the cases of every regime under a course key, with what is expected."""
    return _calls(contract.name, key)


@cache
def _calls(name: str, key: str) -> tuple[tuple[Regime, Call, Any], ...]:
    contract = next(c for c in CONTRACTS if c.name == name)
    drawn = [(r, r.draw(Draw(key, r.name, n))) for r in contract.regimes for n in range(r.cases)]
    return tuple((r, call, contract.check.expect(contract.reference, call)) for r, call in drawn)


def outcome(function: Callable[..., Any], call: Call) -> Any:
    """Return what a wrong function does on copies of the arguments; its error's name where it raises."""
    args = [a.copy() if isinstance(a, np.ndarray) else a for a in call.args]
    kwargs = {name: a.copy() if isinstance(a, np.ndarray) else a for name, a in call.kwargs.items()}
    try:
        return function(*args, **kwargs)
    except (ValueError, IndexError, TypeError) as error:
        return type(error).__name__


def passes(contract: Contract, function: Callable[..., Any], call: Call, expected: Any) -> bool:
    return contract.check.compare(outcome(function, call), expected, call).share == 1


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.name)
def test_every_regime_has_five_cases_and_the_reference_passes_them(contract: Contract) -> None:
    """A regime with too few cases lets a lucky function through; a reference that fails one refuses everybody."""
    for key in KEYS:
        for regime, call, expected in calls(contract, key):
            verdict = contract.check.compare(outcome(contract.reference, call), expected, call)
            assert verdict.share == 1, (regime.name, verdict.message)
    assert all(regime.cases >= 5 for regime in contract.regimes)


@pytest.mark.parametrize(("contract", "twin"), TWINS)
def test_a_wrong_twin_fails_a_whole_regime_under_every_key(contract: Contract, twin: Twin) -> None:
    """The report says "wrong on 5 of 5 cases where …": some regime must show the mistake in every case."""
    for key in KEYS:
        failed: dict[str, int] = {}
        for regime, call, expected in calls(contract, key):
            failed[regime.name] = failed.get(regime.name, 0) + (not passes(contract, twin.function, call, expected))
        assert any(failed[regime.name] == regime.cases for regime in contract.regimes), failed


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.name)
def test_no_two_twins_do_the_same(contract: Contract) -> None:
    """Two mistakes that cannot be told apart would both be named, and one hint would be false."""
    results = {twin.name: [outcome(twin.function, call) for _, call, _ in calls(contract)] for twin in contract.twins}
    for one, other in itertools.combinations(results, 2):
        pairs = zip(results[one], results[other], strict=True)
        assert not all(_same(a, b) for a, b in pairs), (one, other)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, str) or isinstance(b, str):
        return isinstance(a, str) and isinstance(b, str) and a == b
    return bool(a.shape == b.shape and np.allclose(a, b, rtol=1e-12, atol=0))


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.name)
def test_names_and_hints_of_twins_and_regimes_read_well(contract: Contract) -> None:
    """The regime completes "wrong on 5 of 5 cases where …", and a hint is a sentence."""
    for regime in contract.regimes:
        assert regime.name[0].islower(), regime.name
        assert not regime.name.endswith("."), regime.name
    for twin in contract.twins:
        assert twin.hint.endswith("."), twin.name
        assert twin.function.__doc__, twin.name


def test_cases_are_small_enough_for_seven_loops() -> None:
    """A right solution in plain Python loops must not run out of time: each case costs few products."""
    for contract in CONTRACTS:
        for _, call, expected in calls(contract):
            arrays = [a for a in (*call.args, *call.kwargs.values()) if isinstance(a, np.ndarray)]
            filters = call.kwargs.get("w", arrays[1] if len(arrays) > 1 else None)
            window = call.kwargs.get("kernel_size", call.args[1] if filters is None and len(call.args) > 1 else 1)
            pooled = int(np.prod(np.broadcast_to(window, 2)))
            terms = 1 if contract is IM2COL else pooled if filters is None else filters[0].size
            assert terms * expected.value.size < 30_000, call


LARGE: dict[str, Callable[[Any, Any, tuple[int, ...]], bool]] = {
    "there are four images, four channels or eight filters, or more": (
        lambda x, w, y: len(x) >= 4 or x.shape[1] >= 4 or len(w) >= 8
    ),
    "the kernel is large": lambda x, w, y: max(w.shape[2:]) >= 5,
    "the map has 17 rows or columns or more": lambda x, w, y: max(y[2:]) >= 17,
    "there are many numbers, and they are not whole": lambda x, w, y: w[0].size > 64,
}


@pytest.mark.parametrize("name", LARGE)
def test_a_regime_of_large_sizes_is_as_large_as_it_says(name: str) -> None:
    """The report repeats the name to the student, and a size that is never large hides mistakes from there on."""
    found = [(call.args, expected.value.shape) for regime, call, expected in calls(CONV2D) if regime.name == name]
    assert len(found) >= 5
    assert all(LARGE[name](args[0], args[1], shape) for args, shape in found)


def loops(x: Any, w: Any, b: Any = None, stride: Any = 1, padding: Any = 0) -> Any:
    """A student's seven loops, in lists: no code in common with the reference."""
    sh, sw = (stride, stride) if np.ndim(stride) == 0 else stride
    ph, pw = (padding, padding) if np.ndim(padding) == 0 else padding
    n, c, h, width = x.shape
    f, _, kh, kw = w.shape
    oh, ow = (h + 2 * ph - kh) // sh + 1, (width + 2 * pw - kw) // sw + 1
    floating = "f" in {a.dtype.kind for a in (x, w, b) if a is not None}
    y = np.zeros((n, f, oh, ow), np.float64 if floating else np.int64)
    for image, m, i, j in np.ndindex(n, f, oh, ow):
        total = 0 if b is None else b[m].item()
        for k, u, v in np.ndindex(c, kh, kw):
            r, s = i * sh + u - ph, j * sw + v - pw
            if 0 <= r < h and 0 <= s < width:
                total += x[image, k, r, s].item() * w[m, k, u, v].item()
        y[image, m, i, j] = total
    return y


def fourier(x: Any, w: Any, b: Any = None, stride: Any = 1, padding: Any = 0) -> Any:
    """Convolution by FFT: right, and with another rounding error than any sum of products."""
    sh, sw = (stride, stride) if np.ndim(stride) == 0 else stride
    ph, pw = (padding, padding) if np.ndim(padding) == 0 else padding
    xp = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    shape = xp.shape[2:]
    spectrum = np.einsum("nchw,fchw->nfhw", np.fft.rfft2(xp, shape), np.conj(np.fft.rfft2(w.astype(np.float64), shape)))
    y = np.fft.irfft2(spectrum, shape)[:, :, : shape[0] - w.shape[2] + 1 : sh, : shape[1] - w.shape[3] + 1 : sw]
    return y if b is None else y + b[:, None, None]


def einsum(x: Any, w: Any, b: Any = None, stride: Any = 1, padding: Any = 0) -> Any:
    """Windows and einsum, in the dtype that NumPy chooses; the bias as an axis of its own."""
    sh, sw = np.broadcast_to(stride, 2)
    ph, pw = np.broadcast_to(padding, 2)
    dtype = np.result_type(x, w, np.int64) if x.dtype.kind != "f" else x.dtype
    xp = np.pad(x.astype(dtype), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    view = np.lib.stride_tricks.sliding_window_view(xp, w.shape[2:], axis=(2, 3))[:, :, ::sh, ::sw]
    y = np.einsum("ncijuv,fcuv->nfij", view, w, optimize=True)
    return y if b is None else y + np.expand_dims(b, (0, 2, 3))


def pool_loops(combine: Callable[[Any], Any]) -> Callable[..., Any]:
    def pool(x: Any, kernel_size: Any, stride: Any = None) -> Any:
        kh, kw = (kernel_size, kernel_size) if np.ndim(kernel_size) == 0 else kernel_size
        stride = (kh, kw) if stride is None else stride
        sh, sw = (stride, stride) if np.ndim(stride) == 0 else stride
        n, c, h, w = x.shape
        y = np.zeros((n, c, (h - kh) // sh + 1, (w - kw) // sw + 1))
        for at in np.ndindex(*y.shape):
            i, j = at[2] * sh, at[3] * sw
            y[at] = combine([x[at[0], at[1], i + u, j + v].item() for u in range(kh) for v in range(kw)])
        return y

    return pool


RIGHT = [
    pytest.param(CONV2D, loops, id="loops"),
    pytest.param(CONV2D, fourier, id="fourier"),
    pytest.param(CONV2D, einsum, id="einsum"),
    pytest.param(MAX_POOL2D, pool_loops(max), id="max loops"),
    pytest.param(AVG_POOL2D, pool_loops(lambda values: sum(values) / len(values)), id="mean loops"),
    pytest.param(AVG_POOL2D, pool_loops(lambda values: sum(v / len(values) for v in values)), id="mean of parts"),
]


@pytest.mark.parametrize(("contract", "function"), RIGHT)
def test_right_functions_of_other_styles_pass_every_case(contract: Contract, function: Callable[..., Any]) -> None:
    """No right solution is refused: loops, an FFT and einsum round differently, and all are right."""
    for key in KEYS:
        for regime, call, expected in calls(contract, key):
            verdict = contract.check.compare(outcome(function, call), expected, call)
            assert verdict.share == 1, (regime.name, verdict.message)


def test_the_window_of_a_convolution_adds_up_to_the_entry() -> None:
    """The picture must show the numbers that make the entry: padded planes, window, weights, and their sum."""
    for _, call, expected in calls(CONV2D):
        if not expected.value.size or {"x", "w"} & set(call.kwargs):
            continue
        at = tuple(int(i) for i in np.argwhere(expected.value == expected.value)[-1])
        window = CONV2D.window(call, at)
        assert window is not None
        total = 0.0
        for pane in window.panes:
            plane = np.array(pane.plane)[slice(*pane.rows), slice(*pane.columns)]
            total += float((plane * np.array(pane.weights)).sum())
        bias = call.args[2][at[1]] if len(call.args) > 2 and call.args[2] is not None else 0
        assert total + bias == pytest.approx(expected.value[at], rel=1e-6)


def test_the_sentence_of_a_window_writes_the_products_out() -> None:
    """What a student reads under the picture, with negative numbers in brackets and the bias last."""
    call = Call((np.array([[[[1.0, 2.0], [3.0, 4.5]]]]), np.array([[[[1.0, -2.0]]]]), np.array([-1.0])), {"padding": 1})
    window = CONV2D.window(call, (0, 0, 2, 1))
    assert window is not None
    assert window.sentence.startswith("y[0, 0, 2, 1] = 3·1 + 4.5·(-2) + (-1) = -7")
    assert window.panes[0].padding == (1, 1)
    assert window.panes[0].rows == (2, 3)
    assert CONV2D.window(call, (0, 0, 9, 9)) is None
    assert CONV2D.window(call, (0,)) is None


def test_the_window_of_a_pooling_shows_its_numbers() -> None:
    """A maximum is explained by the numbers that it was taken from, a mean by its sum."""
    x = np.array([[[[1.0, -5.0, 2.0], [4.0, 3.0, 8.0]]]])
    largest, mean = (c.window(Call((x, 2, 1)), (0, 0, 0, 1)) for c in (MAX_POOL2D, AVG_POOL2D))
    assert largest is not None
    assert mean is not None
    assert largest.sentence == "y[0, 0, 0, 1] = max(-5, 2, 3, 8) = 8"
    assert mean.sentence == "y[0, 0, 0, 1] = ((-5) + 2 + 3 + 8) / 4 = 2"
    assert (largest.panes[0].rows, largest.panes[0].columns) == ((0, 2), (1, 3))
    assert MAX_POOL2D.window(Call((x, 2, 1)), (0, 0, 5, 5)) is None
