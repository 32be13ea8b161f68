"""How large an output is, forwards and transposed, and backwards: which padding, stride or layer gives a size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import product
from math import prod

from exercises import _steps
from exercises.contracts.output_size import OUTPUT_SIZE
from grader.authoring import (
    Carry,
    Choice,
    Draw,
    Exercise,
    FunctionPart,
    Integer,
    Level,
    Misconception,
    Part,
    Shape,
    count,
    write_number,
)
from solutions import shapes

Pair = tuple[int, int]
Layer = tuple[int, int, int]  # kernel, stride, padding
Spread = tuple[int, int, int, int, int]  # pixels, kernel, stride, padding, output padding


@dataclass(frozen=True)
class Params:
    """Pairs are (height, width). After the layer and its pooling come four questions along one axis."""

    image: Pair
    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: int
    pool: int
    pool_stride: int
    # which padding makes `wanted` of `size` pixels?
    size: int
    wanted: int
    with_kernel: int
    with_stride: int
    # which stride makes `narrow` of `wide` pixels?
    wide: int
    narrow: int
    over_kernel: int
    over_padding: int
    # which layer makes `after` of `before` pixels? The right one first, then one for each mistake
    before: int
    after: int
    layers: tuple[Layer, ...]
    # what does a transposed convolution make of it?
    spread: Spread

    @property
    def is_square(self) -> bool:
        return len(set(self.kernel)) == len(set(self.stride)) == len(set(self.padding)) == 1

    @property
    def spans(self) -> Pair:
        """How far the dilated kernel reaches."""
        return shapes.span(self.kernel[0], self.dilation), shapes.span(self.kernel[1], self.dilation)

    @property
    def rooms(self) -> Pair:
        """By how many pixels the kernel can move."""
        (h, w), (kh, kw), (ph, pw) = self.image, self.spans, self.padding
        return h + 2 * ph - kh, w + 2 * pw - kw

    def stands(self, axis: int) -> dict[str, range]:
        """The pixels that the kernel looks at along a padded axis, at its first, second and last position."""
        stride = self.stride[axis]
        starts = {"first": 0, "second": stride, "last": self.rooms[axis] // stride * stride}
        return {name: range(at, at + self.spans[axis], self.dilation) for name, at in starts.items()}

    @property
    def map(self) -> Pair:
        return shapes.output_shape(self.image, self.kernel, self.stride, self.padding, self.dilation)


# Drawing ---------------------------------------------------------------------------------------------------


def draw(rng: Draw, level: Level) -> Params:
    """Draw three questions backwards, and a layer on which every mistake makes another map."""
    padding, stride, layer, spread = (
        draw_padding_question(rng, level),
        draw_stride_question(rng),
        draw_layer_question(rng, level),
        draw_spread(rng, level),
    )
    while True:
        p = Params(*draw_convolution(rng, level), *padding, *stride, *layer, spread)
        drops = shapes.left_over(min(p.map), p.pool, p.pool_stride)
        if drops and p.map[0] != p.map[1] and all(all_differ(part, p) for part in PARTS[:3]):
            return p


def all_differ(part: Part[Params], p: Params) -> bool:
    """Do the right answer and every mistake's differ from each other?"""
    answers = [part.solve(p), *part.distractors(p).values()]
    return len(set(answers)) == len(answers)


def draw_convolution(rng: Draw, level: Level) -> tuple[Pair, Pair, Pair, Pair, int, int, int]:
    """Draw (image, kernel, stride, padding, dilation, pool, pool stride)."""
    if level is Level.INTRO:
        side, padding, pool = rng.integer(4, 9), rng.integer(3, 4), rng.integer(2, 3)
        stride = rng.integer(2, 3)
        return pair(rng, 16, 48), (side, side), (stride, stride), (padding, padding), 1, pool, pool
    if level is Level.STANDARD:
        return pair(rng, 24, 72), pair(rng, 3, 7), pair(rng, 2, 4), pair(rng, 1, 4), 1, 3, 2
    dilation, pool = rng.integer(2, 3), rng.integer(3, 4)
    return pair(rng, 40, 99), pair(rng, 3, 6), pair(rng, 2, 5), pair(rng, 2, 6), dilation, pool, 2


