"""Markdown with formulas, for authors and reports: to an HTML fragment, with LaTeX turned into MathML.

What is rendered may hold what students wrote: raw HTML, images and scripted links are off, and MathML is written by
an own serialiser that escapes everything. A fenced block `grid` is a table of numbers; `picture` is a drawing.
"""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from grader.answers import count, write_number

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_PUNCTUATION = re.compile(r"([\\`*_\[\]<>|$~&#])")
_GROUPED = re.compile(r"(?<!\d)\d{1,3}(?:\{,\}\d{3})+(?!\d)")
_ATTRIBUTES = ("stretchy", "fence", "form", "displaystyle", "scriptlevel", "width", "columnalign", "accent")
_FORMULA_ALONE = re.compile(r'<p>(<span class="math inline">(?:(?!</?span|</p>).)*</span>)</p>')
_SIGNS = {"×": r"\times ", "−": "-", "·": r"\cdot ", "≤": r"\le ", "≥": r"\ge "}
_FENCES = "⌊⌋⌈⌉|‖"
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\s+|.", re.DOTALL)
_OPENING = frozenset("([{") | {r"\{", r"\left", r"\begin", r"\lfloor", r"\lceil"}
_CLOSING = frozenset(")]}") | {r"\}", r"\right", r"\end", r"\rfloor", r"\rceil"}
_BREAKING = frozenset("=+-") | {r"\approx", r"\le", r"\ge"}
_JOINING = _BREAKING | frozenset("_^*/<>,;:([{") | {r"\cdot", r"\times", r"\to", r"\lfloor", r"\pm", r"\quad"}
_STATEFUL = re.compile(r"\\(?:over|atop|choose|displaystyle|textstyle|scriptstyle|color|def|newcommand|limits|\\)")
_SIGNED = frozenset("+−")
_ENDING = frozenset(")]}⌋⌉|!") | {None}
_LINE = 30  # signs of a formula that fits on one line of a phone


def to_html(markdown: str, pictures: Sequence[str] = ()) -> str:
    """Return Markdown as an HTML fragment.

    Args:
        markdown: CommonMark with tables; `$…$` and `$$…$$` hold LaTeX; raw HTML is shown, not obeyed.
        pictures: SVGs of our own making; a fenced block `picture N` stands for the N-th; its text describes it.

    >>> to_html("a *small* image")
    '<p>a <em>small</em> image</p>\\n'
    """
    page = str(_parser().render(markdown, {"pictures": tuple(pictures)}))
    return _FORMULA_ALONE.sub(r'<p class="formula">\1</p>', page)


def to_inline_html(markdown: str) -> str:
    """Return one line of Markdown as HTML without a paragraph around it."""
    return str(_parser().renderInline(markdown, {"pictures": ()}))


def escape_markdown(text: str) -> str:
    """Return text that Markdown shows as it is, on one line and after the line's first word.

    >>> escape_markdown("*Ada*")
    '\\\\*Ada\\\\*'
    """
    return _PUNCTUATION.sub(r"\\\1", " ".join(text.split()))


def grid(rows: Iterable[Iterable[Any]], caption: str = "") -> str:
    """Return a fenced block `grid`: rows of numbers, right-aligned, that Markdown shows as text and HTML as a table.

    >>> print(grid(((1, -2), (10, 0)), "Kernel"))
    <BLANKLINE>
    ```grid Kernel
     1 -2
    10  0
    ```
    <BLANKLINE>
    """
    cells = [[value if isinstance(value, str) else write_number(value) for value in row] for row in rows]
    width = max((len(cell) for row in cells for cell in row), default=0)
    lines = [" ".join(cell.rjust(width) for cell in row) for row in cells]
    return "\n".join(("", f"```grid {caption}".rstrip(), *lines, "```", ""))


@lru_cache(maxsize=8192)
def to_mathml(latex: str, display: bool = False) -> str:
    """Return LaTeX as MathML; what is not understood is shown as it was written, in `<code class="tex">`.

    Browsers do not break formulas, so a long one becomes several, which start with `=`, `+` or `−`.

    >>> to_mathml("x^2")
    '<math><mrow><msup><mi>x</mi><mn>2</mn></msup></mrow></math>'
    """
    source = _GROUPED.sub(lambda m: rf"\text{{{m[0].replace('{,}', ',')}}}", latex)
    source = re.sub(r"(\\(?:begin|end))\{aligned\}", r"\1{align*}", source)
    for sign, command in _SIGNS.items():
        source = source.replace(sign, command)
    try:
        pieces = [_piece(piece, at > 0) for at, piece in enumerate(_split(source))]
    except Exception:  # the parser raises many kinds of errors, none of which should lose the page
        return f'<code class="tex">{html.escape(latex)}</code>'
    if sum(not sign.isspace() and sign not in "{}" for sign in _TOKEN.findall(source)) <= _LINE:
        pieces = ["".join(pieces)]
    style = ' display="block"' if display and len(pieces) == 1 else ' displaystyle="true"' if display else ""
    return "<wbr>".join(f"<math{style}><mrow>{piece}</mrow></math>" for piece in pieces)


def _split(latex: str) -> Iterator[str]:
    """Yield a formula's terms: it is cut before each `=`, `+` and `-` that stands between two, outside of brackets."""
    if _STATEFUL.search(latex):
        yield latex
        return
    start, at, depth, before = 0, 0, 0, ""
    for token in _TOKEN.findall(latex):
        depth += (token in _OPENING) - (token in _CLOSING)
        if depth == 0 and token in _BREAKING and before and before not in _JOINING:
            yield latex[start:at]
            start = at
        at += len(token)
        before = before if token.isspace() else token
    yield latex[start:]


