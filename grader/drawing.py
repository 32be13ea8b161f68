"""Drawings of number grids as SVG: planes with their window, kernels, and a failing case with got and want.

Everything is drawn in the colour of the surrounding text, so that it reads on light and dark pages and in
print; a page may colour the classes `cg-window`, `cg-got` and `cg-want`.
"""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from grader.images import data_uri
from grader.outcome import Counterexample
from grader.report.text import NOT_FINITE, number, one_line

Rows = Sequence[Sequence[Any]]
Spot = tuple[int, int]
Kept = tuple[list[int | None], list[int | None]]  # indices of the rows and columns shown; None is a gap

CELL = 28  # height of a cell, and its least width, in pixels
PLATE = 216  # widest picture made of pixels: two stand beside each other
NARROW_PLATE = 110  # of its caption's lines
PIXEL = 13  # side of a pixel of a grey picture
CHAR = 7.9  # width of a digit at 13 pixels, monospaced
LETTER = 7.1  # average width of a letter at 13 pixels
GAP = 22
CAPTION = 20  # height of the line above a table
MOST = 9  # rows or columns shown of a plane
LEAST = 4
TABLE = 300  # width of a table of long numbers, in pixels; fewer columns are shown instead
MOST_PANES = 3
WIDEST = 460  # of a drawing, before it goes on below
NARROW = 380  # of a row of boxes, before it goes on below: hardly shrunk on a phone
RULER = 340  # width of a long axis: not shrunk on a phone, where its numbers would become tiny
LABEL = 14  # letters above a box, before they go on below
FACE = 64  # longest side of a box, and how far back its depth goes at most
DEPTH = 26
ARROW = 28  # width of an arrow between boxes, and the gap after it
SHALLOW = 16  # a box less deep than this never gets all of it
NARROWEST = 300


@dataclass(frozen=True)
class Block:
    """A drawn rectangle: its size in pixels and its SVG elements, from the origin on."""

    width: float
    height: float
    body: str


def grid(
    rows: Rows,
    *,
    window: tuple[int, int, int, int] | None = None,
    padding: int | tuple[int, int] = 0,
    caption: str = "",
    alt: str = "",
    most: int = MOST,
) -> str:
    """Return an SVG of rows of numbers.

    `window` is (top, left, height, width) of the cells to outline. `padding` says how many of the outer rows
    and columns (one number, or one for each) are zero padding, drawn in a lighter tone; `rows` includes them.
    Of more rows or columns than `most`, those around the window are shown.
    """
    pads = (padding, padding) if isinstance(padding, int) else padding
    spans = ((0, 0), (0, 0))
    if window is not None:
        top, left, height, width = window
        spans = ((top, top + height), (left, left + width))
    block = _table(rows, spans=spans, padding=pads, most=most)
    return _svg(_captioned(block, caption) if caption else block, caption or "Grid of numbers", alt)


def greys(pictures: Mapping[str, Rows], *, white: int, alt: str = "") -> str:
    """Return an SVG of grey pictures beside each other under their names; entries run from 0, black, to `white`."""
    blocks = [_captioned(_grey(rows, white), name) for name, rows in pictures.items()]
    return _svg(_flow(blocks), ", ".join(pictures), alt)


def plates(items: Sequence[tuple[str, Any]], *, alt: str = "") -> str:
    """Return an SVG of pictures made of pixels, (H, W) or (H, W, 3) uint8, beside each other under their captions.

    All are drawn at one scale, so that a smaller picture looks smaller, and the widest is `PLATE` wide.
    """
    scale = PLATE / max(pixels.shape[1] for _, pixels in items)
    return _svg(
        _flow([_captioned(_plate(pixels, scale), name, NARROW_PLATE) for name, pixels in items]), items[0][0], alt
    )


