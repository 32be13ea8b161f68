"""Small kernels and what they do to a picture: recognised by their defining properties, made from a few numbers.

A kernel is a square plane of odd side; its weights are whole numbers over a common divisor, so that all is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise

from solutions.planes import Number, Plane, entries, transpose

IDENTITY = "identity"
BOX = "box blur"
GAUSSIAN = "Gaussian blur"
SHARPEN = "sharpen"
EDGES = "edges in every direction"
VERTICAL_EDGE = "vertical edges"
HORIZONTAL_EDGE = "horizontal edges"
BLOB = "bright blob"
HORIZONTAL_LINE = "thin horizontal line"
VERTICAL_LINE = "thin vertical line"
RISING = "diagonal line (bottom left to top right)"
FALLING = "diagonal line (top left to bottom right)"
FRAME = "frame with an empty centre"


def response(kernel: Plane, patch: Plane, divisor: int = 1) -> Fraction:
    """Return the inner product of a kernel and a patch of its size.

    >>> response(((0, -1, 0), (-1, 5, -1), (0, -1, 0)), ((1, 1, 1), (1, 2, 1), (1, 1, 1)))
    Fraction(6, 1)
    """
    products = [
        w * v for row, line in zip(kernel, patch, strict=True) for w, v in zip(row, line, strict=True)
    ]  # fmt: skip
    return Fraction(sum(products)) / divisor


def total(kernel: Plane, divisor: int = 1) -> Fraction:
    """Return the sum of the weights: by how much a kernel multiplies the value of a flat area.

    >>> total(((1, 2, 1), (2, 4, 2), (1, 2, 1)), 16)
    Fraction(1, 1)
    """
    return Fraction(sum([sum(row) for row in kernel])) / divisor


# Recognising -----------------------------------------------------------------------------------------------


def effect(kernel: Plane, divisor: int = 1) -> str | None:
    """Return the effect of a kernel from its signs, sums and symmetries; None where it has none of these.

    >>> effect(((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)))
    'vertical edges'
    """
    side = len(kernel)
    if side % 2 == 0 or any(len(row) != side for row in kernel):
        raise ValueError(f"a kernel of {side} by {len(kernel[0])}: it must be square, of odd side")
    return next((name for name, holds in _DEFINITIONS if holds(kernel, total(kernel, divisor))), None)


def centre(kernel: Plane) -> Number:
    middle = len(kernel) // 2
    return kernel[middle][middle]


def around(kernel: Plane) -> list[Number]:
    """Return all weights but the centre, in reading order."""
    flat = entries(kernel)
    return flat[: len(flat) // 2] + flat[len(flat) // 2 + 1 :]


def is_symmetric(kernel: Plane) -> bool:
    """Is the kernel the same after every reflection and quarter turn?"""
    return kernel == kernel[::-1] == transpose(kernel)


def _is_identity(kernel: Plane, factor: Fraction) -> bool:
    return not any(around(kernel)) and factor == 1


def _is_box(kernel: Plane, factor: Fraction) -> bool:
    return len(set(entries(kernel))) == 1 and factor == 1


def _is_gaussian(kernel: Plane, factor: Fraction) -> bool:
    """Positive, falling from the centre on, and a column times a row, as exp(-x²-y²) is."""
    middle = kernel[len(kernel) // 2]
    slope = middle[len(middle) // 2 :]
    falls = all(near > far > 0 for near, far in pairwise(slope))
    separable = all(
        kernel[r][c] * centre(kernel) == middle[r] * middle[c] for r in range(len(kernel)) for c in range(len(kernel))
    )
    return factor == 1 and falls and is_symmetric(kernel) and separable


def _is_contrast(kernel: Plane) -> bool:
    """Is it a bright centre less what is around it, the same on all sides?"""
    return is_symmetric(kernel) and centre(kernel) > 0 and max(around(kernel)) <= 0 > min(around(kernel))


def _is_sharpening(kernel: Plane, factor: Fraction) -> bool:
    return _is_contrast(kernel) and factor == 1


def _is_edges(kernel: Plane, factor: Fraction) -> bool:
    return len(kernel) == 3 and _is_contrast(kernel) and factor == 0


def _is_blob(kernel: Plane, factor: Fraction) -> bool:
    """A Laplacian of Gaussian: wider than three pixels, most positive in the centre, negative around it, sum 0."""
    peaked = centre(kernel) > max(around(kernel)) and min(around(kernel)) < 0
    return len(kernel) >= 5 and factor == 0 and is_symmetric(kernel) and peaked


def _is_vertical_edge(kernel: Plane, _factor: Fraction) -> bool:
    """Opposite signs left and right, nothing in the middle, the same above and below."""
    half = len(kernel) // 2
    signs = {(w > 0) - (w < 0) for row in kernel for w in row[half + 1 :]}
    opposite = all(row[::-1] == tuple(-w for w in row) for row in kernel)
    return opposite and kernel == kernel[::-1] and len(signs) == 1 and 0 not in signs


def _is_horizontal_line(kernel: Plane, _factor: Fraction) -> bool:
    """A positive middle row between negative ones, the same above and below."""
    half = len(kernel) // 2
    others = [w for row in (*kernel[:half], *kernel[half + 1 :]) for w in row]
    return kernel == kernel[::-1] and all(len(set(row)) == 1 for row in kernel) and centre(kernel) > 0 > max(others)


def _is_rising(kernel: Plane, _factor: Fraction) -> bool:
    """The same along each line from bottom left to top right: positive on the middle one, falling to both sides."""
    size = len(kernel)
    lines = [{kernel[r][c] for r in range(size) for c in range(size) if r + c == at} for at in range(2 * size - 1)]
    if any(len(line) > 1 for line in lines):
        return False
    profile = [line.pop() for line in lines]
    slope = profile[size - 1 :]
    falls = slope[0] > slope[1] and all(near >= far for near, far in pairwise(slope))
    return profile == profile[::-1] and falls and slope[0] > 0 > slope[-1]


def _is_frame(kernel: Plane, factor: Fraction) -> bool:
    return is_symmetric(kernel) and centre(kernel) < 0 < min(around(kernel)) and factor > 0


def _transposed(holds: Callable[[Plane, Fraction], bool]) -> Callable[[Plane, Fraction], bool]:
    return lambda kernel, factor: holds(transpose(kernel), factor)


_DEFINITIONS: tuple[tuple[str, Callable[[Plane, Fraction], bool]], ...] = (
    (IDENTITY, _is_identity),
    (BOX, _is_box),
    (GAUSSIAN, _is_gaussian),
    (SHARPEN, _is_sharpening),
    (EDGES, _is_edges),
    (VERTICAL_EDGE, _is_vertical_edge),
    (HORIZONTAL_EDGE, _transposed(_is_vertical_edge)),
    (HORIZONTAL_LINE, _is_horizontal_line),
    (VERTICAL_LINE, _transposed(_is_horizontal_line)),
    (RISING, _is_rising),
    (FALLING, lambda kernel, factor: _is_rising(tuple(row[::-1] for row in kernel), factor)),
    (FRAME, _is_frame),
    (BLOB, _is_blob),
)

# Making ----------------------------------------------------------------------------------------------------


def point(side: int, at: tuple[int, int] | None = None, weight: int = 1) -> Plane:
    """Return a kernel with a single weight, in the centre unless `at` says where.

    >>> point(3, (0, 2))
    ((0, 0, 1), (0, 0, 0), (0, 0, 0))
    """
    spot = at or (side // 2, side // 2)
    return tuple(tuple(weight if (r, c) == spot else 0 for c in range(side)) for r in range(side))


def ring(middle: int, beside: int, corner: int) -> Plane:
    """Return a three by three kernel that is the same on all sides.

    >>> ring(8, -1, -1)
    ((-1, -1, -1), (-1, 8, -1), (-1, -1, -1))
    """
    return (corner, beside, corner), (beside, middle, beside), (corner, beside, corner)


def outer(column: Sequence[int], row: Sequence[int]) -> Plane:
    """Return a column times a row: blurs, and differences one way smoothed the other way.

    >>> outer((1, 2, 1), (-1, 0, 1))
    ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1))
    """
    return tuple(tuple(a * b for b in row) for a in column)


def by_distance(weights: Sequence[int]) -> Plane:
    """Return a five by five kernel from the weights at the squared distances 0, 1, 2, 4, 5 and 8.

    >>> by_distance((16, -2, -1, -1, 0, 0))[2]
    (-1, -2, 16, -2, -1)
    """
    at = dict(zip((0, 1, 2, 4, 5, 8), weights, strict=True))
    return tuple(tuple(at[r * r + c * c] for c in range(-2, 3)) for r in range(-2, 3))


def diagonal(profile: Sequence[int]) -> Plane:
    """Return a kernel for a rising line, from its weights at the distances 0, 1, 2, … from the diagonal.

    >>> diagonal((2, 0, -1))
    ((-1, 0, 2), (0, 2, 0), (2, 0, -1))
    """
    size = len(profile)
    return tuple(tuple(profile[abs(r + c - size + 1)] for c in range(size)) for r in range(size))


def with_centre(kernel: Plane, weight: int) -> Plane:
    """Return the kernel with another centre."""
    middle = len(kernel) // 2
    return tuple(
        tuple(weight if r == c == middle else w for c, w in enumerate(row)) for r, row in enumerate(kernel)
    )  # fmt: skip
