"""Sheets, keys and stubs of every topic, and what authors and names can do to them."""

import ast
import html
import inspect
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.answers import Choice, Integer, Matrix
from grader.contract import BEHAVIOUR, Call, Contract, Regime
from grader.course import load_course
from grader.errors import CourseError
from grader.exercise import AnyExercise, AnyPart, Carry, Exercise, FunctionPart, Level, Misconception, Part
from grader.functions.checks import Exact
from grader.functions.judge import UNCHANGED, Tally, credit, shared_marks
from grader.sheet import file_name, render_key, render_sheet, render_stub, write_docstring, write_marks
from grader.variant import AnyVariant, Keyed, Seeded, draw_variant

COURSE = load_course()
SEEDS = (1, 2, 3)
HOSTILE = (
    '"""\nimport os',
    "<script>alert(1)</script>",
    "x' \\",
    "-*- coding: utf-7 -*-",
    "{{ 7 * 7 }}",
    "</title><b>",
    "$x$ `y` [z](javascript:a) | # *w*",
    "evil\u202e\u2028gnp",
)
NOUNS = "pixels rows columns layers channels marks maps kernels weights biases parameters zeros steps positions numbers"
RESIDUE = re.compile(
    r"\bnan\b|\binf\b|np\.\w+\(|array\(|Fraction\(|frozenset|\{\{|\{%|\+ -|<function|object at|\.0000|99999|\.\d{7}"
    rf"|\bTrue\b|\bFalse\b|(?<![\d.,/× +−-])1 ({NOUNS.replace(' ', '|')})\b"
)


@cache
def variant(topic: str, level: Level, seed: int) -> AnyVariant:
    return draw_variant(COURSE.exercise(topic), level, Seeded(seed))


EVERY = pytest.mark.parametrize(
    ("topic", "level"), [(topic, level) for topic in COURSE.topics for level in Level], ids=str
)


def prose(markdown: str) -> str:
    """Return Markdown without code, in which `None` and braces are at home."""
    return re.sub(r"```python.*?```|`[^`\n]*`", "", markdown, flags=re.DOTALL)


@EVERY
def test_sheets_read_as_written_by_a_person(topic: str, level: Level) -> None:
    """Machine residue on a sheet costs the trust of every student who sees it."""
    for seed in SEEDS:
        pages = render_sheet(variant(topic, level, seed)), render_key(variant(topic, level, seed))
        for text in map(prose, pages):
            assert not (found := RESIDUE.search(text)), text[max(0, found.start() - 60) : found.end() + 60]
            assert "None" not in text
        assert not any("\n\n\n" in page for page in pages)


@EVERY
def test_two_renders_of_one_seed_are_equal(topic: str, level: Level) -> None:
    """A sheet can be made again, to the byte, when a student has lost it."""
    for medium in ("md", "html"):
        first, second = (draw_variant(COURSE.exercise(topic), level, Seeded(1)) for _ in range(2))
        assert render_sheet(first, medium=medium) == render_sheet(second, medium=medium)
        assert render_key(first, medium=medium) == render_key(second, medium=medium)
    assert render_stub(first) == render_stub(second)


@EVERY
def test_the_key_has_every_answer_and_the_sheet_none(topic: str, level: Level) -> None:
    """What students get must not tell; what the instructor gets must tell all."""
    one = variant(topic, level, 1)
    sheet, key = render_sheet(one), render_key(one)
    assert "**Right:**" not in sheet
    assert "Workings" not in sheet
    for part in one.exercise.parts:
        workings = part.workings(one.p).strip()
        assert workings not in sheet
        assert re.sub(r"\n{3,}", "\n\n", workings) in key
        for misconception in part.misconceptions:
            assert misconception.hint not in sheet


