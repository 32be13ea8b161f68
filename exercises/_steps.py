"""How workings write sizes and numbers as LaTeX, step by step; shared by the topics on sizes and counts."""

from __future__ import annotations

from grader.authoring import count
from solutions import shapes

SIZE = r"o = \left\lfloor \frac{i + 2p - k}{s} \right\rfloor + 1"
DILATED_SIZE = r"o = \left\lfloor \frac{i + 2p - d(k-1) - 1}{s} \right\rfloor + 1"


def tex(number: int) -> str:
    """Write a whole number with its thousands apart.

    >>> tex(34944)
    '34{,}944'
    """
    return f"{number:,}".replace(",", "{,}")


def product(*factors: int) -> str:
    """Write a product with its result.

    >>> product(3, 5, 5)
    '3 \\\\cdot 5 \\\\cdot 5 = 75'
    """
    result = 1
    for factor in factors:
        result *= factor
    return r" \cdot ".join(tex(factor) for factor in factors) + f" = {tex(result)}"


def size(input_size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> str:
    """Write the output size along one axis: the numbers put in, the division, the result.

    >>> size(28, 5)
    '28 - 5 + 1 = 24'
    >>> size(9, 3, 2).endswith(r"+ 1 = \\frac{6}{2} + 1 = 3 + 1 = 4")
    True
    """
    result = shapes.output_size(input_size, kernel, stride, padding, dilation)
    reach = shapes.span(kernel, dilation)
    pads = rf" + 2 \cdot {padding}" if padding else ""
    if stride == 1:
        return f"{input_size}{pads} - {reach} + 1 = {result}"
    room = input_size + 2 * padding - reach
    floored = rf"\left\lfloor \frac{{{input_size}{pads} - {reach}}}{{{stride}}} \right\rfloor + 1"
    whole, rest = divmod(room, stride)
    divided = rf"\left\lfloor \frac{{{room}}}{{{stride}}} \right\rfloor"
    if rest == 0:
        divided = rf"\frac{{{room}}}{{{stride}}}"
    return f"{floored} = {divided} + 1 = {whole} + 1 = {result}"


def reach(kernel: int, dilation: int) -> str:
    """Write how far a dilated kernel reaches.

    >>> reach(3, 2)
    '2 \\\\cdot (3 - 1) + 1 = 5'
    """
    return rf"{dilation} \cdot ({kernel} - 1) + 1 = {shapes.span(kernel, dilation)}"


def pixels(number: int) -> str:
    return count(number, "pixel")
