"""Sizes: how many positions a window takes along an axis."""

from __future__ import annotations


def output_size(input_size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Return how many positions a kernel takes along one axis, in pixels.

    The dilated kernel spans d(k-1)+1 pixels; its first pixel can stand at 0, s, 2s, … of the i+2p padded
    pixels, hence floor((i + 2p - d(k-1) - 1) / s) + 1 (Dumoulin & Visin 2016, relationship 6).

    Raises:
        ValueError: the kernel is larger than the padded input, or an argument is not positive.

    >>> output_size(227, 11, stride=4)
    55
    """
    for name, value in (
        ("input_size", input_size),
        ("kernel_size", kernel_size),
        ("stride", stride),
        ("dilation", dilation),
    ):
        if value < 1:
            raise ValueError(f"{name}={value} must be at least 1")
    if padding < 0:
        raise ValueError(f"padding={padding} must not be negative")
    span = dilation * (kernel_size - 1) + 1
    room = input_size + 2 * padding - span
    if room < 0:
        raise ValueError(f"a kernel that spans {span} does not fit into {input_size + 2 * padding} padded pixels")
    return room // stride + 1
