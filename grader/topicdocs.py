"""A page of documentation a topic, made from what the course says of itself: nothing is written twice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.answers import write_number
from grader.contract import BEHAVIOUR, Contract, percentages
from grader.exercise import AnyExercise, AnyPart, FunctionPart, Level
from grader.markup import escape_markdown
from grader.model import GROUPS, AnyModelPart, ModelTask, Plan
from grader.sheet import behaviour, render_sheet, write_cost, write_marks, write_shares
from grader.variant import Seeded, draw_variant

if TYPE_CHECKING:
    from grader.course import Course

INDEX = "index.md"
SEED = 1


def pages(course: Course) -> dict[str, str]:
    """Return the text of every page by its file name: one a topic, and the list of them all."""
    exercises = [course.exercise(topic) for topic in course.topics]
    folders = tuple(course.template_folders())
    found = {file_name(exercise): page(exercise, folders) for exercise in exercises}
    return {**found, INDEX: index(exercises)}


def write(course: Course, folder: Path) -> list[Path]:
    """Write all pages into a folder, which is made where there is none."""
    made = pages(course)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in made]


def file_name(exercise: AnyExercise) -> str:
    return f"{exercise.name}.md"


def index(exercises: Sequence[AnyExercise]) -> str:
    """Return the list of the topics."""
    rows = [
        (
            f"[{e.name}]({file_name(e)})",
            _cell(e.summary or e.title),
            write_number(e.max_score),
            _names((*e.functions, *e.models)),
        )
        for e in exercises
    ]
    return "# Topics\n\n" + _table(("topic", "what it asks", "marks", "functions"), rows) + f"\n{_MADE}\n"


def page(exercise: AnyExercise, folders: tuple[Path, ...]) -> str:
    """Return one topic's page; the example is variant 1 of seed 1."""
    return "\n".join(_lines(exercise, folders)) + "\n"


# Sections of a page ----------------------------------------------------------------------------------------

_MADE = "This page is made by `make docs` from what the course says of itself: change that, not the page."


def _lines(exercise: AnyExercise, folders: tuple[Path, ...]) -> Iterator[str]:
    yield f"# {exercise.title}"
    yield f"\nTopic `{exercise.name}`, {write_marks(exercise.max_score)}: {exercise.summary or exercise.title}.\n"
    yield _table(("level", "work"), [(level, write_cost(exercise, level)) for level in Level])
    if exercise.parts:
        yield "## Questions\n"
        yield _table(("part", "marks", "answer", "builds on"), [_row(part) for part in exercise.parts])
        yield "## Mistakes that are named\n"
        for part in exercise.parts:
            yield from _named(f"In `{part.name}`", part.misconceptions)
    if exercise.functions:
        yield "## Functions\n"
        for function in exercise.functions:
            yield from _function(function)
    if exercise.models:
        yield "## Models\n"
        for model in exercise.models:
            yield from _model(model)
    yield from _example(exercise, folders)
    yield f"\nAll topics are in [the list]({INDEX}). {_MADE}"


def _row(part: AnyPart) -> tuple[str, ...]:
    carried = ", ".join(f"`{name}`" for name in part.carry.parts) if part.carry else ""
    return f"`{part.name}`", write_number(part.marks), _cell(part.answer.rule), carried


def _named(place: str, mistakes: Sequence[Any]) -> Iterator[str]:
    """Yield each mistake with the sentence that the student is told."""
    if mistakes:
        yield f"{place}:\n"
        yield from (f"- `{mistake.name}`: {escape_markdown(mistake.hint)}" for mistake in mistakes)
        yield ""


def _function(part: FunctionPart) -> Iterator[str]:
    contract = part.contract
    yield f"### `{contract.name}` ({write_marks(part.marks)})\n"
    yield f"```python\ndef {contract.name}{contract.signature.strip().removesuffix(':')}:\n```\n"
    yield _table(("kind of input", "share", "it is tried where …"), list(_groups(contract)))
    yield f"Besides the standard library it may import: {', '.join(sorted(contract.allowed)) or 'nothing'}.\n"
    yield from _named("Wrong functions that are recognised", contract.twins)


def _model(part: AnyModelPart) -> Iterator[str]:
    groups, plans = GROUPS[part.task], part.plans()
    shares = write_shares((name, Fraction(weight, sum(groups.values()))) for name, weight in groups.items())
    yield f"### `{part.name}` ({write_marks(part.marks)})\n"
    yield f"```python\ndef {part.name}{part.signature}:\n```\n"
    yield f"Its marks are shared out: {shares}. Configurations: {', '.join(plan.key for plan in plans)}.\n"
    mistakes: dict[str, Any] = {}
    for plan in plans:
        for twin in _twins(part.task, plan):
            mistakes.setdefault(twin.name, twin)
    yield from _named("Wrong ones that are recognised", list(mistakes.values()))


def _twins(task: ModelTask, plan: Plan) -> Sequence[Any]:
    """Return the wrong ones of one configuration; another may have more."""
    found: Mapping[ModelTask, Sequence[Any]] = {
        ModelTask.BUILD: plan.wrong_models,
        ModelTask.TRAIN: plan.wrong_steps,
        ModelTask.STEP: [twin for twin in plan.wrong_steps if twin.step],
        ModelTask.EVALUATE: plan.wrong_evaluations,
    }
    return found[task]


def _groups(contract: Contract) -> Iterator[tuple[str, ...]]:
    asked = {BEHAVIOUR: f"in every case: {behaviour(contract)}"}
    for group, percent in percentages(contract.shares):
        where = "; ".join(regime.name for regime in contract.regimes if regime.group == group)
        yield _cell(group), f"{percent} %", _cell(where or asked[group])


def _example(exercise: AnyExercise, folders: tuple[Path, ...]) -> Iterator[str]:
    """Yield the questions of one variant as its sheet has them, a heading's level lower."""
    variant = draw_variant(exercise, Level.STANDARD, Seeded(SEED))
    sheet = render_sheet(variant, folders=folders)
    yield "## An example\n"
    yield f"The sheet, the stub and the key of this variant, `{variant.id}`, are written by:\n"
    yield f"```sh\ngrader generate --topic {exercise.name} --seed {SEED} --with-key\n```\n"
    body = sheet[sheet.index("## What is given") :]
    body = re.split(r"^## (?:Functions? to write|Handing in)$", body, maxsplit=1, flags=re.MULTILINE)[0]
    yield re.sub(r"^(#+ )", r"#\1", body.strip(), flags=re.MULTILINE)


def _names(functions: Sequence[FunctionPart | AnyModelPart]) -> str:
    return ", ".join(f"`{part.name}`" for part in functions)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
