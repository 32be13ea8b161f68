"""The solvers of sizes, held to enumeration, to torch and to published figures."""

from __future__ import annotations

import random
from itertools import product

import pytest
import torch

from solutions import shapes
from tests.worked import example


def positions(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """Count the positions by walking the kernel along the padded axis, pixel by pixel."""
    padded = size + 2 * padding
    count, start = 0, 0
    while all(0 <= start + tap * dilation < padded for tap in range(kernel)):
        count, start = count + 1, start + stride
    return count


GRID = list(product(range(1, 17), range(1, 8), range(1, 5), range(5), range(1, 4)))


def test_output_size_counts_the_positions_of_a_kernel_that_walks() -> None:
    """The formula and walking pixel by pixel must agree on every small valid case, and refuse the others."""
    fitting = [case for case in GRID if positions(*case)]
    assert len(fitting) > 4000
    for case in fitting:
        assert shapes.output_size(*case) == positions(*case), case
    for case in [case for case in GRID if not positions(*case)]:
        with pytest.raises(ValueError, match=r"^kernel_size=\d+ must span at most the \d+ padded pixels"):
            shapes.output_size(*case)


def test_output_shape_is_torchs() -> None:
    """Pairs must go to the right axis, as in torch's own layers."""
    rng = random.Random(3)
    for _ in range(300):
        size, kernel = (rng.randint(9, 24), rng.randint(9, 24)), (rng.randint(1, 5), rng.randint(1, 5))
        stride, padding = (rng.randint(1, 4), rng.randint(1, 4)), (rng.randint(0, 3), rng.randint(0, 3))
        dilation = (rng.randint(1, 2), rng.randint(1, 2))
        layer = torch.nn.Conv2d(1, 1, kernel, stride, padding, dilation, device="meta")
        out = layer(torch.empty(1, 1, *size, device="meta")).shape[2:]
        assert shapes.output_shape(size, kernel, stride, padding, dilation) == tuple(out)
        assert shapes.patch_count(size, kernel, stride, padding, dilation) == out[0] * out[1]


def test_pool_shape_is_torchs() -> None:
    """The stride of a pooling defaults to its window, and rows that fill no window are dropped."""
    rng = random.Random(4)
    for _ in range(300):
        size, kernel = (rng.randint(6, 30), rng.randint(6, 30)), (rng.randint(1, 5), rng.randint(1, 5))
        stride = rng.choice((None, rng.randint(1, 4), (rng.randint(1, 4), rng.randint(1, 4))))
        out = torch.nn.MaxPool2d(kernel, stride)(torch.zeros(1, 1, *size)).shape[2:]
        assert shapes.pool_shape(size, kernel, stride) == tuple(out)


def test_left_over_is_what_no_window_reaches() -> None:
    """What is left over is the padded axis less the reach of the last window."""
    for size, kernel, stride, padding, dilation in [case for case in GRID if positions(*case)]:
        last = (positions(size, kernel, stride, padding, dilation) - 1) * stride
        reach = last + (kernel - 1) * dilation + 1
        left = shapes.left_over(size, kernel, stride, padding, dilation)
        assert left == size + 2 * padding - reach


def test_same_and_full_padding_do_what_their_names_say() -> None:
    """Same keeps the size at stride 1; full takes every overlap: one more on either side meets no pixel."""
    for size, kernel, dilation in product(range(1, 20), range(1, 9), range(1, 4)):
        before, after = shapes.same_padding_sides(kernel, dilation)
        assert size + before + after - shapes.span(kernel, dilation) + 1 == size
        assert 0 <= after - before <= 1
        reach = range(-shapes.full_padding(kernel, dilation), size)
        assert shapes.output_size(size, kernel, 1, shapes.full_padding(kernel, dilation), dilation) == len(reach)
    with pytest.raises(ValueError, match=r"^kernel_size=4 must be odd"):
        shapes.same_padding(4)


def test_backwards_is_the_inverse_of_forwards() -> None:
    """Every padding, stride and input size listed gives the wanted output, and no other does."""
    for size, kernel, dilation, wanted in product(range(1, 12), range(1, 5), (1, 2), range(1, 7)):
        for stride in range(1, 5):
            right = [p for p in range(16) if positions(size, kernel, stride, p, dilation) == wanted]
            assert list(shapes.paddings_for(wanted, size, kernel, stride, dilation)) == right
        for padding in range(3):
            if not positions(size, kernel, 1, padding, dilation):
                continue
            right = [s for s in range(1, 40) if positions(size, kernel, s, padding, dilation) == wanted]
            found = list(shapes.strides_for(wanted, size, kernel, padding, dilation))
            assert found == (right[:1] if wanted == 1 else right)
    for wanted, kernel, stride, padding in product(range(1, 9), range(1, 6), range(1, 4), range(3)):
        right = [i for i in range(1, 60) if positions(i, kernel, stride, padding, 1) == wanted]
        assert list(shapes.input_sizes_for(wanted, kernel, stride, padding)) == right


def test_transposed_size_is_torchs() -> None:
    """The transposed convolution undoes the size, and agrees with torch where an output padding chooses."""
    rng = random.Random(5)
    for _ in range(300):
        size, kernel, stride, dilation = rng.randint(2, 12), rng.randint(2, 5), rng.randint(1, 4), rng.randint(1, 2)
        padding, extra = rng.randint(0, 1), rng.randint(0, max(stride, dilation) - 1)
        layer = torch.nn.ConvTranspose1d(1, 1, kernel, stride, padding, extra, dilation=dilation, device="meta")
        out = layer(torch.empty(1, 1, size, device="meta")).shape[2]
        assert shapes.transposed_size(size, kernel, stride, padding, extra, dilation) == out
        if extra < stride:
            assert shapes.output_size(out, kernel, stride, padding, dilation) == size
    with pytest.raises(ValueError, match=r"^output_padding=2 must be less than"):
        shapes.transposed_size(5, 3, stride=2, output_padding=2)
    with pytest.raises(ValueError, match=r"^padding=9 must leave something"):
        shapes.transposed_size(5, 3, padding=9)


def test_max_valid_layers_stops_where_the_next_would_not_fit() -> None:
    """Stacking that many layers works, and one more is refused."""
    for height, width, kernel in product(range(2, 15), range(2, 15), range(2, 6)):
        layers = shapes.max_valid_layers((height, width), kernel)
        assert min(shapes.stacked_shape((height, width), kernel, layers)) >= 1
        with pytest.raises(ValueError, match="must span at most"):
            shapes.stacked_shape((height, width), kernel, layers + 1)
    with pytest.raises(ValueError, match=r"^kernel_size=1 must exceed 1 pixel"):
        shapes.max_valid_layers((9, 9), 1)


@pytest.mark.parametrize(
    ("name", "value", "arguments"),
    [
        ("input_size", 0, (0, 3)),
        ("kernel_size", 0, (5, 0)),
        ("stride", 0, (5, 3, 0)),
        ("padding", -1, (5, 3, 1, -1)),
        ("dilation", 0, (5, 3, 1, 0, 0)),
    ],
)
def test_bad_arguments_are_named_with_their_value(name: str, value: int, arguments: tuple[int, ...]) -> None:
    """An author who passes a wrong size is told which argument it is."""
    with pytest.raises(ValueError, match=rf"^{name}={value} must "):
        shapes.output_size(*arguments)


def test_bad_pairs_and_modes_are_refused() -> None:
    """Three entries are no (height, width), and an unknown mode is no padding."""
    with pytest.raises(ValueError, match=r"^stride=\(1, 2, 3\) must have two entries"):
        shapes.output_shape((5, 5), 3, stride=(1, 2, 3))
    with pytest.raises(ValueError, match=r"^mode='reflect' must be"):
        shapes.mode_padding("reflect", 3)


APS = [f"aps-size-{name}" for name in ("i4k3s1p0", "i5k4s1p2", "i5k3s1p1", "i5k3s1p2", "i5k3s2p0", "i6k3s2p1")]


@pytest.mark.parametrize("name", [*APS, "cnn-pad-valid", "cnn-pad-same", "cnn-pad-full"])
def test_published_sizes_along_one_axis(name: str) -> None:
    """The figures of the handouts come out; where one was misprinted, the right one does."""
    given = dict(example(name)["given"])
    if isinstance(given["padding"], str):
        given["padding"] = shapes.mode_padding(given["padding"], given["kernel_size"])
    assert shapes.output_size(**given) == example(name)["answer"]


def test_published_shapes() -> None:
    """Two-dimensional figures of the handouts: maps, pooled maps, patches, stacks."""
    picture = example("ntu-image-featuremap-size")
    found = shapes.output_shape(picture["given"]["image"][:2], picture["given"]["kernel_size"])
    assert list(found) == picture["answer"]["feature_map"]
    assert list(shapes.pool_shape(found, 5)) == picture["answer"]["pooled_5x5_stride5"]

    layer = example("aps-conv2d-args")
    conv = dict(layer["given"]["conv"])
    channels = conv.pop("out_channels")
    assert [channels, *shapes.output_shape(layer["given"]["input"][1:], **conv)] == layer["answer"]

    alexnet = example("ist-alexnet-width")["given"]
    width = shapes.output_size(alexnet["input"][2], alexnet["kernel_size"][1], alexnet["stride"], alexnet["padding"])
    assert width == example("ist-alexnet-width")["answer"]

    patches = example("wang-patches")
    assert shapes.patch_count(patches["given"]["image"], patches["given"]["kernel_size"]) == patches["answer"]

    depth = example("wang-max-depth")
    image, kernel = depth["given"]["image"], depth["given"]["kernel_size"]
    layers = shapes.max_valid_layers(image, kernel)
    assert layers == depth["answer"]["layers"]
    assert list(shapes.stacked_shape(image, kernel, layers)) == depth["answer"]["last_output"]
