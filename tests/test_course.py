"""The course loader: any folder is a course, two do not mix, and an author's mistake is a sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from grader.course import builtin_folder, load_course
from grader.errors import CourseError, InputError

TOY = Path(__file__).parent / "toy"


def course(folder: Path, **files: str) -> Path:
    (folder / "exercises").mkdir(parents=True)
    for name, text in files.items():
        (folder / "exercises" / f"{name}.py").write_text(text)
    return folder


def test_two_courses_in_one_process_do_not_mix(tmp_path: Path) -> None:
    """A module of one course must never be found by the other."""
    (tmp_path / "one/solutions").mkdir(parents=True)
    (tmp_path / "one/solutions/shapes.py").write_text("SIZE = 'mine'")
    first = load_course(course(tmp_path / "one", a="from solutions import shapes\nEXERCISE = shapes.SIZE"))
    with pytest.raises(CourseError, match="defines no EXERCISE"):
        first.exercise("a")
    from solutions import shapes

    assert shapes.output_size(5, 3) == 3
    assert load_course(TOY).exercise("sums").title == "Sums"
    assert load_course(builtin_folder()).exercise("padding").title == "Padding"


def test_a_course_alone_in_its_process_keeps_its_names(tmp_path: Path) -> None:
    """A solver that imports late, inside a function, works in the one course of a process."""
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions/late.py").write_text("VALUE = 7")
    course(tmp_path, a="def late():\n    from solutions.late import VALUE\n    return VALUE\n")
    code = (
        "import sys; from pathlib import Path; from grader.course import load_course\n"
        f"c = load_course(Path({str(tmp_path)!r})); print(c._load('exercises.a').late())"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert result.stdout == "7\n", result.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = (", r"broken.py:1: SyntaxError"),
        ("import nowhere_at_all", r"broken.py:1: ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("\n\n1 / 0", r"broken.py:3: ZeroDivisionError"),
        ("x = 1", r"broken.py: it defines no EXERCISE"),
        ("from grader.authoring import *\n\nContract('N', '', '', abs, (), Exact())", r"broken.py:3: contract 'N'"),
    ],
)
def test_an_authors_mistake_has_its_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    """It shows when the course is loaded, in the author's own file."""
    with pytest.raises(CourseError, match=message):
        load_course(course(tmp_path, broken=text)).exercise("broken")


def test_a_file_of_contracts_says_which_are_its_own(tmp_path: Path) -> None:
    """A contract that is only written down is asked of nobody: its author must be told what is missing."""
    (course(tmp_path) / "exercises/contracts").mkdir()
    (tmp_path / "exercises/contracts/relu.py").write_text("RELU = None")
    with pytest.raises(CourseError, match=r"relu.py: CONTRACTS is not a tuple of contracts") as error:
        _ = load_course(tmp_path).contracts
    assert error.value.hint == "End it with CONTRACTS = (NAME, ...)."


def test_a_folder_that_is_no_course_is_refused(tmp_path: Path) -> None:
    """A mistyped --course must not fall back to another course."""
    with pytest.raises(InputError, match="not a course"):
        load_course(tmp_path)


def test_an_unknown_topic_gets_the_nearest_name() -> None:
    """Did you mean…"""
    with pytest.raises(InputError, match="no topic named 'paddin'") as error:
        load_course(builtin_folder()).exercise("paddin")
    assert error.value.hint == "Did you mean 'padding'?"
