"""How much of the hidden cases is disclosed: each level is tested against what it must hide."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest
from rich.console import Console

from grader.errors import CourseError
from grader.feedback import Feedback, Policy, course_policy, limit
from grader.outcome import Counterexample, Finding, Gradebook, Outcome, PartResult, StudentResult
from grader.report import formats, table

PART = PartResult(
    topic="t",
    part="f",
    kind="function",
    outcome=Outcome.PARTIAL,
    score=Fraction(1, 2),
    max_score=Fraction(1),
    message="Wrong where k is even. For example, entry [0] is GOT, should be WANT.",
    summary="Wrong where k is even.",
    misconceptions=(Finding("off-by-one", "Count again."),),
    regimes={"k is even": (0, 5)},
    counterexample=Counterexample({"x": "INPUT"}, "GOT", "WANT", (0,), "k is even", "f(INPUT)", sentence="GOT, WANT"),
)
BOOK = Gradebook("c", (StudentResult("ada", (PART,)),))


@pytest.mark.parametrize(
    ("level", "shown", "hidden"),
    [
        (Feedback.FULL, ["GOT", "WANT", "INPUT", "off-by-one", "k is even"], []),
        (Feedback.INPUT, ["INPUT", "off-by-one", "k is even"], ["GOT", "WANT"]),
        (Feedback.VERDICT, ["off-by-one", "k is even"], ["GOT", "WANT", "INPUT"]),
        (Feedback.NONE, ["partial"], ["GOT", "WANT", "INPUT", "off-by-one", "k is even"]),
    ],
)
def test_each_level_shows_what_it_promises(level: Feedback, shown: list[str], hidden: list[str]) -> None:
    """A hidden case that leaks is worth nothing the next year; marks never depend on the level."""
    part = limit(BOOK, level).students[0].parts[0]
    text = repr(part)
    assert [word for word in shown if word not in text] == []
    assert [word for word in hidden if word in text] == []
    assert (part.outcome, part.score) == (PART.outcome, PART.score)


@pytest.mark.parametrize("level", [Feedback.NONE, Feedback.INPUT])
def test_what_is_withheld_is_not_shown_as_none(tmp_path: Path, level: Feedback) -> None:
    """ "got None" is what a function without a return gets: nobody who reads it looks for another mistake."""
    book = limit(BOOK, level)
    shown = io.StringIO()
    Console(file=shown, width=100).print(table.render(book, details=True))
    formats.write(book, tmp_path, ["html"])
    page = (tmp_path / "students/ada.html").read_text(encoding="utf-8")
    for text in (shown.getvalue(), page):
        assert "None" not in text
        assert ("f(INPUT)" in text) is (level is Feedback.INPUT)
        assert "partial" not in text  # a word of the document's; people read "partly right"
    assert ("is not shown" in page) is (level is Feedback.INPUT)


def test_the_due_date_switches(tmp_path: Path) -> None:
    """Before the due date little, after it everything, without anybody remembering to change it."""
    (tmp_path / "course.toml").write_text(
        '[feedback]\nbefore = "verdict"\nafter = "full"\ndue = 2026-12-01T23:59:00+01:00\n'
    )
    policy = course_policy(tmp_path)
    assert policy.at(datetime(2026, 12, 1, 22, 58, tzinfo=UTC)) is Feedback.VERDICT
    assert policy.at(datetime(2026, 12, 1, 22, 59, tzinfo=UTC)) is Feedback.FULL


def test_without_a_file_feedback_is_full(tmp_path: Path) -> None:
    """Students learn from the feedback; hiding it is a decision."""
    assert course_policy(tmp_path) == Policy()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[feedback]\nbefore = "some"', "feedback 'some' is not one of none, verdict, input, full"),
        ('[feedback]\ndue = "soon"', "due='soon' is not a moment"),
        ("[feedback]\nbefor = 1", "has no key 'befor'"),
        ("[feedback", "course.toml"),
        ('[feedbak]\nbefore = "none"', "nothing is known of 'feedbak'"),
        ('feedback = "none"', "feedback='none' is not a table"),
    ],
)
def test_a_mistake_in_the_file_is_the_authors(tmp_path: Path, text: str, message: str) -> None:
    """A misspelt key must not silently disclose everything."""
    (tmp_path / "course.toml").write_text(text)
    with pytest.raises(CourseError, match=message):
        course_policy(tmp_path)


def test_two_files_are_a_question_to_the_author(tmp_path: Path) -> None:
    """Whichever was taken, the other might be the one that hides."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "course.toml").write_text("[feedback]\n")
    assert course_policy(tmp_path / "a", tmp_path / "b" / ".." / "a") == Policy()
    with pytest.raises(CourseError, match="both say what students see"):
        course_policy(tmp_path / "a", tmp_path / "b")


WRONG = "def output_size(input_size, kernel_size, stride=1, padding=0, dilation=1):\n    return input_size\n"


def checked(folder: Path, *words: str, of: str = "class") -> tuple[str, str]:
    """Return what `grader check` prints of a wrong submission, called in the folder, and what it warns of."""
    command = [sys.executable, "-m", "grader", "check", of, "--format", "json", *words]
    surroundings = {**os.environ, "XDG_CACHE_HOME": str(folder), "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(command, cwd=folder, env=surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    return done.stdout, done.stderr


def test_the_built_in_course_has_its_settings_where_it_is_called(tmp_path: Path) -> None:
    """Who installed the package has no course's folder; a file that was ignored would disclose every hidden case."""
    (tmp_path / "class" / "ada").mkdir(parents=True)
    (tmp_path / "class" / "ada" / "output_size.py").write_text(WRONG)
    assert '"want"' in checked(tmp_path)[0]
    (tmp_path / "course.toml").write_text('[feedback]\nbefore = "verdict"\n')
    assert '"want"' not in checked(tmp_path)[0]
    assert '"want"' in checked(tmp_path, "--feedback", "full")[0]


def test_settings_among_submissions_may_be_a_students(tmp_path: Path) -> None:
    (tmp_path / "class" / "ada").mkdir(parents=True)
    (tmp_path / "class" / "ada" / "output_size.py").write_text(WRONG)
    (tmp_path / "course.toml").write_text('[feedback]\nbefore = "none"\n')
    (tmp_path / "class" / "course.toml").write_text('[feedback]\nbefore = "full"\n')
    shown, said = checked(tmp_path)
    assert '"want"' not in shown
    assert "class/course.toml is not read" in said
    (tmp_path / "class" / "course.toml").write_text('[feedback]\nbefore = "none"\n')
    shown, said = checked(tmp_path / "class", of=".")
    assert '"want"' in shown
    assert "class/course.toml is not read" in said
