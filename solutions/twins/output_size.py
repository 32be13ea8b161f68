"""Wrong ways to compute an output size, one mistake each; `room` below is i + 2p - d(k-1) - 1."""

from __future__ import annotations

from fractions import Fraction


def rounds_up(input_size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Count a last window that hangs over the edge (ceil for floor)."""
    return -(-_room(input_size, kernel_size, padding, dilation) // stride) + 1


def rounds_to_nearest(input_size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Use Python's round, which goes to the nearest whole number, and to the even one from a half."""
    return round(Fraction(_room(input_size, kernel_size, padding, dilation), stride)) + 1


def pads_one_side(input_size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Add p instead of 2p."""
    return (_room(input_size, kernel_size, padding, dilation) - padding) // stride + 1


def ignores_padding(
    input_size: int,
    kernel_size: int,
    stride: int = 1,
    padding: int = 0,  # noqa: ARG001 - the mistake
    dilation: int = 1,
) -> int:
    """Leave the padding out."""
    return _room(input_size, kernel_size, 0, dilation) // stride + 1


def counts_steps(input_size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Count the steps between positions, one less than the positions."""
    return _room(input_size, kernel_size, padding, dilation) // stride


def adds_one_inside(input_size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Add the 1 before dividing by the stride."""
    return (_room(input_size, kernel_size, padding, dilation) + 1) // stride


def stops_before_last(input_size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Count range(0, room, s), which leaves out the position that touches the far edge."""
    return len(range(0, _room(input_size, kernel_size, padding, dilation), stride))


def dilates_every_pixel(input_size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Let the dilated kernel span d k instead of d (k-1) + 1."""
    return (input_size + 2 * padding - dilation * kernel_size) // stride + 1


def ignores_dilation(
    input_size: int,
    kernel_size: int,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,  # noqa: ARG001 - the mistake
) -> int:
    """Leave the dilation out."""
    return _room(input_size, kernel_size, padding, 1) // stride + 1


def ignores_stride(
    input_size: int,
    kernel_size: int,
    stride: int = 1,  # noqa: ARG001 - the mistake
    padding: int = 0,
    dilation: int = 1,
) -> int:
    """Leave the stride out."""
    return _room(input_size, kernel_size, padding, dilation) + 1


def divides_input_by_stride(
    input_size: int,
    kernel_size: int,  # noqa: ARG001 - the mistake
    stride: int = 1,
    padding: int = 0,  # noqa: ARG001 - the mistake
    dilation: int = 1,  # noqa: ARG001 - the mistake
) -> int:
    """Take i // s, whatever the kernel and the padding."""
    return input_size // stride


def divides_input_by_stride_rounding_up(
    input_size: int,
    kernel_size: int,  # noqa: ARG001 - the mistake
    stride: int = 1,
    padding: int = 0,  # noqa: ARG001 - the mistake
    dilation: int = 1,  # noqa: ARG001 - the mistake
) -> int:
    """Take i / s rounded up: the size of TensorFlow's "SAME" padding, whatever the padding given."""
    return -(-input_size // stride)


def pads_after_dividing(input_size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Add 2p to the result instead of to the input."""
    return _room(input_size, kernel_size, 0, dilation) // stride + 2 * padding + 1


def subtracts_padding(input_size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Take 2p away from the input instead of adding it."""
    return (_room(input_size, kernel_size, padding, dilation) - 4 * padding) // stride + 1


def halves_kernel(input_size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Take half a kernel away, as if it were centred on the border pixels on one side only."""
    return (input_size + 2 * padding - dilation * (kernel_size - 1) // 2 - 1) // stride + 1


def refuses_remainder(input_size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Raise where the stride does not divide, as if that were invalid."""
    room = _room(input_size, kernel_size, padding, dilation)
    if room % stride:
        raise ValueError("invalid combination of sizes: the stride does not divide")
    return room // stride + 1


def returns_float(input_size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> float:
    """Divide with / and forget to round down."""
    return _room(input_size, kernel_size, padding, dilation) / stride + 1


def defaults_stride_to_kernel(
    input_size: int, kernel_size: int, stride: int | None = None, padding: int = 0, dilation: int = 1
) -> int:
    """Take the kernel's size as the stride where none is given, as pooling does."""
    step = kernel_size if stride is None else stride
    return _room(input_size, kernel_size, padding, dilation) // step + 1


def swaps_stride_and_padding(
    input_size: int, kernel_size: int, padding: int = 0, stride: int = 1, dilation: int = 1
) -> int:
    """Put the padding before the stride in the signature, so that positions mean something else."""
    return _room(input_size, kernel_size, padding, dilation) // stride + 1


def _room(input_size: int, kernel_size: int, padding: int, dilation: int) -> int:
    return input_size + 2 * padding - dilation * (kernel_size - 1) - 1
