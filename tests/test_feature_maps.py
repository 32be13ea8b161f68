"""The exercise on feature maps: the handout's figures, fair variants, and a program that gives the sheet's value."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from exercises.contracts._maps import CORNERS, Maps, anything, bright
from exercises.contracts.feature_maps import FEATURE_MAPS, window
from exercises.feature_maps import EXERCISE, PARTS, Params, cost, value
from grader.contract import Call, Regime, Twin
from grader.draw import Draw
from grader.exercise import Level
from grader.functions.cases import case_set
from grader.sheet import render_key, render_sheet, render_stub
from grader.variant import AnyVariant, Seeded, collisions, draw_variant
from solutions.feature_maps import feature_maps

KEYS = (b"one key", b"another")
RESIDUE = re.compile(
    r"\bnan\b|\bnp\.|\{\{|\{%|None|\+ -|- -|Fraction\(|\b1 (rows|columns|numbers|channels|filters|maps|products)\b"
)
over_levels = pytest.mark.parametrize("level", list(Level))


def variants(level: Level, number: int) -> list[AnyVariant]:
    return [draw_variant(EXERCISE, level, Seeded(2026, n)) for n in range(number)]


def handout() -> Params:
    """The handout's layer: an image of 639 by 516 in colour, two filters of 9 by 9, tiles of 5 by 5."""
    return Params((639, 516), 2, 9, 5, ((1, 2), (2, 1), (3, 1)), (1, 2, 3, 5), (5, -5), (1, 100, 7))


# The reference ---------------------------------------------------------------------------------------------


def by_torch(image: Any, filters: Any, bias: Any, pool: int) -> tuple[Any, Any]:
    """The same maps by PyTorch, in double precision."""
    tensors = [torch.tensor(np.array(array, np.float64)) for array in (image, filters, bias)]
    maps = torch.sigmoid(torch.nn.functional.conv2d(tensors[0][None], tensors[1], tensors[2]))
    return maps[0].numpy(), torch.nn.functional.avg_pool2d(maps, pool)[0].numpy()


@cache
def calls(key: bytes = b"one key") -> list[tuple[str, Call]]:
    return [(item.regime, item.call) for item in case_set(replace(FEATURE_MAPS, twins=()), key).cases]


def test_the_reference_is_pytorchs() -> None:
    """An independent route: on every case of every regime, within each dtype's precision."""
    for regime, call in calls():
        arguments = dict(zip(("image", "filters", "bias", "pool"), call.args, strict=False)) | dict(call.kwargs)
        narrow = any(getattr(a, "dtype", None) == np.float32 for a in arguments.values())
        for got, want in zip(feature_maps(**arguments), by_torch(**arguments), strict=True):
            assert got.dtype.kind == "f"
            assert got.shape == want.shape
            assert np.allclose(got, want, rtol=0, atol=1e-5 if narrow else 1e-13), regime


def test_arguments_that_do_not_fit_are_refused() -> None:
    """A layer that cannot be must not give a map."""
    image, filters, bias = np.zeros((3, 5, 5)), np.zeros((2, 3, 3, 3)), np.zeros(2)
    with pytest.raises(ValueError, match="w has 2; they must have as many"):
        feature_maps(image, filters[:, :2], bias, 1)
    with pytest.raises(ValueError, match="does not fit into 3 by 3"):
        feature_maps(image, filters, bias, 4)


# The contract ----------------------------------------------------------------------------------------------


def outcome(function: Any, call: Call) -> Any:
    try:
        return function(*call.args, **call.kwargs)
    except (ValueError, IndexError, TypeError) as error:
        return type(error).__name__


@pytest.mark.parametrize("twin", FEATURE_MAPS.twins, ids=lambda t: t.name)
def test_a_wrong_twin_fails_a_whole_regime(twin: Twin) -> None:
    """The report says "wrong on 5 of 5 cases where …": some regime must show the mistake in every case."""
    for key in KEYS:
        results: dict[str, list[bool]] = {}
        for regime, call in calls(key):
            expected = FEATURE_MAPS.check.expect(FEATURE_MAPS.reference, call)
            good = FEATURE_MAPS.check.compare(outcome(twin.function, call), expected, call).share == 1
            results.setdefault(regime, []).append(good)
        assert any(not any(good) for good in results.values()), twin.name


def test_no_two_twins_do_the_same() -> None:
    """Two mistakes that cannot be told apart would both be named, and one hint would be false."""
    cases = [call for _, call in calls()]
    results = {twin.name: [outcome(twin.function, call) for call in cases] for twin in FEATURE_MAPS.twins}
    for one, other in itertools.combinations(results, 2):
        assert not all(same(a, b) for a, b in zip(results[one], results[other], strict=True)), (one, other)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, str) or isinstance(b, str):
        return bool(isinstance(a, str) and isinstance(b, str) and a == b)
    return all(x.shape == y.shape and np.allclose(x, y, rtol=1e-12, atol=0) for x, y in zip(a, b, strict=True))


