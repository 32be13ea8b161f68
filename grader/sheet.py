"""Sheets, keys and stubs: a variant, written for the student, for the instructor and for Python.

A sheet is a page of data (`Sheet`) rendered by the course's templates, in Markdown or HTML. What authors write is
Markdown with Jinja and is trusted; the student's name is not, in any medium.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from grader.answers import Choice, Matrix, MultipleChoice, Number, Shape, Value, count, write_number
from grader.contract import Contract, percentages
from grader.course import builtin_folder
from grader.errors import CourseError
from grader.exercise import AnyExercise, AnyPart, FunctionPart, Level
from grader.images import Image, Plate
from grader.markup import escape_markdown, grid, to_html, to_inline_html
from grader.model import GROUPS, AnyModelPart, ModelTask
from grader.variant import AnyVariant, parse_id

if TYPE_CHECKING:
    from jinja2 import Environment, Template

Medium = Literal["md", "html"]
Folders = tuple[Path, ...]

_WRITING = (
    (MultipleChoice, 'several letters as text: `"AC"`'),
    (Choice, 'a letter as text: `"B"`'),
    (Matrix, "rows as lists: `[[1, 2], [3, 4]]`"),
    (Shape, "a shape as a tuple: `(3, 8, 8)`"),
    (Number, 'a decimal as `0.75`, a fraction as text: `"3/4"`'),
)
_MOST_DRAWN = 14  # rows or columns of numbers in a drawing
_LIBRARIES = {"numpy": "NumPy", "scipy": "SciPy", "torch": "PyTorch", "sympy": "SymPy"}


_LONG = re.compile(r"-?\d+\.\d{6,}")  # decimals of a wrong answer that nobody would write out

_MINUS = re.compile(r"-(?=[\d.(])|(?<![^\W\d])-")  # no hyphen between letters


@dataclass(frozen=True)
class Slip:
    """What a misconception would have answered, for the instructor."""

    name: str
    answer: str
    hint: str


@dataclass(frozen=True)
class Question:
    """One part as the sheet shows it; texts are Markdown. The last three are empty on a student's sheet."""

    number: int
    name: str
    marks: str
    ask: str
    rule: str
    options: tuple[tuple[str, str], ...]
    carry: str
    rows: bool = False  # whether the answer is rows or maps of numbers, which take room on paper
    answer: str = ""
    workings: str = ""
    slips: tuple[Slip, ...] = ()


@dataclass(frozen=True)
class Task:
    """One function asked for: its `def` line and docstring, and how its marks are shared out."""

    number: int
    name: str
    marks: str
    header: str
    doc: str
    shares: str
    modules: str


@dataclass(frozen=True)
class Sheet:
    """Everything that a template needs; `student` is as hostile as any name."""

    title: str
    variant: str
    student: str
    level: str
    cost: str
    marks: str
    file: str
    intro: str
    conventions: tuple[str, ...]
    questions: tuple[Question, ...]
    tasks: tuple[Task, ...]
    writing: tuple[str, ...]
    worked: str = ""  # Markdown that closes the key; empty on a student's sheet
    pictures: list[str] = field(default_factory=list)


def render_sheet(
    variant: AnyVariant,
    *,
    student: str = "",
    medium: Medium = "md",
    folders: Folders = (),
    image: Image | None = None,
) -> str:
    """Return the student's sheet.

    `folders` are where templates are looked up, by default the built-in ones; `image` is shown where the exercise
    shows one, instead of its own.
    """
    return _render("sheet", variant, student, medium, folders, image)


def render_key(
    variant: AnyVariant,
    *,
    student: str = "",
    medium: Medium = "md",
    folders: Folders = (),
    image: Image | None = None,
) -> str:
    """Return the sheet with answers, workings and what each misconception would have answered."""
    return _render("key", variant, student, medium, folders, image)


def render_card(variant: AnyVariant, *, folders: Folders = ()) -> str:
    """Return what is given and the answers alone, as a fragment of HTML for a contact sheet."""
    return _render("card", variant, "", "html", folders, None)


