"""Receptive fields: which pixels along one axis a unit sees after a row of convolutions and poolings.

Everything is a whole number of pixels along one axis. Pixels and units are counted from 0; pixels before 0 or
beyond the image lie in the padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from solutions import shapes


@dataclass(frozen=True)
class Window:
    """What a convolution or pooling lays on its input."""

    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1


@dataclass(frozen=True)
class Field:
    """What the units of one layer see: `size` pixels each, the first unit from `start`, the next `jump` further on."""

    size: int = 1
    jump: int = 1
    start: int = 0

    def pixels(self, unit: int) -> tuple[int, int]:
        """Return the first and the last pixel that a unit sees.

        >>> Field(size=14, jump=4, start=-2).pixels(3)
        (10, 23)
        """
        first = self.start + unit * self.jump
        return first, first + self.size - 1


def fields(windows: Sequence[Window]) -> tuple[Field, ...]:
    """Return the field after each layer.

    A window takes in k-1 further units of the layer before, d apart, each j pixels from the next, hence
    r = r + d(k-1)j; it starts p units earlier; and its own units lie s units of the layer before apart, j = js.

    Raises:
        ValueError: a kernel, stride or dilation is less than 1, or a padding less than 0.

    >>> fields([Window(5), Window(2, stride=2), Window(5, padding=2)])
    (Field(size=5, jump=1, start=0), Field(size=6, jump=2, start=0), Field(size=14, jump=2, start=-4))
    """
    field, found = Field(), []
    for window in windows:
        field = _through(field, window)
        found.append(field)
    return tuple(found)


def field(windows: Sequence[Window]) -> Field:
    """Return the field after all layers; without any, a unit is a pixel.

    >>> field([Window(3)] * 3).size
    7
    """
    return fields(windows)[-1] if windows else Field()


def overlap(of: Field) -> int:
    """Return how many pixels two neighbouring units both see, 0 where their fields do not touch.

    >>> overlap(Field(size=14, jump=4)), overlap(Field(size=2, jump=2))
    (10, 0)
    """
    return max(0, of.size - of.jump)


def blocks_to_see(pixels: int, block: Sequence[Window]) -> int:
    """Return how many times a block of layers must be repeated until a unit sees that many pixels.

    Raises:
        ValueError: the block sees no more than a pixel, so that no number of it is enough.

    >>> blocks_to_see(28, [Window(3)]), blocks_to_see(28, [Window(3), Window(2, stride=2)])
    (14, 4)
    """
    if pixels > 1 and field(block).size == 1:
        raise ValueError(f"block={list(block)} must see more than 1 pixel: no number of blocks sees {pixels}")
    seen, blocks = Field(), 0
    while seen.size < pixels:
        for window in block:
            seen = _through(seen, window)
        blocks += 1
    return blocks


def dilated_layers_to_see(pixels: int, kernel: int, base: int = 2) -> int:
    """Return how many layers see that many pixels when the dilation starts at 1 and is multiplied by `base`.

    >>> dilated_layers_to_see(31, 3), dilated_layers_to_see(32, 3)
    (4, 5)
    """
    if kernel < 2:
        raise ValueError(f"kernel={kernel} must be at least 2")
    seen, dilation, layers = 1, 1, 0
    while seen < pixels:
        seen += dilation * (kernel - 1)
        dilation *= base
        layers += 1
    return layers


def _through(before: Field, window: Window) -> Field:
    if window.stride < 1 or window.padding < 0:
        raise ValueError(f"stride={window.stride} must be at least 1, and padding={window.padding} not negative")
    reach = shapes.span(window.kernel, window.dilation) - 1
    return Field(
        before.size + reach * before.jump, before.jump * window.stride, before.start - window.padding * before.jump
    )
