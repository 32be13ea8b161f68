"""Results kept as they come: what may be lent to a later run, and what must not."""

from __future__ import annotations

import stat
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from grader.check import Settings
from grader.course import load_course
from grader.journal import Journal, cache_folder
from grader.outcome import Outcome, PartResult, StudentResult
from grader.submission import Submission, read_module

TOY = load_course(Path(__file__).parent / "toy")
SETTINGS = Settings(key=b"k" * 32)
WORK = Submission("ada", (read_module("add.py", b"def add(a, b): return a + b"),))


def result(outcome: Outcome = Outcome.PARTIAL) -> StudentResult:
    score = Fraction(1, 3) if outcome is Outcome.PARTIAL else Fraction(0)
    return StudentResult("ada", (PartResult("add", "add", "function", outcome, score, Fraction(1), "so so"),))


def test_an_unchanged_submission_is_known_again() -> None:
    """A run that was killed goes on: another process finds what the first one wrote."""
    Journal(TOY, SETTINGS).put(WORK, result())
    assert Journal(TOY, SETTINGS).get(WORK) == result()


@pytest.mark.parametrize(
    ("settings", "work"),
    [
        (replace(SETTINGS, key=b"x" * 32), WORK),
        (replace(SETTINGS, allow=frozenset({"scipy"})), WORK),
        (replace(SETTINGS, call_seconds=1.0), WORK),
        (SETTINGS, replace(WORK, student="bob")),
        (SETTINGS, replace(WORK, unread=("the folder: the grader may not read it",))),
        (SETTINGS, replace(WORK, modules=(replace(WORK.modules[0], unread="weights.pt: the grader may not read it"),))),
        (SETTINGS, replace(WORK, modules=(read_module("add.py", b"def add(a, b): return a - b"),))),
        (SETTINGS, replace(WORK, modules=(*WORK.modules, read_module("b.py", b"x = 1")))),
    ],
)
def test_anything_that_could_change_the_mark_makes_it_unknown(settings: Settings, work: Submission) -> None:
    """A stale mark is worse than a slow one."""
    Journal(TOY, SETTINGS).put(WORK, result())
    assert Journal(TOY, settings).get(work) is None


def test_another_version_of_the_course_is_another_journal(tmp_path: Path) -> None:
    """An author who mends a reference must see everyone graded again."""
    (tmp_path / "exercises").mkdir()
    (tmp_path / "exercises/a.py").write_text("x = 1")
    Journal(load_course(tmp_path), SETTINGS).put(WORK, result())
    (tmp_path / "exercises/a.py").write_text("x = 2")
    assert Journal(load_course(tmp_path), SETTINGS).get(WORK) is None


def test_fresh_forgets() -> None:
    """`--fresh` grades everything again."""
    Journal(TOY, SETTINGS).put(WORK, result())
    assert Journal(TOY, SETTINGS, fresh=True).get(WORK) is None


def test_what_could_not_be_graded_is_tried_again() -> None:
    """A failure of ours must not stick to a student."""
    Journal(TOY, SETTINGS).put(WORK, result(Outcome.UNGRADABLE))
    assert Journal(TOY, SETTINGS).get(WORK) is None


def test_a_line_cut_short_by_a_kill_is_passed_over() -> None:
    """SIGKILL in the middle of a line must cost that line only."""
    Journal(TOY, SETTINGS).put(WORK, result())
    (path,) = cache_folder().glob("*.jsonl")
    path.write_text(path.read_text() + '{"key": "ab", "resu')
    assert Journal(TOY, SETTINGS).get(WORK) == result()


def test_the_journal_is_private() -> None:
    """It holds hidden cases."""
    Journal(TOY, SETTINGS).put(WORK, result())
    (path,) = cache_folder().glob("*.jsonl")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_without_a_place_to_write_everything_is_graded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only home is no reason not to grade."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    journal = Journal(TOY, SETTINGS)
    journal.put(WORK, result())
    assert journal.get(WORK) is None
