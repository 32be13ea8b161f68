"""A class with attackers in it: nobody's mark depends on who sits beside them."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from pathlib import Path

import pytest

from grader.check import Grading, Settings
from grader.course import load_course
from grader.outcome import Gradebook, Outcome, StudentResult
from grader.report.document import student_to_json
from grader.submission import Submission, read_module
from tests.attacks.corpus import ATTACKS

TOY = load_course(Path(__file__).parents[1] / "toy")
RIGHT = b"def add(a, b):\n    return a + b\n"
HALF = b"print('half')\ndef add(a, b):\n    return a - b\n"  # its counterexample is in its report
NAMES = """
    none true score huge-list objects always-equal array-method looping-length evil-metaclass pickle-bomb
    system-exit hard-exit segfault kill-self deep-recursion evil-traceback fake-builtin patched-message
    loop ignore-signals wait-for-ever memory-at-once threads descriptors print-bomb raw-output-bomb fork-bomb daemon
    read-secret temporary-file kill-all kill-parent kill-group socket-pair more-privileges import-grader hunt-frames
    patch-worker forge-score forge-skip forge-terabyte close-everything answer-early die-at-load loop-at-load
    brackets null-bytes
"""
CHOSEN = NAMES.split()


def hostile(name: str) -> Submission:
    """Return an attack as a submission of `add`."""
    (attack,) = [attack for attack in ATTACKS if attack.name == name]
    source = attack.source.replace("def double(x)", "def add(x, other=0)").replace("double", "add")
    return Submission(f"x-{name}", (read_module("add.py", source.encode()),))


def controls(place: str) -> list[Submission]:
    return [
        Submission(f"{kind}-{place}", (read_module("add.py", source),))
        for kind, source in (("right", RIGHT), ("half", HALF))
    ]


@functools.cache
def graded(jobs: int) -> Gradebook:
    """Grade the controls before, between and after the attackers."""
    submissions = controls("first")
    for number, name in enumerate(CHOSEN):
        submissions.append(hostile(name))
        if number % 6 == 5:
            submissions += controls(f"after {name}")
    submissions += controls("last")
    return Grading(TOY, Settings(jobs=jobs, call_seconds=0.5)).grade(submissions)


def nameless(result: StudentResult) -> str:
    return json.dumps(student_to_json(replace(result, student="")))


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_result_is_the_same_in_every_position(jobs: int) -> None:
    """Byte for byte: before, between and after attackers, one at a time and two."""
    for kind, outcome in (("right", Outcome.CORRECT), ("half", Outcome.WRONG)):
        (alone,) = Grading(TOY, Settings()).grade([s for s in controls("alone") if s.student.startswith(kind)]).students
        assert [part.outcome for part in alone.parts] == [outcome]
        found = [nameless(result) for result in graded(jobs).students if result.student.startswith(kind)]
        assert len(found) > 8
        assert set(found) == {nameless(alone)}


@pytest.mark.parametrize("jobs", [1, 2])
def test_attackers_earn_nothing(jobs: int) -> None:
    """Every one has a verdict, none has a mark, and none is excused as a failure of the grader's."""
    attackers = [result for result in graded(jobs).students if result.student.startswith("x-")]
    assert len(attackers) == len(CHOSEN)
    assert {result.student: result.score for result in attackers if result.score} == {}
    assert {part.outcome for result in attackers for part in result.parts}.isdisjoint(
        {Outcome.CORRECT, Outcome.PARTIAL, Outcome.UNGRADABLE}
    )