def render_stub(variant: AnyVariant, *, student: str = "", folders: Folders = ()) -> str:
    """Return the Python module to fill in: VARIANT, `answers` and the functions asked for."""
    parts = [(part.name, variant.answer_kind(part).rule) for part in variant.exercise.parts]
    contracts = [part.contract for part in variant.exercise.functions]
    environment = _environment(_folders(folders))
    return environment.get_template("stub.py.j2").render(
        variant=variant.id,
        title=variant.exercise.title,
        file=file_name(variant),
        student=student,
        parts=parts,
        functions=[(f"{c.name}{_signature(c)}", c.doc) for c in contracts],
        models=[(f"{m.name}{m.signature}", _doc(environment, m, variant)) for m in variant.exercise.models],
        numpy=_numpy_import(contracts),
    )


def file_name(variant: AnyVariant) -> str:
    """Return what the stub is called: `padding.py`, and `padding-2.py` for number or attempt 2."""
    parsed = parse_id(variant.id)
    number = parsed.number or parsed.attempt
    return f"{parsed.topic}.py" if number == 1 else f"{parsed.topic}-{number}.py"


def write_marks(marks: Fraction | int) -> str:
    """Write marks with their noun.

    >>> write_marks(1), write_marks(Fraction(3, 2))
    ('1 mark', '1.5 marks')
    """
    return "1 mark" if marks == 1 else f"{write_number(marks)} marks"


def write_cost(exercise: AnyExercise, level: Level) -> str:
    """Write a level's stated work by hand."""
    cost = exercise.costs[level]
    if exercise.cost_unit:
        return f"about {cost:,} {exercise.cost_unit} by hand"
    return f"about {count(cost, 'multiplication')} by hand" if cost else "no multiplication"


# A variant as a page of data -------------------------------------------------------------------------------


def _render(name: str, variant: AnyVariant, student: str, medium: Medium, folders: Folders, image: Image | None) -> str:
    environment = _environment(_folders(folders))
    sheet = _sheet(environment, variant, student, medium, image, with_key=name != "sheet")
    text = environment.get_template(f"{name}.{medium}.j2").render(sheet=sheet)
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n" if medium == "md" else text


def _sheet(
    environment: Environment, variant: AnyVariant, student: str, medium: Medium, image: Image | None, *, with_key: bool
) -> Sheet:
    exercise, pictures = variant.exercise, _Pictures(medium)
    where = f"exercise {exercise.name!r}"

    def write(source: str, place: str) -> str:
        with _blaming(place):
            return _text(environment, source).render(p=variant.p, image=image, **pictures.vocabulary).strip()

    questions = tuple(
        _question(variant, number, part, write, with_key=with_key) for number, part in enumerate(exercise.parts, 1)
    )
    first = len(questions) + 1
    return Sheet(
        title=exercise.title,
        variant=variant.id,
        student=student,
        level=str(variant.level),
        cost=write_cost(exercise, variant.level),
        marks=write_marks(exercise.max_score),
        file=file_name(variant),
        intro=write(exercise.intro, f"{where}, intro"),
        conventions=tuple(write(text, f"{where}, conventions") for text in exercise.conventions),
        questions=questions,
        tasks=(
            *(_task(number, part) for number, part in enumerate(exercise.functions, first)),
            *_model_tasks(environment, variant, first + len(exercise.functions)),
        ),
        writing=_writing(exercise),
        worked=write(exercise.worked, f"{where}, worked") if with_key else "",
        pictures=pictures.svgs,
    )


def _question(
    variant: AnyVariant, number: int, part: AnyPart, write: Callable[[str, str], str], *, with_key: bool
) -> Question:
    place = f"exercise {variant.exercise.name!r}, part {part.name!r}"
    kind = variant.answer_kind(part)
    options = tuple(zip(kind.letters, kind.options, strict=True)) if isinstance(kind, Choice) else ()
    question = Question(
        number=number,
        name=part.name,
        marks=write_marks(part.marks),
        ask=write(part.ask, f"{place}, ask"),
        rule=kind.rule,
        options=options,
        carry=_carry(variant.exercise, part),
        rows=isinstance(kind, Matrix) and kind.depth > 1,
    )
    if not with_key:
        return question
    key = variant.key[part.name]
    with _blaming(f"{place}, workings"):
        workings = part.workings(variant.p).strip()
    slips = tuple(_slips(part, kind.show, variant.p))
    return Question(**{**vars(question), "answer": _answer(kind, key), "workings": workings, "slips": slips})


def _answer(kind: Any, key: Value) -> str:
    if isinstance(kind, MultipleChoice):
        return f"**{kind.show(key) or 'none of them'}**"
    if isinstance(kind, Choice):
        return f"**{kind.show(key)}**: {key}"
    return f"${kind.tex(key)}$"