def loops(image: Any, filters: Any, bias: Any, pool: int) -> tuple[Any, Any]:
    """A student's loops in plain Python; no code in common with the reference."""
    c, h, w = image.shape
    f, _, kh, kw = filters.shape
    maps = np.zeros((f, h - kh + 1, w - kw + 1))
    for m, i, j in np.ndindex(*maps.shape):
        z = bias[m].item()
        for k, u, v in np.ndindex(c, kh, kw):
            z += image[k, i + u, j + v].item() * filters[m, k, u, v].item()
        with np.errstate(over="ignore"):  # exp(-z) may be infinite, and 1 by infinity is 0
            maps[m, i, j] = 1 / (1 + np.exp(-z))
    pooled = np.zeros((f, maps.shape[1] // pool, maps.shape[2] // pool))
    for m, i, j in np.ndindex(*pooled.shape):
        pooled[m, i, j] = maps[m, i * pool : (i + 1) * pool, j * pool : (j + 1) * pool].sum() / pool**2
    return maps, pooled


def test_loops_pass_every_case() -> None:
    """A right program in plain loops, in double precision, is right in every regime, whatever its rounding."""
    for regime, call in calls():
        expected = FEATURE_MAPS.check.expect(FEATURE_MAPS.reference, call)
        verdict = FEATURE_MAPS.check.compare(loops(**named(call)), expected, call)
        assert verdict.share == 1, (regime, verdict.message)


def named(call: Call) -> dict[str, Any]:
    return dict(zip(("image", "filters", "bias", "pool"), call.args, strict=False)) | dict(call.kwargs)


def test_the_window_of_an_entry_makes_it() -> None:
    """The picture must show the numbers that give the entry, and none for a pooled one."""
    call = Call((np.arange(24.0).reshape(2, 3, 4) / 8, np.ones((1, 2, 2, 2)) / 4, np.array([-5.0]), 2))
    found = window(call, (0, 0, 1, 2))
    assert found is not None
    (top, bottom), (left, right) = found.panes[0].rows, found.panes[0].columns
    planes = [[row[left:right] for row in pane.plane[top:bottom]] for pane in found.panes]
    z = sum(number for plane in planes for row in plane for number in row) / 4 - 5
    assert found.sentence == f"maps[0, 1, 2] = sigmoid({z:.6g}) = {1 / (1 + np.exp(-z)):.6g}"
    assert window(call, (1, 0, 0, 0)) is None
    assert window(call, (0, 0, 2, 0)) is None


# The first round -------------------------------------------------------------------------------------------

SHARED = [regime for regime in FEATURE_MAPS.regimes if regime.holds]


def test_every_regime_is_visited_by_the_first_round_and_every_corner_is_in_it() -> None:
    """Half of the calls show what all show; nothing is left to luck."""
    for key in KEYS:
        cases = case_set(FEATURE_MAPS, key)
        opening = cases.cases[: cases.opening]
        visits = Counter(name for case in opening for name in (case.regime, *case.inside))
        assert [regime.name for regime in FEATURE_MAPS.regimes if visits[regime.name] < regime.cases] == []
        assert 2 * cases.opening < len(cases.cases)
        mixed = [Maps(case.call) for case in opening if case.regime == FEATURE_MAPS.regimes[-1].name]
        assert len(mixed) == len(CORNERS) + 1
        assert sum(look.c > 3 for look in mixed) >= 3
        assert sum(look.f > 3 for look in mixed) >= 3
        assert sum(look.pool > 2 and look.oh % look.pool == look.pool - 1 for look in mixed) >= 3
        assert sum(look.pool > 2 and look.ow % look.pool == look.pool - 1 for look in mixed) >= 3
        assert sum(look.ow > 2 * look.oh for look in mixed) >= 3
        assert sum(look.oh > 2 * look.ow for look in mixed) >= 3
        assert sum(bool((np.abs(np.abs(look.sums) - 24) < 4).mean() > 0.9) for look in mixed) >= 3


@pytest.mark.parametrize("regime", SHARED, ids=lambda regime: regime.name)
def test_a_regimes_own_calls_are_inside_and_not_all_others(regime: Regime) -> None:
    """What says who is inside would be worth nothing if it were true of all calls, or of other calls than its own."""
    assert regime.holds is not None
    assert sum(regime.holds(regime.draw(Draw("own", regime.name, n))) for n in range(40)) >= 16
    assert sum(regime.holds(anything(Draw("any", n))) for n in range(100)) < 95


def test_a_full_sigmoid_shows_no_regime_but_its_own() -> None:
    """Of sums in the thousands only the sign is seen: most mistakes change nothing there."""
    full = [bright(Draw("full", n)) for n in range(20)]
    for regime in SHARED:
        assert any(map(regime.holds or bool, full)) == (regime.name == "some sums are in the thousands"), regime.name


# The exercise ----------------------------------------------------------------------------------------------


def test_the_handouts_figures_come_out() -> None:
    """639 by 516 becomes 631 by 508, and 126 by 101 after pooling."""
    p = handout()
    assert (p.map, p.pooled) == ((631, 508), (126, 101))
    assert EXERCISE.part("parameters").solve(p) == 2 * (9 * 9 * 3 + 1) == 488
    assert EXERCISE.part("products").solve(p) == 155_786_328


def whole_image(p: Params) -> Any:
    """The image by the sheet's formula, in plain Python."""
    (h, w) = p.image
    return np.array([[[((a * i + b * j) // 4 % 256) / 255 for j in range(w)] for i in range(h)] for a, b in p.slopes])


def all_filters(p: Params) -> Any:
    """The filters by the sheet's formula, in plain Python."""
    k, (a, b, c, d) = range(p.kernel), p.mix
    every = range(p.filters), range(p.channels)
    return np.array(
        [
            [[[((a * f + b * n + c * u + d * v) % 19 - 9) / 40 for v in k] for u in k] for n in every[1]]
            for f in every[0]
        ]
    )


@over_levels
def test_a_program_that_follows_the_sheet_finds_the_value(level: Level) -> None:
    """The key looks at one tile only; the student computes everything, and must find the same number."""
    for variant in variants(level, 2):
        p = variant.p
        maps, pooled = by_torch(whole_image(p), all_filters(p), np.array(p.biases) / 10, p.pool)
        assert maps.shape[1:] == variant.key["map"]
        assert pooled.shape[1:] == variant.key["pooled"]
        assert pooled[p.spot] == pytest.approx(float(value(p)), abs=1e-9)


@over_levels
def test_rows_are_those_that_change_the_entry(level: Level) -> None:
    """By trying: a gradient reaches exactly the rows that the key names."""
    p = variants(level, 1)[0].p
    image = torch.zeros((1, 1, p.image[0], p.kernel + p.pool), dtype=torch.float64, requires_grad=True)
    kernel = torch.ones((1, 1, p.kernel, p.kernel), dtype=torch.float64) / 100
    pooled = torch.nn.functional.avg_pool2d(torch.nn.functional.conv2d(image, kernel), p.pool)
    pooled[0, 0, p.spot[1], 0].backward()  # type: ignore[no-untyped-call]  # torch has no types here
    assert image.grad is not None
    touched = np.flatnonzero(image.grad[0, 0].sum(dim=1).numpy()) + 1
    assert (touched[0], touched[-1]) == EXERCISE.part("rows").solve(p)
    assert len(touched) == p.pool + p.kernel - 1


@over_levels
def test_mistakes_are_told_apart(level: Level) -> None:
    """No mistake gives the right answer, and no wrong answer fits two mistakes."""
    for variant in variants(level, 60):
        for part in PARTS:
            kind, key = variant.answer_kind(part), variant.key[part.name]
            assert kind.compare(key, key).share == 1
            wrong = part.distractors(variant.p)
            assert len(wrong) >= 3, part.name
            assert all(kind.compare(given, key).share == 0 for given in wrong.values())
            assert not collisions(part, variant.p, key), (variant.id, part.name)


@over_levels
def test_the_work_is_equal_and_variants_are_many(level: Level) -> None:
    """Two students of one level get questions of one length, and not the same ones."""
    drawn = [EXERCISE.draw(Draw("many", n), level) for n in range(200)]
    assert all(abs(cost(p) - EXERCISE.costs[level]) <= EXERCISE.costs[level] / 5 for p in drawn)
    assert len(set(drawn)) >= 199
    for part in PARTS:
        answers = [part.solve(p) for p in drawn]
        assert max(answers.count(answer) for answer in set(answers)) <= 36, part.name


def test_carried_answers_are_right_for_the_students_own_map() -> None:
    """With a wrong map, the pooled size and the products that follow from it are right."""
    p, wrong = handout(), {"map": (632, 509)}
    for name, right in (("pooled", (126, 101)), ("products", 2 * 632 * 509 * 243)):
        carry = EXERCISE.part(name).carry
        assert carry is not None
        assert carry.when(p, wrong)
        assert carry.solve(p, wrong) == right
        assert not carry.when(p, {"map": (0, 4)})


@over_levels
def test_sheets_keys_and_stubs_read_like_a_teachers(level: Level) -> None:
    """No machine residue and no wrong plural; hints are sentences; the picture is there, and in words."""
    for variant in variants(level, 6):
        for text in (render_sheet(variant), render_key(variant)):
            found = RESIDUE.search(text.split("## Handing in")[0])
            assert not found, (variant.id, text[max(0, found.start() - 60) : found.end() + 60])
        page = render_sheet(variant, medium="html")
        assert "<svg" in page
        assert "Grey values row by row" in page
        compile(render_stub(variant), "stub.py", "exec")
    for part in PARTS:
        for misconception in part.misconceptions:
            assert re.fullmatch(r"[A-Z“].{15,}[.]", misconception.hint), misconception.name
