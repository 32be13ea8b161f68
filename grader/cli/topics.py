"""`grader topics`: what a course has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from grader.cli.main import course_option, course_words
from grader.exercise import AnyExercise, Level

if TYPE_CHECKING:
    from rich.table import Table

    from grader.course import Course


@click.command()
@click.option(
    "--format", "style", type=click.Choice(["table", "json"]), default="table", show_default=True, help="Of the list."
)
@click.option(
    "--docs",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write a page a topic into this folder, instead of the list.",
)
@course_option
def topics(course: Course, style: str, folder: Path | None) -> None:
    """List the topics, their parts and levels, and the functions that they ask for."""
    if folder is not None:
        from grader.answers import count
        from grader.cli.grading import writable
        from grader.topicdocs import write

        writable(folder, "pages", "Choose another --docs.")
        click.echo(f"wrote {count(len(write(course, folder)), 'page')} into {folder}")
        return
    exercises = list(course.exercises.values())
    if style == "json":
        import json

        document = {"course": course.name, "topics": [describe(exercise) for exercise in exercises]}
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    if not exercises:
        click.echo(f"The course {course.name} has no topics yet.")
        return
    from rich.console import Console

    Console().print(table(exercises))
    click.echo(f"Next: grader generate{course_words(course)} --topic {exercises[0].name}")


def describe(exercise: AnyExercise) -> dict[str, Any]:
    """Return a topic as plain data; the cost of a level is its work by hand, in `cost_unit`."""
    return {
        "name": exercise.name,
        "title": exercise.title,
        "summary": exercise.summary,
        "version": exercise.version,
        "max_score": float(exercise.max_score),
        "levels": {str(level): exercise.costs[level] for level in Level},
        "cost_unit": exercise.cost_unit or "multiplications",
        "parts": [
            {"name": part.name, "marks": float(part.marks), "answer": part.answer.rule} for part in exercise.parts
        ],
        "functions": [
            {
                "name": part.name,
                "marks": float(part.marks),
                "signature": f"{part.name}{part.contract.signature.strip()}",
            }
            for part in exercise.functions
        ],
        "models": [
            {"name": part.name, "marks": float(part.marks), "signature": f"{part.name}{part.signature}"}
            for part in exercise.models
        ],
    }


def table(exercises: list[AnyExercise]) -> Table:
    """Return the topics as a table, one row each."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    from grader.answers import write_number

    shown = Table(box=SIMPLE_HEAD, pad_edge=False, show_lines=True)
    shown.add_column("topic", style="bold", no_wrap=True)
    shown.add_column("what it asks, its parts and functions (marks)")
    shown.add_column("work by hand", max_width=16)
    for exercise in exercises:
        parts = ", ".join(f"{part.name} ({write_number(part.marks)})" for part in exercise.parts)
        asked = [(part.name, part.marks) for part in exercise.functions]
        asked += [(part.name, part.marks) for part in exercise.models]
        functions = "".join(f"\n[cyan]{name}()[/] ({write_number(marks)})" for name, marks in asked)
        costs = "\n".join(f"{level} {exercise.costs[level]:,}" for level in Level)
        costs += f"\n[dim]{escape(exercise.cost_unit or 'multiplications')}[/]"
        shown.add_row(exercise.name, f"{escape(exercise.summary or exercise.title)}\n[dim]{parts}[/]{functions}", costs)
    return shown
