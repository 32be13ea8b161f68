"""Figures of trained models: learning curves, confusion matrices, filters and maps, as SVG for the pages.

Each takes checked data of a record and a title and sentence for those who do not see it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from grader.report.canvas import Canvas
from grader.report.record import value_of

Curve = Sequence[float | str]  # shares 0 … 1, one an epoch
Runs = Mapping[str, Curve]  # name of the run, "" for the plain one -> its curve
Pixels = NDArray[np.uint8]

LEFT, RIGHT, WIDTH, HEIGHT = 40, 12, 372, 190  # of a plot: its margins, the whole width, the height of the axes
POINTS = 200  # of a curve; more cannot be told apart on so many pixels
ROW = 19  # of a legend
LETTER = 7.5  # width of a letter, for what must fit
DASHES = ("", "6 4", "2 3", "9 3 2 3")
CELL = 28  # of a confusion matrix, in pixels
TABLE = 320  # most that its cells take
COUNTED = 20  # classes of which the counts are still written
NAME = 10  # letters shown of a class's name
MOSAIC = 300  # width of a mosaic of filters
SMALL = 200  # and of maps
LEGEND = 24  # height of the scale below the filters
ZOOM = 7  # most screen pixels for one of a mosaic


@dataclass(frozen=True)
class _Line:
    curve: NDArray[np.float64]  # (epochs,), in percent
    tone: str
    width: float
    dash: str = ""
    opacity: float = 1.0
    note: str = ""
    label: str = ""  # in the legend; "" for what has none


# Learning curves -------------------------------------------------------------------------------------------


def learning(measured: str, own: Runs, reference: Runs, said: str) -> str:
    """Return a student's curves beside the reference's; `measured` is what they show, as "test error"."""
    names = list(dict.fromkeys([*own, *reference]))
    dashes = {name: DASHES[index % len(DASHES)] for index, name in enumerate(names)}
    lines = [
        _Line(_percent(curve), "reference", 3, dashes[run], 0.6, "", _label("the reference", run))
        for run, curve in reference.items()
    ]
    lines += [_Line(_percent(curve), "own", 2, dashes[run], 1, "", _label("yours", run)) for run, curve in own.items()]
    return _plot(measured, lines, said)


def class_learning(measured: str, students: Sequence[tuple[str, Runs]], reference: Runs, said: str) -> str:
    """Return everyone's curves, thin, and the reference's, thick; a curve says whose it is."""
    names = list(dict.fromkeys([*reference, *(run for _, runs in students for run in runs)]))
    dashes = {name: DASHES[index % len(DASHES)] for index, name in enumerate(names)}
    opacity = max(0.2, min(0.7, 14 / max(1, len(students))))
    lines, known = [], set()
    for student, runs in students:
        for run, curve in runs.items():
            label = "" if run in known else _label("a student", run)
            known.add(run)
            lines.append(_Line(_percent(curve), "own", 1, dashes[run], opacity, _label(student, run), label))
    lines += [
        _Line(_percent(curve), "reference", 3, dashes[run], 1, "", _label("the reference", run))
        for run, curve in reference.items()
    ]
    return _plot(measured, lines, said)


def _label(whose: str, run: str) -> str:
    return f"{whose}, {run}" if run else whose


def _percent(curve: Curve) -> NDArray[np.float64]:
    return np.array([100 * value_of(share) for share in curve], dtype=float)


def _plot(measured: str, lines: Sequence[_Line], said: str) -> str:
    """Draw lines over their epochs, under a legend; the axes begin at epoch 1 and at 0 %, of accuracies higher."""
    legend = sorted((line for line in lines if line.label), key=lambda line: line.tone != "own")
    top = 24 + ROW * len(legend) + 12
    canvas = Canvas(WIDTH, top + HEIGHT + 40)
    epochs = max(len(line.curve) for line in lines)
    shares = [float(y) for line in lines for y in line.curve if math.isfinite(y)]
    low = min(shares, default=0.0) if measured.endswith("accuracy") else 0.0
    ticks = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, max([low + 0.1, *shares]))
    scale = HEIGHT / (ticks[-1] - ticks[0])

    def up(share: float) -> float:
        return float(top + HEIGHT - (share - ticks[0]) * scale)

    def across(epoch: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * ((epoch - 1) / (epochs - 1) if epochs > 1 else 0.5)

    canvas.text(0, 14, f"{measured}, %")
    for row, line in enumerate(legend):
        y = 24 + ROW * (row + 0.5)
        faint = max(0.6, line.opacity)
        canvas.line([LEFT, LEFT + 28], [y, y], line.tone, width=line.width, dash=line.dash, opacity=faint)
        canvas.text(LEFT + 36, y + 4.5, _cut(line.label, 44))
    for tick in ticks:
        y = up(tick)
        canvas.line([LEFT, WIDTH - RIGHT], [y, y], "soft" if tick == ticks[0] else "grid")
        canvas.text(LEFT - 7, y + 4.5, f"{tick:g}", tone="soft", align="end")
    for epoch in _epochs(epochs):
        canvas.text(across(epoch), top + HEIGHT + 18, str(epoch), tone="soft", align="middle")
    canvas.text(WIDTH - RIGHT, top + HEIGHT + 36, "epoch", align="end")
    for line in lines:
        drawn = _some(len(line.curve))
        xs = [across(index + 1) for index in drawn]
        ys = [up(line.curve[index]) for index in drawn]
        if len(ys) == 1 and math.isfinite(ys[0]):  # a line of one point is nothing to see
            canvas.box(xs[0] - 4, ys[0] - line.width / 2 - 1, 8, line.width + 2, line.tone, note=line.note)
        else:
            canvas.line(xs, ys, line.tone, width=line.width, dash=line.dash, opacity=line.opacity, note=line.note)
    return canvas.svg(measured, said)


def _some(number: int) -> list[int]:
    """Return the indices of the points drawn of a curve of so many: all of them, or a few hundred with the last."""
    step = -(-number // POINTS)
    return sorted({*range(0, number, step), number - 1})


def _epochs(last: int) -> list[int]:
    """Return the epochs written below the axis, the first and the last among them and none too near to these."""
    ticks = [int(tick) for tick in MaxNLocator(5, integer=True).tick_values(1, last)]
    apart = max(1, last // 10)
    return sorted({1, last, *(tick for tick in ticks if 1 + apart <= tick <= last - apart)})


# The confusion matrix --------------------------------------------------------------------------------------


def confusion(counts: Sequence[Sequence[int]], classes: Sequence[str], said: str) -> str:
    """Return the matrix with its counts: rows the true class, right ones and errors in their own tones."""
    size = len(counts)
    names = [_cut(name, NAME) for name in classes]
    cell = min(CELL, TABLE / size)
    longest = LETTER * max(map(len, names)) if cell > 10 else 0
    turned = longest > cell - 4
    left, top = max(50.0, longest + 12), 24 + (longest + 8 if turned else 20 if longest else 4)
    canvas = Canvas(left + cell * size + 2, top + cell * size + 2)
    canvas.text(0, top - 6, "true ↓", tone="soft")
    canvas.text(left, 14, "predicted →", tone="soft")
    if size > COUNTED:
        canvas.picture(_faint(counts), left, top, cell * size, cell * size)
    else:
        _cells(canvas, counts, classes, left, top, cell)
    for edge in range(size + 1) if longest else (0, size):
        along, far = cell * edge, cell * size
        canvas.line([left, left + far], [top + along, top + along], "grid")
        canvas.line([left + along, left + along], [top, top + far], "grid")
    if longest:
        _class_names(canvas, names, left, top, cell, turned=turned)
    return canvas.svg("Confusion matrix", said)


def _cells(
    canvas: Canvas, counts: Sequence[Sequence[int]], classes: Sequence[str], left: float, top: float, cell: float
) -> None:
    """Draw the counts that are not zero: right ones darker by their share of the class, errors by their number."""
    most = max(1, max(n for i, row in enumerate(counts) for j, n in enumerate(row) if i != j))
    for i, row in enumerate(counts):
        for j, n in ((j, n) for j, n in enumerate(row) if n):
            share = n / sum(row) if i == j else n / most
            x, y, tone = left + cell * j, top + cell * i, "right" if i == j else "error"
            note = f"{classes[i]} read as {classes[j]}: {n:,}"
            canvas.box(x, y, cell, cell, tone, opacity=0.12 + 0.4 * share, note=note)
            canvas.text(x + cell / 2, y + cell / 2 + 4.5, _brief(n), align="middle")


def _faint(counts: Sequence[Sequence[int]]) -> Pixels:
    """Return a pixel (K, K, 2) for each count: a grey that shows on light and dark, denser for more of its class."""
    table = np.array(counts, dtype=float)
    share = np.sqrt(table / np.maximum(table.sum(axis=1, keepdims=True), 1))
    return np.stack([np.full(share.shape, 128), np.rint(255 * share)], axis=-1).astype(np.uint8)


def _class_names(canvas: Canvas, names: Sequence[str], left: float, top: float, cell: float, *, turned: bool) -> None:
    for index, name in enumerate(names):
        middle = cell * (index + 0.5)
        canvas.text(left - 7, top + middle + 4.5, name, align="end")
        if turned:
            canvas.text(left + middle + 4.5, top - 6, name, turned=True)
        else:
            canvas.text(left + middle, top - 6, name, align="middle")


def _brief(n: int) -> str:
    """Write a count with three letters at most, so that it fits its cell.

    >>> _brief(999), _brief(1234), _brief(12_345_678)
    ('999', '1k', '12M')
    """
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if n >= size:
            return f"{n // size}{unit}"
    return str(n)


# Filters and maps ------------------------------------------------------------------------------------------


def filters(values: Sequence[Sequence[Sequence[float | str]]], title: str, said: str) -> str:
    """Return the filters as a mosaic, on one scale for all: zero is grey, as far below it black as above it white.

    A weight that is no number is a hole.
    """
    stack = np.array([[[value_of(v) for v in row] for row in plane] for plane in values], dtype=float)
    finite = np.isfinite(stack)
    most = float(np.abs(stack[finite]).max(initial=0.0))
    grey = np.zeros((*stack.shape, 2), dtype=np.uint8)
    grey[finite] = _tones(0.5 + 0.5 * stack[finite] / (most or 1.0))
    canvas, height = _mosaic(grey, MOSAIC, below=LEGEND)
    ramp = np.stack([_tones(np.linspace(0, 1, 64))])
    canvas.text(0, height + 18, f"−{most:.3g}", tone="soft")
    canvas.picture(ramp, 62, height + 9, 90, 10)
    canvas.text(160, height + 18, f"{most:.3g}", tone="soft")
    return canvas.svg(title, said)


def maps(stack: Sequence[Sequence[Sequence[int]]], title: str, said: str) -> str:
    """Return maps as a mosaic of grey pictures, 0 black and 255 white."""
    tones = np.array(stack, dtype=float) / 255
    return _mosaic(_tones(tones), SMALL, between=(128, 160))[0].svg(title, said)


def _tones(shares: NDArray[np.float64]) -> Pixels:
    """Return opaque grey pixels (…, 2) of shares (…) from 0, black, to 1, white."""
    grey = np.rint(255 * shares).astype(np.uint8)
    return np.stack([grey, np.full_like(grey, 255)], axis=-1)


def _mosaic(
    tiles: Pixels, width: float, *, below: float = 0, between: tuple[int, int] = (0, 0)
) -> tuple[Canvas, float]:
    """Return a canvas with (F, H, W, 2) tiles in rows, and the height that they take.

    There is a pixel `between` them, a grey and its opacity, and room `below` them for more.
    """
    number, high, wide, _ = tiles.shape
    columns = _columns(number)
    rows = -(-number // columns)
    whole = np.full((rows * (high + 1) - 1, columns * (wide + 1) - 1, 2), between, dtype=np.uint8)
    for index, tile in enumerate(tiles):
        y, x = (index // columns) * (high + 1), (index % columns) * (wide + 1)
        whole[y : y + high, x : x + wide] = tile
    zoom = min(ZOOM, width / whole.shape[1])
    least = 230 if below else 0  # for what is written there
    canvas = Canvas(max(least, math.ceil(whole.shape[1] * zoom)), math.ceil(whole.shape[0] * zoom) + below)
    canvas.picture(whole, 0, 0, whole.shape[1] * zoom, whole.shape[0] * zoom)
    return canvas, whole.shape[0] * zoom


def _columns(number: int) -> int:
    """Return how many tiles stand beside each other: near a square, without a gap at the end where that can be.

    >>> [_columns(n) for n in (1, 7, 10, 20, 25)]
    [1, 3, 5, 5, 5]
    """
    side = math.ceil(math.sqrt(number))
    return next((columns for columns in range(side, 2 * side) if number % columns == 0), side)


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1] + "…"
