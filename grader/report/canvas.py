"""A drawing area on matplotlib whose SVG can stand inside a page: no ids, no links, no styles, no colours of its own.

matplotlib draws lines, rectangles and the places of texts; what it writes is read again, and only that is written out.
Colours are classes of the page (`cg-own`, `cg-reference`, …), so that a figure reads on light and dark pages and in
print. Texts and notes never pass through matplotlib, which would take a dollar sign for a formula: they are put in,
escaped, afterwards. Every mark is an artist of the figure itself: axes would take ten times as long.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Sequence
from functools import partial
from html import escape
from typing import Any
from xml.etree import ElementTree

import matplotlib
from matplotlib.artist import Artist
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.transforms import Affine2D
from PIL import Image

from grader.report.text import one_line

FONT = 13  # size of texts, in pixels
_SVG = "{http://www.w3.org/2000/svg}"
# What a user's own matplotlibrc would change, and what would differ from run to run.
_SETTINGS: Any = {
    "svg.hashsalt": "convgrader",
    "path.sketch": None,
    "path.effects": [],
    "path.simplify": False,
}
_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


class Canvas:
    """A figure of so many pixels, from its top left corner on; marks lie above each other in the order drawn."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self._shapes: list[tuple[int, Callable[[], Artist]]] = []  # the number of the mark, and what makes it
        self._marks: list[tuple[str, str]] = []  # of each: what stands around and in it

    def line(
        self,
        xs: Sequence[float],
        ys: Sequence[float],
        tone: str,
        *,
        width: float = 1,
        dash: str = "",
        opacity: float = 1,
        note: str = "",
    ) -> None:
        """Draw a line; NaN makes a gap in it. `note` is shown when the mouse rests on it."""
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        faint = f' stroke-opacity="{opacity:.2f}"' if opacity < 1 else ""
        style = f'fill="none" stroke="currentColor" stroke-width="{width:g}" stroke-linejoin="round"{dashes}{faint}'
        make = partial(Line2D, xs, ys, linestyle="-", linewidth=1, marker="", drawstyle="default")
        self._add(make, f'<g class="cg-{tone}" {style}>{_note(note)}', "</g>")

    def box(
        self, x: float, y: float, width: float, height: float, tone: str, *, opacity: float = 1, note: str = ""
    ) -> None:
        """Draw a filled rectangle with its top left corner at (x, y)."""
        faint = f' fill-opacity="{opacity:.2f}"' if opacity < 1 else ""
        style = f'class="cg-{tone}" fill="currentColor"{faint}'
        make = partial(Rectangle, (x, y), width, height, linewidth=0, fill=True, facecolor="black")
        self._add(make, f"<g {style}>{_note(note)}", "</g>")

    def text(
        self, x: float, y: float, text: str, *, tone: str = "", align: str = "start", turned: bool = False
    ) -> None:
        """Write a line of text with its baseline at y; `align` is what of it stands at x: start, middle or end.

        A turned one runs upwards from there.
        """
        sort = (f' class="cg-{tone}"' if tone else "") + (f' transform="rotate(-90 {x:g} {y:g})"' if turned else "")
        anchor = f' text-anchor="{align}"' if align != "start" else ""
        place = f'x="{_short(x)}" y="{_short(y)}"'
        self._marks.append(("", f'<text {place}{anchor}{sort} fill="currentColor">{_shown(text)}</text>'))

    def picture(self, pixels: Any, x: float, y: float, width: float, height: float) -> None:
        """Place a picture of (H, W, 2) uint8, grey and opacity; its pixels stay sharp squares."""
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, format="png", optimize=True)
        data = base64.b64encode(file.getvalue()).decode("ascii")
        place = f'x="{_short(x)}" y="{_short(y)}" width="{_short(width)}" height="{_short(height)}"'
        sharp = 'preserveAspectRatio="none" image-rendering="pixelated"'
        self._marks.append(("", f'<image {place} {sharp} href="data:image/png;base64,{data}"/>'))

    def svg(self, title: str, description: str) -> str:
        """Return the figure as an SVG element; the texts tell those who do not see it what there is to be seen."""
        said = escape(one_line(f"{title}: {description}"))
        paths = self._paths()
        body = "".join(
            before + (f'<path d="{paths[n]}"/>' if n in paths else "") + after
            for n, (before, after) in enumerate(self._marks)
        )
        return (
            f'<svg class="cg" role="img" aria-label="{said}" xmlns="http://www.w3.org/2000/svg"'
            f' viewBox="0 0 {self.width:g} {self.height:g}" width="{self.width:g}" height="{self.height:g}"'
            f' font-family="inherit" font-size="{FONT}"><desc>{said}</desc>{body}</svg>'
        )

    def _add(self, make: Callable[[], Artist], before: str, after: str) -> None:
        self._shapes.append((len(self._marks), make))
        self._marks.append((before, after))

    def _paths(self) -> dict[int, str]:
        """Return the path of each mark that matplotlib draws, by its number."""
        if not self._shapes:
            return {}
        file = io.StringIO()
        with matplotlib.rc_context(_SETTINGS):
            figure = Figure(figsize=(self.width / 72, self.height / 72), dpi=72, frameon=False)
            down = Affine2D().scale(1, -1).translate(0, self.height)
            for number, make in self._shapes:
                artist = make()
                artist.set(gid=f"mark{number}", transform=down)
                figure.add_artist(artist)
            canvas: Any = FigureCanvasSVG(figure)  # its print_svg has no types
            canvas.print_svg(file, metadata=_NO_METADATA)
        drawn = ElementTree.fromstring(file.getvalue())  # noqa: S314 - matplotlib wrote it a line above
        found = {}
        for group in drawn.iter(f"{_SVG}g"):
            path = group.find(f"{_SVG}path")
            if path is not None and (name := group.get("id", "")).startswith("mark"):
                found[int(name[4:])] = _NUMBER.sub(lambda n: _short(float(n[0])), " ".join(path.get("d", "").split()))
        return found


_NUMBER = re.compile(r"-?\d+(\.\d+)?(e-?\d+)?")


def _short(number: float) -> str:
    """Write a place in pixels with one decimal, which is finer than a screen."""
    return f"{number:.1f}".removesuffix(".0")


def _shown(text: str) -> str:
    return escape(one_line(text))


def _note(text: str) -> str:
    return f"<title>{_shown(text)}</title>" if text else ""
