"""A colour picture of the project's own, painted with whole numbers, so that it is the same on every machine."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from solutions.windows import Array

SIZE = (639, 516)  # height and width of the image in the course handout


@cache
def scene(height: int = SIZE[0], width: int = SIZE[1]) -> Array:
    """Return a house by a lake at evening: (height, width, 3) uint8, read-only.

    It has what filters answer to: smooth shades, straight and slanted edges, a disc, thin lines and a chequered wall.

    >>> scene(64, 52).shape
    (64, 52, 3)
    """
    y, x = np.indices((height, width))
    y, x = y * 1000 // height, x * 1000 // width  # thousandths of each side
    picture = np.empty((height, width, 3), np.int64)
    _shade(picture, y >= 0, (70 + y // 4, 90 + y // 6, 190 - y // 8))  # sky
    _shade(picture, (x - 560) ** 2 + (y - 170) ** 2 * 3 // 2 < 85**2, (255, 215, 90))  # sun
    _shade(picture, y > 300 + abs(x - 800) // 2, (88, 76, 120))  # mountains
    _shade(picture, y > 390 + abs(x - 80) // 3, (62, 58, 98))
    _shade(picture, y > 560, (60, 120 - y // 40, 70))  # meadow
    _shade(picture, y > 790, (40 + y // 40, 84 + y // 30, 132 + y // 20))  # lake
    _shade(picture, (y > 790) & ((y + (x % 97) // 24) % 22 < 5), (150, 178, 205))  # ripples
    _shade(picture, _box(y, x, 430, 720, 150, 520), (206, 178, 140))  # wall
    _shade(picture, _box(y, x, 560, 720, 150, 300) & ((y // 20 + x // 25) % 2 == 0), (150, 92, 70))  # chequered
    _shade(picture, (y < 430) & (y > 280 + abs(x - 335) * 3 // 4), (150, 48, 44))  # roof
    _shade(picture, _box(y, x, 540, 720, 350, 420), (84, 52, 36))  # door
    for left in (330, 440):
        _shade(picture, _box(y, x, 460, 520, left, left + 55), (250, 240, 190))  # windows
        _shade(picture, _box(y, x, 460, 520, left + 25, left + 30), (84, 52, 36))
    _shade(picture, _box(y, x, 640, 760, 560, 1000) & (x % 40 < 12), (236, 232, 220))  # fence
    _shade(picture, _box(y, x, 670, 690, 560, 1000), (236, 232, 220))
    result = np.clip(picture, 0, 255).astype(np.uint8)
    result.flags.writeable = False
    return result


def _box(y: Array, x: Array, top: int, bottom: int, left: int, right: int) -> Array:
    return np.asarray((y >= top) & (y < bottom) & (x >= left) & (x < right))


def _shade(picture: Array, where: Array, colour: tuple[Any, Any, Any]) -> None:
    """Paint the pixels in a colour whose three parts are numbers or maps of numbers."""
    for channel, value in enumerate(colour):
        picture[..., channel] = np.where(where, value, picture[..., channel])
