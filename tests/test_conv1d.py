"""Convolution of sequences: the keys and the contracts, each against NumPy, PyTorch or plain loops."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from exercises import conv1d as topic
from exercises.contracts.conv1d import CONV1D, CROSS_CORRELATE1D
from grader.authoring import Call, Contract
from grader.exercise import Level
from grader.marking import mark_answers
from grader.variant import AnyVariant, Seeded, draw_variant
from solutions.convolution import Mode, conv1d, cross_correlate1d
from solutions.sequences import convolve, cut
from tests.test_array_contracts import KEYS, calls, outcome

MODES: tuple[Mode, ...] = ("full", "same", "valid")
LENGTHS = [(n, m) for n in range(1, 8) for m in range(1, 8)]


def numbers(n: int, seed: int) -> Any:
    return np.random.default_rng(seed).integers(-9, 10, n)


# The references --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_convolution_is_numpys(mode: Mode) -> None:
    """DESIGN promises np.convolve, also where w is longer than x."""
    for n, m in LENGTHS:
        x, w = numbers(n, n), numbers(m, 100 + m)
        assert np.array_equal(conv1d(x, w, mode), np.convolve(x, w, mode)), (n, m)


@pytest.mark.parametrize("mode", MODES)
def test_correlation_is_numpys_wherever_numpy_agrees_with_itself(mode: Mode) -> None:
    """np.correlate centres "same" elsewhere for w longer than an x of even length, and the sheet excludes that."""
    for n, m in LENGTHS:
        x, w = numbers(n, n), numbers(m, 100 + m)
        if mode == "same" and m > n and n % 2 == 0:
            continue
        assert np.array_equal(cross_correlate1d(x, w, mode), np.correlate(x, w, mode)), (n, m)


def test_correlation_is_pytorchs_layer() -> None:
    """What a Conv1d layer computes is the valid cross-correlation."""
    for n, m in LENGTHS:
        if m <= n:
            x, w = numbers(n, n), numbers(m, 100 + m)
            layer = torch.nn.functional.conv1d(torch.tensor(x)[None, None], torch.tensor(w)[None, None])
            assert np.array_equal(cross_correlate1d(x, w), layer[0, 0].numpy()), (n, m)


@pytest.mark.parametrize("mode", ["same", "valid"])
def test_tuples_and_arrays_are_convolved_alike(mode: Any) -> None:
    """The sheet's answers come from tuples, the functions' from arrays: they must not drift apart."""
    for n, m in LENGTHS:
        x, w = numbers(n, n), numbers(m, 100 + m)
        full = convolve(tuple(x.tolist()), tuple(w.tolist()))
        assert full == tuple(np.convolve(x, w).tolist())
        assert cut(full, n, m, mode) == tuple(np.convolve(x, w, mode).tolist()), (n, m)


def test_fractions_stay_exact() -> None:
    """A third must not become 0.333: exact answers come from the same solver."""
    third = Fraction(1, 3)
    assert convolve((third, 1), (third, 2)) == (Fraction(1, 9), 1, 2)
    assert conv1d(np.array([third, 1]), np.array([third, 2]), "full").tolist() == [Fraction(1, 9), 1, 2]


# The topic -------------------------------------------------------------------------------------------------


def drawn() -> list[AnyVariant]:
    return [draw_variant(topic.EXERCISE, level, Seeded(7, n)) for level in Level for n in range(40)]


def test_keys_are_numpys() -> None:
    """The key of every part comes out of NumPy as well."""
    for variant in drawn():
        key, x, w = variant.key, np.array(variant.p.x), np.array(variant.p.w)
        assert key["full"] == tuple(np.convolve(x, w, "full").tolist())
        assert key["same"] == tuple(np.convolve(x, w, "same").tolist())
        assert key["valid"][0] == tuple(np.convolve(x, w, "valid").tolist())
        assert key["valid"][1] == tuple(np.correlate(x, w, "valid").tolist())
        assert key["entry"] == np.convolve(x, w)[variant.p.at]
        long, short = (np.ones(length) for length in variant.p.lengths)
        assert key["lengths"] == tuple(len(np.convolve(long, short, mode)) for mode in MODES)


def test_the_kernel_may_be_the_longer_one() -> None:
    """NumPy's lengths are those of the longer and the shorter one, which shows only where the kernel is longer."""
    longer = [variant for variant in drawn() if variant.p.lengths[1] > variant.p.lengths[0]]
    assert {variant.level for variant in longer} == {Level.CHALLENGE}
    assert len(longer) >= 5


def test_the_zeros_for_same_are_those_that_make_it() -> None:
    """Padding the longer sequence as the key says, and convolving “valid”, gives NumPy's “same”."""
    for variant in drawn():
        long, short = sorted((numbers(n, n) for n in variant.p.lengths), key=len, reverse=True)
        padded = np.pad(long, variant.key["zeros"])
        assert np.array_equal(np.convolve(padded, short, "valid"), np.convolve(long, short, "same"))