def _slips(part: AnyPart, show: Callable[[Value], str], p: Any) -> Iterator[Slip]:
    hints = {misconception.name: misconception.hint for misconception in part.misconceptions}
    for name, value in part.distractors(p).items():
        answer = _LONG.sub(lambda found: f"{float(found[0]):.4f}…", show(value))
        yield Slip(name, _MINUS.sub("−", answer), hints[name])


def _carry(exercise: AnyExercise, part: AnyPart) -> str:
    """Say when an answer is also marked against the student's own earlier ones."""
    if part.carry is None:
        return ""
    numbers = {p.name: number for number, p in enumerate(exercise.parts, 1)}
    earlier = [str(numbers[name]) for name in part.carry.parts]
    which = f"answer to question {earlier[0]}"
    if len(earlier) > 1:
        which = f"answers to questions {', '.join(earlier[:-1])} and {earlier[-1]}"
    less = f", less {write_number(part.carry.penalty * 100, 0)} % of the marks" if part.carry.penalty else ""
    condition = part.carry.condition.strip().rstrip(".")
    return f"this is also marked against your own {which}, and the better mark counts{less}. Condition: {condition}."


def _task(number: int, part: FunctionPart) -> Task:
    contract = part.contract
    libraries = [_LIBRARIES.get(name, name) for name in sorted(contract.allowed)]
    return Task(
        number=number,
        name=contract.name,
        marks=write_marks(part.marks),
        header=f"def {contract.name}{_signature(contract)}:",
        doc=contract.doc,
        shares=f"Marks are shared out by kind of input: {write_shares(contract.shares)}. {_EARNED} Behaviour means: "
        f"{behaviour(contract)}.",
        modules=" and ".join(["the standard library", *libraries]),
    )


def write_shares(shares: Iterable[tuple[str, Fraction]]) -> str:
    """Write shares of the marks in percent that add up to 100.

    >>> write_shares([("basics", Fraction(3, 5)), ("behaviour", Fraction(2, 5))])
    'basics 60 %, behaviour 40 %'
    """
    return ", ".join(f"{name} {percent} %" for name, percent in percentages(shares))


def behaviour(contract: Contract) -> str:
    """Say what is asked of every call, whatever its input: what the share of behaviour is for."""
    asked = [said for name, said in _PROPERTIES.items() if name in contract.properties]
    asked += ["results are as precise as the input", "no call depends on an earlier one"]
    asked += ["the results of many calls fit together"] if hasattr(contract.check, "across") else []
    return f"{', '.join(asked[:-1])}, and {asked[-1]}"


_EARNED = "A kind earns its share when every case of it is right; without the first, nothing is earned."
_PROPERTIES = {"unchanged": "arguments stay as they were", "unaliased": "results have memory of their own"}
_LOOKED_AT: Mapping[ModelTask, Mapping[str, str]] = {  # what a student should know of the groups of marks
    ModelTask.BUILD: {
        "structure": "layers and parameters",
        "function": "outputs for given weights",
        "learning": "gradients, the loss at first, a batch by heart",
        "behaviour": "training and evaluation mode",
    },
    ModelTask.TRAIN: {
        "loop": "batches, orders, modes, seed",
        "update": "weights after each step",
        "accuracy": "unseen examples",
    },
    ModelTask.STEP: {"update": "weights after each step, training mode", "loss": "what is returned"},
    ModelTask.EVALUATE: {"value": "what is returned", "manner": "evaluation mode, weights as they were"},
}


def _model_tasks(environment: Environment, variant: AnyVariant, first: int) -> Iterator[Task]:
    for number, part in enumerate(variant.exercise.models, first):
        groups = GROUPS[part.task]
        whole = sum(groups.values())
        shares = [(f"{name} ({_LOOKED_AT[part.task][name]})", Fraction(w, whole)) for name, w in groups.items()]
        yield Task(
            number=number,
            name=part.name,
            marks=write_marks(part.marks),
            header=f"def {part.name}{part.signature}:",
            doc=_doc(environment, part, variant),
            shares=f"Marks are shared out; a share is earned when all of it is right: {write_shares(shares)}.",
            modules="the standard library, NumPy and PyTorch",
        )


