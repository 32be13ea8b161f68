"""Receptive fields by tracing which pixels reach a unit, with sets and with torch's gradients; and their topic."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
import torch

from exercises.receptive_field import EXERCISE, PARTS, Params
from grader.draw import Draw
from grader.exercise import Level
from grader.sheet import render_key, render_sheet
from grader.variant import AnyVariant, Seeded, collisions, draw_variant
from solutions import receptive
from solutions.receptive import Field, Window

over_levels = pytest.mark.parametrize("level", list(Level))


@cache
def variants(level: Level, number: int) -> list[AnyVariant]:
    return [draw_variant(EXERCISE, level, Seeded(2026, n)) for n in range(number)]


def reaching(windows: Sequence[Window], unit: int) -> set[int]:
    """Return the pixels that reach a unit, layer by layer from the last to the first."""
    units = {unit}
    for w in reversed(windows):
        units = {u * w.stride - w.padding + tap * w.dilation for u in units for tap in range(w.kernel)}
    return units


def traced(windows: Sequence[Window]) -> Field:
    """Return the field of a stack by tracing two neighbouring units."""
    first, second = reaching(windows, 0), reaching(windows, 1)
    return Field(max(first) - min(first) + 1, min(second) - min(first), min(first))


def drawn(rng: random.Random) -> list[Window]:
    return [
        Window(rng.randint(1, 4), rng.randint(1, 3), rng.randint(0, 2), rng.randint(1, 2))
        for _ in range(rng.randint(1, 4))
    ]


# Solvers ---------------------------------------------------------------------------------------------------


def test_fields_by_tracing() -> None:
    """Size, jump and start of thousands of stacks, against sets of pixels."""
    rng = random.Random(21)
    for _ in range(2000):
        windows = drawn(rng)
        field = receptive.field(windows)
        assert field == traced(windows), windows
        unit = rng.randint(0, 5)
        seen = reaching(windows, unit)
        assert field.pixels(unit) == (min(seen), max(seen))
        both = set(range(*ends(field, 0))) & set(range(*ends(field, 1)))
        assert receptive.overlap(field) == len(both)


def ends(field: Field, unit: int) -> tuple[int, int]:
    first, last = field.pixels(unit)
    return first, last + 1


def test_fields_by_torchs_gradients() -> None:
    """The first and last pixel with a gradient are those of the field, in the middle of a real network."""
    rng = random.Random(22)
    for _ in range(60):
        windows = drawn(rng)
        x = torch.zeros(1, 1, 600, requires_grad=True)
        y = x
        for w in windows:
            ones = torch.ones(1, 1, w.kernel)
            y = torch.nn.functional.conv1d(y, ones, stride=w.stride, padding=w.padding, dilation=w.dilation)
        unit = y.shape[-1] // 2
        (gradient,) = torch.autograd.grad(y[0, 0, unit], x)
        touched = gradient[0, 0].nonzero()
        first, last = receptive.field(windows).pixels(unit)
        assert first >= 0 <= 599 - last
        assert (int(touched.min()), int(touched.max())) == (first, last), windows


def test_depths_by_adding_layers() -> None:
    """One block fewer sees too little, found by tracing."""
    rng = random.Random(23)
    for _ in range(60):
        block = [Window(rng.randint(2, 4)), Window(2, rng.randint(1, 2))]
        pixels = rng.randint(2, 60)
        blocks = next(n for n in range(1, 60) if traced(block * n).size >= pixels)
        assert receptive.blocks_to_see(pixels, block) == blocks
        kernel, base = rng.randint(2, 5), rng.randint(1, 3)
        stacks = ([Window(kernel, dilation=base**level) for level in range(n)] for n in range(1, 60))
        layers = next(n for n, stack in enumerate(stacks, 1) if traced(stack).size >= pixels)
        assert receptive.dilated_layers_to_see(pixels, kernel, base) == layers


def test_senseless_windows_are_refused() -> None:
    """A message names the argument instead of a loop that never ends."""
    with pytest.raises(ValueError, match="must see more than 1 pixel: no number of blocks sees 9"):
        receptive.blocks_to_see(9, [Window(1, 2)])
    with pytest.raises(ValueError, match="kernel=1 must be at least 2"):
        receptive.dilated_layers_to_see(9, 1)
    with pytest.raises(ValueError, match="kernel_size=0 must be at least 1"):
        receptive.field([Window(0)])
    with pytest.raises(ValueError, match="stride=0 must be at least 1"):
        receptive.field([Window(3, 0)])
    assert receptive.fields([]) == ()
    assert receptive.field([]) == Field(1, 1, 0)


# The topic -------------------------------------------------------------------------------------------------


@over_levels
def test_keys_by_tracing(level: Level) -> None:
    """Every key of the topic, from sets of pixels alone."""
    for variant in variants(level, 300)[:60]:
        p, key = variant.p, variant.key
        windows = [layer.window for layer in p.layers]
        assert list(key["jumps"]) == [traced(windows[:n]).jump for n in range(1, len(windows) + 1)]
        field = traced(windows)
        assert key["field"] == field.size
        seen = reaching(windows, p.unit)
        assert key["pixels"] == (min(seen), max(seen))
        first, second = (range(*ends(field, unit)) for unit in (4, 5))
        assert key["shared"] == len(set(first) & set(second))
        at = p.swap
        assert p.layers[at + 1].is_pool > p.layers[at].is_pool
        other = [*windows[:at], windows[at + 1], windows[at], *windows[at + 2 :]]
        assert key["exchanged"] == traced(other).size
        assert key["depth"] == next(n for n in range(1, 200) if deep(p, n) >= p.length)


def deep(p: Params, number: int) -> int:
    """Return the field of that many blocks; of evenly spaced units, tracing the ends is enough."""
    stack = []
    for level in range(number):
        stack.append(Window(p.kernel, dilation=p.growth**level))
        if p.pool:
            stack.append(Window(p.pool, p.pool))
    low = high = 0
    for w in reversed(stack):
        low, high = low * w.stride, high * w.stride + (w.kernel - 1) * w.dilation
    return high - low + 1


@over_levels
def test_variants_are_fair_and_of_stated_cost(level: Level) -> None:
    """Every mistake has an answer of its own, and the work by hand is what the level states."""
    costs = []
    for variant in variants(level, 300):
        for part in PARTS:
            key = variant.key[part.name]
            assert not collisions(part, variant.p, key), (variant.id, part.name)
            assert len(part.distractors(variant.p)) >= 3, (variant.id, part.name)
            for name, wrong in part.distractors(variant.p).items():
                assert variant.answer_kind(part).compare(wrong, key).share == 0, (variant.id, part.name, name)
        costs.append(EXERCISE.cost(variant.p))
    stated = EXERCISE.costs[level]
    assert sum(abs(cost - stated) <= stated / 5 for cost in costs) >= 0.95 * len(costs)


@over_levels
def test_there_are_thousands_of_variants(level: Level) -> None:
    """A class must not share numbers by chance."""
    assert len({EXERCISE.draw(Draw("many", n), level) for n in range(6000)}) >= 5000


RESIDUE = re.compile(r"\bnan\b|\{\{|\{%|\+ -|- -|Fraction\(|(?<![\d,])(?<!− )1 (units|pixels|layers|blocks)\b")


@over_levels
def test_sheets_and_keys_read_like_a_teachers(level: Level) -> None:
    """No machine residue, and every number of the key in its workings."""
    for variant in variants(level, 300)[:25]:
        for text in (render_sheet(variant), render_key(variant)):
            found = RESIDUE.search(text)
            assert not found, (variant.id, text[max(0, found.start() - 60) : found.end() + 60])
        for part in PARTS:
            key, workings = variant.key[part.name], part.workings(variant.p)
            numbers = [key] if isinstance(key, int) else key
            assert all(f"{number}" in workings for number in numbers), (variant.id, part.name)


def carried(part: str, p: Params, earlier: dict[str, Any]) -> Any:
    carry = EXERCISE.part(part).carry
    assert carry is not None
    assert carry.when(p, earlier)
    return carry.solve(p, earlier)


@over_levels
def test_right_earlier_answers_carry_to_the_key(level: Level) -> None:
    """Carrying the right answers forward must change nothing, read as fractions as the marking does."""
    for variant in variants(level, 300)[:30]:
        read = {part.name: part.answer.read(variant.key[part.name]) for part in PARTS}
        for name in ("field", "pixels", "shared"):
            assert carried(name, variant.p, read) == variant.key[name]


def test_a_wrong_jump_is_followed_through() -> None:
    """A student whose jumps are wrong, and who then reckons rightly, gets what follows from them."""
    p: Params = draw_variant(EXERCISE, Level.CHALLENGE, Seeded(3)).p
    own = tuple(Fraction(jump + 1) for jump in p.jumps)
    w, steps = p.windows, [Fraction(1), *own[:-1]]
    size = 1 + sum(x.dilation * (x.kernel - 1) * step for x, step in zip(w, steps, strict=True))
    start = -sum(x.padding * step for x, step in zip(w, steps, strict=True))
    assert carried("field", p, {"jumps": own}) == size
    first = start + p.unit * own[-1]
    assert carried("pixels", p, {"jumps": own, "field": size}) == (first, first + size - 1)
    assert carried("shared", p, {"jumps": own, "field": size}) == size - own[-1]
    assert carried("shared", p, {"jumps": own, "field": 1}) == 0


@pytest.mark.parametrize(
    ("part", "earlier"),
    [
        ("field", {"jumps": (1, 2)}),
        ("field", {"jumps": (1, 2, 2, 0)}),
        ("field", {"jumps": (1, 2, Fraction(5, 2), 4)}),
        ("pixels", {"jumps": (1, 2, 2, 4), "field": 0}),
        ("shared", {"jumps": (1,), "field": 9}),
    ],
)
def test_senseless_earlier_answers_are_not_carried(part: str, earlier: dict[str, Any]) -> None:
    """The stated condition keeps out answers from which nothing sensible follows."""
    carry = EXERCISE.part(part).carry
    assert carry is not None
    assert not carry.when(draw_variant(EXERCISE, Level.INTRO, Seeded(3)).p, earlier)
