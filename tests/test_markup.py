"""Markdown and formulas: readable, breakable, and unable to carry a script."""

import html
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.markup import escape_markdown, grid, to_html, to_inline_html, to_mathml

FORMULAS = (
    r"\left\lfloor \frac{23 + 2 \cdot 6 - 7}{2} \right\rfloor + 1 = 15",
    r"\begin{pmatrix} 1 & -2 \\ 3 & 4 \end{pmatrix}",
    r"z_{1,2} = 0.5 \cdot (-2) + 0.9 \cdot 0 + 0.6 \cdot (-1) + 0.2 \cdot 1 + 0.7 \cdot 1 - 0.1 = -1",
    r"\begin{aligned} a &= b + c \\ &= d \end{aligned}",
    r"\sigma(z) = \frac{1}{1 + e^{-z}}",
    r"10{,}368\ \text{pixels}",
    r"\sqrt{2} \approx 1.41",
)


def text_of(fragment: str) -> str:
    """Return what a reader sees of HTML."""
    return html.unescape(re.sub(r"<[^>]*>", "", fragment))


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "a <img src=x onerror=alert(1)> b",
        r"$\text{<script>alert(1)</script>}$",
        r'$\class{"><script>}{x}$',
        r'$\color{"><script>}x$',
        r"$\href{javascript:alert(1)}{x}$",
        "[x](javascript:alert(1))",
        "![x](http://example.org/x.png)",
        "```grid <script>\n<script> 2\n```",
        "```<script>\nx\n```",
        "<!-- x --><style>*{}</style>",
    ],
)
def test_no_source_becomes_active(source: str) -> None:
    """Reports render what students wrote: nothing of it may run or load."""
    page = to_html(source)
    assert not re.search(r"<(script|img|style|!--)|<[^>]*(javascript:|onerror=)", page)


@pytest.mark.parametrize("formula", FORMULAS)
def test_formulas_are_understood_and_well_formed(formula: str) -> None:
    """A formula that falls back to its source, or breaks the page, is unreadable."""
    written = to_mathml(formula)
    assert 'class="tex"' not in written
    for piece in written.split("<wbr>"):
        assert ElementTree.fromstring(piece).tag == "math"


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=r"\{}()[]^_+-=&x1<> ", max_size=25))
def test_any_formula_gives_well_formed_markup(formula: str) -> None:
    """An author's slip, or a student's, must not lose the page around it."""
    for piece in to_mathml(formula).split("<wbr>"):
        ElementTree.fromstring(piece)


def test_a_formula_that_is_not_understood_is_shown() -> None:
    """Silence would hide the mistake from its author."""
    assert to_mathml(r"\nosuch{<b>}") == r'<code class="tex">\nosuch{&lt;b&gt;}</code>'


def test_long_sums_can_be_broken_and_keep_every_term() -> None:
    """Browsers do not break formulas: on a phone a sum of nine products would be cut off."""
    terms = [rf"{n} \cdot (-{n})" for n in range(1, 10)]
    written = to_mathml("s = " + " + ".join(terms))
    assert written.count("<wbr>") == 9
    assert text_of(written) == "s=" + "+".join(f"{n}·(−{n})" for n in range(1, 10))


def test_brackets_and_short_formulas_are_not_broken() -> None:
    """A break inside a bracket or a fraction would change how it reads."""
    assert "<wbr>" not in to_mathml("x = a + b")
    inside = " + ".join("1" for _ in range(40))
    assert "<wbr>" not in to_mathml(rf"\left( {inside} \right)")
    assert "<wbr>" not in to_mathml(rf"\frac{{{inside}}}{{2}}")


def test_a_sign_is_told_from_an_operation() -> None:
    """`( − 2)` with a space looks like a number gone missing."""
    assert '<mo form="prefix">−</mo><mn>2</mn>' in to_mathml("3 (-2)")
    assert '<mo form="infix">−</mo><mn>2</mn>' in to_mathml("3 - 2")


def test_names_of_functions_and_grouped_digits_stay_whole() -> None:
    """`R e L U` and `10 , 368` are read out letter by letter."""
    assert "<mi>ReLU</mi>" in to_mathml(r"\mathrm{ReLU}(x)")
    assert "<mn>10,368</mn>" in to_mathml("10{,}368")


def test_a_grid_is_a_table_with_headers() -> None:
    """A screen reader says "row 2, column 1" only when the table tells."""
    page = to_html(grid(((1, -2), (10, 0)), "Kernel $K$"))
    table = ElementTree.fromstring(page)
    assert table.attrib == {"class": "grid"}
    assert [cell.text for cell in table.iter("td")] == [None, "1", "−2", "10", "0"]
    scopes = [(cell.get("scope"), cell[0].text) for cell in table.iter("th")]
    assert scopes == [("col", "column 1"), ("col", "column 2"), ("row", "row 1"), ("row", "row 2")]
    assert "Kernel" in text_of(page)


def test_only_our_own_pictures_are_shown() -> None:
    """A fence that names no picture of the page is text, whoever wrote it."""
    source = '```picture 0\na "window"\n```'
    assert to_html(source, ["<svg></svg>"]) == (
        '<figure class="picture" role="img" aria-label="a &quot;window&quot;"><svg></svg></figure>\n'
    )
    for number in ("1", "x", "-1", "²", "9" * 5000, "<svg>"):
        assert "<svg" not in to_html(f"```picture {number}\n```", ["<svg></svg>"])


def test_a_formula_alone_in_its_paragraph_is_marked() -> None:
    """Fractions in a line of their own need not be small."""
    assert '<p class="formula">' in to_html(r"$\frac{1}{2}$")
    assert '<p class="formula">' not in to_html(r"so $\frac{1}{2}$")


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=40))
def test_escaped_text_reads_as_written(text: str) -> None:
    """A student may be called `*Ada* <b>` or `$x$`, and the sheet must say so."""
    page = to_inline_html("by " + escape_markdown(text))
    assert "<" not in page
    assert html.unescape(page).split() == ["by", *text.split()]
