"""Gradients of one small map by hand: rows of whole numbers, Fractions or formulas, exact, without NumPy.

These are the solvers behind the paper questions on backpropagation, as `planes` is for the way forward; the
gradients of whole stacks are in `convolution` and `pooling`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from solutions import planes
from solutions.planes import Number, Plane

Size = tuple[int, int]


def spread(plane: Plane, stride: Size) -> Plane:
    """Return the plane with stride - 1 zeros between its numbers.

    >>> spread(((1, 2), (3, 4)), (1, 2))
    ((1, 0, 2), (3, 0, 4))
    """
    rows, columns = ((side - 1) * s + 1 for side, s in zip((len(plane), len(plane[0])), stride, strict=True))
    return tuple(
        tuple(0 if r % stride[0] or c % stride[1] else plane[r // stride[0]][c // stride[1]] for c in range(columns))
        for r in range(rows)
    )


def of_kernel(plane: Plane, upstream: Plane, size: Size, stride: Size = (1, 1), padding: Size = (0, 0)) -> Plane:
    """Return the gradient of a kernel of `size`: the padded plane correlated with the spread upstream gradient.

    >>> of_kernel(((1, 2, 0), (0, 3, 1), (4, 0, 2)), ((1, 0), (0, 2)), (2, 2))
    ((7, 4), (0, 7))
    """
    padded = planes.pad(plane, padding)
    places = [(i * stride[0], j * stride[1], g) for i, row in enumerate(upstream) for j, g in enumerate(row)]
    return tuple(
        tuple(sum(padded[top + u][left + v] * g for top, left, g in places) for v in range(size[1]))
        for u in range(size[0])
    )


def of_image(
    upstream: Plane, kernel: Plane, size: Size, stride: Size = (1, 1), padding: Size = (0, 0), *, add: bool = True
) -> Plane:
    """Return the gradient of an image of `size`: the kernel pasted, times the gradient, where each window stood.

    That is the full convolution with the kernel rotated by 180 degrees, the padding cut off. With add=False a
    later window overwrites an earlier one.

    >>> of_image(((1, 2),), ((1, 1), (0, 1)), (2, 3))
    ((1, 3, 2), (0, 1, 2))
    """
    made: list[list[Number]] = [[0] * size[1] for _ in range(size[0])]
    for i, row in enumerate(upstream):
        for j, g in enumerate(row):
            for u, weights in enumerate(kernel):
                for v, weight in enumerate(weights):
                    r, c = i * stride[0] + u - padding[0], j * stride[1] + v - padding[1]
                    if 0 <= r < size[0] and 0 <= c < size[1]:
                        made[r][c] = made[r][c] + weight * g if add else weight * g
    return tuple(tuple(row) for row in made)


def of_pooling(
    plane: Plane,
    upstream: Plane,
    size: Size,
    stride: Size,
    share: Callable[[Sequence[Number], Number], Sequence[Number]],
    *,
    add: bool = True,
) -> Plane:
    """Return what every window gives back: share(its numbers in reading order, its upstream gradient), added up.

    >>> of_pooling(((1, 5, 2), (4, 3, 8)), ((10, 20),), (2, 2), (1, 1), to_largest)
    ((0, 10, 0), (0, 0, 20))
    """
    made: list[list[Number]] = [[0] * len(plane[0]) for _ in plane]
    for i, row in enumerate(upstream):
        for j, g in enumerate(row):
            top, left = i * stride[0], j * stride[1]
            parts = share(planes.entries(planes.window(plane, top, left, size)), g)
            for index, part in enumerate(parts):
                r, c = top + index // size[1], left + index % size[1]
                made[r][c] = made[r][c] + part if add else part
    return tuple(tuple(row) for row in made)


def to_largest(values: Sequence[Number], g: Number) -> list[Number]:
    """Return what max pooling gives back: all of it to the first largest number."""
    first = values.index(max(values))
    return [g if index == first else 0 for index in range(len(values))]


def descend(weights: Plane, gradient: Plane, rate: Number) -> Plane:
    """Return the weights after a step of gradient descent: w - rate * gradient.

    >>> descend(((1, 2),), ((3, -4),), 2)
    ((-5, 10),)
    """
    return tuple(
        tuple(w - rate * g for w, g in zip(row, slope, strict=True))
        for row, slope in zip(weights, gradient, strict=True)
    )
