"""An image through a convolution layer, the sigmoid and mean pooling: sizes, numbers, and the maps by program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from itertools import pairwise
from typing import Any

import numpy as np

from exercises import _steps
from exercises.contracts.feature_maps import FEATURE_MAPS
from exercises.output_size import pair
from grader.authoring import (
    Carry,
    Draw,
    Exercise,
    FunctionPart,
    Image,
    Integer,
    Level,
    Misconception,
    Number,
    Part,
    Plate,
    Shape,
    count,
    integers,
)
from solutions.activations import sigmoid
from solutions.convolution import conv2d
from solutions.feature_maps import feature_maps_in_bands
from solutions.scenes import SIZE, scene

Pair = tuple[int, int]
WHITE = 255
SCALE = 40  # weights are whole numbers of 1/SCALE
SHOWN = (12, 16)  # rows and columns of the picture on the sheet
FILTERS_SHOWN, KERNEL_SHOWN, POOL_SHOWN = 2, 9, 5  # of the layer that a whole picture goes through in the key
LEAST = (KERNEL_SHOWN + POOL_SHOWN - 1,) * 2  # of which one tile is left


@dataclass(frozen=True)
class Params:
    """An image of (height, width), filters of side `kernel`, tiles of side `pool`; spot: (filter, row, column), from 0.

    slopes: for every channel, by how many quarters of a grey value the image changes a row and a column.
    mix: the factors of filter, channel, row and column in the weights' formula. biases: in tenths, one a filter.
    """

    image: Pair
    filters: int
    kernel: int
    pool: int
    slopes: tuple[Pair, ...]
    mix: tuple[int, int, int, int]
    biases: tuple[int, ...]
    spot: tuple[int, int, int]

    @property
    def channels(self) -> int:
        return len(self.slopes)

    @property
    def seen(self) -> int:
        """How many weights a filter has."""
        return self.channels * self.kernel**2

    @property
    def map(self) -> Pair:
        return self.image[0] - self.kernel + 1, self.image[1] - self.kernel + 1

    @property
    def pooled(self) -> Pair:
        return self.map[0] // self.pool, self.map[1] // self.pool

    @property
    def rows(self) -> Pair:
        """The first and last row of the image, from 1, that the pooled entry of `spot` depends on."""
        first = self.spot[1] * self.pool + 1
        return first, first + self.pool + self.kernel - 2

    def brightness(self, rows: Any, columns: Any) -> Any:
        """Return the image at these rows and columns, in 255ths: (C, rows, columns)."""
        planes = [(down * rows[:, None] + right * columns[None, :]) // 4 % (WHITE + 1) for down, right in self.slopes]
        return np.stack(planes)

    @property
    def shown(self) -> dict[str, list[list[int]]]:
        """The channels, thinned out, in greys of 0 … 9."""
        rows, columns = (np.arange(n) * side // n for n, side in zip(SHOWN, self.image, strict=True))
        planes = (self.brightness(rows, columns) * 9 + WHITE // 2) // WHITE
        names = ("red", "green", "blue") if self.channels == 3 else ("grey",)
        return {name: plane.tolist() for name, plane in zip(names, planes, strict=True)}

    def plates_given(self, image: Image | None) -> tuple[Plate, ...]:
        return given_plates(image)

    def plates_worked(self, image: Image | None, pooled: bool) -> tuple[Plate, ...]:
        return worked_plates(self, image, pooled=pooled)

    def map_shown(self, image: Image | None) -> str:
        """Say how large the picture's maps are."""
        (h, w), (rows, columns) = size_shown(image), map_size(image)
        return f"{h} × {w} pixels become {rows} × {columns} entries"

    @cached_property
    def patch(self) -> Any:
        """What the pooled entry of `spot` depends on: (C, pool+kernel-1, pool+kernel-1), in 255ths."""
        side = np.arange(self.pool + self.kernel - 1)
        return self.brightness(self.spot[1] * self.pool + side, self.spot[2] * self.pool + side)

    @cached_property
    def weights(self) -> Any:
        """The weights of the filter of `spot`, in 1/SCALE: (C, kernel, kernel)."""
        c, u, v = np.indices((self.channels, self.kernel, self.kernel))
        of_filter, of_channel, of_row, of_column = self.mix
        return (of_filter * self.spot[0] + of_channel * c + of_row * u + of_column * v) % 19 - 9

    @property
    def terms(self) -> str:
        """The sum in the weights' formula, as Python; a factor of 1 is not written."""
        factors = zip(self.mix, "fcuv", strict=True)
        return " + ".join(name if factor == 1 else f"{factor}*{name}" for factor, name in factors)

    @property
    def bias(self) -> float:
        return self.biases[self.spot[0]] / 10

    def responses(self, patch: Any, weights: Any) -> Any:
        """Return the tile's sums without the bias: (pool, pool)."""
        return conv2d(patch[None], weights[None])[0, 0] / (WHITE * SCALE)

    @cached_property
    def sums(self) -> Any:
        return self.responses(self.patch, self.weights)


