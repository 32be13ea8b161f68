"""Convolution against cross-correlation: the keys against SciPy and PyTorch, and what is carried forward."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from scipy.signal import convolve2d, correlate2d

from exercises import flipping
from exercises.flipping import CONVOLUTION, CORRELATION, KINDS, LAYINGS
from grader.exercise import Level
from grader.marking import mark_answers
from grader.variant import AnyVariant, Seeded, draw_variant
from solutions import planes
from tests.worked import example


def drawn(number: int = 40) -> list[AnyVariant]:
    return [draw_variant(flipping.EXERCISE, level, Seeded(7, n)) for level in Level for n in range(number)]


def test_entries_and_maps_are_scipys_and_pytorchs() -> None:
    """Each of the two operations has a library that is known for it."""
    for variant in drawn():
        p, key = variant.p, variant.key
        correlated = correlate2d(p.image, p.kernel, "valid")
        convolved = convolve2d(p.image, p.kernel, "valid")
        assert key["entries"] == (correlated[p.at], convolved[p.at])
        layer = torch.nn.functional.conv2d(torch.tensor(p.image)[None, None], torch.tensor(p.kernel)[None, None])
        assert np.array_equal(key["torch"], layer[0, 0].numpy())
        assert np.array_equal(key["flipped"], np.rot90(p.kernel, 2))


def test_the_program_computed_what_the_key_says() -> None:
    """The printed map must be the one of the right option and of no other one."""
    for variant in drawn():
        p = variant.p
        shown = p.results[p.laying]
        turned = {
            CORRELATION: correlate2d(p.image, p.other, "valid"),
            CONVOLUTION: convolve2d(p.image, p.other, "valid"),
        }
        if p.laying in turned:
            assert np.array_equal(shown, turned[p.laying])
        assert [name for name, result in p.results.items() if result == shown] == [variant.key["which"]]


def test_every_laying_is_asked_for() -> None:
    """A question whose answer is always "convolution" needs no thought."""
    assert {variant.p.laying for variant in drawn()} == set(LAYINGS)


def test_only_the_right_kernel_makes_no_difference() -> None:
    """“For every image” is checked on unit images, which are enough as both operations are linear."""
    for variant in drawn(10):
        side = len(variant.p.kernel)
        for kind, kernel in zip(KINDS, variant.p.kernels, strict=True):
            agree = []
            for place in itertools.product(range(side), repeat=2):
                image = np.zeros((side, side))
                image[place] = 1
                agree.append(bool((convolve2d(image, kernel) == correlate2d(image, kernel)).all()))
            assert all(agree) == (kind == "point"), (kind, kernel)


def test_exchanging_the_planes_turns_the_correlation() -> None:
    """The key of the last part is SciPy's full correlation in the other order; the convolution commutes."""
    for variant in drawn():
        p = variant.p
        assert np.array_equal(p.slid, correlate2d(p.first, p.second, "full"))
        assert np.array_equal(variant.key["order"], correlate2d(p.second, p.first, "full"))
        assert np.array_equal(convolve2d(p.first, p.second), convolve2d(p.second, p.first))


def test_an_own_flipped_kernel_is_carried_forward() -> None:
    """Whoever mirrors the kernel and then convolves well with it loses the marks of the first part only."""
    variant = draw_variant(flipping.EXERCISE, Level.STANDARD, Seeded(3))
    p = variant.p
    own = flipping.mirror(p.kernel)
    right = {"flipped": [list(row) for row in own], "entries": [p.entry(p.kernel), p.entry(own)]}
    scores = {result.part: result.score for result in mark_answers(variant, right)}
    assert scores["flipped"] == 0
    assert scores["entries"] == 2
    unturned = {"flipped": [list(row) for row in p.kernel], "entries": [p.entry(p.kernel)] * 2}
    scores = {result.part: result.score for result in mark_answers(variant, unturned)}
    assert scores["entries"] == 0


def test_a_handout_that_writes_convolution_computes_correlation() -> None:
    """Its first two values, 6 and -9, come from the kernel as it is printed; turned, all signs would change."""
    given = example("aps-conv-vertical")["given"]
    image = tuple(map(tuple, given["image"][0] if np.ndim(given["image"]) == 3 else given["image"]))
    kernel = tuple(map(tuple, given["kernels"][0]))
    answer = example("aps-conv-vertical")["answer"][0]
    assert np.array_equal(planes.correlate(image, kernel), answer)
    assert np.array_equal(planes.correlate(image, planes.rotate(kernel)), -np.array(answer))
