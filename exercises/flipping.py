"""Convolution against cross-correlation: what turning the kernel round changes, by numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from grader.authoring import (
    Carry,
    Choice,
    Draw,
    Exercise,
    Level,
    Matrix,
    Misconception,
    Part,
    Shape,
)
from solutions import planes
from solutions.planes import Plane

Size = tuple[int, int]


def mirror(kernel: Plane) -> Plane:
    """Return the kernel with left and right exchanged."""
    return tuple(row[::-1] for row in kernel)


def turn(kernel: Plane) -> Plane:
    """Return the kernel with top and bottom exchanged."""
    return kernel[::-1]


# What a program may do to a kernel before it lays it down, in words.
LAYINGS: dict[str, Callable[[Plane], Plane]] = {
    "the cross-correlation, with the kernel as it is printed": lambda kernel: kernel,
    "the true convolution, with the kernel turned by 180 degrees": planes.rotate,
    "neither: it exchanged left and right in the kernel": mirror,
    "neither: it exchanged top and bottom in the kernel": turn,
    "neither: it exchanged rows and columns of the kernel (transposed)": planes.transpose,
}
CORRELATION, CONVOLUTION, MIRRORED, TURNED, TRANSPOSED = LAYINGS


@dataclass(frozen=True)
class Params:
    """An image, a kernel, and the entry asked for; a second kernel and what a program does to it; five kernels.

    at: (row, column) of the entry, from 0. laying: a key of LAYINGS. kernels: named in KERNELS, for one and the
    same question. first, second: two small planes whose order is exchanged.
    """

    image: Plane
    kernel: Plane
    other: Plane
    laying: str
    kernels: tuple[Plane, ...]
    first: Plane
    second: Plane
    at: Size = (0, 0)

    @property
    def size(self) -> Size:
        return len(self.kernel), len(self.kernel[0])

    @cached_property
    def correlated(self) -> Plane:
        return planes.correlate(self.image, self.kernel)

    @cached_property
    def convolved(self) -> Plane:
        return planes.correlate(self.image, planes.rotate(self.kernel))

    @cached_property
    def results(self) -> dict[str, Plane]:
        """What the program would return for each laying of the other kernel."""
        return {name: planes.correlate(self.image, lay(self.other)) for name, lay in LAYINGS.items()}

    @cached_property
    def slid(self) -> Plane:
        """The full cross-correlation of the first plane with the second as its kernel."""
        return full(self.first, self.second)

    def entry(self, kernel: Plane) -> int:
        """Return the entry asked for, with this kernel laid down as it is."""
        window = planes.window(self.image, *self.at, self.size)
        return int(planes.correlate(window, kernel)[0][0])


def full(image: Plane, kernel: Plane) -> Plane:
    """Return the full cross-correlation: at every place where the two overlap."""
    return planes.correlate(image, kernel, padding=(len(kernel) - 1, len(kernel[0]) - 1))


# Drawing ---------------------------------------------------------------------------------------------------

IMAGES: dict[Level, tuple[Size, ...]] = {
    Level.INTRO: ((3, 3),),
    Level.STANDARD: ((4, 4),),
    Level.CHALLENGE: ((4, 5), (5, 4)),
}
SIDE = {Level.INTRO: 2, Level.STANDARD: 3, Level.CHALLENGE: 3}  # of the kernels
ZEROS = {Level.INTRO: 0, Level.STANDARD: 3, Level.CHALLENGE: 2}  # weights of the first two kernels that are zero
WEIGHTS = (1, -1, 2, -2, 3)


def draw(rng: Draw, level: Level) -> Params:
    """Draw numbers on which every mistake shows: kernels that no turn or reflection leaves as they are."""
    rows, columns = rng.choice(IMAGES[level])
    side = SIDE[level]
    while True:
        p = Params(
            rng.matrix(rows, columns, 1, 9),
            draw_kernel(rng, side, ZEROS[level]),
            draw_kernel(rng, side, ZEROS[level]),
            rng.choice(tuple(LAYINGS)),
            draw_kernels(rng, side),
            rng.matrix(2, 2, 1, 9),
            draw_kernel(rng, 2, 0),
        )
        places = [(r, c) for r in range(rows - side + 1) for c in range(columns - side + 1)]
        telling = [at for at in places if tells_entry(replace(p, at=at))]
        if telling and tells_laying(p) and tells_order(p):
            return replace(p, at=rng.choice(telling))


def draw_kernel(rng: Draw, side: int, zeros: int) -> Plane:
    """Return a kernel of both signs of which all eight turns and reflections differ."""
    while True:
        weights = [rng.choice(WEIGHTS) for _ in range(side * side - zeros)]
        flat = rng.shuffled([*weights, *[0] * zeros])
        kernel = tuple(tuple(flat[r * side : (r + 1) * side]) for r in range(side))
        if min(flat) < 0 < max(flat) and len(set(symmetries(kernel))) == 8:
            return kernel


def symmetries(kernel: Plane) -> list[Plane]:
    """Return the eight turns and reflections of a square kernel, itself first."""
    upright = [kernel, mirror(kernel), turn(kernel), planes.rotate(kernel)]
    return upright + [planes.transpose(one) for one in upright]


def tells_entry(p: Params) -> bool:
    values = [p.entry(one) for one in (p.kernel, planes.rotate(p.kernel), mirror(p.kernel), turn(p.kernel))]
    return len(set(values)) == len(values)


def tells_laying(p: Params) -> bool:
    """Is the second kernel another one, and do all layings give another first entry?"""
    return p.other not in symmetries(p.kernel) and len({result[0][0] for result in p.results.values()}) == len(LAYINGS)


def tells_order(p: Params) -> bool:
    return len({*symmetries(p.slid), full(p.first, planes.rotate(p.second))}) == 9


# Kernels of five kinds, of which only the first is the same when turned by 180 degrees ---------------------

KINDS = ("point", "left-right", "top-bottom", "diagonal", "sign")


def draw_kernels(rng: Draw, side: int) -> tuple[Plane, ...]:
    """Return a kernel of each of KINDS, and of no other; but two by two, "point" is always "diagonal" as well."""
    return tuple(draw_shaped(rng, side, kind) for kind in KINDS)


def draw_shaped(rng: Draw, side: int, kind: str) -> Plane:
    alone = {kind, "diagonal"} if kind == "point" and side == 2 else {kind}
    while True:
        kernel = shaped(rng, side, kind)
        if kinds_of(kernel) == alone:
            return kernel


def shaped(rng: Draw, side: int, kind: str) -> Plane:
    """Return a kernel with that symmetry: each place takes the number of its mirror image, if that came first."""
    last = side - 1
    images: dict[str, Callable[[int, int], Size]] = {
        "point": lambda r, c: (last - r, last - c),
        "left-right": lambda r, c: (r, last - c),
        "top-bottom": lambda r, c: (last - r, c),
        "diagonal": lambda r, c: (c, r),
        "sign": lambda r, c: (last - r, last - c),
    }
    sign = -1 if kind == "sign" else 1
    numbers: dict[Size, int] = {}
    for r in range(side):
        for c in range(side):
            other = images[kind](r, c)
            drawn = 0 if sign < 0 and other == (r, c) else rng.integer(1, 6) * rng.choice((1, 1, -1))
            numbers[r, c] = sign * numbers[other] if other in numbers else drawn
    return tuple(tuple(numbers[r, c] for c in range(side)) for r in range(side))


def kinds_of(kernel: Plane) -> set[str]:
    turned = planes.rotate(kernel)
    held = {
        "point": kernel == turned,
        "left-right": kernel == mirror(kernel),
        "top-bottom": kernel == turn(kernel),
        "diagonal": kernel == planes.transpose(kernel),
        "sign": planes.each(kernel, lambda v: -v) == turned,
    }
    return {kind for kind, holds in held.items() if holds}


def option(kernel: Plane) -> str:
    return f"${Matrix().tex(kernel)}$"


# Workings --------------------------------------------------------------------------------------------------


def tex(plane: Plane) -> str:
    return Matrix().tex(plane)


def signed(value: int) -> str:
    return f"({value})" if value < 0 else str(value)


def products(values: Plane, weights: Plane) -> str:
    """Write the sum of products of two planes with its result.

    >>> products(((2, 3),), ((0, -1),))
    '2 \\\\cdot 0 + 3 \\\\cdot (-1) = -3'
    """
    pairs = list(zip(planes.entries(values), planes.entries(weights), strict=True))
    terms = " + ".join(rf"{signed(v)} \cdot {signed(w)}" for v, w in pairs)
    return f"{terms} = {sum(v * w for v, w in pairs)}"


def flipped_workings(p: Params) -> str:
    return (
        "Turned by 180 degrees, the last row comes first, and each row runs backwards: the same as exchanging left "
        "and right and then top and bottom.\n\n"
        f"$${tex(p.kernel)} \\to {tex(mirror(p.kernel))} \\to {tex(planes.rotate(p.kernel))}$$"
    )


def entries_workings(p: Params) -> str:
    window = planes.window(p.image, *p.at, p.size)
    return (
        f"The window whose top left number is in row {p.at[0] + 1}, column {p.at[1] + 1}:\n\n$${tex(window)}$$\n\n"
        f"Cross-correlation, with the kernel as it is:\n\n$${products(window, p.kernel)}$$\n\n"
        f"Convolution, with the kernel turned by 180 degrees:\n\n$${products(window, planes.rotate(p.kernel))}$$"
    )


def torch_workings(p: Params) -> str:
    lines = []
    for r, row in enumerate(p.correlated):
        for c in range(len(row)):
            lines.append(f"- ${products(planes.window(p.image, r, c, p.size), p.kernel)}$")
    return (
        "`Conv2d` is a cross-correlation, in spite of its name: it lays the weights down as they are.\n\n"
        + "\n".join(lines)
        + f"\n\n$${tex(p.correlated)}$$"
    )


def which_workings(p: Params) -> str:
    window = planes.window(p.image, 0, 0, p.size)
    returned = p.results[p.laying][0][0]
    lines = "\n".join(
        f"- **{name}**: ${products(window, lay(p.other))}$, {'true' if name == p.laying else 'false'}"
        for name, lay in LAYINGS.items()
    )
    return (
        f"One entry tells them apart. The first one comes from the window ${tex(window)}$, and the program returned "
        f"${returned}$ there. Each statement would make of it:\n\n{lines}\n\nSo the program computed {p.laying}."
    )


def symmetric_workings(p: Params) -> str:
    kernel = p.kernels[0]
    return (
        "The two agree for every image exactly when the kernel is the same after a turn by 180 degrees: "
        "its numbers, read backwards from the last one, are the same.\n\n"
        f"$${tex(kernel)}: \\quad {', '.join(str(v) for v in planes.entries(kernel))}$$\n\n"
        "The others are the same after another reflection, or after a turn and a change of all signs, "
        "which is not enough."
    )


def order_workings(p: Params) -> str:
    commuted = full(p.first, planes.rotate(p.second))
    return (
        "In $A \\star B$ the kernel $B$ slides over $A$. When $A$ slides over $B$ instead, the same pairs of numbers "
        "meet in each relative position, but the steps run the other way. So $B \\star A$ is $A \\star B$ turned by "
        f"180 degrees:\n\n$${tex(p.slid)} \\to {tex(planes.rotate(p.slid))}$$\n\n"
        f"For example its first entry is ${signed(p.second[0][0])} \\cdot {signed(p.first[1][1])} = "
        f"{p.second[0][0] * p.first[1][1]}$, where the last number of $A$ lies on the first one of $B$. "
        "The true convolution turns the kernel, which makes up for this: in either order it is\n\n"
        f"$$A * B = B * A = {tex(commuted)}$$"
    )


def cost(p: Params) -> int:
    """The weights that are not zero: twice for the two entries, the rest of the map, and five first entries."""
    weights = sum(w != 0 for w in planes.entries(p.kernel))
    others = sum(w != 0 for w in planes.entries(p.other))
    return int((len(planes.entries(p.correlated)) + 1) * weights + len(LAYINGS) * others)


# What is asked ---------------------------------------------------------------------------------------------


def laid(name: str, hint: str, laying: str) -> Misconception[Params]:
    """Return the misconception of someone who takes the program's map for that of another laying."""
    return Misconception(name, lambda p: None if p.laying == laying else laying, hint)