# A whole picture: to be looked at, and in no answer ----------------------------------------------------------


def size_shown(image: Image | None) -> Pair:
    return (image.height, image.width) if image else SIZE


def map_size(image: Image | None) -> Pair:
    height, width = size_shown(image)
    return height - KERNEL_SHOWN + 1, width - KERNEL_SHOWN + 1


def given_plates(image: Image | None) -> tuple[Plate, ...]:
    """Return the picture, the project's own where none is given, and its three channels in grey."""
    pixels = image.pixels if image else scene()
    height, width = size_shown(image)
    what = (
        "the image that was chosen for this sheet"
        if image
        else "a house with a red roof on a green meadow by a blue lake, mountains and a yellow sun behind it"
    )
    names = ("red", "green", "blue")
    return (
        Plate("The image", f"{height} by {width} pixels in colour, {what}.", lambda: pixels),
        *(
            Plate(
                f"Channel {c}, {name}",
                f"the same in grey, lighter where there is more {name}.",
                partial(lambda c: pixels[..., c], c),
            )
            for c, name in enumerate(names)
        ),
    )


def filters_shown(p: Params) -> Any:
    """Return two filters of 9 by 9 by 3 for the picture: whole hundredths, others for every variant."""
    rng = Draw("feature_maps, picture", *p.mix, *p.biases)
    return integers(rng, (FILTERS_SHOWN, 3, KERNEL_SHOWN, KERNEL_SHOWN), -9, 9, "float32") / 100


@lru_cache(maxsize=4)  # sheet and key, Markdown and HTML show the same
def shown_maps(p: Params, image: Image | None) -> tuple[Any, Any]:
    """Return the picture's feature maps and pooled maps, by the reference."""
    pixels = image.pixels if image else scene()
    channels = pixels.transpose(2, 0, 1).astype(np.float32) / WHITE
    return feature_maps_in_bands(channels, filters_shown(p), np.zeros(FILTERS_SHOWN, np.float32), POOL_SHOWN)


def stretched(plane: Any) -> Any:
    """Return a map as grey bytes: its smallest number black, its largest white."""
    low, high = float(plane.min()), float(plane.max())
    return np.rint((plane - low) * (WHITE / (high - low or 1))).astype(np.uint8)


def worked_plates(p: Params, image: Image | None, *, pooled: bool) -> tuple[Plate, ...]:
    """Return the picture's feature maps, or its pooled maps, as pictures."""
    height, width = map_size(image)
    if pooled:
        height, width = height // POOL_SHOWN, width // POOL_SHOWN
    return tuple(
        Plate(
            f"{'Pooled' if pooled else 'Feature'} map {f}, {height} × {width}",
            f"the picture as filter {f} answers to it{', coarser' if pooled else ''}, in grey.",
            partial(lambda f: stretched(shown_maps(p, image)[pooled][f]), f),
        )
        for f in range(FILTERS_SHOWN)
    )


# Drawing ---------------------------------------------------------------------------------------------------

COSTS = {Level.INTRO: 25, Level.STANDARD: 40, Level.CHALLENGE: 52}
SIDES = {Level.INTRO: (40, 95), Level.STANDARD: (120, 320), Level.CHALLENGE: (440, 720)}
KERNELS = {Level.INTRO: (3, 4, 5), Level.STANDARD: (5, 7), Level.CHALLENGE: (7, 9, 11)}
POOLS = {Level.INTRO: (2, 3), Level.STANDARD: (3, 4), Level.CHALLENGE: (4, 5, 6)}
FILTERS = {Level.INTRO: (2, 9), Level.STANDARD: (2, 9), Level.CHALLENGE: (2, 12)}
STEEPEST = {Level.INTRO: 48, Level.STANDARD: 18, Level.CHALLENGE: 9}
FACTORS = tuple(range(1, 19))