def axis(
    length: int, *, padding: int = 0, stands: Mapping[str, range] | None = None, caption: str = "", alt: str = ""
) -> str:
    """Return an SVG of one axis, to scale: its cells, the padding at both ends, and below them where something stands.

    `stands` are the cells taken, counted from 0 at the start of the padding, a line for each under its name; a range
    with a step leaves cells between out.
    """
    total = length + 2 * padding
    cell = min(CELL / 2, RULER / total)
    lines = [_ruler(length, padding, cell), *(_stand(name, at, total, cell) for name, at in (stands or {}).items())]
    block = _stack(lines, 5)
    return _svg(_captioned(block, caption) if caption else block, caption or "Axis", alt)


def boxes(items: Sequence[tuple[Sequence[int], str, str]], *, alt: str = "") -> str:
    """Return an SVG of boxes in a row, arrows between them, that goes on below where it becomes too wide.

    An item is (size, text above, text below); a size is (depth, height, width), or (number,) for a plain column. Larger
    sides are drawn longer, by their square root, so that thousands stand beside ones.
    """
    volumes = [size for size, _, _ in items if len(size) == 3]
    deepest = max([SHALLOW, *(size[0] for size in volumes)])
    face = max([1, *(side for size in volumes for side in size[1:])])
    longest = max([1, *(size[0] for size, _, _ in items if len(size) == 1)])
    drawn = [_cuboid(size, deepest, face) if len(size) == 3 else _column(size[0], longest) for size, _, _ in items]
    boxed = [
        _Box(block, textwrap.wrap(one_line(above), LABEL) or [""], one_line(below))
        for block, (_, above, below) in zip(drawn, items, strict=True)
    ]
    lines = _broken([box.width + ARROW for box in boxed], 8, NARROW)
    rows = [_row([boxed[index] for index in line], first=line[0] == 0) for line in lines]
    title = " → ".join(above for _, above, _ in items)
    return _svg(_stack(rows, 14), title, alt)


def failing_case(counterexample: Counterexample) -> str:
    """Return an SVG of the input with its window, the kernel, and the maps got and want around the wrong entry.

    Where there is neither a window nor a two-dimensional map with a wrong entry in it, there is nothing to
    draw, and the text is empty.
    """
    maps = _maps(counterexample)
    window = counterexample.window
    panes = _panes(window) if window else []
    together = sum(block.width + GAP for block in maps) < WIDEST
    blocks = panes + ([_beside(maps)] if maps and together else maps)
    if not blocks:
        return ""
    sentence = one_line(str(window["sentence"])) if window else ""
    block = _flow(blocks)
    lines = textwrap.wrap(sentence, int(max(block.width, NARROWEST) / LETTER))
    at = "[" + ", ".join(map(str, counterexample.at)) + "]"
    got, want = (number(entry(value, counterexample.at)) for value in (counterexample.got, counterexample.want))
    title = f"The entry {at} of the result" if counterexample.at else "The first case that fails"
    summary = f"{sentence} Got {got}, want {want}." if maps else sentence
    return _svg(_stack([block, _lines(lines)], 8) if lines else block, title, summary.strip())


# Parts of a failing case -----------------------------------------------------------------------------------


def _panes(window: Mapping[str, Any]) -> list[Block]:
    panes = list(window["panes"])
    blocks = [_pane(pane) for pane in panes[:MOST_PANES]]
    if left_out := len(panes) - len(blocks):
        blocks.append(_lines([f"… and {left_out} more", "channel" if left_out == 1 else "channels"]))
    return blocks


def _pane(pane: Mapping[str, Any]) -> Block:
    spans = (_pair(pane["rows"]), _pair(pane["columns"]))
    plane = _captioned(_table(pane["plane"], spans=spans, padding=_pair(pane["padding"])), str(pane["label"]))
    if pane.get("weights") is None:
        return plane
    kernel = _captioned(_kernel(pane["weights"]), "kernel")
    return _beside([plane, _middle(_sign("∗"), plane), _middle(kernel, plane)], 6)


