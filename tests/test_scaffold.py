"""`grader new exercise`: what it writes works as it is, and never overwrites anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.audit import audit_level
from grader.course import load_course
from grader.errors import InputError
from grader.exercise import Level
from grader.scaffold import new_exercise
from grader.selftest import try_exercise


def test_a_new_topic_keeps_every_promise_from_the_start(tmp_path: Path) -> None:
    """An author starts from something that works, and sees at once what a change breaks."""
    new_exercise(tmp_path, "image_size", "The size of an image")
    course = load_course(tmp_path)
    assert course.exercise("image_size").title == "The size of an image"
    assert try_exercise(course.exercise("image_size"), 3).broken == ()
    for level in (Level.STANDARD, Level.CHALLENGE):
        assert audit_level(course, course.exercise("image_size"), level, 200).broken == ()


def test_a_topic_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    """An afternoon's work must not be lost to a command given twice."""
    path = new_exercise(tmp_path, "mine", "Mine")
    path.write_text("work")
    with pytest.raises(InputError, match="there is such a topic already"):
        new_exercise(tmp_path, "mine", "Mine")
    assert path.read_text() == "work"


@pytest.mark.parametrize(
    ("name", "title"), [("Bad-Name", "T"), ("../x", "T"), ("", "T"), ("import", "T"), ("ok", 'a"b'), ("ok", "{{ 1 }}")]
)
def test_odd_names_and_titles_are_refused(tmp_path: Path, name: str, title: str) -> None:
    """A name becomes a module and a file, a title becomes Python source."""
    with pytest.raises(InputError, match=r"is not a name|the title"):
        new_exercise(tmp_path, name, title)
