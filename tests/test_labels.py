"""The topic labels: keys by NumPy and torch, and numbers that a person can work with."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from exercises.labels import CLASSES, EXERCISE, NUMBERS, all_differ
from grader.exercise import Level
from grader.variant import AnyVariant, Seeded, draw_variant

over_levels = pytest.mark.parametrize("level", list(Level))


@cache
def variants(level: Level) -> list[AnyVariant]:
    return [draw_variant(EXERCISE, level, Seeded(2026, n)) for n in range(60)]


@over_levels
def test_the_keys_are_what_torch_and_numpy_find(level: Level) -> None:
    """One-hot rows, predictions and the three losses come out of libraries that know nothing of the solvers."""
    for variant in variants(level):
        p, key = variant.p, variant.key
        target = torch.nn.functional.one_hot(torch.tensor(p.labels), p.classes)
        assert target.tolist() == [list(row) for row in key["rows"]]
        assert torch.tensor(p.scores).argmax(1).tolist() == list(key["predicted"])
        shares = torch.tensor([float(share) for share in p.probabilities], dtype=torch.float64)
        right = torch.nn.functional.one_hot(torch.tensor(p.label), p.classes)
        assert torch.nn.MSELoss(reduction="sum")(shares, right).item() == pytest.approx(float(key["squared"]))
        assert torch.nn.L1Loss(reduction="sum")(shares, right).item() == pytest.approx(float(key["absolute"]))
        loss = torch.nn.NLLLoss()(shares.log()[None], torch.tensor([p.label])).item()
        assert loss == pytest.approx(key["cross"])


@over_levels
def test_a_split_leaves_what_is_not_held_back(level: Level) -> None:
    """The shape is that of the rest; the class keeps its share, a whole number of images."""
    for variant in variants(level):
        p, key = variant.p, variant.key
        assert 0 < p.held < p.images
        assert key["left"] == np.empty((p.images, *p.sizes), np.bool_)[p.held :].shape
        assert key["expected"] * p.images == p.of_class * p.held
        assert p.held / CLASSES * 0.1 < key["expected"] < p.held


@over_levels
def test_numbers_are_ones_that_a_person_can_work_with(level: Level) -> None:
    """Probabilities add up to 1, none is 0; a class is missing; no two scores of an image are equal."""
    classes, number, rows, grain = NUMBERS[level]
    for variant in variants(level):
        p = variant.p
        assert sum(p.probabilities) == 1
        assert min(p.shares) >= 1
        assert max(share.denominator for share in p.probabilities) <= grain
        assert (p.classes, len(p.labels), len(p.scores)) == (classes, number, rows)
        assert set(p.labels) < set(range(classes))
        assert all(len(set(row)) == classes for row in p.scores)
        assert all(all_differ(part, p) for part in EXERCISE.parts)