def _doc(environment: Environment, part: AnyModelPart, variant: AnyVariant) -> str:
    """Return what a function for models is asked to do, with this variant's numbers."""
    with _blaming(f"exercise {variant.exercise.name!r}, part {part.name!r}, doc"):
        return _text(environment, part.doc).render(p=variant.p).strip()


def _signature(contract: Contract) -> str:
    return contract.signature.strip().removesuffix(":")


def _numpy_import(contracts: Sequence[Contract]) -> str:
    """Return the line that imports NumPy, where functions take arrays or name them in their signature."""
    if any("np." in contract.signature for contract in contracts):
        return "import numpy as np"
    wanted = any("numpy" in contract.allowed and "array" in contract.doc for contract in contracts)
    return "import numpy as np  # noqa: F401 - for your functions" if wanted else ""


def _writing(exercise: AnyExercise) -> tuple[str, ...]:
    found = {next((text for kind, text in _WRITING if isinstance(part.answer, kind)), "") for part in exercise.parts}
    return tuple(text for _, text in _WRITING if text in found)


class _Pictures:
    """The SVGs of one page, and the Jinja words that make them: text in Markdown, drawings in HTML."""

    def __init__(self, medium: Medium) -> None:
        self.medium = medium
        self.svgs: list[str] = []

    @property
    def vocabulary(self) -> dict[str, Callable[..., str]]:
        return {
            "picture": self.picture,
            "drawn_grid": self.drawn_grid,
            "drawn_greys": self.drawn_greys,
            "drawn_axis": self.drawn_axis,
            "boxes": self.boxes,
            "plates": self.plates,
        }

    def picture(self, svg: str, alt: str) -> str:
        if self.medium == "md":
            return f"\n\n*Picture: {alt}*\n\n"
        self.svgs.append(svg)
        return f"\n\n```picture {len(self.svgs) - 1}\n{alt}\n```\n\n"

    def drawn_grid(
        self,
        rows: Sequence[Sequence[Any]],
        caption: str = "",
        *,
        window: tuple[int, int, int, int] | None = None,
        padding: tuple[int, int] = (0, 0),
        note: str = "",
    ) -> str:
        """Show rows of numbers, in a drawing with `padding` rows and columns of zeros around and a window marked.

        `window` is (top, left, height, width), counted from the padding on; `note` says what the drawing alone shows.
        """
        from grader import drawing

        (down, across), columns = padding, max(map(len, rows))
        if self.medium == "md" or max(len(rows) + 2 * down, columns + 2 * across) > _MOST_DRAWN:
            return grid(rows, caption)  # a drawing leaves numbers out where there are many
        cells = [[v if isinstance(v, str) else write_number(v).replace("-", "−") for v in row] for row in rows]
        side, edge = ["0"] * across, [["0"] * (columns + 2 * across)] * down
        padded = [*edge, *([*side, *row, *side] for row in cells), *edge]
        title = ". ".join(text for text in (caption, note) if text)
        spoken = "; ".join(map(" ".join, cells))
        alt = f"{title}. Row by row: {spoken}." if title else f"Row by row: {spoken}."
        return self.picture(
            drawing.grid(padded, window=window, padding=padding, caption=title, alt=alt, most=_MOST_DRAWN), alt
        )

    def drawn_axis(self, length: int, caption: str, *, padding: int = 0, stands: Mapping[str, range]) -> str:
        """Show an axis of `length` cells, to scale, and below it which cells are taken, by name."""
        from grader import drawing

        ends = f" with {padding} of padding at either end" if padding else ""
        alt = f"{caption}. {length} in a row{ends}; marked below: {', '.join(stands)}."
        return self.picture(drawing.axis(length, padding=padding, stands=stands, caption=caption, alt=alt), alt)

    def boxes(self, items: Sequence[tuple[Sequence[int], str, str]]) -> str:
        """Show boxes in a row: (size, what it is, its size in words); see `grader.drawing.boxes`."""
        from grader import drawing

        alt = "boxes in a row: " + "; then ".join(f"{above}, {below}" for _, above, below in items) + "."
        return self.picture(drawing.boxes(items, alt=alt), alt)

    def plates(self, items: Sequence[Plate]) -> str:
        """Show pictures made of pixels beside each other, each with its caption; in words where none is seen."""
        from grader import drawing

        if self.medium == "md":
            return "".join(f"\n\n*Picture: {plate.caption}: {plate.alt}*\n\n" for plate in items)
        alt = " ".join(f"{plate.caption}: {plate.alt}" for plate in items)
        return self.picture(drawing.plates([(plate.caption, plate.pixels()) for plate in items], alt=alt), alt)

    def drawn_greys(self, pictures: Mapping[str, Sequence[Sequence[int]]], white: int = 9) -> str:
        """Show grey pictures under their names, from 0 (black) to `white` (9 at most); as digits where none is seen."""
        from grader import drawing

        if self.medium == "md":
            return "".join(grid(rows, name) for name, rows in pictures.items())
        rows = (f"{name}: {', '.join(''.join(map(str, row)) for row in rows)}" for name, rows in pictures.items())
        alt = f"Grey values row by row, from 0 (black) to {white} (white). {'; '.join(rows)}."
        return self.picture(drawing.greys(pictures, white=white), alt)