def _kernel(weights: Rows) -> Block:
    """Draw all of a kernel; a large one is shortened inside, as its window is."""
    return _table(weights, spans=((0, len(weights)), (0, len(weights[0]))), style="")


def _pair(pair: Sequence[int]) -> Spot:
    first, second = pair
    return first, second


def _maps(counterexample: Counterexample) -> list[Block]:
    """Return the slices of got and want that hold the wrong entry, or nothing where there are none."""
    at = counterexample.at
    got, want = _slice(counterexample.got, at), _slice(counterexample.want, at)
    if not at or got is None or want is None:
        return []
    spot = (at[-2] if len(at) > 1 else 0, at[-1])
    digits = _telling(got[spot[0]][spot[1]], want[spot[0]][spot[1]])
    name = "" if len(at) < 3 else "[" + ", ".join(map(str, at[:-2])) + "]"
    return [
        _captioned(_table(rows, spot=spot, digits=digits, style=style, indices=True), f"{label}{name}")
        for label, rows, style in (("got", got, "cg-got"), ("want", want, "cg-want"))
    ]


def _slice(value: Any, at: tuple[int, ...]) -> Rows | None:
    """Return the rows that hold the entry `at`, or None where the value has no such entry."""
    for index in at[:-2]:
        value = _item(value, index)
    rows = value if len(at) > 1 else [value]
    row = _item(rows, at[-2]) if len(at) > 1 else value
    if _item(row, at[-1] if at else 0) is None or isinstance(_item(row, at[-1] if at else 0), list | tuple):
        return None
    lengths = {len(row) if isinstance(row, list | tuple) else -1 for row in rows}
    return rows if len(lengths) == 1 and min(lengths) > 0 else None


def _item(value: Any, index: int) -> Any:
    return value[index] if isinstance(value, list | tuple) and 0 <= index < len(value) else None


def entry(value: Any, at: tuple[int, ...]) -> Any:
    """Return the entry of nested lists at an index, or None where they have none."""
    for index in at:
        value = _item(value, index)
    return value


def _telling(got: Any, want: Any) -> int:
    """Return how many digits it takes to tell two numbers apart, 4 at least."""
    return next((digits for digits in (4, 6, 9, 13) if number(got, digits) != number(want, digits)), 17)


# Tables ----------------------------------------------------------------------------------------------------


def _table(
    rows: Rows,
    *,
    spans: tuple[Spot, Spot] = ((0, 0), (0, 0)),
    padding: Spot = (0, 0),
    spot: Spot | None = None,
    digits: int = 4,
    style: str = "cg-window",
    indices: bool = False,
    most: int = MOST,
) -> Block:
    """Draw rows of numbers, cut around the window or the spot, which is outlined."""
    if spot is not None:
        spans = ((spot[0], spot[0] + 1), (spot[1], spot[1] + 1))
    size = (len(rows), len(rows[0]) if rows else 0)
    kept = (_kept(size[0], spans[0], most), _kept(size[1], spans[1], most))
    texts = _entries(rows, kept, spot, digits)
    fitting = int(TABLE / _width(texts)) if most == MOST else most  # who asks for more wants all
    if fitting < most:
        kept = (kept[0], _kept(size[1], spans[1], max(LEAST, fitting)))
        texts = _entries(rows, kept, spot, digits)
    width = _width(texts)
    cells = []
    for y, r in enumerate(kept[0]):
        for x, c in enumerate(kept[1]):
            if r is None or c is None:
                cells.append(_text(x * width + width / 2, y * CELL + CELL / 2, _dots(r, c), "cg-pad"))
            else:
                outer = _outside(r, size[0], padding[0]) or _outside(c, size[1], padding[1])
                cells.append(_cell(x * width, y * CELL, width, texts[r, c], outer, (r, c) == spot))
    body = "".join(cells) + _outline(kept, spans, width, style)
    block = Block(len(kept[1]) * width, len(kept[0]) * CELL, body)
    return _indexed(block, kept, width) if indices else block