@EVERY
def test_the_page_is_whole_and_every_formula_understood(topic: str, level: Level) -> None:
    """One unclosed element or one formula left as its source spoils the page."""
    for render in (render_sheet, render_key):
        page = render(variant(topic, level, 2), medium="html")
        check_nesting(page)
        seen = re.sub(r"<pre.*?</pre>|<code.*?</code>|<style>.*?</style>", "", page, flags=re.DOTALL)
        assert not RESIDUE.search(html.unescape(re.sub(r"<[^>]*>", " ", seen)))
        assert 'class="tex"' not in page
        assert "$" not in re.sub(r"<pre.*?</pre>|<style>.*?</style>", "", page, flags=re.DOTALL)
        assert "src=" not in page
        assert "<script" not in page


@EVERY
def test_stubs_compile_and_hold_every_part_and_function(topic: str, level: Level) -> None:
    """What is graded is found in what was handed out, under the same names and signatures."""
    one = variant(topic, level, 1)
    values, functions = stub(render_stub(one))
    assert values["VARIANT"] == one.id
    assert values["answers"] == {part.name: None for part in one.exercise.parts}
    asked = [part.name for part in one.exercise.functions] + [part.name for part in one.exercise.models]
    assert list(functions) == asked
    for part in one.exercise.functions:
        assert arguments(functions[part.name]) == arguments(part.contract.reference)
        assert functions[part.name].__doc__ is not None
        assert inspect.getdoc(functions[part.name]) == inspect.cleandoc(part.contract.doc)
        with pytest.raises(NotImplementedError, match=r"^$"):
            eval(
                compile(f"f({', '.join('0' for _ in required(functions[part.name]))})", "", "eval"),
                {"f": functions[part.name]},
            )


def test_stubs_pass_pyflakes(tmp_path: Path) -> None:
    """A stub that a linter complains about makes students look for their mistake in it."""
    for topic in COURSE.topics:
        (tmp_path / f"{topic}.py").write_text(render_stub(variant(topic, Level.STANDARD, 1)), encoding="utf-8")
    (tmp_path / "hostile.py").write_text(render_stub(odd_variant(), student='"""\nimport os'), encoding="utf-8")
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F,E9", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


# Names are not trusted -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_inert_in_a_stub(name: str) -> None:
    """The stub runs on a student's machine: a name from a roster must not add a line to it, nor a codec."""
    text = render_stub(odd_variant(), student=name)
    plain = ast.dump(ast.parse(render_stub(odd_variant())))
    assert ast.dump(ast.parse(text.encode())) == plain
    assert ast.dump(ast.parse(text.encode().decode("utf-8"))) == plain


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("render", [render_sheet, render_key])
def test_a_hostile_name_is_inert_in_html(name: str, render: Any) -> None:
    """The page is opened with the instructor's rights."""
    page = render(odd_variant(), student=name, medium="html")
    assert check_nesting(page) == check_nesting(render(odd_variant(), student="Ada", medium="html"))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_on_its_line_of_markdown(name: str) -> None:
    """A name must not add a heading, a link or raw HTML to the sheet."""
    from grader.markup import to_html

    def shape(student: str) -> list[str]:
        return re.findall(r"<\w+", to_html(render_sheet(odd_variant(), student=student)))

    assert shape(name) == shape("Ada")


# What authors write ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Params:
    n: int


def contract(doc: str = "Return nothing.", signature: str = "(x, *, k=(1, 2))") -> Contract:
    regimes = (Regime("small", lambda rng: Call(), "basics"), Regime("large", lambda rng: Call(), "sizes"))
    return Contract(
        "make", signature, doc, lambda x, *, k=(1, 2): None, regimes, Exact(), groups={"basics": 1, "sizes": 3}
    )


