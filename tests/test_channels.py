"""Convolution over channels: the keys against PyTorch, the published volume, and what is carried forward."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from exercises import channels
from exercises.channels import Layer, Params
from grader.exercise import Level
from grader.marking import mark_answers
from grader.variant import AnyVariant, Seeded, draw_variant
from tests.worked import example


def drawn() -> list[AnyVariant]:
    return [draw_variant(channels.EXERCISE, level, Seeded(7, n)) for level in Level for n in range(30)]


def layer_output(p: Params) -> Any:
    """PyTorch's output for the volume, in whole numbers."""
    x, w, b = (torch.tensor(numbers) for numbers in (p.volume, p.filters, p.biases))
    return torch.nn.functional.conv2d(x[None], w, b, stride=2, padding=1)[0].numpy()


def test_volumes_and_entries_are_pytorchs() -> None:
    """The whole output, the entry asked for, and the channels' share of it come out of PyTorch as well."""
    for variant in drawn():
        p, key = variant.p, variant.key
        want = layer_output(p)
        assert np.array_equal(key["volume"], want)
        assert key["entry"] == want[p.at]
        for c, share in enumerate(key["channels"]):
            alone = tuple(
                plane if index == c else tuple((0,) * len(row) for row in plane) for index, plane in enumerate(p.volume)
            )
            silent = Params(alone, p.filters, (0,) * len(p.biases), p.layer)
            assert share == layer_output(silent)[p.at]


def test_shape_and_parameters_are_a_pytorch_layers() -> None:
    """A layer that is built says itself how large its output is and how many numbers it learns."""
    for variant in drawn()[::3]:
        layer = variant.p.layer
        with torch.device("meta"):
            module = torch.nn.Conv2d(layer.channels, layer.filters, layer.kernel, layer.stride, layer.padding)
            assert variant.key["shape"] == tuple(module(torch.empty(layer.channels, *layer.size)).shape)
        assert variant.key["parameters"] == sum(parameter.numel() for parameter in module.parameters())


def published() -> Params:
    given = example("aps-rgb-volume")["given"]
    volume = tuple(tuple(map(tuple, plane)) for plane in given["image"])
    filters = tuple(tuple(tuple(map(tuple, plane)) for plane in kernels) for kernels in given["kernels"])
    return Params(volume, filters, tuple(given["bias"]), Layer(3, (28, 28), 5, 8, 1, 0))


def test_the_published_volume_comes_out() -> None:
    """The worked example of a handout: three channels, two filters, stride 2, padding 1."""
    assert np.array_equal(published().output, example("aps-rgb-volume")["answer"])


def test_the_published_counts_come_out() -> None:
    """27 weights in one kernel of three channels, 960 in a tensor of 5 by 3 by 8 by 8; biases come on top."""
    one = Layer(3, (28, 28), 1, 3, 1, 0)
    assert one.parameters - one.filters == example("aps-rgb-weights")["answer"]
    five = published().layer
    assert five.parameters - five.filters == example("aps-rgb-kernels")["answer"]["weights"]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("first-channel-only", lambda x, w, b: (x[:1], w[:, :1], b)),
        ("kernels-flipped", lambda x, w, b: (x, w.flip(2, 3), b)),
        ("bias-forgotten", lambda x, w, b: (x, w, 0 * b)),
        ("bias-per-channel", lambda x, w, b: (x, w, len(x) * b)),
        ("biases-exchanged", lambda x, w, b: (x, w, b.flip(0))),
    ],
)
def test_mistakes_are_what_their_hints_say(name: str, wrong: Any) -> None:
    """A hint that names another mistake than the one that was made would mislead."""
    for variant in drawn()[::6]:
        p = variant.p
        x, w, b = wrong(*(torch.tensor(numbers) for numbers in (p.volume, p.filters, p.biases)))
        want = torch.nn.functional.conv2d(x[None], w, b, stride=2, padding=1)[0].numpy()
        assert np.array_equal(p.slips[name], want)


def test_windows_at_the_wrong_place_are_what_their_hints_say() -> None:
    """A stride that is left out of the offset, and zeros above and to the left only, as PyTorch computes them."""
    for variant in drawn()[::6]:
        p = variant.p
        x, w, b = (torch.tensor(numbers) for numbers in (p.volume, p.filters, p.biases))
        rows, columns = p.maps
        stepped = torch.nn.functional.conv2d(x[None], w, b, padding=1)[0, :, :rows, :columns].numpy()
        assert np.array_equal(p.slips["stride-not-in-offset"], stepped)
        shifted = torch.nn.functional.pad(x, (2, 0, 2, 0))
        assert np.array_equal(
            p.slips["padding-at-start"], torch.nn.functional.conv2d(shifted[None], w, b, stride=2)[0].numpy()
        )


def test_own_sums_of_the_channels_are_carried_forward() -> None:
    """A slip in one channel must not cost the marks for adding up and for the bias."""
    variant = draw_variant(channels.EXERCISE, Level.STANDARD, Seeded(3))
    p = variant.p
    own = [value + 1 for value in variant.key["channels"]]
    answers: dict[str, object] = {"channels": own, "entry": sum(own) + channels.bias(p)}
    scores = {result.part: result.score for result in mark_answers(variant, answers)}
    assert scores["channels"] == 0
    assert scores["entry"] == 1
    half = own[0] + 0.5
    rounded = int(half + sum(own[1:])) + channels.bias(p)
    answers = {"channels": [half, *own[1:]], "entry": rounded}
    assert {result.part: result.score for result in mark_answers(variant, answers)}["entry"] == 0


def test_a_place_changes_nothing_else() -> None:
    """Maps that are known are taken along; a copy that kept the old place would ask for the wrong entry."""
    p = drawn()[0].p
    other = channels.replace_place(p, (1, 0, 0))
    assert other == replace(p, at=(1, 0, 0))
    assert other.output == p.output
    assert channels.entry(other) == p.output[1][0][0]