def pair(rng: Draw, low: int, high: int) -> Pair:
    """Return two different numbers."""
    first = rng.integer(low, high)
    second = rng.integer(low, high - 1)
    return first, second + (second >= first)


def draw_padding_question(rng: Draw, level: Level) -> tuple[int, int, int, int]:
    """Draw (size, wanted, kernel, stride); the axis is short of an odd number of pixels, so that halving rounds up."""
    stride = 2 if level is Level.INTRO else rng.integer(2, 3 if level is Level.STANDARD else 5)
    wanted = rng.integer(6, 24)
    padding = rng.choice([p for p in range(3, 9) if 2 * p - 1 != p + stride // 2])
    short = 2 * padding - 1
    taken = {padding - 1, padding, short, padding + stride // 2}
    kernel = rng.choice([k for k in range(padding + 2, padding + 10) if k // 2 not in taken])
    return (wanted - 1) * stride + kernel - short, wanted, kernel, stride


def draw_stride_question(rng: Draw) -> tuple[int, int, int, int]:
    """Draw (size, wanted, kernel, padding) that exactly one stride gives, and no mistake's stride is another's."""
    while True:
        stride, wanted = rng.integer(3, 7), rng.integer(4, 7)
        padding, kernel = rng.integer(3, 6), rng.integer(7, 13)
        steps = wanted - 1
        room = stride * steps + rng.integer(1, min(stride, steps) - 1)
        size = room + kernel - 2 * padding
        forgotten = (size - kernel) // steps
        if (
            1 <= forgotten < stride - 1
            and (room + kernel) // steps > stride + 1
            and room // wanted == stride - 1
            and size > kernel
        ):
            return size, wanted, kernel, padding


def draw_layer_question(rng: Draw, level: Level) -> tuple[int, int, tuple[Layer, ...]]:
    """Draw (before, after, layers): the right layer, then one for each mistake that thinks it is right."""
    while True:
        before = rng.integer(20, 48 if level is Level.INTRO else 96)
        right = rng.integer(3, 9), rng.integer(2, 4), rng.integer(1, 4)
        after = shapes.output_size(before, *right)
        tempting = tempting_layers(before, after)
        wanted = tempting[: 3 if level is Level.INTRO else 4]
        if not all(wanted):
            continue
        layers = (right, *(rng.choice(options) for options in wanted))
        if len(set(layers)) == len(layers):
            return before, after, layers


def draw_spread(rng: Draw, level: Level) -> Spread:
    """Draw a transposed convolution on which every mistake makes another size; with output padding at the end only."""
    while True:
        stride = rng.integer(2, 3 if level is Level.INTRO else 5)
        kernel = rng.integer(stride + 1, stride + 7)
        padding = rng.integer(1, min(4, kernel - 2))
        more = rng.integer(1, stride - 1) if level is Level.CHALLENGE else 0
        spread = rng.integer(6, 28), kernel, stride, padding, more
        sizes = [transposed(spread), *(wrong for slip in SLIPS.values() if (wrong := slip(spread)) is not None)]
        if len(set(sizes)) == len(sizes) and min(sizes) > 1:
            return spread


@cache
def tempting_layers(before: int, after: int) -> tuple[tuple[Layer, ...], ...]:
    """Return, for each mistake, the layers that seem to make `after` of `before` pixels to it alone."""
    found: list[list[Layer]] = [[] for _ in MISTAKES]
    for layer in product(range(2, 12), range(2, 5), range(1, 6)):
        room = before + 2 * layer[2] - layer[0]
        if room // layer[1] + 1 == after:
            continue
        fooled = [index for index, mistake in enumerate(MISTAKES) if mistake(room, *layer) == after]
        if len(fooled) == 1:
            found[fooled[0]].append(layer)
    return tuple(tuple(options) for options in found)


MISTAKES: tuple[Callable[[int, int, int, int], int], ...] = (  # of (room, kernel, stride, padding)
    lambda room, k, s, p: (room - p) // s + 1,
    lambda room, k, s, p: room // s,
    lambda room, k, s, p: (room - 2 * p) // s + 1,
    lambda room, k, s, p: -(-room // s) + 1,
)


# Solvers ---------------------------------------------------------------------------------------------------


def per_axis(function: Callable[[int, int, int], int]) -> Callable[[Params], Pair]:
    """Return a solver that applies a formula of (room, stride, padding) to both axes."""

    def solve(p: Params) -> Pair:
        high, wide = zip(p.rooms, p.stride, p.padding, strict=True)
        return function(*high), function(*wide)

    return solve


def swapped(p: Params) -> Pair | None:
    """Lay the whole layer on its side; None for a square one."""
    if p.is_square:
        return None
    kernel, stride, padding = p.kernel[::-1], p.stride[::-1], p.padding[::-1]
    return shapes.output_shape(p.image, kernel, stride, padding, p.dilation)


def dilated_by(reach: Callable[[int, int], int]) -> Callable[[Params], Pair | None]:
    """Return the solver of someone for whom a dilated kernel reaches across reach(k, d); None without dilation."""

    def solve(p: Params) -> Pair | None:
        if p.dilation == 1:
            return None
        spans = tuple(reach(k, p.dilation) for k in p.kernel)
        return shapes.output_shape(p.image, spans, p.stride, p.padding)

    return solve


def pooled(p: Params, shape: Pair) -> Pair:
    return shapes.pool_shape(shape, p.pool, p.pool_stride)


def pools_by(function: Callable[[int, int, int], int]) -> Callable[[Params], Pair]:
    """Return a solver that applies a formula of (side, window, stride) to both sides of the map."""
    return lambda p: (function(p.map[0], p.pool, p.pool_stride), function(p.map[1], p.pool, p.pool_stride))


def own_map_is_real(_: Params, earlier: Mapping[str, Pair]) -> bool:
    return all(side >= 1 for side in earlier["map"])


def own_map_is_poolable(p: Params, earlier: Mapping[str, Pair]) -> bool:
    return all(side >= p.pool for side in earlier["map"])


def padding_for(p: Params) -> int:
    return shapes.paddings_for(p.wanted, p.size, p.with_kernel, p.with_stride)[0]


def missing(p: Params) -> int:
    """How many pixels the axis is short of: both sides' padding together, at least."""
    return (p.wanted - 1) * p.with_stride + p.with_kernel - p.size


def stride_for(p: Params) -> int:
    return shapes.strides_for(p.narrow, p.wide, p.over_kernel, p.over_padding)[0]


def over_room(p: Params) -> int:
    return p.wide + 2 * p.over_padding - p.over_kernel


def transposed(spread: Spread) -> int:
    size, kernel, stride, padding, more = spread
    return shapes.transposed_size(size, kernel, stride, padding, more)


def forwards(spread: Spread) -> int | None:
    """Return the size that a convolution of this kernel, stride and padding makes; None where it does not fit."""
    size, kernel, stride, padding, _ = spread
    return shapes.output_size(size, kernel, stride, padding) if kernel <= size + 2 * padding else None


SLIPS: dict[str, Callable[[Spread], int | None]] = {  # what mistakes make of a transposed convolution
    "convolution": forwards,
    "no-minus-one": lambda t: transposed(t) + t[2],
    "padding-added": lambda t: transposed(t) + 4 * t[3],
    "padding-once": lambda t: transposed(t) + t[3],
    "padding-forgotten": lambda t: transposed(t) + 2 * t[3],
    "times-stride": lambda t: t[0] * t[2],
    "kernel-forgotten": lambda t: (t[0] - 1) * t[2] + 1 + t[4],
    "output-padding-forgotten": lambda t: transposed(t) - t[4] if t[4] else None,
    "output-padding-twice": lambda t: transposed(t) + t[4] if t[4] else None,
}
SLIP_HINTS = {
    "convolution": "That is a convolution, which makes the axis shorter; a transposed one goes the other way.",
    "no-minus-one": "The first copy needs no step: i copies are i − 1 steps of s pixels, and the last one is k long.",
    "padding-added": "A transposed convolution cuts its padding off: p pixels are lost at each end, none are added.",
    "padding-once": "The padding is cut off at both ends, so 2p.",
    "padding-forgotten": "At the end p pixels are cut off at each end, so 2p.",
    "times-stride": "i · s counts a stride for every copy; the last one is k long, and 2p pixels are cut off.",
    "kernel-forgotten": "Each copy is as long as the kernel, not one pixel, and 2p pixels are cut off at the end.",
    "output-padding-forgotten": "The output padding makes the result longer: add it.",
    "output-padding-twice": "The output padding is added at one end only.",
}


def spread_slip(name: str) -> Callable[[Params], int | None]:
    return lambda p: SLIPS[name](p.spread)


def layer_text(layer: Layer) -> str:
    return f"kernel {layer[0]}, stride {layer[1]}, padding {layer[2]}"


def tempting(index: int) -> Callable[[Params], str | None]:
    """Return the option that a mistake takes for right; None at a level that offers none for it."""
    return lambda p: layer_text(p.layers[index]) if index < len(p.layers) else None


# Workings --------------------------------------------------------------------------------------------------


def map_workings(p: Params) -> str:
    (h, w), (kh, kw), (sh, sw), (ph, pw) = p.image, p.kernel, p.stride, p.padding
    formula = _steps.SIZE if p.dilation == 1 else _steps.DILATED_SIZE
    spans = ""
    if p.dilation > 1:
        spans = (
            "The dilated kernel reaches across $d(k-1)+1$ pixels: "
            f"${_steps.reach(kh, p.dilation)}$ rows, ${_steps.reach(kw, p.dilation)}$ columns.\n\n"
        )
    return (
        "Padding lengthens the axis on both sides, and the last position must fit whole:\n\n"
        f"$${formula}$$\n\n{spans}Height:\n\n$${_steps.size(h, kh, sh, ph, p.dilation)}$$\n\n"
        f"Width:\n\n$${_steps.size(w, kw, sw, pw, p.dilation)}$$"
    )


def patches_workings(p: Params) -> str:
    return (
        "Every entry of the map comes from one patch of the image, so there are as many patches as entries: "
        f"${_steps.product(*p.map)}$."
    )


def pooled_workings(p: Params) -> str:
    lines = []
    for name, noun, side in zip(("Height", "Width"), ("row", "column"), p.map, strict=True):
        rest = shapes.left_over(side, p.pool, p.pool_stride)
        fate = "all of it is used"
        if rest:
            fate = f"{count(rest, noun)} at the end {'is' if rest == 1 else 'are'} dropped"
        lines.append(f"{name} ({fate}):\n\n$${_steps.size(side, p.pool, p.pool_stride)}$$")
    return (
        "Pooling moves its window like a convolution without padding, and a window that does not fit whole does "
        "not count.\n\n" + "\n\n".join(lines)
    )


def padding_workings(p: Params) -> str:
    least = (p.wanted - 1) * p.with_stride
    need, answer = missing(p), padding_for(p)
    checked = _steps.size(p.size, p.with_kernel, p.with_stride, answer)
    return (
        f"From the first to the last of {p.wanted} positions are {p.wanted} − 1 steps of {p.with_stride} pixels, and "
        "the last window needs $k$ more, so the padded axis must have at least "
        rf"$({p.wanted} - 1) \cdot {p.with_stride} + {p.with_kernel} = {least + p.with_kernel}$ pixels:"
        "\n\n"
        rf"$${p.size} + 2p \ge {least + p.with_kernel} \quad\Rightarrow\quad 2p \ge {need} "
        rf"\quad\Rightarrow\quad p \ge \frac{{{need}}}{{2}} \quad\Rightarrow\quad p = {answer}$$"
        f"\n\nCheck:\n\n$${checked}$$"
    )


def stride_workings(p: Params) -> str:
    room, steps, answer = over_room(p), p.narrow - 1, stride_for(p)
    return (
        rf"The kernel can move by ${p.wide} + 2 \cdot {p.over_padding} - {p.over_kernel} = {room}$ pixels, and "
        f"{p.narrow} positions are {steps} steps:"
        "\n\n"
        rf"$$\left\lfloor \frac{{{room}}}{{s}} \right\rfloor = {steps} \quad\Rightarrow\quad "
        rf"{steps} \le \frac{{{room}}}{{s}} < {p.narrow} \quad\Rightarrow\quad "
        rf"\frac{{{room}}}{{{p.narrow}}} < s \le \frac{{{room}}}{{{steps}}}$$"
        "\n\n"
        rf"Now ${room} / {p.narrow} = {tenths(room, p.narrow)}$ and ${room} / {steps} = {tenths(room, steps)}$ "
        rf"(rounded), so only $s = {answer}$ fits."
    )


def tenths(dividend: int, divisor: int) -> str:
    """Write a quotient rounded to hundredths."""
    return write_number(Fraction(dividend, divisor), 2)


def layer_workings(p: Params) -> str:
    lines = []
    for kernel, stride, padding in sorted(p.layers):
        size = shapes.output_size(p.before, kernel, stride, padding)
        verdict = "**this is the one**" if size == p.after else f"not {p.after}"
        lines.append(
            f"- **{layer_text((kernel, stride, padding))}**: "
            f"${_steps.size(p.before, kernel, stride, padding)}$, {verdict}."
        )
    return (
        "Put each layer into the formula (here sorted by kernel, stride and padding, not as on the sheet):\n\n"
        + "\n".join(lines)
    )


def transposed_workings(p: Params) -> str:
    size, kernel, stride, padding, more = p.spread
    full = (size - 1) * stride + kernel
    answer = transposed(p.spread)
    added, formula = (f" + {more}", "o = (i - 1) s + k - 2p + a") if more else ("", "o = (i - 1) s + k - 2p")
    grown = f", and the output padding $a$ adds {_steps.pixels(more)} at one end" if more else ""
    back = _steps.size(answer, kernel, stride, padding)
    return (
        f"From the first to the last of {size} copies are {size} − 1 steps of {stride} pixels, and the last copy is "
        f"{kernel} pixels long: "
        rf"$({size} - 1) \cdot {stride} + {kernel} = {full}$. At each end {_steps.pixels(padding)} "
        f"{'is' if padding == 1 else 'are'} cut off{grown}:\n\n$${formula}$$\n\n"
        rf"$${full} - 2 \cdot {padding}{added} = {answer}$$"
        f"\n\nCheck: the convolution of the same kernel, stride and padding leads back:\n\n$${back}$$"
    )


def cost(p: Params) -> int:
    """Multiplications and divisions of the workings, each formula once for a square layer."""
    axes = 1 if p.is_square else 2
    dilated = axes if p.dilation > 1 else 0
    size, patches, pooling, padding, stride, spread = axes + 2, 1, 2, 2, 2, 2
    return dilated + size + patches + pooling + padding + stride + 2 * len(p.layers) + spread


HANGING = "A last window that hangs over the edge does not count: round the quotient down."

PARTS: tuple[Part[Params], ...] = (
    Part(
        name="map",
        ask="How large is the map that the convolution makes?",
        solve=lambda p: p.map,
        answer=Shape(("height", "width")),
        workings=map_workings,
        marks=2,
        misconceptions=(
            Misconception(
                "padding-once",
                per_axis(lambda room, s, pad: (room - pad) // s + 1),
                "You added the padding on one side only: both sides count, so 2p.",
            ),
            Misconception(
                "padding-forgotten",
                per_axis(lambda room, s, pad: (room - 2 * pad) // s + 1),
                "The kernel moves over the padded image: add 2p to its size first.",
            ),
            Misconception(
                "no-plus-one",
                per_axis(lambda room, s, pad: room // s),
                "The quotient counts steps; the positions are one more.",
            ),
            Misconception("rounded-up", per_axis(lambda room, s, pad: -(-room // s) + 1), HANGING),
            Misconception(
                "stride-forgotten",
                per_axis(lambda room, s, pad: room + 1),
                "That is the size at stride 1: divide by the stride before adding 1.",
            ),
            Misconception(
                "axes-swapped", swapped, "Rows go with rows: the first number of each pair is for the height."
            ),
            Misconception(
                "dilation-forgotten",
                dilated_by(lambda k, d: k),
                "A dilated kernel reaches across 1 + d(k−1) pixels: use that for k.",
            ),
            Misconception(
                "dilation-times-kernel",
                dilated_by(lambda k, d: d * k),
                "Between k kernel pixels lie k−1 gaps: a dilated kernel reaches across 1 + d(k−1) pixels, not dk.",
            ),
        ),
    ),
    Part(
        name="patches",
        ask="On how many patches of the image is the kernel laid?",
        solve=lambda p: prod(p.map),
        answer=Integer(unit="patches"),
        workings=patches_workings,
        carry=Carry(
            parts=("map",),
            solve=lambda p, earlier: prod(earlier["map"]),
            when=own_map_is_real,
            condition="both sides of your map are at least 1",
        ),
        misconceptions=(
            Misconception(
                "sides-added",
                lambda p: sum(p.map),
                "Rows times columns: every row of the map has a patch for each column.",
            ),
            Misconception(
                "one-side-only",
                lambda p: p.map[0],
                "That is one column of patches: multiply by the number of columns.",
            ),
            Misconception(
                "stride-forgotten",
                lambda p: (p.rooms[0] + 1) * (p.rooms[1] + 1),
                "Those are the patches at stride 1; the kernel skips positions.",
            ),
            Misconception(
                "tiles",
                lambda p: (p.image[0] // p.kernel[0]) * (p.image[1] // p.kernel[1]),
                "The patches do not tile the image: they lie a stride apart, not a kernel, and reach into the padding.",
            ),
        ),
    ),
    Part(
        name="pooled",
        ask=(
            "The map is pooled with a {{ p.pool }} × {{ p.pool }} window"
            "{% if p.pool_stride == p.pool %} (stride as the convention says)"
            "{% else %} that moves by {{ p.pool_stride }} both ways{% endif %}. How large is the pooled map?"
        ),
        solve=lambda p: pooled(p, p.map),
        answer=Shape(("height", "width")),
        workings=pooled_workings,
        carry=Carry(
            parts=("map",),
            solve=lambda p, earlier: pooled(p, earlier["map"]),
            when=own_map_is_poolable,
            condition="the pooling window fits into your map",
        ),
        misconceptions=(
            Misconception(
                "rounded-up",
                pools_by(lambda o, q, t: -(-(o - q) // t) + 1),
                "A window that hangs over the edge of the map does not count: those rows and columns are dropped.",
            ),
            Misconception(
                "pool-stride-one",
                pools_by(lambda o, q, t: o - q + 1),
                "The window moves by its stride, not pixel by pixel.",
            ),
            Misconception(
                "no-plus-one",
                pools_by(lambda o, q, t: (o - q) // t),
                "The first window needs no step: one more than the number of steps.",
            ),
            Misconception(
                "pools-as-tiles",
                lambda p: None if p.pool == p.pool_stride else pools_by(lambda o, q, t: o // q)(p),
                "These windows overlap, since the stride is smaller than the window: divide by the stride.",
            ),
        ),
    ),
    Part(
        name="padding",
        ask=(
            "Backwards. Along one axis, **{{ p.size }} pixels** shall become **{{ p.wanted }}** with a kernel of "
            "{{ p.with_kernel }} and stride {{ p.with_stride }}. What is the smallest padding p that does it?"
        ),
        solve=padding_for,
        answer=Integer(unit="pixels on each side"),
        workings=padding_workings,
        marks=2,
        misconceptions=(
            Misconception(
                "both-sides-together",
                missing,
                "That is what both sides need together; p is added on each side, so halve it.",
            ),
            Misconception(
                "no-plus-one",
                lambda p: (missing(p) + p.with_stride + 1) // 2,
                "The first position needs no step: o positions are (o−1) steps of s pixels.",
            ),
            Misconception(
                "same-padding",
                lambda p: p.with_kernel // 2,
                "Half a kernel keeps the size at stride 1; here the stride and the wanted size decide.",
            ),
            Misconception(
                "rounded-down",
                lambda p: missing(p) // 2,
                "Half of what is missing, rounded up: rounded down, the last window would no longer fit.",
            ),
        ),
    ),
    Part(
        name="stride",
        ask=(
            "Along one axis, **{{ p.wide }} pixels** with padding {{ p.over_padding }} shall become "
            "**{{ p.narrow }}** with a kernel of {{ p.over_kernel }}. Exactly one stride does it. Which?"
        ),
        solve=stride_for,
        answer=Integer(),
        workings=stride_workings,
        marks=2,
        misconceptions=(
            Misconception(
                "no-minus-one",
                lambda p: over_room(p) // p.narrow,
                "o positions are o − 1 steps: divide the room by o − 1.",
            ),
            Misconception(
                "rounded-up",
                lambda p: -(-over_room(p) // (p.narrow - 1)),
                "Rounded up, the last position no longer fits: the stride is the quotient rounded down.",
            ),
            Misconception(
                "padding-forgotten",
                lambda p: (p.wide - p.over_kernel) // (p.narrow - 1),
                "The kernel moves over the padded axis: the room is i + 2p − k.",
            ),
            Misconception(
                "kernel-forgotten",
                lambda p: (p.wide + 2 * p.over_padding) // (p.narrow - 1),
                "The kernel itself takes k pixels: only i + 2p − k are left to move over.",
            ),
        ),
    ),
    Part(
        name="layer",
        ask="Which of these layers makes **{{ p.after }}** of **{{ p.before }}** pixels along an axis?",
        solve=lambda p: layer_text(p.layers[0]),
        answer=Choice(),
        workings=layer_workings,
        marks=2,
        misconceptions=(
            Misconception(
                "padding-once",
                tempting(1),
                "With 2p instead of p this layer gives another size: both sides are padded.",
            ),
            Misconception("no-plus-one", tempting(2), "This layer gives one more: add 1 after dividing."),
            Misconception(
                "padding-forgotten",
                tempting(3),
                "Without its padding this layer would do; with it, 2p pixels are added.",
            ),
            Misconception("rounded-up", tempting(4), "Rounded down, this layer gives one fewer."),
        ),
    ),
    Part(
        name="transposed",
        ask=(
            "A **transposed convolution** makes an axis longer: for each of its **{{ p.spread[0] }} pixels** it lays "
            "down a copy of the kernel, {{ p.spread[1] }} pixels long, {{ p.spread[2] }} pixels after the one before "
            "(the stride); where copies overlap they are added. Then {{ p.spread[3] | count('pixel') }} at each end "
            "{{ 'is' if p.spread[3] == 1 else 'are' }} cut off (the padding)"
            "{% if p.spread[4] %}, and {{ p.spread[4] | count('pixel') }} "
            "{{ 'is' if p.spread[4] == 1 else 'are' }} added at one end (the output padding){% endif %}. "
            "How long is the result?"
        ),
        solve=lambda p: transposed(p.spread),
        answer=Integer(unit="pixels"),
        workings=transposed_workings,
        marks=2,
        misconceptions=tuple(Misconception(name, spread_slip(name), hint) for name, hint in SLIP_HINTS.items()),
    ),
)


EXERCISE = Exercise(
    name="output_size",
    title="Output size",
    summary="from input, kernel, stride, padding and dilation to the output, back from a wanted size, and transposed",
    draw=draw,
    intro=(
        "An image of **{{ p.image[0] }} × {{ p.image[1] }}** pixels (height × width) goes through a convolution:\n\n"
        "| | height | width |\n|:--|--:|--:|\n"
        "| kernel | {{ p.kernel[0] }} | {{ p.kernel[1] }} |\n"
        "| stride | {{ p.stride[0] }} | {{ p.stride[1] }} |\n"
        "| padding on each side | {{ p.padding[0] }} | {{ p.padding[1] }} |\n"
        "{% if p.dilation > 1 %}| dilation | {{ p.dilation }} | {{ p.dilation }} |\n{% endif %}"
        "{{ drawn_axis(p.image[0], 'The height, to scale: the first two positions of the kernel, and the last', "
        "padding=p.padding[0], stands=p.stands(0)) }}"
        "{{ drawn_axis(p.image[1], 'The width', padding=p.padding[1], stands=p.stands(1)) }}"
    ),
    conventions=(
        "Sizes are (height, width): rows first.",
        "Padding p adds p zeros on both sides of an axis.",
        "A position counts only where the whole window lies in the padded input (round down).",
        "Pooling moves by the size of its window unless a stride is given, and has no padding.",
        "A kernel with dilation d looks at pixels that are d apart.",
    ),
    parts=PARTS,
    functions=(FunctionPart(OUTPUT_SIZE, marks=2),),
    cost=cost,
    costs={Level.INTRO: 20, Level.STANDARD: 23, Level.CHALLENGE: 25},
    version=2,
    cost_unit="multiplications and divisions",
)