def _grey(rows: Rows, white: int) -> Block:
    """Draw a picture, a rectangle for each run of equal pixels, in a frame that tells it from the page."""
    runs = []
    for r, row in enumerate(rows):
        c = 0
        for value, run in itertools.groupby(row):
            length, tone = len(list(run)), round(255 * value / white)
            place = f'x="{c * PIXEL}" y="{r * PIXEL}" width="{length * PIXEL}" height="{PIXEL}"'
            runs.append(f'<rect {place} fill="#{tone:02x}{tone:02x}{tone:02x}"/>')
            c += length
    width, height = len(rows[0]) * PIXEL, len(rows) * PIXEL
    frame = f'<rect width="{width}" height="{height}" fill="none" stroke="currentColor" stroke-opacity="0.5"/>'
    return Block(width, height, f'<g shape-rendering="crispEdges">{"".join(runs)}</g>{frame}')


def _plate(pixels: Any, scale: float) -> Block:
    width, height = pixels.shape[1] * scale, pixels.shape[0] * scale
    place = f'width="{width:.5g}" height="{height:.5g}"'
    frame = f'<rect {place} fill="none" stroke="currentColor" stroke-opacity="0.5"/>'
    crisp = ' style="image-rendering: pixelated"' if scale > 1 else ""
    return Block(width, height, f'<image {place}{crisp} href="{data_uri(pixels)}"/>{frame}')


def _entries(rows: Rows, kept: Kept, spot: Spot | None, digits: int) -> dict[Spot, str]:
    """Return the texts of the cells shown; only the wrong entry needs more digits than four."""
    spots = [(r, c) for r in kept[0] for c in kept[1] if r is not None and c is not None]
    return {(r, c): _short(rows[r][c], digits if (r, c) == spot else 4) for r, c in spots}


def _width(texts: Mapping[Spot, str]) -> float:
    return max([CELL, *(CHAR * len(text) + 10 for text in texts.values())])