@lru_cache(maxsize=32768)
def _piece(latex: str, follows: bool) -> str:
    """Return the inside of a formula or of one of its terms; terms recur, which is what makes long sums cheap."""
    from latex2mathml.converter import Converter

    (row,) = Converter().convert_to_element(latex)
    if follows:
        row[0].set("form", "infix")  # it would be spaced as a sign
    return "".join(_children(list(row)))


# MathML ----------------------------------------------------------------------------------------------------


def _write(element: Element) -> str:
    tag, text = element.tag, html.unescape(element.text or "")
    if not re.fullmatch(r"m[a-z]+", tag):
        raise ValueError(f"{tag} is not MathML")
    if tag == "mi" and (text == "&" or re.match(r"\\[A-Za-z]", text)):
        raise ValueError(f"{text} is not understood")
    if len(element) == 0:
        return _leaf(tag, text, element.attrib)
    inner = "".join(_children(list(element)))
    attributes = _attributes(element.attrib)
    if tag == "mrow" and not attributes and len(element) == 1:
        return inner
    return f"<{tag}{attributes}>{inner}</{tag}>"


def _leaf(tag: str, text: str, attributes: Mapping[str, str]) -> str:
    if tag == "mtext" and re.fullmatch(r"\d[\d,]*", text):
        tag = "mn"
    elif tag == "mo" and len(text) > 1 and text.isalpha():
        tag = "mi"  # a named function, such as max: no space around it
    elif tag == "mi" and text and text in _FENCES:
        tag, attributes = "mo", {"stretchy": "false", "form": "prefix" if text in "⌊⌈" else "postfix"}
    variant = ' mathvariant="normal"' if tag == "mi" and attributes.get("mathvariant") == "normal" else ""
    return f"<{tag}{_attributes(attributes)}{variant}>{html.escape(text)}</{tag}>"


def _children(children: list[Element]) -> Iterator[str]:
    """Yield the children; the upright letters of a name (`\\mathrm{ReLU}`) and a bracketed matrix are one each."""
    at = 0
    while at < len(children):
        name = "".join(itertools.takewhile(bool, map(_upright, children[at:])))
        if name:
            yield _leaf("mi", name, {"mathvariant": "normal"} if len(name) == 1 else {})
            at += len(name)
        elif [child.tag for child in children[at : at + 3]] == ["mo", "mtable", "mo"]:
            shape = "round" if html.unescape(children[at].text or "") == "(" else "square"
            yield f'<mrow class="matrix {shape}">{"".join(map(_write, children[at : at + 3]))}</mrow>'
            at += 3
        else:
            if at and _sign(children[at]) in _SIGNED and _sign(children[at - 1]) not in _ENDING:
                children[at].set("form", "prefix")  # a sign, not an operation: no space after it
            yield _write(children[at])
            at += 1


def _sign(child: Element) -> str | None:
    """Return the text of an operator."""
    return html.unescape(child.text or "") if child.tag == "mo" else None


def _upright(child: Element) -> str:
    """Return the letter of an upright `mi`, or nothing."""
    text = html.unescape(child.text or "")
    return text if child.tag == "mi" and child.get("mathvariant") == "normal" and len(text) == 1 else ""


def _attributes(attributes: Mapping[str, str]) -> str:
    return "".join(f' {name}="{html.escape(attributes[name])}"' for name in _ATTRIBUTES if name in attributes)


# Markdown --------------------------------------------------------------------------------------------------


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "lheading"])
    dollarmath_plugin(
        parser,
        allow_labels=False,
        double_inline=True,
        renderer=lambda latex, options: to_mathml(latex, bool(options["display_mode"])),
    )
    plain = parser.renderer.rules["fence"]  # type: ignore[attr-defined]  # untyped there

    def fence(tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
        token = tokens[index]
        kind, _, rest = token.info.strip().partition(" ")
        if kind == "grid":
            return _grid_table(token.content, rest.strip())
        if kind == "picture" and rest.isascii() and rest.isdigit() and int(rest[:9]) < len(env.get("pictures", ())):
            return _figure(env["pictures"][int(rest)], token.content.strip())
        return str(plain(tokens, index, options, env))

    parser.renderer.rules["fence"] = fence  # type: ignore[attr-defined]  # untyped there
    return parser


def _grid_table(text: str, caption: str) -> str:
    """Return the rows of numbers as a table whose row and column numbers are there for screen readers."""
    rows = [line.split() for line in text.splitlines() if line.strip()]
    columns = max(map(len, rows), default=0)
    size = f"{count(len(rows), 'row')}, {count(columns, 'column')}"
    title = to_inline_html(caption) if caption else f'<span class="sr">{size}</span>'
    head = "".join(f'<th scope="col"><span class="sr">column {n}</span></th>' for n in range(1, columns + 1))
    body = "".join(
        f'<tr><th scope="row"><span class="sr">row {number}</span></th>'
        + "".join(f"<td>{_signed(cell)}</td>" for cell in row)
        + "</tr>\n"
        for number, row in enumerate(rows, 1)
    )
    return (
        f'<table class="grid">\n<caption>{title}</caption>\n'
        f"<thead><tr><td></td>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n"
    )


def _signed(cell: str) -> str:
    return html.escape(re.sub(r"^-(?=[\d.])", "−", cell))


def _figure(svg: str, alternative: str) -> str:
    return f'<figure class="picture" role="img" aria-label="{html.escape(alternative)}">{svg}</figure>\n'