def odd(**changes: Any) -> AnyExercise:
    """Return an exercise with one of everything, and with quotes where they hurt."""
    parts: tuple[AnyPart, ...] = (
        Part(
            "first",
            "How many is {{ p.n | count('pixel') }}?",
            lambda p: p.n,
            Integer('"""\\ pixels'),
            lambda p: f"${p.n}$",
        ),
        Part(
            "second",
            "Which?",
            lambda p: "the right one",
            Choice(),
            lambda p: "The *first*.",
            misconceptions=(Misconception("too-many", lambda p: "the `other` | one", "You took | too *many*."),),
            marks=Fraction(3, 2),
            carry=Carry(("first",), lambda p, earlier: "", "it is whole.", penalty=Fraction(1, 4)),
        ),
        Part("third", "All?", lambda p: ((p.n, -1),), Matrix(), lambda p: f"$({p.n}, -1)$"),
    )
    exercise = Exercise(
        name="odd",
        title='Odd """ things \\',
        draw=lambda rng, level: Params(rng.integer(5, 9)),
        intro="Given:\n{{ grid([[p.n, 2.5]]) }}\n{{ picture('<svg></svg>', 'a *box*') }}\n"
        "{{ drawn_grid([[1, 2]], 'Two') }}",
        parts=parts,
        cost=lambda p: 1,
        costs={Level.INTRO: 0, Level.STANDARD: 1, Level.CHALLENGE: 1200},
        conventions=("Counted from $1$.",),
        functions=(FunctionPart(contract('Say """hello""" \\ "there"'), 2),),
    )
    return replace(exercise, **changes)


def odd_variant(level: Level = Level.STANDARD, number: int = 1, **changes: Any) -> AnyVariant:
    return draw_variant(odd(**changes), level, Seeded(1, number))


def test_a_sheet_says_all_that_a_student_needs() -> None:
    """Marks, level and its cost, kind of answer, carried errors, shares of marks, what to hand in and how to try it."""
    sheet = render_sheet(odd_variant(Level.CHALLENGE), student="Ada")
    for text in (
        "- **Student:** Ada",
        "- **Level:** challenge, about 1,200 multiplications by hand",
        "- **Marks:** 5.5 marks",
        "### 2. `second` (1.5 marks)",
        "**Answer:** the letter of the one right option.",
        "against your own answer to question 1, and the better mark counts, less 25 % of the marks. Condition: it is",
        "def make(x, *, k=(1, 2)):",
        "basics 20 %, sizes 60 %, behaviour 20 %. A kind earns its share when every case of it is right; without the "
        "first, nothing is earned. Behaviour means: arguments stay as they were, results have memory of their own, "
        "results are as precise as the input, and no call depends on an earlier one.",
        "the standard library and NumPy",
        'a letter as text: `"B"`',
        "grader try odd.py",
    ):
        assert text in sheet
    assert "no multiplication" in render_sheet(odd_variant(Level.INTRO))


def test_a_sheet_states_the_shares_that_are_marked() -> None:
    """Whoever leaves a kind of input out must lose what the sheet says, and what the report says."""
    for exercise in [one for topic in COURSE.topics if (one := COURSE.exercise(topic)).functions]:
        sheet = render_sheet(draw_variant(exercise, Level.STANDARD, Seeded(1)))
        stated = re.findall(r"^Marks are shared out by kind of input: (.*?)\. A kind earns", sheet, re.MULTILINE)
        for part, listing in zip(exercise.functions, stated, strict=True):
            tallies = {name: failing(part.contract, name) for name in (*part.contract.groups, BEHAVIOUR)}
            shares = {name: 1 - shared_marks(part.contract, tally) for name, tally in tallies.items()}
            percent = {name: int(n) for name, n in re.findall(r"([^,]+) (\d+) %(?:, |$)", listing)}
            gate, *others = tallies
            assert [*percent] == [gate, *others]
            assert sum(percent.values()) == 100
            assert shares[gate] == 1
            assert all(abs(percent[name] - 100 * shares[name]) < 1 for name in others), part.name
            assert all(
                listing in credit(part.contract, tally).replace(" (not earned)", "") for tally in tallies.values()
            )


def failing(contract: Contract, group: str) -> Tally:
    """Return what is counted of a function that is wrong on one kind of input, or else behaves badly."""
    counts = {regime.name: (int(regime.group != group), 1) for regime in contract.regimes}
    return Tally({**counts, UNCHANGED: (int(group != BEHAVIOUR), 1)})