def _kept(size: int, span: Spot, most: int = MOST) -> list[int | None]:
    """Return the indices to show of an axis, the window's first; None stands for a gap.

    >>> _kept(4, (0, 2)), _kept(100, (50, 53))
    ([0, 1, 2, 3], [None, 47, 48, 49, 50, 51, 52, 53, 54, 55, None])
    """
    if size <= most:
        return list(range(size))
    start, stop = span
    if stop - start > most:
        middle: list[int | None] = [*range(start, start + most - 2), None, stop - 1]
        shown = middle
    else:
        first = max(0, min(start - (most - (stop - start)) // 2, size - most))
        shown = list(range(first, first + most))
    before = [] if shown[0] == 0 else [None]
    after = [] if shown[-1] == size - 1 else [None]
    return [*before, *shown, *after]


def _dots(row: int | None, column: int | None) -> str:
    return "⋱" if row is None and column is None else "⋮" if row is None else "…"


def _outside(index: int, size: int, padding: int) -> bool:
    return index < padding or index >= size - padding


def _short(value: Any, digits: int) -> str:
    """Write an entry for a cell: at most a few digits, a real minus sign, NaN as a word.

    >>> _short(-0.123456, 4), _short("nan", 4), _short([1, 2], 4), _short(2.0, 4)
    ('−0.1235', 'NaN', '[…]', '2')
    """
    if isinstance(value, list | tuple | Mapping):
        return "[…]"
    if isinstance(value, str) and value not in NOT_FINITE:
        text = one_line(value)
        return text if len(text) <= 8 else text[:7] + "…"
    large = isinstance(value, int) and not isinstance(value, bool) and 10**6 <= abs(value) < 10**300
    return number(float(value) if large else value, digits).replace("-", "−")


def _cell(x: float, y: float, width: float, text: str, outer: bool, bold: bool) -> str:
    tone = "cg-pad" if outer else "cg-marked" if bold else "cg-number"
    fill = ' fill="currentColor" fill-opacity="0.05" stroke-dasharray="2 2"' if outer else ' fill="none"'
    place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{CELL}"'
    return f'<rect {place}{fill} stroke="currentColor" stroke-opacity="0.3"/>' + _text(
        x + width / 2, y + CELL / 2, text, tone
    )


_PROSE = 'font-family="system-ui, sans-serif"'
_TONES = {
    "cg-number": "",
    "cg-marked": ' font-weight="bold"',
    "cg-pad": ' fill-opacity="0.6"',
    "cg-index": ' fill-opacity="0.6" font-size="10"',
}


def _text(x: float, y: float, text: str, tone: str) -> str:
    place = f'x="{x:g}" y="{y:g}" text-anchor="middle" dominant-baseline="central" fill="currentColor"'
    return f'<text class="{tone}" {place}{_TONES[tone]}>{escape(text)}</text>'


def _outline(kept: Kept, spans: tuple[Spot, Spot], width: float, style: str) -> str:
    """Draw the frame of the window over the cells that are shown; without a window there is none."""
    places = [
        [i for i, n in enumerate(axis) if n is not None and a <= n < b]
        for axis, (a, b) in zip(kept, spans, strict=True)
    ]
    if not all(places) or not style:
        return ""
    (top, bottom), (left, right) = ((place[0], place[-1] + 1) for place in places)
    x, y, w, h = left * width, top * CELL, (right - left) * width, (bottom - top) * CELL
    ink = 'fill="currentColor" fill-opacity="0.12" stroke="currentColor" stroke-width="2.5"'
    return f'<rect class="{style}" x="{x:g}" y="{y:g}" width="{w:g}" height="{h}" rx="2" {ink}/>'


def _indexed(block: Block, kept: Kept, width: float) -> Block:
    """Write the indices of the rows and columns beside a table."""
    left, top = 20, 16
    down = [_text(left / 2, top + (i + 0.5) * CELL, str(n), "cg-index") for i, n in enumerate(kept[0]) if n is not None]
    across = [_text(left + (i + 0.5) * width, 8, str(n), "cg-index") for i, n in enumerate(kept[1]) if n is not None]
    return Block(left + block.width, top + block.height, "".join(down + across) + _at(left, top, block))


# An axis, and boxes ----------------------------------------------------------------------------------------

_BAR = 14  # height of an axis and of what stands below it
_LINE = 16  # height of a line of a label


def _ruler(length: int, padding: int, cell: float) -> Block:
    """Draw the cells of an axis, how many there are above them, and its padding lighter."""
    total, height = length + 2 * padding, _BAR
    start, width = padding * cell, length * cell
    ink = 'stroke="currentColor" stroke-opacity="0.3"'
    ends = "".join(
        f'<rect class="cg-pad" x="{x:g}" y="{CAPTION}" width="{start:g}" height="{height}" fill="currentColor"'
        f' fill-opacity="0.05" stroke-dasharray="2 2" {ink}/>'
        + _text(x + start / 2, CAPTION / 2, str(padding), "cg-index")
        for x in (0, start + width)
        if padding
    )
    inner = f'<rect x="{start:g}" y="{CAPTION}" width="{width:g}" height="{height}" fill="none" {ink}/>'
    ticks = "".join(f"M{at * cell:.5g} {CAPTION}v{height}" for at in range(1, total))
    lines = f'<path d="{ticks}" stroke="currentColor" stroke-opacity="0.3" stroke-width="0.5"/>'
    number = _text(start + width / 2, CAPTION / 2, f"{length}", "cg-index")
    return Block(total * cell, CAPTION + height, f"{ends}{inner}{lines}{number}")


def _stand(name: str, at: range, total: int, cell: float) -> Block:
    """Draw the cells taken as filled ones in a frame, and the name on the side where there is room."""
    x, width = at[0] * cell, (at[-1] - at[0] + 1) * cell
    taken = "".join(f"M{n * cell:.5g} 0h{cell:.5g}v{_BAR}h-{cell:.5g}z" for n in at)
    frame = (
        f'<path d="{taken}" fill="currentColor" fill-opacity="0.3"/>'
        f'<rect class="cg-window" x="{x:g}" y="0" width="{width:g}" height="{_BAR}" rx="2" fill="none"'
        ' stroke="currentColor" stroke-width="1.5"/>'
    )
    before = x + width / 2 > total * cell / 2
    place = f'x="{x - 6:g}" text-anchor="end"' if before else f'x="{x + width + 6:g}"'
    text = f'<text class="cg-caption" {place} y="{_BAR - 3}" font-size="12" fill="currentColor" {_PROSE}>'
    right = total * cell if before else x + width + 6 + LETTER * len(name)
    return Block(max(total * cell, right), _BAR, f"{frame}{text}{escape(one_line(name))}</text>")


def _cuboid(size: Sequence[int], deepest: int, longest: int) -> Block:
    """Draw a volume seen from the front, above and the right; (depth, height, width)."""
    depth, height, width = size
    h, w = (6 + (FACE - 6) * (side / longest) ** 0.5 for side in (height, width))
    d = 4 + (DEPTH - 4) * (depth / deepest) ** 0.5
    faces = (
        (0.06, f"M0 {d:.4g}h{w:.4g}v{h:.4g}h-{w:.4g}z"),
        (0.14, f"M0 {d:.4g}l{d:.4g} -{d:.4g}h{w:.4g}l-{d:.4g} {d:.4g}z"),
        (0.24, f"M{w:.4g} {d:.4g}l{d:.4g} -{d:.4g}v{h:.4g}l-{d:.4g} {d:.4g}z"),
    )
    return Block(w + d, h + d, "".join(_face(path, shade) for shade, path in faces))


def _column(number: int, longest: int) -> Block:
    height = 10 + (FACE + DEPTH - 10) * (number / longest) ** 0.5
    return Block(12, height, _face(f"M0 0h12v{height:.4g}h-12z", 0.1))


def _face(path: str, shade: float) -> str:
    return (
        f'<path d="{path}" fill="currentColor" fill-opacity="{shade}" stroke="currentColor" stroke-linejoin="round"/>'
    )


@dataclass(frozen=True)
class _Box:
    """A block with the lines of text above it and one below it."""

    block: Block
    above: Sequence[str]
    below: str

    @property
    def width(self) -> float:
        return max(self.block.width, *(LETTER * len(text) for text in (*self.above, self.below)))

    def labelled(self, height: float, lines: int) -> Block:
        """Put the texts around the block, which stands half-way down the height below so many lines of text."""
        top, x = lines * _LINE + 4, self.width / 2
        places = [(text, top - 8 - _LINE * above) for above, text in enumerate(reversed(self.above))][::-1]
        texts = "".join(
            f'<text class="cg-caption" x="{x:g}" y="{y:g}" text-anchor="middle" fill="currentColor" {_PROSE}>'
            f"{escape(text)}</text>"
            for text, y in (*places, (self.below, top + height + 16))
        )
        placed = _at((self.width - self.block.width) / 2, top + (height - self.block.height) / 2, self.block)
        return Block(self.width, top + height + CAPTION, texts + placed)


def _row(boxes: Sequence[_Box], *, first: bool) -> Block:
    """Put boxes beside each other, as high as the highest of them, with an arrow before each but the first of all."""
    height, lines = max(box.block.height for box in boxes), max(len(box.above) for box in boxes)
    blocks = [box.labelled(height, lines) for box in boxes]
    arrow = _arrow(2 * (lines * _LINE + 4) + height)
    joined = [_beside([arrow, block], 8) for block in blocks]
    return _beside([blocks[0], *joined[1:]] if first else joined, 8)


def _arrow(height: float) -> Block:
    return Block(20, height, f'<path d="M0 {height / 2:g}h18m-5 -4l5 4l-5 4" fill="none" stroke="currentColor"/>')


# Putting blocks together -----------------------------------------------------------------------------------


def _at(x: float, y: float, block: Block) -> str:
    return f'<g transform="translate({x:g} {y:g})">{block.body}</g>'


def _beside(blocks: Sequence[Block], gap: float = GAP) -> Block:
    x, parts = 0.0, []
    for block in blocks:
        parts.append(_at(x, 0, block))
        x += block.width + gap
    return Block(x - gap, max(block.height for block in blocks), "".join(parts))


def _stack(blocks: Sequence[Block], gap: float = GAP) -> Block:
    y, parts = 0.0, []
    for block in blocks:
        parts.append(_at(0, y, block))
        y += block.height + gap
    return Block(max(block.width for block in blocks), y - gap, "".join(parts))


def _flow(blocks: Sequence[Block], gap: float = GAP) -> Block:
    """Put blocks beside each other, and below where they would become too wide."""
    lines = _broken([block.width for block in blocks], gap, WIDEST)
    return _stack([_beside([blocks[index] for index in line], gap) for line in lines])


def _broken(widths: Sequence[float], gap: float, widest: float) -> list[list[int]]:
    """Return which blocks stand in each line, so that no line of several is wider than allowed.

    >>> _broken([30, 30, 30, 90], 10, 100)
    [[0, 1], [2], [3]]
    """
    lines: list[list[int]] = [[]]
    for index, width in enumerate(widths):
        if lines[-1] and sum(widths[other] + gap for other in lines[-1]) + width > widest:
            lines.append([])
        lines[-1].append(index)
    return lines


def _captioned(block: Block, caption: str, narrowest: float = NARROWEST) -> Block:
    """Put a text above a block, in several lines where it is much wider than the block."""
    lines = textwrap.wrap(one_line(caption), int(max(block.width, narrowest) / LETTER)) or [""]
    texts = "".join(
        f'<text class="cg-caption" x="0" y="{12 + _LINE * n}" fill="currentColor" {_PROSE}>{escape(line)}</text>'
        for n, line in enumerate(lines)
    )
    top = CAPTION + _LINE * (len(lines) - 1)
    width = max(block.width, *(LETTER * len(line) for line in lines))
    return Block(width, top + block.height, texts + _at(0, top, block))


def _sign(sign: str) -> Block:
    return Block(16, 2 * CAPTION, _text(8, CAPTION + CAPTION / 2, sign, "cg-number"))


def _middle(block: Block, beside: Block) -> Block:
    """Lower a block so that it stands half-way down another one; both have room for a caption on top."""
    return Block(block.width, beside.height, _at(0, max(0, (beside.height - block.height) / 2), block))


def _lines(lines: Sequence[str]) -> Block:
    texts = (
        f'<text class="cg-sentence" x="0" y="{14 + 18 * i}" fill="currentColor" {_PROSE}>{escape(line)}</text>'
        for i, line in enumerate(lines)
    )
    return Block(max(LETTER * len(line) for line in lines), 18 * len(lines), "".join(texts))


def _svg(block: Block, title: str, summary: str) -> str:
    """Wrap a block in an SVG element with a margin, a title and a description."""
    width, height = round(block.width) + 6, round(block.height) + 6
    described = f"<desc>{escape(one_line(summary))}</desc>" if summary else ""
    return (
        '<svg class="cg" role="img" xmlns="http://www.w3.org/2000/svg"'
        f' viewBox="-3 -3 {width} {height}" width="{width}" height="{height}"'
        ' font-family="ui-monospace, Menlo, Consolas, monospace" font-size="13">'
        f"<title>{escape(one_line(title))}</title>{described}{block.body}</svg>"
    )