@contextmanager
def _blaming(place: str) -> Iterator[None]:
    """Turn whatever an author's text or function raises into an author's mistake with its place."""
    try:
        yield
    except Exception as error:
        raise CourseError(f"{place}: {type(error).__name__}: {error}") from error


# Templates -------------------------------------------------------------------------------------------------


def _folders(folders: Folders) -> Folders:
    return folders or (builtin_folder() / "templates",)


@lru_cache(maxsize=8)
def _environment(folders: Folders) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(folders),
        undefined=StrictUndefined,
        autoescape=select_autoescape(["html.j2"], default_for_string=False, default=False),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        cache_size=-1,
    )
    environment.filters.update(
        num=write_number,
        count=count,
        tex=_tex,
        plain=escape_markdown,
        markdown=_markdown,
        inline=_inline,
        comment=write_comment,
        docstring=write_docstring,
        cleandoc=inspect.cleandoc,
        python=write_literal,
    )
    environment.globals["grid"] = grid
    return environment


@lru_cache(maxsize=1024)
def _text(environment: Environment, source: str) -> Template:
    return environment.from_string(source)


def _markdown(text: str, pictures: Sequence[str] = ()) -> Any:
    from markupsafe import Markup

    return Markup(to_html(text, pictures))  # noqa: S704 - what to_html returns is escaped


def _inline(text: str) -> Any:
    from markupsafe import Markup

    return Markup(to_inline_html(text))  # noqa: S704 - the same


def _tex(value: Value, places: int | None = None) -> str:
    """Write a number, or rows of numbers, as LaTeX without dollar signs."""
    if isinstance(value, list | tuple):
        return Matrix(places).tex(tuple(tuple(row) for row in value))
    text = write_number(value, places)
    if match := re.fullmatch(r"(-?)(\d+)/(\d+)", text):
        return rf"{match[1]}\frac{{{match[2]}}}{{{match[3]}}}"
    return re.sub(r"(?<=\d)(?=(\d{3})+$)", "{,}", text) if "." not in text and len(text) > 4 else text


# Python text -----------------------------------------------------------------------------------------------


def write_comment(text: str) -> str:
    """Return text that cannot leave its comment: one line, nothing unprintable.

    >>> write_comment("Ada\\nimport os")
    "'Ada\\\\nimport os'"
    """
    return text if text.isprintable() else ascii(text)


def write_literal(text: str) -> str:
    """Return text as a Python literal, in double quotes where that is plain.

    >>> print(write_literal("padding-v1"), write_literal('a"b'))
    "padding-v1" 'a"b'
    """
    literal = repr(text)
    return literal if '"' in literal or "\\" in literal else f'"{literal[1:-1]}"'


def write_docstring(text: str, indent: int = 0) -> str:
    """Return text as an indented docstring, whatever quotes and backslashes it holds."""
    body = inspect.cleandoc(text)
    prefix = ""
    if "\\" in body and '"""' not in body and not body.endswith("\\"):
        prefix = "r"
    else:
        body = body.replace("\\", "\\\\").replace('"""', r"\"\"\"")
    if body.endswith('"'):
        body += " "
    margin = " " * indent
    lines = body.splitlines() or [""]
    closing = f'\n{margin}"""' if len(lines) > 1 else '"""'
    rest = "".join("\n" + f"{margin}{line}".rstrip() for line in lines[1:])
    return f'{margin}{prefix}"""{lines[0]}{rest}{closing}'