def test_a_key_shows_what_wrong_answers_mean() -> None:
    """An instructor who sees a wrong answer finds the misconception behind it in the table."""
    one = odd_variant()
    letter = one.answer_kind(one.exercise.part("second")).show("the `other` | one")
    assert f"| {letter} | too-many | You took \\| too \\*many\\*. |" in render_key(one)
    assert "<td>You took | too *many*.</td>" in render_key(one, medium="html")


def test_a_key_writes_minus_as_the_sheet_does() -> None:
    """What is looked for on a sheet by its sign is found in the key's table; a word keeps its hyphen."""
    part: AnyPart = Part(
        "first",
        "Which?",
        lambda p: ((1, 2),),
        Matrix(),
        lambda p: "$(1, 2)$",
        misconceptions=(Misconception("sign-lost", lambda p: ((-1, -2),), "The sign-bit is lost."),),
    )
    key = render_key(odd_variant(parts=(part,)))
    assert re.search(r"^\| .*−1.*−2.* \| sign-lost \| The sign-bit is lost\. \|$", key, re.MULTILINE)


def test_pictures_are_drawn_in_html_and_told_in_text() -> None:
    """Markdown has no SVG; its reader gets the words."""
    assert "*Picture: a *box**" in render_sheet(odd_variant())
    page = render_sheet(odd_variant(), medium="html")
    assert '<figure class="picture" role="img" aria-label="a *box*"><svg></svg></figure>' in page
    assert page.count("<figure") == 2


def test_pictures_of_numbers_and_sizes() -> None:
    """A screen reader and Markdown get the same numbers that are drawn; padding belongs to the drawing alone."""
    intro = (
        "{{ drawn_grid([[p.n, -2.5]], window=(0, 0, 2, 2), padding=(1, 0), note='The frame is a *window*') }}"
        "{{ drawn_axis(8, 'An axis', padding=2, stands={'first': range(3)}) }}"
        "{{ boxes([((1, 4, 4), 'in', '1 × 4 × 4'), ((7,), 'out', '? numbers')]) }}"
    )
    variant = odd_variant(intro=intro)
    sheet, page = render_sheet(variant), render_sheet(variant, medium="html")
    assert f"```grid\n   {variant.p.n} -2.5\n```" in sheet
    assert "*Picture: An axis. 8 in a row with 2 of padding at either end; marked below: first.*" in sheet
    assert "*Picture: boxes in a row: in, 1 × 4 × 4; then out, ? numbers.*" in sheet
    assert page.count("<svg") == page.count("<title>") - 1 == page.count("<desc>") == 3
    assert f'aria-label="The frame is a *window*. Row by row: {variant.p.n} −2.5."' in page
    assert page.count(">0</text>") == 4


@pytest.mark.parametrize(("number", "name"), [(1, "odd.py"), (2, "odd-2.py"), (30, "odd-30.py")])
def test_every_variant_has_a_file_of_its_own(number: int, name: str) -> None:
    """A second attempt must not land on the first one's work."""
    assert file_name(odd_variant(number=number)) == name
    assert file_name(draw_variant(odd(), Level.INTRO, Keyed(b"k" * 16, "ada", number))) == name
    assert f"grader try {name}" in render_sheet(odd_variant(number=number))
    assert name in render_stub(odd_variant(number=number))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"intro": "{{ p.size }}"}, "exercise 'odd', intro: UndefinedError: .*size"),
        ({"intro": "{{ p.n "}, "exercise 'odd', intro: TemplateSyntaxError"),
        ({"conventions": ("{{ nothing }}",)}, "exercise 'odd', conventions: UndefinedError"),
    ],
)
def test_an_authors_slip_is_named_with_its_place(changes: dict[str, Any], message: str) -> None:
    """A misspelt parameter must not become an empty space on the sheet."""
    with pytest.raises(CourseError, match=message):
        render_sheet(odd_variant(**changes))