def draw(rng: Draw, level: Level) -> Params:
    """Draw sizes on which every mistake shows, then an entry whose value tells right from wrong."""
    while True:
        p = draw_sizes(rng, level)
        if abs(cost(p) - COSTS[level]) <= COSTS[level] // 6 and all(all_differ(part, p) for part in PARTS):
            return p


def all_differ(part: Part[Params], p: Params) -> bool:
    """Do the right answer and every mistake's differ from each other, on paper or in the decimals asked for?"""
    answers = [part.solve(p), *part.distractors(p).values()]
    if isinstance(part.answer, Number):
        ordered = sorted(map(float, answers))
        return all(b - a > 0.002 for a, b in pairwise(ordered))
    return len(set(answers)) == len(answers)


def draw_sizes(rng: Draw, level: Level) -> Params:
    low, high = SIDES[level]
    height, width = pair(rng, low, high)
    kernel, pool = rng.choice(KERNELS[level]), rng.choice(POOLS[level])
    filters = rng.integer(*FILTERS[level])
    channels = 1 if level is Level.INTRO else 3
    slopes = tuple((rng.integer(2, STEEPEST[level]), rng.integer(2, STEEPEST[level])) for _ in range(channels))
    mix = rng.sample(FACTORS, 4)
    biases = tuple(rng.choice([b for b in range(-9, 10) if abs(b) > 1]) for _ in range(filters))
    rows, columns = ((side - kernel + 1) // pool for side in (height, width))
    spot = rng.integer(0, filters - 1), rng.integer(2, rows - 2), rng.integer(2, columns - 2)
    return Params((height, width), filters, kernel, pool, slopes, (mix[0], mix[1], mix[2], mix[3]), biases, spot)


def by_hand(*factors: int) -> int:
    """Return the one-digit multiplications of a product worked out by long multiplication from left to right."""
    result, steps = factors[0], 0
    for factor in factors[1:]:
        steps += len(str(result)) * len(str(factor))
        result *= factor
    return steps


def cost(p: Params) -> int:
    """One-digit multiplications of the sizes and numbers; a digit of a quotient counts as one."""
    quotients = sum(len(str(side)) for side in p.pooled)
    weights = by_hand(p.kernel, p.kernel, p.channels) + by_hand(p.seen + 1, p.filters)
    products = by_hand(*p.map, p.filters, p.seen)
    return quotients + weights + products + by_hand(p.spot[1], p.pool)


# Solvers ---------------------------------------------------------------------------------------------------


def sides(function: Callable[[int], int], of: Callable[[Params], Pair] = lambda p: p.map) -> Callable[[Params], Pair]:
    """Return a solver that applies a function to both sides of a map."""
    return lambda p: (function(of(p)[0]), function(of(p)[1]))


def products(p: Params) -> int:
    return p.filters * p.map[0] * p.map[1] * p.seen


def rows_from(first: Callable[[Params], int], number: Callable[[Params], int]) -> Callable[[Params], Pair]:
    """Return a solver for the rows seen: the first, and how many there are."""
    return lambda p: (first(p), first(p) + number(p) - 1)


def first_row(p: Params) -> int:
    return p.rows[0]


def rows_seen(p: Params) -> int:
    return p.pool + p.kernel - 1


def mean(values: Any) -> float:
    return float(np.mean(values))


def value(p: Params) -> float:
    return mean(sigmoid(p.sums + p.bias))


def first_channel(p: Params) -> float | None:
    """The value of someone who sees only the first channel; None where there is no other."""
    if p.channels == 1:
        return None
    return mean(sigmoid(p.responses(p.patch[:1], p.weights[:1]) + p.bias))


def own_map_is_real(_: Params, earlier: Mapping[str, Any]) -> bool:
    return all(side >= 1 for side in earlier["map"])


def own_map_has_tiles(p: Params, earlier: Mapping[str, Any]) -> bool:
    return all(side >= p.pool for side in earlier["map"])


# Workings --------------------------------------------------------------------------------------------------


def map_workings(p: Params) -> str:
    (h, w), k = p.image, p.kernel
    return (
        f"A filter of {k} rows fits into {h} rows at $i - k + 1$ places, and likewise along the columns:\n\n"
        f"$${_steps.size(h, k)}, \\qquad {_steps.size(w, k)}$$\n\n"
        "The channels are added up, so that each filter makes one map, whatever the number of channels."
    )


def pooled_workings(p: Params) -> str:
    lines = []
    for name, side, tiles in zip(("rows", "columns"), p.map, p.pooled, strict=True):
        rest = side - tiles * p.pool
        unused = (
            f"{count(rest, name[:-1])} at the end {'is' if rest == 1 else 'are'} not used" if rest else "none is left"
        )
        lines.append(
            rf"- {name}: $\lfloor {side} / {p.pool} \rfloor = {tiles}$, since "
            rf"${tiles} \cdot {p.pool} = {tiles * p.pool}$; {unused}."
        )
    return "Tiles lie side by side, and only whole ones count:\n\n" + "\n".join(lines)


def parameters_workings(p: Params) -> str:
    k = p.kernel
    return (
        f"A filter has ${_steps.product(p.channels, k, k)}$ weights, {k} × {k} for "
        f"{'its only channel' if p.channels == 1 else f'each of {p.channels} channels'}, and one bias:\n\n"
        f"$${p.filters} \\cdot ({p.seen} + 1) = {_steps.tex(p.filters * (p.seen + 1))}$$\n\n"
        "The sigmoid and mean pooling have nothing to learn."
    )


def products_workings(p: Params) -> str:
    h, w = p.map
    return (
        f"Each entry of a map takes one multiplication a weight, {p.seen} in all, and there are "
        f"{p.filters} maps of {h} × {w} entries:\n\n$${_steps.product(h, w, p.filters, p.seen)}$$"
    )


def rows_workings(p: Params) -> str:
    first, last = p.rows
    row, q, k = p.spot[1], p.pool, p.kernel
    return (
        f"Tile {row + 1} comes after {row} others, of {count(q, 'row')} each: it holds the rows "
        rf"${row} \cdot {q} + 1 = {first}$ to ${first} + {q} - 1 = {first + q - 1}$ of the feature map."
        "\n\n"
        f"Row $i$ of the feature map sees the rows $i$ to $i + {k} - 1$ of the image. So the tile sees row {first} to "
        f"row ${first + q - 1} + {k} - 1 = {last}$, which are ${q} + {k} - 1 = {q + k - 1}$ rows."
    )


def value_workings(p: Params) -> str:
    z = p.sums + p.bias
    lines = [
        f"The tile has {p.pool} × {p.pool} entries. Its first is the sum of {count(p.seen, 'product')} and the bias, "
        f"$z = {z[0, 0]:.4f}$, of which the sigmoid is $1 / (1 + e^{{-z}}) = {sigmoid(z)[0, 0]:.4f}$.",
        f"The sigmoids of all {p.pool**2} sums add up to {np.sum(sigmoid(z)):.4f}, so that their mean is "
        rf"${np.sum(sigmoid(z)):.4f} / {p.pool**2} = {value(p):.4f}$.",
        "As a check of your own program: without the bias the first sum is "
        f"${p.sums[0, 0]:.4f}$, and the image's first number in that window is {p.patch[0, 0, 0]}/255.",
    ]
    return "\n\n".join(lines)


# Parts -----------------------------------------------------------------------------------------------------

INTRO = """\
{% if p.channels == 1 %}A grey image (1 channel){% else %}A colour image (3 channels){% endif %} of \
**{{ p.image[0] }} × {{ p.image[1] }}** pixels (height × width), shown here thinned out:
{{ drawn_greys(p.shown) }}

It goes through **{{ p.filters }} filters** of {{ p.kernel }} × {{ p.kernel }} × {{ p.channels }} with a bias each, \
then through the sigmoid. Each feature map is then pooled: the mean of every tile of {{ p.pool }} × {{ p.pool }}.

For your program, all indices count from 0 (channel $c$, row $i$ and column $j$ of the image; filter $f$, row $u$ and \
column $v$ of the filter), and `//` and `%` are Python's:

{% for down, right in p.slopes %}
- `image[{{ loop.index0 }}, i, j] = (({{ down }}*i + {{ right }}*j) // 4 % 256) / 255`
{% endfor %}
- `filters[f, c, u, v] = (({{ p.terms }}) % 19 - 9) / 40`
- `bias = [{% for b in p.biases %}{{ "%.1f" % (b / 10) }}{{ ", " if not loop.last }}{% endfor %}]`

To look at, a whole picture and the three channels that a layer sees of it; no answer depends on it:
{{ plates(p.plates_given(image)) }}
"""

WORKED = (
    f"""\
The picture of the sheet goes through two filters of {KERNEL_SHOWN} × {KERNEL_SHOWN} × 3, drawn for this variant and \
without a bias, then through the sigmoid: {{{{ p.map_shown(image) }}}}. Each map is stretched from its smallest \
number (black) to its largest (white).
{{{{ plates(p.plates_worked(image, false)) }}}}

Means of tiles of {POOL_SHOWN} × {POOL_SHOWN} are coarser; here their entries are drawn larger:
{{{{ plates(p.plates_worked(image, true)) }}}}

All of them were computed by the function that yours is compared with.
"""
    ""
)

PARTS: tuple[Part[Params], ...] = (
    Part(
        name="map",
        ask="How large is each feature map, before pooling?",
        solve=lambda p: p.map,
        answer=Shape(("height", "width")),
        workings=map_workings,
        misconceptions=(
            Misconception(
                "no-plus-one",
                sides(lambda n: n - 1),
                "You counted the steps between positions: there is one position more than there are steps.",
            ),
            Misconception(
                "size-kept",
                lambda p: p.image,
                "Without padding the filter must lie in the image, so the map is smaller than the image.",
            ),
            Misconception(
                "half-kernel",
                lambda p: (p.image[0] - p.kernel // 2, p.image[1] - p.kernel // 2),
                "Half a filter is lost at both sides, not at one: together it is k − 1 pixels.",
            ),
            Misconception("axes-swapped", lambda p: p.map[::-1], "You exchanged height and width: rows come first."),
            Misconception("pooled-already", lambda p: p.pooled, "This is the size after pooling."),
        ),
    ),
    Part(
        name="pooled",
        ask="How large is each pooled map?",
        solve=lambda p: p.pooled,
        answer=Shape(("height", "width")),
        workings=pooled_workings,
        carry=Carry(
            ("map",),
            lambda p, earlier: tuple(side // p.pool for side in earlier["map"]),
            "your map is at least as large as a tile",
            own_map_has_tiles,
        ),
        misconceptions=(
            Misconception(
                "rounded-up",
                lambda p: (-(-p.map[0] // p.pool), -(-p.map[1] // p.pool)),
                "Entries at the end that fill no whole tile are left out: round down.",
            ),
            Misconception(
                "image-pooled",
                lambda p: (p.image[0] // p.pool, p.image[1] // p.pool),
                "You divided the image's size: the feature map is pooled, and it is smaller.",
            ),
            Misconception(
                "stride-one",
                lambda p: (p.map[0] - p.pool + 1, p.map[1] - p.pool + 1),
                "Your tiles overlap: they lie side by side.",
            ),
            Misconception(
                "one-tile-less",
                lambda p: (p.pooled[0] - 1, p.pooled[1] - 1),
                "You left out the last whole tile: it counts.",
            ),
        ),
    ),
    Part(
        name="parameters",
        ask="How many numbers does the layer learn: all weights and biases together?",
        solve=lambda p: p.filters * (p.seen + 1),
        answer=Integer(),
        workings=parameters_workings,
        misconceptions=(
            Misconception("bias-forgotten", lambda p: p.filters * p.seen, "Each filter has a bias as well."),
            Misconception(
                "one-bias", lambda p: p.filters * p.seen + 1, "The filters do not share a bias: each has one."
            ),
            Misconception(
                "one-channel",
                lambda p: p.filters * (p.kernel**2 + 1) if p.channels > 1 else None,
                "A filter has weights for every channel, not only for one.",
            ),
            Misconception("one-filter", lambda p: p.seen + 1, "This is one filter's number: multiply by the filters."),
            Misconception(
                "bias-everywhere",
                lambda p: p.filters * (p.kernel**2 + 1) * p.channels if p.channels > 1 else None,
                "There is one bias a filter, not one a channel of a filter.",
            ),
            Misconception(
                "pooling-counted",
                lambda p: p.filters * (p.seen + 1 + p.pool**2),
                "Mean pooling has no weights to learn.",
            ),
        ),
    ),
    Part(
        name="products",
        ask="How many multiplications of a weight and a number of the image do all feature maps take?",
        solve=products,
        answer=Integer(),
        workings=products_workings,
        carry=Carry(
            ("map",),
            lambda p, earlier: p.filters * earlier["map"][0] * earlier["map"][1] * p.seen,
            "your map has at least one row and one column",
            own_map_is_real,
        ),
        misconceptions=(
            Misconception(
                "image-size",
                lambda p: p.filters * p.image[0] * p.image[1] * p.seen,
                "The filter stands at every entry of the map, and the image has more pixels than that.",
            ),
            Misconception("one-filter", lambda p: products(p) // p.filters, "Each filter makes a map of its own."),
            Misconception(
                "one-channel",
                lambda p: products(p) // p.channels if p.channels > 1 else None,
                "A filter multiplies the numbers of every channel.",
            ),
            Misconception(
                "pooled-size",
                lambda p: p.filters * p.pooled[0] * p.pooled[1] * p.seen,
                "Pooling comes afterwards: all entries of the maps are computed before.",
            ),
            Misconception(
                "one-a-weight",
                lambda p: p.filters * p.seen,
                "A weight is used again at every position: multiply by the entries of a map.",
            ),
        ),
    ),
    Part(
        name="rows",
        ask=(
            "One entry of a pooled map is in row {{ p.spot[1] + 1 }}, counted from 1. Which rows of the image does it "
            "depend on: the first and the last, counted from 1?"
        ),
        solve=lambda p: p.rows,
        answer=Shape(("first", "last")),
        workings=rows_workings,
        misconceptions=(
            Misconception(
                "tile-only",
                rows_from(first_row, lambda p: p.pool),
                "These are the tile's rows in the feature map; each of them sees k rows of the image.",
            ),
            Misconception(
                "filter-only",
                rows_from(first_row, lambda p: p.kernel),
                "This is what the tile's first row sees; its last row sees further.",
            ),
            Misconception(
                "one-row-more",
                rows_from(first_row, lambda p: p.pool + p.kernel),
                "You counted one row twice, in the tile and in the filter: together they span one less.",
            ),
            Misconception(
                "counted-from-zero",
                rows_from(lambda p: first_row(p) - 1, rows_seen),
                "You counted the image's rows from 0.",
            ),
            Misconception(
                "next-tile",
                rows_from(lambda p: first_row(p) + p.pool, rows_seen),
                "Before tile r lie r − 1 tiles, not r.",
            ),
            Misconception(
                "pooling-ignored",
                rows_from(lambda p: p.spot[1] + 1, rows_seen),
                "A step in the pooled map is a step of a whole tile in the feature map.",
            ),
        ),
    ),
    Part(
        name="value",
        ask=(
            "With your program: which number is in the pooled map of filter `f = {{ p.spot[0] }}` at "
            "`[{{ p.spot[1] }}, {{ p.spot[2] }}]` (row and column from 0)?"
        ),
        solve=value,
        answer=Number(places=3),
        workings=value_workings,
        misconceptions=(
            Misconception(
                "no-sigmoid", lambda p: mean(p.sums) + p.bias, "The sigmoid is missing: it comes before pooling."
            ),
            Misconception("bias-forgotten", lambda p: mean(sigmoid(p.sums)), "The bias of that filter is not added."),
            Misconception(
                "kernel-flipped",
                lambda p: mean(sigmoid(p.responses(p.patch, p.weights[:, ::-1, ::-1]) + p.bias)),
                "Your filters are flipped: a layer lays them on the image as they are.",
            ),
            Misconception(
                "max-pooled", lambda p: float(np.max(sigmoid(p.sums + p.bias))), "This is the tile's largest entry."
            ),
            Misconception("first-channel", first_channel, "Only the first channel is seen: add up all channels."),
        ),
    ),
)

EXERCISE = Exercise(
    name="feature_maps",
    title="From an image to pooled feature maps",
    summary="an image through filters, the sigmoid and mean pooling: sizes, weights, multiplications, and a program",
    draw=draw,
    intro=INTRO,
    conventions=(
        "The filters are not flipped; there is no padding, and the stride is 1.",
        "Tiles lie side by side; entries that fill no whole tile are left out.",
        "Sizes are (height, width): rows first.",
    ),
    parts=PARTS,
    functions=(FunctionPart(FEATURE_MAPS, marks=3),),
    cost=cost,
    costs=COSTS,
    cost_unit="one-digit multiplications",
    worked=WORKED,
    image=LEAST,
    version=2,
)
