"""`grader new exercise NAME`: start a topic of one's own, as a file that already works."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def new() -> None:
    """Start something of your own."""


@new.command()
@click.argument("name")
@click.option("--title", help="Title of the sheet; default: made of the name.")
@click.option(
    "--course",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("."),
    help="The course to put it into; default: the current folder.",
)
def exercise(name: str, title: str | None, folder: Path) -> None:
    """Write exercises/NAME.py, a small topic that works, to be changed into your own."""
    from grader.scaffold import new_exercise

    path = new_exercise(folder, name, title or name.replace("_", " ").capitalize())
    click.echo(f"wrote {path}")
    click.echo(f"Next: change it, then try it: grader selftest --course {folder} --topic {name}")
    click.echo(f"and look at a sheet: grader generate --course {folder} --topic {name} --seed 1 --with-key -o sheets")