def test_a_question_or_workings_that_fail_are_named() -> None:
    """The message leads to the part, not to a template."""
    part = odd().parts[0]
    with pytest.raises(CourseError, match="part 'first', ask: UndefinedError"):
        render_sheet(odd_variant(parts=(replace(part, ask="{{ p.m }}"),)))
    with pytest.raises(CourseError, match="part 'first', workings: ZeroDivisionError"):
        render_key(odd_variant(parts=(replace(part, workings=lambda p: str(1 // 0)),)))


def test_a_course_may_have_templates_of_its_own(tmp_path: Path) -> None:
    """An instructor changes the sheet in their own folder, block by block."""
    (tmp_path / "sheet.md.j2").write_text("{{ sheet.title }} for {{ sheet.student | plain }}\n")
    folders = (tmp_path, COURSE.template_folders()[-1])
    assert render_sheet(odd_variant(), student="*Ada*", folders=folders).endswith("for \\*Ada\\*\n")
    assert render_stub(odd_variant(), folders=folders) == render_stub(odd_variant())


def test_a_stub_imports_numpy_where_its_signature_needs_it() -> None:
    """`def f(x: np.ndarray)` fails on import without it."""
    part = FunctionPart(contract(signature="(x: np.ndarray) -> np.ndarray:"))
    text = render_stub(odd_variant(functions=(part,)))
    assert "def make(x: np.ndarray) -> np.ndarray:\n" in text
    assert "import numpy as np\n" in text
    assert "make" in stub(text)[1]


def test_a_stub_imports_numpy_for_arrays_and_not_for_numbers() -> None:
    """Nearly every solution on arrays starts with this line; one on whole numbers must do without."""
    assert (
        "numpy" in stub(render_stub(odd_variant(functions=(FunctionPart(contract("x: an array")),))))[0]["np"].__name__
    )
    assert "numpy" not in render_stub(odd_variant())


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=40))
def test_any_docstring_stays_one(text: str) -> None:
    """Quotes and backslashes of a contract must not end its docstring early."""
    if not (clean := inspect.cleandoc(text)).splitlines() or not clean.isprintable():
        return
    tree = ast.parse(f"def f():\n{write_docstring(text, 4)}\n")
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    assert len(function.body) == 1
    assert inspect.cleandoc(ast.get_docstring(function) or "").rstrip() == clean.rstrip()


def test_marks_are_written_with_their_noun() -> None:
    """`1 marks` is machine residue."""
    assert [write_marks(m) for m in (1, 2, Fraction(1, 2))] == ["1 mark", "2 marks", "0.5 marks"]


# Helpers ---------------------------------------------------------------------------------------------------


def stub(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run a stub and return its names, and the functions among them."""
    names: dict[str, Any] = {}
    exec(compile(text, "stub.py", "exec"), names)
    functions = {name: value for name, value in names.items() if inspect.isfunction(value)}
    return names, functions


def arguments(function: Any) -> list[tuple[str, Any]]:
    """Return the names and defaults of a function's arguments."""
    return [(p.name, p.default) for p in inspect.signature(function).parameters.values()]


def required(function: Any) -> list[inspect.Parameter]:
    return [p for p in inspect.signature(function).parameters.values() if p.default is inspect.Parameter.empty]


def check_nesting(page: str) -> list[str]:
    """Return the tags in order; fail where one is not closed in its place."""
    void = {"meta", "br", "hr", "wbr", "img", "link", "input", "!doctype"}
    seen: list[str] = []
    still_open: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - its signature
            seen.append(tag)
            if tag not in void:
                still_open.append(tag)

        def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - its signature
            seen.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert still_open
            assert still_open.pop() == tag

    Reader().feed(page)
    assert not still_open
    return seen


def test_rows_and_maps_get_room_on_paper() -> None:
    """A line is too short for a matrix written by hand; the key, which prints the answer, needs no room."""
    drawn = variant("flipping", Level.STANDARD, 1)
    matrices = [part for part in drawn.exercise.parts if isinstance(part.answer, Matrix) and part.answer.depth > 1]
    page = render_sheet(drawn, medium="html")
    assert 0 < len(matrices) < len(drawn.exercise.parts)
    assert page.count('class="blank rows"') == len(matrices)
    assert 'class="blank rows"' not in render_key(drawn, medium="html")
