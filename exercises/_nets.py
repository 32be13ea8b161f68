"""Networks as a worksheet draws, prints and traces them: convolutions and poolings, then fully connected layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import prod

from exercises import _steps
from solutions import counting, networks
from solutions.receptive import Window

Pair = tuple[int, int]
Triple = tuple[int, int, int]  # channels, height, width
Rows = tuple[Triple, ...]


@dataclass(frozen=True)
class Stage:
    """A convolution, or with `filters` 0 a max pooling."""

    filters: int
    kernel: int
    stride: int = 1
    padding: int = 0

    @property
    def is_pool(self) -> bool:
        return self.filters == 0

    @property
    def layer(self) -> str:
        return "max pooling" if self.is_pool else "convolution"

    @property
    def window(self) -> Window:
        """What it lays on its input along one axis."""
        return Window(self.kernel, self.stride, self.padding)


@dataclass(frozen=True)
class Net:
    """Convolutions and poolings in a row, then fully connected layers of so many units."""

    image: Triple
    stages: tuple[Stage, ...]
    hidden: tuple[int, ...]

    @cached_property
    def maps(self) -> tuple[networks.Layer, ...]:
        """The convolutions and poolings."""
        found: list[networks.Layer] = []
        channels = self.image[0]
        for stage in self.stages:
            if stage.is_pool:
                found.append(networks.max_pool(stage.kernel, stage.stride))
            else:
                found.append(networks.conv(channels, stage.filters, stage.kernel, stage.stride, stage.padding))
                channels = stage.filters
        return tuple(found)

    @cached_property
    def layers(self) -> tuple[networks.Layer, ...]:
        return (*self.maps, networks.FLATTEN, *networks.dense(*self.features))

    @cached_property
    def shapes(self) -> Rows:
        """The shape after each convolution and pooling."""
        found = counting.layer_shapes(self.maps, self.image)
        return tuple((channels, height, width) for channels, height, width in found)

    @cached_property
    def features(self) -> tuple[int, ...]:
        """The numbers that go into the fully connected layers, and their units."""
        return counting.units(self.shapes[-1]), *self.hidden

    @cached_property
    def seen(self) -> tuple[int, ...]:
        """The channels that go into each convolution or pooling."""
        return self.image[0], *(shape[0] for shape in self.shapes[:-1])


@dataclass(frozen=True)
class Definition:
    """A network written in PyTorch with one wrong number in it."""

    net: Net
    line: int  # of the wrong number, from 1
    wrong: int

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The lines as they should be, without what is around them."""
        found = []
        for stage, seen in zip(self.net.stages, self.net.seen, strict=True):
            found += stage_lines(stage, seen)
        found.append("nn.Flatten()")
        for before, after in pairwise(self.net.features):
            found += [f"nn.Linear({before}, {after})", "nn.ReLU()"]
        return tuple(found[:-1])

    @cached_property
    def linears(self) -> tuple[int, ...]:
        """The lines of the fully connected layers."""
        return tuple(number for number, text in enumerate(self.texts, 1) if text.startswith("nn.Linear"))

    @cached_property
    def conv(self) -> int:
        """The line of the second convolution."""
        return [number for number, text in enumerate(self.texts, 1) if text.startswith("nn.Conv2d")][1]

    @cached_property
    def second(self) -> Stage:
        """The second convolution."""
        return [stage for stage in self.net.stages if not stage.is_pool][1]

    @cached_property
    def suspected(self) -> dict[str, Pair | None]:
        """What each mistake writes in it; see `suspicions`."""
        return suspicions(self)

    @cached_property
    def right(self) -> int:
        """What should stand where the wrong number does."""
        return int(self.texts[self.line - 1].partition("(")[2].partition(",")[0])

    @property
    def listing(self) -> str:
        """The definition as it is printed, as a fenced block."""
        shown = list(self.texts)
        shown[self.line - 1] = shown[self.line - 1].replace(f"({self.right},", f"({self.wrong},", 1)
        width = max(len(text) for text in shown) + 3
        lines = [f"    {text + ',':{width}}# {number}" for number, text in enumerate(shown, 1)]
        return "\n".join(["```python", "net = nn.Sequential(", *lines, ")", "```"])


def stage_lines(stage: Stage, seen: int) -> list[str]:
    if stage.is_pool:
        stride = f", stride={stage.stride}" if stage.stride != stage.kernel else ""
        return [f"nn.MaxPool2d({stage.kernel}{stride})"]
    stride = f", stride={stage.stride}" if stage.stride > 1 else ""
    padding = f", padding={stage.padding}" if stage.padding else ""
    return [f"nn.Conv2d({seen}, {stage.filters}, kernel_size={stage.kernel}{stride}{padding})", "nn.ReLU()"]


