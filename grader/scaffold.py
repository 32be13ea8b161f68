"""Starting a topic: a file that works, from a template."""

from __future__ import annotations

import keyword
from pathlib import Path

from grader.course import builtin_folder
from grader.errors import InputError
from grader.exercise import NAME


def new_exercise(folder: Path, name: str, title: str) -> Path:
    """Write `exercises/NAME.py` into a course, which is made where there is none; return its path.

    Raises:
        InputError: the name is not one, the file is there already, or the folder cannot be written to.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise InputError(f"{name!r} is not a name for a topic", hint="Use lower-case letters, digits and underscores.")
    if any(c in title for c in '"\\\n{}'):
        raise InputError(f"the title {title!r} has a quote, a brace, a backslash or a new line", hint="Leave it out.")
    loader = FileSystemLoader(builtin_folder() / "templates")
    environment = Environment(loader=loader, undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)  # noqa: S701 - Python, not HTML; both texts are checked above
    text = environment.get_template("exercise.py.j2").render(name=name, title=title)
    path = folder / "exercises" / f"{name}.py"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(f"{path}: there is such a topic already", hint="Choose another name.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
    return path