def test_an_own_full_convolution_is_carried_forward() -> None:
    """A slip in “full” must not cost the marks of the two parts that are cut out of it."""
    variant = draw_variant(topic.EXERCISE, Level.STANDARD, Seeded(3))
    p, n, m = variant.p, len(variant.p.x), len(variant.p.w)
    own = [value + 1 for value in p.full]
    answers = {"full": own, "same": own[(m - 1) // 2 :][:n], "valid": [own[m - 1 : n], list(p.valid(p.unflipped))]}
    scores = {result.part: result.score for result in mark_answers(variant, answers)}
    assert scores["full"] == 0
    assert scores["same"] == 1
    assert scores["valid"] == 2
    too_short = {**answers, "full": own[:-1]}
    scores = {result.part: result.score for result in mark_answers(variant, too_short)}
    assert scores["same"] == 0
    assert scores["valid"] == 0


# The contracts ---------------------------------------------------------------------------------------------


def loops(x: Any, w: Any, mode: str = "valid") -> Any:
    """Plain Python, entry by entry, from the definition."""
    n, m = len(x), len(w)
    dtype = np.float64 if "f" in (x.dtype.kind, w.dtype.kind) else np.int64
    first, length = {
        "full": (0, n + m - 1),
        "same": ((min(n, m) - 1) // 2, max(n, m)),
        "valid": (min(n, m) - 1, abs(n - m) + 1),
    }[mode]
    entries = [
        sum(x[i - k].item() * w[k].item() for k in range(m) if 0 <= i - k < n) for i in range(first, first + length)
    ]
    return np.array(entries, dtype)


def fourier(x: Any, w: Any, mode: str = "valid") -> Any:
    size = len(x) + len(w) - 1
    full = np.fft.irfft(np.fft.rfft(x.astype(float), size) * np.fft.rfft(w.astype(float), size), size)
    start = {"full": 0, "same": (min(len(x), len(w)) - 1) // 2, "valid": min(len(x), len(w)) - 1}[mode]
    return full[start : size - {"full": 0, "same": min(len(x), len(w)) // 2, "valid": start}[mode]]


def toeplitz(x: Any, w: Any, mode: str = "valid") -> Any:
    """One matrix product: row i of the matrix holds x[i - k]."""
    wide = np.result_type(x, w, np.int64 if x.dtype.kind in "iu" else x.dtype)
    padded = np.pad(x.astype(wide), len(w) - 1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(w))
    full = windows @ w[::-1]
    n, m = len(x), len(w)
    if mode == "same":
        return full[(min(n, m) - 1) // 2 :][: max(n, m)]
    return full if mode == "full" else full[min(n, m) - 1 : max(n, m)]


def turned(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, w, mode="valid": function(x, w[::-1], mode)


RIGHT = [
    pytest.param(CONV1D, loops, id="loops"),
    pytest.param(CONV1D, fourier, id="fourier"),
    pytest.param(CONV1D, toeplitz, id="toeplitz"),
    pytest.param(CONV1D, np.convolve, id="numpy"),
    pytest.param(CROSS_CORRELATE1D, turned(loops), id="turned loops"),
    pytest.param(CROSS_CORRELATE1D, np.correlate, id="numpy's correlate"),
    pytest.param(CROSS_CORRELATE1D, turned(np.convolve), id="numpy's convolve"),
]


@pytest.mark.parametrize(("contract", "function"), RIGHT)
def test_right_functions_of_other_styles_pass_every_case(contract: Contract, function: Callable[..., Any]) -> None:
    """No right solution is refused, neither of NumPy's two functions for the cross-correlation among them."""

    def call_it(x: Any, w: Any, mode: str = "valid") -> Any:
        return function(x, w, mode)

    for key in KEYS:
        for regime, call, expected in calls(contract, key):
            verdict = contract.check.compare(outcome(call_it, call), expected, call)
            assert verdict.share == 1, (regime.name, verdict.message)


@pytest.mark.parametrize("contract", [CONV1D, CROSS_CORRELATE1D], ids=lambda c: c.name)
def test_the_window_adds_up_to_the_entry(contract: Contract) -> None:
    """The picture must show the numbers that make the entry, in every mode and for either length."""
    for _, call, expected in calls(contract):
        for at in range(len(expected.value)):
            window = contract.window(call, (at,))
            assert window is not None
            pane = window.panes[0]
            stretch = np.array(pane.plane, float)[0, slice(*pane.columns)]
            assert stretch.shape == (len(pane.weights[0]),) if pane.weights else False
            assert float(stretch @ np.array(pane.weights, float)[0]) == pytest.approx(expected.value[at], rel=1e-5)
        assert contract.window(call, (len(expected.value),)) is None


def test_the_sentence_of_a_window_writes_the_products_out() -> None:
    """What a student reads under the picture: the flipped kernel's products."""
    window = CONV1D.window(Call((np.array([1.0, 2.0, 3.0]), np.array([4.0, -5.0])), {}), (1,))
    assert window is not None
    assert window.sentence.startswith("y[1] = 2·(-5) + 3·4 = 2")