# Shapes by a rule, right or wrong ----------------------------------------------------------------------------

Rule = Callable[[int, Stage], int]


def walk(net: Net, rule: Rule, stages: Sequence[Stage] | None = None) -> Rows | None:
    """Return the shapes of someone who works out each side by a rule; None where a side comes to nothing."""
    (channels, height, width), rows = net.image, []
    for stage in net.stages if stages is None else stages:
        channels = stage.filters or channels
        height, width = rule(height, stage), rule(width, stage)
        if height < 1 or width < 1:
            return None
        rows.append((channels, height, width))
    return tuple(rows)


def positions(size: int, stage: Stage) -> int:
    return (size + 2 * stage.padding - stage.kernel) // stage.stride + 1


def keep_in_convs(size: int, stage: Stage) -> int:
    """Think that only stride and pooling make a map smaller."""
    return positions(size, stage) if stage.is_pool else -(-size // stage.stride)


def suspicions(printed: Definition) -> dict[str, Pair | None]:
    """Return what each mistake writes in the definition: (line, number); None where it writes the right one."""
    net = printed.net
    unpooled, kept = net.shapes[-2], walk(net, keep_in_convs)
    fed, last = printed.linears[0], printed.linears[-1]
    found = {
        "before-the-last-pool": (fed, prod(unpooled)),
        "channels-forgotten": (fed, prod(net.shapes[-1][1:])),
        "kernel-forgotten": (fed, prod(kept[-1]) if kept else net.features[0]),
        "image-channels": (printed.conv, net.image[0]),
        "own-filters": (printed.conv, printed.second.filters),
        "layer-skipped": (last, net.features[-3]),
    }
    rights = {fed: net.features[0], printed.conv: net.shapes[0][0], last: net.features[-2]}
    return {name: None if rights[line] == number else (line, number) for name, (line, number) in found.items()}


# As text and as a drawing -----------------------------------------------------------------------------------


def places(net: Net) -> str:
    """Write the layers as a table."""
    rows = ["| layer | | |", "|--:|:--|:--|"]
    for number, stage in enumerate(net.stages, 1):
        rows.append(f"| {number} | {stage.layer} | {stage_text(stage)} |")
    number = len(net.stages) + 1
    rows.append(f"| {number} | flatten | |")
    for place, units in enumerate(net.hidden, number + 1):
        rows.append(f"| {place} | fully connected | {units} units |")
    return "\n".join(rows)


def drawn(net: Net) -> list[tuple[tuple[int, ...], str, str]]:
    """Return the image and what comes out of each layer, as boxes: (size, what it is, what is given of it).

    The sizes are rough ones, by the strides alone: what is asked for must not be measured in the drawing.
    """
    channels, height, width = net.image
    found: list[tuple[tuple[int, ...], str, str]] = [(net.image, "image", f"{channels} × {height} × {width}")]
    for number, stage in enumerate(net.stages, 1):
        channels = stage.filters or channels
        height, width = max(1, height // stage.stride), max(1, width // stage.stride)
        given = f"{stage.kernel} × {stage.kernel} window" if stage.is_pool else f"{stage.filters} filters"
        found.append(((channels, height, width), f"{number} {stage.layer}", given))
    number = len(net.stages) + 1
    found.append(((channels * height * width,), f"{number} flatten", "in a row"))
    for place, units in enumerate(net.hidden, number + 1):
        found.append(((units,), f"{place} fully connected", f"{units} units"))
    return found


def stage_text(stage: Stage) -> str:
    square = f"{stage.kernel} × {stage.kernel}"
    if stage.is_pool:
        return f"{square}, stride {stage.stride}"
    padding = f"padding {stage.padding}" if stage.padding else "no padding"
    return f"{stage.filters} filters {square}, stride {stage.stride}, {padding}"


def sizes_text(image: Triple, stage: Stage) -> str:
    """Write how a layer gets its height and width."""
    window = stage.kernel, stage.stride, stage.padding
    high = _steps.size(image[1], *window)
    if image[1] == image[2]:
        return f"height and width ${high}$"
    return f"height ${high}$, width ${_steps.size(image[2], *window)}$"


def trace(net: Net) -> list[str]:
    """Write the shape after each convolution and pooling."""
    lines = []
    for before, stage, after in zip((net.image, *net.shapes), net.stages, net.shapes, strict=False):
        maps = "the channels stay" if stage.is_pool else "one map a filter"
        lines.append(f"{stage.layer}: {sizes_text(before, stage)}; {maps}: **{after}**.")
    return lines
