"""Sizes: how many positions a window takes along an axis, and what that says about padding and stride.

Everything is a whole number of pixels. Sizes of one axis are ints; shapes are (height, width). An argument
named `…_size`, `stride`, `padding` or `dilation` of a function on shapes is an int for both axes or a pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

Pair = tuple[int, int]
PerAxis = int | Sequence[int]


def output_size(input_size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Return how many positions a kernel takes along one axis, in pixels.

    The dilated kernel spans d(k-1)+1 pixels; its first pixel can stand at 0, s, 2s, … of the i+2p padded
    pixels, hence floor((i + 2p - d(k-1) - 1) / s) + 1 (Dumoulin & Visin 2016, relationship 6).

    Raises:
        ValueError: the kernel is larger than the padded input, or an argument is not positive.

    >>> output_size(227, 11, stride=4)
    55
    """
    room = _room(input_size, kernel_size, padding, dilation)
    return int(room // _positive("stride", stride) + 1)  # a NumPy integer comes back as an int


def output_shape(
    input_shape: Sequence[int], kernel_size: PerAxis, stride: PerAxis = 1, padding: PerAxis = 0, dilation: PerAxis = 1
) -> Pair:
    """Return the (height, width) of the map that a kernel makes of an image of (height, width).

    Raises:
        ValueError: as `output_size`, or a pair does not have two entries.

    >>> output_shape((50, 100), (3, 5), stride=(2, 1), padding=(4, 2))
    (28, 100)
    """
    axes = [
        _pair("input_shape", input_shape),
        _pair("kernel_size", kernel_size),
        _pair("stride", stride),
        _pair("padding", padding),
        _pair("dilation", dilation),
    ]
    height, width = zip(*axes, strict=True)
    return output_size(*height), output_size(*width)


def pool_shape(
    input_shape: Sequence[int], kernel_size: PerAxis, stride: PerAxis | None = None, padding: PerAxis = 0
) -> Pair:
    """Return the (height, width) after pooling; without a stride the windows stand side by side (stride = kernel).

    Rows and columns at the end that fill no whole window are dropped.

    >>> pool_shape((631, 508), 5), pool_shape((3, 3), 2), pool_shape((7, 7), 3, stride=2)
    ((126, 101), (1, 1), (3, 3))
    """
    return output_shape(input_shape, kernel_size, kernel_size if stride is None else stride, padding)


def patch_count(
    input_shape: Sequence[int], kernel_size: PerAxis, stride: PerAxis = 1, padding: PerAxis = 0, dilation: PerAxis = 1
) -> int:
    """Return how many patches of an image the kernel is laid on: one for each entry of the output map.

    >>> patch_count((5, 5), 3)
    9
    """
    return prod(output_shape(input_shape, kernel_size, stride, padding, dilation))


def left_over(input_size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Return how many pixels at the end of the padded axis lie beyond the last window, 0 … s-1.

    >>> left_over(28, 5, stride=3), left_over(5, 2, stride=2)
    (2, 1)
    """
    return _room(input_size, kernel_size, padding, dilation) % _positive("stride", stride)


def span(kernel_size: int, dilation: int = 1) -> int:
    """Return how many pixels a kernel reaches across: d(k-1)+1.

    >>> span(3), span(3, dilation=2)
    (3, 5)
    """
    return _positive("dilation", dilation) * (_positive("kernel_size", kernel_size) - 1) + 1


# Padding ---------------------------------------------------------------------------------------------------


def same_padding(kernel_size: int, dilation: int = 1) -> int:
    """Return the padding on each side that keeps the size at stride 1: d(k-1)/2.

    Raises:
        ValueError: d(k-1) is odd, so that no equal padding on both sides keeps the size.

    >>> same_padding(3), same_padding(5), same_padding(4, dilation=2)
    (1, 2, 3)
    """
    before, after = same_padding_sides(kernel_size, dilation)
    if before != after:
        raise ValueError(f"kernel_size={kernel_size} must be odd for equal padding on both sides")
    return before


def same_padding_sides(kernel_size: int, dilation: int = 1) -> Pair:
    """Return the padding (before, after) that keeps the size at stride 1; an odd pixel goes after, as in PyTorch.

    >>> same_padding_sides(3), same_padding_sides(4)
    ((1, 1), (1, 2))
    """
    total = span(kernel_size, dilation) - 1
    return total // 2, total - total // 2


def full_padding(kernel_size: int, dilation: int = 1) -> int:
    """Return the padding on each side with which every overlap of one pixel or more is a position: d(k-1).

    >>> output_size(7, 3, padding=full_padding(3))
    9
    """
    return span(kernel_size, dilation) - 1


def mode_padding(mode: str, kernel_size: int, dilation: int = 1) -> int:
    """Return the padding on each side of a named mode: valid, same or full.

    >>> [output_size(7, 3, padding=mode_padding(mode, 3)) for mode in ("valid", "same", "full")]
    [5, 7, 9]
    """
    if mode == "valid":
        return 0
    if mode == "same":
        return same_padding(kernel_size, dilation)
    if mode == "full":
        return full_padding(kernel_size, dilation)
    raise ValueError(f"mode={mode!r} must be 'valid', 'same' or 'full'")


# Backwards -------------------------------------------------------------------------------------------------


def paddings_for(output: int, input_size: int, kernel_size: int, stride: int = 1, dilation: int = 1) -> range:
    """Return every padding that gives this output size, smallest first; empty when none does.

    Wanted is (o-1)s <= i + 2p - d(k-1) - 1 < os, a range of 2p.

    >>> paddings_for(14, 28, 5, stride=2), paddings_for(8, 5, 3), paddings_for(4, 9, 3, stride=4)
    (range(2, 3), range(0, 0), range(3, 5))
    """
    _positive("input_size", input_size)
    least = (_positive("output", output) - 1) * _positive("stride", stride)
    bare = input_size - span(kernel_size, dilation)
    low = max(0, -((bare - least) // 2))  # the ceiling of half of least - bare
    high = (least + stride - 1 - bare) // 2
    return range(low, high + 1) if high >= low else range(0)


def strides_for(output: int, input_size: int, kernel_size: int, padding: int = 0, dilation: int = 1) -> range:
    """Return every stride that gives this output size, smallest first; empty when none does.

    An output of 1 is given by every stride beyond the room; the smallest, room + 1, stands for them all.

    >>> strides_for(55, 227, 11), strides_for(4, 10, 3), strides_for(1, 10, 3)
    (range(4, 5), range(2, 3), range(8, 9))
    """
    room = _room(input_size, kernel_size, padding, dilation)
    steps = _positive("output", output) - 1
    if steps == 0:
        return range(room + 1, room + 2)
    low, high = room // output + 1, room // steps
    return range(low, high + 1) if high >= low else range(0)


def input_sizes_for(output: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> range:
    """Return every input size that gives this output size, smallest first.

    >>> input_sizes_for(55, 11, stride=4)
    range(227, 231)
    """
    least = (_positive("output", output) - 1) * _positive("stride", stride)
    low = least + span(kernel_size, dilation) - 2 * _not_negative("padding", padding)
    return range(max(1, low), max(1, low + stride))


def transposed_size(
    input_size: int, kernel_size: int, stride: int = 1, padding: int = 0, output_padding: int = 0, dilation: int = 1
) -> int:
    """Return the output size of a transposed convolution: (i-1)s - 2p + d(k-1) + 1 + output padding.

    It is the input size that `output_size` would turn into `input_size`; where several would, output_padding
    (less than the stride or the dilation) chooses.

    >>> transposed_size(14, 4, stride=2, padding=1), transposed_size(55, 11, stride=4, output_padding=2)
    (28, 229)
    """
    _positive("input_size", input_size)
    if not 0 <= output_padding < max(_positive("stride", stride), dilation):
        raise ValueError(f"output_padding={output_padding} must be less than the stride or the dilation")
    size = (input_size - 1) * stride + span(kernel_size, dilation) + output_padding
    if size <= 2 * _not_negative("padding", padding):
        raise ValueError(f"padding={padding} must leave something of {size} pixels")
    return size - 2 * padding


# Stacks ----------------------------------------------------------------------------------------------------


def max_valid_layers(input_shape: Sequence[int], kernel_size: PerAxis, dilation: PerAxis = 1) -> int:
    """Return how many convolutions without padding, stride 1, can follow each other on an image.

    Each takes d(k-1) pixels away, and the last needs an input of d(k-1)+1, hence floor((i-1) / (d(k-1))) along
    an axis; the shorter-lived axis decides.

    Raises:
        ValueError: a kernel of one pixel, of which infinitely many fit.

    >>> max_valid_layers((28, 28), 3), max_valid_layers((28, 40), (3, 9))
    (13, 4)
    """
    kernels, dilations = _pair("kernel_size", kernel_size), _pair("dilation", dilation)
    sizes = _pair("input_shape", input_shape)
    losses = [span(k, d) - 1 for k, d in zip(kernels, dilations, strict=True)]
    fits = [(_positive("input_shape", i) - 1) // loss for i, loss in zip(sizes, losses, strict=True) if loss]
    if not fits:
        raise ValueError(f"kernel_size={kernel_size} must exceed 1 pixel: infinitely many layers fit")
    return min(fits)


def stacked_shape(
    input_shape: Sequence[int], kernel_size: PerAxis, layers: int, stride: PerAxis = 1, padding: PerAxis = 0
) -> Pair:
    """Return the (height, width) after that many equal layers.

    >>> stacked_shape((28, 28), 3, 13)
    (2, 2)
    """
    shape = _pair("input_shape", input_shape)
    for _ in range(_not_negative("layers", layers)):
        shape = output_shape(shape, kernel_size, stride, padding)
    return shape


# Arguments -------------------------------------------------------------------------------------------------


def _room(input_size: int, kernel_size: int, padding: int, dilation: int) -> int:
    """Return how many pixels the kernel can move along the padded axis."""
    reach = span(kernel_size, dilation)
    padded = _positive("input_size", input_size) + 2 * _not_negative("padding", padding)
    if reach > padded:
        raise ValueError(f"kernel_size={kernel_size} must span at most the {padded} padded pixels; it spans {reach}")
    return padded - reach


def _pair(name: str, value: PerAxis) -> Pair:
    if not isinstance(value, Sequence):
        return value, value
    if len(value) != 2:
        raise ValueError(f"{name}={value} must have two entries, (height, width)")
    return value[0], value[1]


def _positive(name: str, value: int) -> int:
    if value < 1:
        raise ValueError(f"{name}={value} must be at least 1")
    return value


def _not_negative(name: str, value: int) -> int:
    if value < 0:
        raise ValueError(f"{name}={value} must not be negative")
    return value
