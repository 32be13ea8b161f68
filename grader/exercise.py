"""What authors write: an exercise, its parts, and the misconceptions of each.

An exercise is frozen data with pure functions in it; `grader.variant` draws from it, `grader.sheet` renders
it, `grader.marking` marks it. `P` is the author's own frozen dataclass of parameters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Any, Generic, TypeVar

from grader.answers import Answer, Choice, Value
from grader.contract import Contract
from grader.draw import Draw
from grader.errors import CourseError
from grader.model import ModelPart

P = TypeVar("P")
NAME = re.compile(r"[a-z][a-z0-9_]*")
SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


class Level(StrEnum):
    INTRO = "intro"
    STANDARD = "standard"
    CHALLENGE = "challenge"


@dataclass(frozen=True)
class Misconception(Generic[P]):
    """A wrong solver plus a sentence: executable, so it is a diagnosis, a distractor and a test at once.

    `solve` returns what a student with this misconception answers, or None where it says nothing about
    these parameters. `hint` is read by that student.
    """

    name: str
    solve: Callable[[P], Value | None]
    hint: str


@dataclass(frozen=True)
class Carry(Generic[P]):
    """Error carried forward: how a part is marked against the student's own earlier answers.

    `solve(p, earlier)` gives the answer that is right for the earlier answers, which are named in `parts`.
    It is asked only when `when(p, earlier)` holds; `condition` states that in words on the sheet. The better
    mark counts, less `penalty` (a share of this part's marks).
    """

    parts: tuple[str, ...]
    solve: Callable[[P, Mapping[str, Value]], Value]
    condition: str
    when: Callable[[P, Mapping[str, Value]], bool] = lambda p, earlier: True
    penalty: Fraction = Fraction(0)


@dataclass(frozen=True)
class Part(Generic[P]):
    """One question of an exercise.

    `ask` is Markdown with Jinja (the parameters are `p`); `workings(p)` is Markdown that derives the answer
    with this variant's numbers. Formulas stand between dollar signs, as LaTeX. For a `Choice`, `solve` gives
    the right option's text, the misconceptions give the distractors, and `options(p)` further ones.
    """

    name: str
    ask: str
    solve: Callable[[P], Value]
    answer: Answer
    workings: Callable[[P], str]
    misconceptions: tuple[Misconception[P], ...] = ()
    marks: Fraction | int = 1
    carry: Carry[P] | None = None
    options: Callable[[P], Sequence[str]] = lambda p: ()

    def distractors(self, p: P) -> dict[str, Value]:
        """Return each misconception's answer for these parameters, where it has one."""
        answers = {m.name: m.solve(p) for m in self.misconceptions}
        return {name: value for name, value in answers.items() if value is not None}


@dataclass(frozen=True)
class FunctionPart:
    """A function asked of the student within an exercise: a contract and its marks."""

    contract: Contract
    marks: Fraction | int = 1

    @property
    def name(self) -> str:
        return self.contract.name


@dataclass(frozen=True)
class Exercise(Generic[P]):
    """A topic: how its parameters are drawn, what is asked, and what is conventional.

    `cost(p)` is the work by hand, in multiplications or in another `cost_unit` (a plural), and `costs` states it
    for each level. `version` goes up whenever the same labels would draw another variant. `worked` closes the key:
    pictures and figures that no single part needs. `image` says that the texts may show an image of the instructor's
    (`image` in Jinja, or None), of at least (height, width) pixels; no answer and no mark may depend on it.
    """

    name: str
    title: str
    draw: Callable[[Draw, Level], P]
    parts: tuple[Part[P], ...]
    intro: str  # Markdown with Jinja: what is given
    cost: Callable[[P], int]
    costs: Mapping[Level, int]
    conventions: tuple[str, ...] = ()
    functions: tuple[FunctionPart, ...] = ()
    models: tuple[ModelPart[P], ...] = ()
    version: int = 1
    summary: str = field(default="")  # one line for `grader topics`
    worked: str = ""  # Markdown with Jinja, for the key alone
    image: tuple[int, int] | None = None
    cost_unit: str = ""  # what `cost` counts where it is not multiplications: "comparisons and additions"

    def __post_init__(self) -> None:
        self._check()

    @property
    def max_score(self) -> Fraction:
        marks = [part.marks for part in self.parts] + [part.marks for part in self.functions]
        return sum((Fraction(mark) for mark in (*marks, *(part.marks for part in self.models))), Fraction(0))

    def part(self, name: str) -> Part[P]:
        return next(part for part in self.parts if part.name == name)

    def _check(self) -> None:
        """Raise CourseError for what can be seen without drawing."""
        where = f"exercise {self.name!r}"
        if not NAME.fullmatch(self.name):
            raise CourseError(f"{where}: a name has lower-case letters, digits and underscores")
        names = [part.name for part in self.parts] + [part.name for part in self.functions]
        names += [part.name for part in self.models]
        for name in names:
            if not NAME.fullmatch(name):
                raise CourseError(f"{where}, part {name!r}: a name has lower-case letters, digits and underscores")
            if names.count(name) > 1:
                raise CourseError(f"{where}: two parts are called {name!r}", hint="Rename one of them.")
        if not names:
            raise CourseError(f"{where}: it has no parts")
        if set(self.costs) != set(Level):
            missing = ", ".join(sorted(set(Level) - set(self.costs)))
            raise CourseError(f"{where}: costs lacks the level {missing}")
        for index, part in enumerate(self.parts):
            self._check_part(f"{where}, part {part.name!r}", part, names[:index])

    def _check_part(self, where: str, part: Part[P], earlier: list[str]) -> None:
        if part.marks <= 0:
            raise CourseError(f"{where}: marks={part.marks} must be positive")
        known: set[str] = set()
        for misconception in part.misconceptions:
            if not SLUG.fullmatch(misconception.name) or misconception.name in known:
                raise CourseError(f"{where}: misconception {misconception.name!r} needs a name-like-this of its own")
            if not misconception.hint:
                raise CourseError(f"{where}: misconception {misconception.name!r} has no hint")
            known.add(misconception.name)
        self._check_carry(where, part, earlier)
        if isinstance(part.answer, Choice) and part.answer.options:
            raise CourseError(f"{where}: the options of a choice are drawn; leave Choice() empty")

    def _check_carry(self, where: str, part: Part[P], earlier: list[str]) -> None:
        for name in part.carry.parts if part.carry else ():
            if name not in earlier:
                raise CourseError(f"{where}: it carries {name!r} forward, which is not an earlier part")


AnyExercise = Exercise[Any]
AnyPart = Part[Any]
