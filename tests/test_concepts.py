"""The topic on why convolutional networks are built as they are: keys by PyTorch and by counting, fair statements."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from exercises import concepts
from exercises.concepts import EXERCISE, Layer
from grader.exercise import Level
from grader.sheet import render_key, render_sheet
from grader.variant import AnyVariant, Seeded, collisions, draw_variant

over_levels = pytest.mark.parametrize("level", list(Level))


def variants(level: Level, number: int) -> list[AnyVariant]:
    return [draw_variant(EXERCISE, level, Seeded(2026, n)) for n in range(number)]


def plane(rows: Any) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64)[None, None]


def rows(tensor: torch.Tensor) -> Any:
    return tuple(tuple(int(v) for v in row) for row in tensor[0, 0].tolist())


def shifted(rows: Any, column: Any) -> torch.Tensor:
    """Return the image one column further right, by concatenation."""
    return torch.cat([torch.tensor(column, dtype=torch.float64)[None, None, :, None], plane(rows)[..., :-1]], dim=3)


# Keys by another route -------------------------------------------------------------------------------------


@over_levels
def test_shifts_and_sums_by_torch(level: Level) -> None:
    """The moved image and the mixture of images, convolved afresh: the short cuts of the workings must hold."""
    for variant in variants(level, 60):
        p = variant.p
        kernel = plane(p.kernel)
        assert rows(functional.conv2d(shifted(p.image, p.column), kernel)) == variant.key["shift"]
        a, c = p.factors
        first = functional.conv2d(plane(p.image), kernel)
        assert rows(a * first + c * plane(p.other)) == variant.key["linear"]


@over_levels
def test_layers_in_a_row_by_torch(level: Level) -> None:
    """One layer with the combined kernel does what two do, on a long input; the ReLU makes a difference."""
    for variant in variants(level, 60):
        p = variant.p
        line = torch.arange(20, dtype=torch.float64).square()[None, None] % 7
        first, second, one = (
            torch.tensor(w, dtype=torch.float64)[None, None] for w in (p.first, p.second, key(variant))
        )
        twice = functional.conv1d(functional.conv1d(line, first), second)
        assert torch.equal(functional.conv1d(line, one), twice)
        hidden = functional.conv1d(torch.tensor(p.signal, dtype=torch.float64)[None, None], first)
        outputs = [functional.conv1d(h, second) for h in (hidden, hidden.relu())]
        assert tuple(int(y) for y in outputs) == variant.key["relu"]
        assert variant.key["relu"][0] != variant.key["relu"][1]


def key(variant: AnyVariant) -> Any:
    return variant.key["stacked"]


@over_levels
def test_pooling_by_torch(level: Level) -> None:
    """The pooled map of the moved map; some of its numbers stay and some change, or the question shows nothing."""
    for variant in variants(level, 60):
        p = variant.p
        after = functional.max_pool2d(shifted(p.pooled, p.pooled_column), 2)
        assert rows(after) == variant.key["pooling"]
        same = (after == functional.max_pool2d(plane(p.pooled), 2)).sum().item()
        assert 0 < same < after.numel()


@over_levels
def test_how_often_a_pixel_is_seen_by_gradients(level: Level) -> None:
    """The gradient of the sum of all outputs of a kernel of ones counts the outputs that see a pixel."""
    for variant in variants(level, 40):
        grid = variant.p.grid
        image = torch.zeros(1, 1, *grid.size, dtype=torch.float64, requires_grad=True)
        ones = torch.ones(1, 1, grid.kernel, grid.kernel, dtype=torch.float64)
        total = functional.conv2d(image, ones, stride=grid.stride, padding=grid.padding).sum()
        counts = torch.autograd.grad(total, image)[0][0, 0]
        assert (int(counts[0, 0]), int(counts[grid.pixel])) == variant.key["seen"]


def facts(layer: Layer) -> dict[str, int]:
    """Return the number of each claim, from PyTorch's layers and by counting."""
    n, k, mid = layer.side, layer.kernel, layer.side // 2
    conv = torch.nn.Conv2d(layer.channels, layer.filters, k, padding=k // 2)
    torch.nn.init.ones_(conv.weight)
    image = torch.zeros(1, layer.channels, n, n, requires_grad=True)
    output = conv(image)
    looks = int((torch.autograd.grad(output[0, 0, mid, mid], image)[0] != 0).sum())
    changed = image.detach().clone()
    changed[0, 0, mid, mid] = 1
    reach = int((conv(changed) != conv(image)).sum())
    with torch.device("meta"):
        dense = torch.nn.Linear(image.numel(), output.numel(), bias=False).weight.numel()
    parameters = sum(t.numel() for t in conv.parameters())
    high, wide = layer.stroke
    before = {(r, c) for r in range(high) for c in range(wide)}
    after = {(r, c + layer.slid) for r, c in before}
    return {
        "weights": parameters,
        "dense": dense,
        "larger": parameters,
        "looks": looks,
        "reach": reach,
        "shift": len(range(0, layer.moved, layer.stride)),
        "padding": torch.nn.functional.conv2d(image, conv.weight).shape[2],
        "merged": len(np.convolve(np.ones(k), np.ones(k))),
        "stroke": len(before & after),
    }


@over_levels
def test_statements_are_true_by_computation(level: Level) -> None:
    """Every fact by PyTorch or by counting; the right statements are exactly those that state it."""
    for variant in variants(level, 15):
        p = variant.p
        known = facts(p.layer)
        assert {kind: claim(p.layer).right for kind, claim in concepts.CLAIMS.items()} == known
        right = [concepts.CLAIMS[kind](p.layer).text.format(f"{n:,}") for kind, n in p.claims if n == known[kind]]
        assert variant.key["claims"] == frozenset(right)
        assert set(right) < set(variant.options["claims"])


def test_no_statement_is_mostly_right() -> None:
    """If one kind of statement, or one place, were nearly always right, reading it would be superfluous."""
    kinds: Counter[str] = Counter()
    true: Counter[str] = Counter()
    places: Counter[int] = Counter()
    sizes: Counter[int] = Counter()
    drawn = variants(Level.STANDARD, 400)
    for variant in drawn:
        options, right = variant.options["claims"], variant.key["claims"]
        sizes[len(right)] += 1
        places.update(i for i, option in enumerate(options) if option in right)
        for kind, stated in variant.p.claims:
            kinds[kind] += 1
            true[kind] += stated == concepts.CLAIMS[kind](variant.p.layer).right
    assert set(sizes) == {1, 2, 3, 4}
    assert max(sizes.values()) < 0.4 * len(drawn)
    assert all(0.3 < count / len(drawn) < 0.7 for count in places.values()), places
    assert all(0.2 < true[kind] / number < 0.8 for kind, number in kinds.items()), (kinds, true)


# Promises of the topic -------------------------------------------------------------------------------------


@over_levels
def test_every_mistake_has_an_answer_of_its_own(level: Level) -> None:
    """A wrong answer names one mistake only if it is neither the key nor another mistake's answer."""
    for variant in variants(level, 120):
        for part in EXERCISE.parts:
            assert not collisions(part, variant.p, variant.key[part.name]), (variant.id, part.name)
            assert len(part.distractors(variant.p)) >= 3, (variant.id, part.name)


@over_levels
def test_the_work_is_what_the_level_states(level: Level) -> None:
    """Two students of one level must not get questions of different length."""
    costs = [EXERCISE.cost(variant.p) for variant in variants(level, 100)]
    stated = EXERCISE.costs[level]
    assert sum(abs(cost - stated) <= stated / 5 for cost in costs) >= 0.95 * len(costs)


@over_levels
def test_an_own_kernel_is_followed_through(level: Level) -> None:
    """A student whose combined kernel is wrong, and who then reckons rightly with it, gets the second part."""
    carry = EXERCISE.part("relu").carry
    assert carry is not None
    for variant in variants(level, 20):
        p, own = variant.p, variant.key["stacked"]
        assert carry.when(p, variant.key)
        assert carry.solve(p, variant.key) == variant.key["relu"]
        bent = (own[0] + 1, *own[1:])
        assert carry.solve(p, {"stacked": bent}) == (variant.key["relu"][0] + p.signal[0], variant.key["relu"][1])
        assert not carry.when(p, {"stacked": own[1:]})


RESIDUE = re.compile(r"\bnan\b|np\.|\{\{|\{%|\+ -|- -|Fraction\(|\b1 (pixels|rows|columns)\b")


@over_levels
def test_sheets_and_keys_read_like_a_teachers(level: Level) -> None:
    """No machine residue on any page."""
    for variant in variants(level, 15):
        for text in (render_sheet(variant), render_key(variant)):
            found = RESIDUE.search(text)
            assert not found, (variant.id, text[max(0, found.start() - 60) : found.end() + 60])


@over_levels
def test_the_key_judges_each_statement_in_its_own_words(level: Level) -> None:
    """The sheet shuffles the statements, so a reader of the key finds one by its words only."""
    for variant in variants(level, 20):
        text = concepts.claims_workings(variant.p)
        judged = dict(re.findall(r"^- \*\*“(.+)”\*\* is \*(true|false)\*: ", text, re.MULTILINE))
        wanted = {one: "true" if one in variant.key["claims"] else "false" for one in variant.options["claims"]}
        assert judged == {one.removesuffix("."): verdict for one, verdict in wanted.items()}


@over_levels
def test_the_listed_starts_are_the_windows_over_the_pixel(level: Level) -> None:
    """Counted from 1, as on the sheet, and by laying the kernel down at every place."""
    for variant in variants(level, 20):
        grid = variant.p.grid
        text = concepts.seen_workings(variant.p).replace("−", "-")
        for row, column in ((0, 0), grid.pixel):
            (line,) = [one for one in text.splitlines() if f"ow {row + 1}, column {column + 1}: in the rows" in one]
            listed = re.search(r"starts at (.+), in the columns at (.+): \$(\d+) \\cdot (\d+)", line)
            assert listed is not None, line
            for at, size, starts, number in zip(
                (row, column), grid.size, listed.groups()[:2], listed.groups()[2:], strict=True
            ):
                axis = range(1 - grid.padding, size + grid.padding + 1)
                windows = [axis[s : s + grid.kernel] for s in range(0, len(axis) - grid.kernel + 1, grid.stride)]
                wanted = [window[0] for window in windows if at + 1 in window]
                assert [int(start) for start in re.findall(r"-?\d+", starts)] == wanted
                assert int(number) == len(wanted)
