"""The formats of a report, and writing several of them into one folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path

from grader.errors import InputError, did_you_mean
from grader.outcome import Gradebook
from grader.report import files

# format -> (module, its function that returns text, or yields pieces of it; file name); html has more than one file
SINGLE = {
    "json": ("grader.report.document", "pieces", "report.json"),
    "csv": ("grader.report.csv", "dumps", "gradebook.csv"),
    "junit": ("grader.report.junit", "dumps", "junit.xml"),
}
FORMATS = ("html", *SINGLE)


def write(
    gradebook: Gradebook, folder: Path, formats: Sequence[str] = FORMATS, templates: Sequence[Path] | None = None
) -> list[Path]:
    """Write a gradebook into a folder in each format; return the files, the one to open first for each.

    Raises:
        InputError: a format is not known, or the folder cannot be written to.
    """
    check(formats)
    return [path for name in formats for path in _write_one(gradebook, folder, name, templates)]


def check(formats: Sequence[str]) -> None:
    """Raise InputError for a format that is not known."""
    for name in formats:
        if name not in FORMATS:
            listing = f"The formats are {', '.join(FORMATS)}."
            raise InputError(f"no report format named {name!r}", hint=did_you_mean(name, FORMATS, otherwise=listing))
    if not formats:
        raise InputError("no report format was named", hint=f"The formats are {', '.join(FORMATS)}.")


def _write_one(gradebook: Gradebook, folder: Path, name: str, templates: Sequence[Path] | None) -> list[Path]:
    if name == "html":
        from grader.report import html

        return html.write(gradebook, folder, templates)
    module, function, file = SINGLE[name]
    written: Callable[[Gradebook], str | Iterable[str]] = getattr(import_module(module), function)
    return [files.write_text(folder / file, written(gradebook))]
