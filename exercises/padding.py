"""How much padding a convolution needs, and what it does to the size of its output."""

from __future__ import annotations

from dataclasses import dataclass

from grader.authoring import Draw, Exercise, Integer, Level, Misconception, Part
from solutions import shapes


@dataclass(frozen=True)
class Params:
    """size: height = width of the input, pixels; kernel, stride and padding likewise."""

    size: int
    kernel: int
    stride: int
    padding: int


def draw(rng: Draw, level: Level) -> Params:
    kernel = rng.choice((3, 5, 7))
    stride = 1 if level is Level.INTRO else rng.integer(2, 3)
    return Params(rng.integer(12, 32), kernel, stride, rng.integer(1, kernel - 1))


EXERCISE = Exercise(
    name="padding",
    title="Padding",
    draw=draw,
    intro="A square image of {{ p.size }} × {{ p.size }} pixels, a {{ p.kernel }} × {{ p.kernel }} kernel.",
    parts=(
        Part(
            name="output",
            ask="How wide is the output with padding {{ p.padding }} and stride {{ p.stride }}?",
            solve=lambda p: shapes.output_size(p.size, p.kernel, p.stride, p.padding),
            answer=Integer(unit="pixels"),
            workings=lambda p: (
                rf"$\left\lfloor \frac{{{p.size} + 2 \cdot {p.padding} - {p.kernel}}}{{{p.stride}}} \right\rfloor + 1"
                rf" = {shapes.output_size(p.size, p.kernel, p.stride, p.padding)}$"
            ),
            misconceptions=(
                Misconception(
                    "padding-once",
                    lambda p: (p.size + p.padding - p.kernel) // p.stride + 1,
                    "You padded one side only: both sides add p, so 2p.",
                ),
                Misconception(
                    "no-plus-one",
                    lambda p: (p.size + 2 * p.padding - p.kernel) // p.stride,
                    "Count positions, not steps: one more than the number of steps.",
                ),
            ),
        ),
    ),
    cost=lambda p: 1,
    costs={Level.INTRO: 1, Level.STANDARD: 1, Level.CHALLENGE: 1},
)