def own_entries(p: Params, earlier: Mapping[str, Any]) -> tuple[int, int]:
    return p.entry(p.kernel), p.entry(earlier["flipped"])


def is_usable(p: Params, earlier: Mapping[str, Any]) -> bool:
    """Is the student's own kernel of the right size, of whole numbers, and not the printed one?"""
    own = earlier["flipped"]
    if len(own) != p.size[0] or any(len(row) != p.size[1] for row in own) or own == p.kernel:
        return False
    return all(value.denominator == 1 for row in own for value in row)


EXERCISE = Exercise(
    name="flipping",
    title="Convolution and cross-correlation",
    summary="the flipped kernel: both results by hand, which one a program computes, symmetry, order",
    draw=draw,
    intro=(
        "An image of {{ p.image | length }} × {{ p.image[0] | length }} numbers\n"
        '{{ drawn_grid(p.image, window=(0, 0) + p.size, note="The image; the frame is the first window") }}\n'
        "and a kernel $K$ of {{ p.size[0] }} × {{ p.size[1] }}\n{{ grid(p.kernel) }}\n"
        "The **cross-correlation** lays the kernel over each window as it is, multiplies what lies on top of each "
        "other, and adds. The **true convolution** first turns the kernel by 180 degrees."
    ),
    conventions=(
        "Stride 1, no padding, no bias, unless a question says otherwise.",
        "The entry in row r, column c, counted from 1, belongs to the window whose top left number is in row r, "
        "column c of the image, for both operations.",
        "“Full” means every position at which kernel and image overlap; outside of the image there are zeros.",
    ),
    parts=(
        Part(
            name="flipped",
            ask="Which kernel does the true convolution lay over the windows?",
            solve=lambda p: planes.rotate(p.kernel),
            answer=Matrix(),
            workings=flipped_workings,
            misconceptions=(
                Misconception(
                    "left-right-only",
                    lambda p: mirror(p.kernel),
                    "You exchanged left and right only: top and bottom change places as well.",
                ),
                Misconception(
                    "top-bottom-only",
                    lambda p: turn(p.kernel),
                    "You exchanged top and bottom only: left and right change places as well.",
                ),
                Misconception(
                    "transposed",
                    lambda p: planes.transpose(p.kernel),
                    "You exchanged rows and columns: a turn by 180 degrees keeps rows as rows.",
                ),
                Misconception(
                    "quarter-turn",
                    lambda p: turn(planes.transpose(p.kernel)),
                    "You turned it by 90 degrees: go on by another 90.",
                ),
                Misconception(
                    "unchanged",
                    lambda p: p.kernel,
                    "This is the kernel as it is, which the cross-correlation uses.",
                ),
            ),
        ),
        Part(
            name="entries",
            ask=(
                "Compute the entry in row {{ p.at[0] + 1 }}, column {{ p.at[1] + 1 }} twice: "
                "of the cross-correlation of the image with $K$, and of the true convolution."
            ),
            solve=lambda p: (p.entry(p.kernel), p.entry(planes.rotate(p.kernel))),
            answer=Shape(("cross-correlation", "convolution")),
            workings=entries_workings,
            misconceptions=(
                Misconception(
                    "exchanged",
                    lambda p: (p.entry(planes.rotate(p.kernel)), p.entry(p.kernel)),
                    "You exchanged the two: the convolution is the one that turns the kernel.",
                ),
                Misconception(
                    "left-right-only",
                    lambda p: (p.entry(p.kernel), p.entry(mirror(p.kernel))),
                    "For the convolution you exchanged left and right only: top and bottom change places as well.",
                ),
                Misconception(
                    "top-bottom-only",
                    lambda p: (p.entry(p.kernel), p.entry(turn(p.kernel))),
                    "For the convolution you exchanged top and bottom only: left and right change places as well.",
                ),
                Misconception(
                    "never-turned",
                    lambda p: (p.entry(p.kernel), p.entry(p.kernel)),
                    "You used the kernel as it is twice: the convolution turns it.",
                ),
                Misconception(
                    "both-turned",
                    lambda p: (p.entry(planes.rotate(p.kernel)), p.entry(planes.rotate(p.kernel))),
                    "You used the turned kernel twice: the cross-correlation lays it down as it is.",
                ),
            ),
            marks=2,
            carry=Carry(
                ("flipped",),
                own_entries,
                "your kernel has the right size, whole numbers, and is not the printed one",
                is_usable,
            ),
        ),
        Part(
            name="torch",
            ask=(
                "$K$ is loaded as the weights of PyTorch's `torch.nn.Conv2d` (one channel, one filter, stride 1, no "
                "padding, no bias). What does the layer return for the image?"
            ),
            solve=lambda p: p.correlated,
            answer=Matrix(),
            workings=torch_workings,
            misconceptions=(
                Misconception(
                    "kernel-turned",
                    lambda p: p.convolved,
                    "This is the true convolution. Conv2d does not turn its kernel, in spite of its name.",
                ),
                Misconception(
                    "kernel-transposed",
                    lambda p: planes.correlate(p.image, planes.transpose(p.kernel)),
                    "You exchanged rows and columns of the kernel.",
                ),
                Misconception(
                    "result-turned",
                    lambda p: planes.rotate(p.correlated),
                    "Your numbers are right, but the whole map is turned: the first window makes the first entry.",
                ),
                Misconception(
                    "full-mode",
                    lambda p: full(p.image, p.kernel),
                    "Without padding the kernel stays inside the image: your map is too large.",
                ),
            ),
            marks=2,
        ),
        Part(
            name="which",
            ask=(
                "Another program gets the same image and this kernel:\n{{ grid(p.other) }}\n"
                "It returns:\n{{ grid(p.results[p.laying]) }}\nWhat did it compute?"
            ),
            solve=lambda p: p.laying,
            answer=Choice(),
            workings=which_workings,
            misconceptions=(
                laid("taken-for-correlation", "Lay the kernel down as it is: the first entry differs.", CORRELATION),
                laid("taken-for-convolution", "Turn the kernel by 180 degrees: the first entry differs.", CONVOLUTION),
                laid("taken-for-mirrored", "With left and right exchanged the first entry differs.", MIRRORED),
                laid("taken-for-upside-down", "With top and bottom exchanged the first entry differs.", TURNED),
                laid("taken-for-transposed", "With rows and columns exchanged the first entry differs.", TRANSPOSED),
            ),
        ),
        Part(
            name="symmetric",
            ask="With which of these kernels do the convolution and the cross-correlation agree **for every image**?",
            solve=lambda p: option(p.kernels[0]),
            answer=Choice(),
            workings=symmetric_workings,
            misconceptions=(
                Misconception(
                    "left-right",
                    lambda p: option(p.kernels[1]),
                    "Exchanging left and right leaves this kernel as it is, but a turn by 180 degrees "
                    "exchanges top and bottom as well, and that changes it.",
                ),
                Misconception(
                    "top-bottom",
                    lambda p: option(p.kernels[2]),
                    "Exchanging top and bottom leaves this kernel as it is, but a turn by 180 degrees "
                    "exchanges left and right as well, and that changes it.",
                ),
                Misconception(
                    "diagonal",
                    lambda p: option(p.kernels[3]),
                    "This matrix equals its transpose, but a turn by 180 degrees is not a transposition.",
                ),
                Misconception(
                    "sign",
                    lambda p: option(p.kernels[4]),
                    "Turned by 180 degrees this kernel changes its sign, and so does the result.",
                ),
            ),
        ),
        Part(
            name="order",
            ask=(
                "Two small planes, $A$\n{{ grid(p.first) }}\nand $B$\n{{ grid(p.second) }}\n"
                "The **full** cross-correlation $A \\star B$, with $A$ as the image and $B$ as the kernel, is\n"
                "{{ grid(p.slid) }}\nWhat is $B \\star A$, with $B$ as the image and $A$ as the kernel?"
            ),
            solve=lambda p: planes.rotate(p.slid),
            answer=Matrix(),
            workings=order_workings,
            misconceptions=(
                Misconception(
                    "taken-to-commute",
                    lambda p: p.slid,
                    "Only the true convolution is the same in either order; the cross-correlation is not.",
                ),
                Misconception(
                    "convolved",
                    lambda p: full(p.first, planes.rotate(p.second)),
                    "This is the true convolution of the two. The cross-correlation lays the kernel down as it is.",
                ),
                Misconception(
                    "transposed",
                    lambda p: planes.transpose(p.slid),
                    "As in a product of matrices you transposed it; here the result is turned by 180 degrees.",
                ),
                Misconception(
                    "left-right-only",
                    lambda p: mirror(p.slid),
                    "The steps run the other way along both axes: top and bottom change places as well.",
                ),
                Misconception(
                    "top-bottom-only",
                    lambda p: turn(p.slid),
                    "The steps run the other way along both axes: left and right change places as well.",
                ),
            ),
        ),
    ),
    cost=cost,
    costs={Level.INTRO: 40, Level.STANDARD: 60, Level.CHALLENGE: 84},
)
