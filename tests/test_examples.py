"""The sample class of `make demo` is graded as its authors meant it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from grader.roster import read_roster

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
Student = Mapping[str, Any]


@pytest.fixture(scope="module")
def students(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Student]:
    """Return the students of the JSON document of `grader check examples/submissions`, by name."""
    words = ["check", str(EXAMPLES / "submissions"), "--format", "json", "--call-seconds", "2", "--fresh"]
    done = subprocess.run(
        [sys.executable, "-m", "grader", *words],
        cwd=tmp_path_factory.mktemp("empty"),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    return {student["student"]: student for student in json.loads(done.stdout)["students"]}


def outcomes(student: Student) -> dict[str, str]:
    return {part["part"]: part["outcome"] for part in student["parts"]}


def findings(student: Student) -> dict[str, list[str]]:
    return {part["part"]: part["misconceptions"] for part in student["parts"] if part["misconceptions"]}


def test_everyone_is_graded(students: Mapping[str, Student]) -> None:
    """One file that cannot be read, one that loops and one that attacks stop nobody else's grading."""
    handed_in = {path.stem for path in (EXAMPLES / "submissions").iterdir()}
    assert set(students) == handed_in
    assert len(handed_in) >= 8
    assert not [name for name, student in students.items() if "ungradable" in outcomes(student).values()]


def test_right_is_right(students: Mapping[str, Student]) -> None:
    """Full marks for the one who has everything right; nobody else has them."""
    full = [name for name, student in students.items() if student["score"] == student["max_score"]]
    assert full == ["ada"]


def test_known_mistakes_are_named(students: Mapping[str, Student]) -> None:
    """A wrong answer that a misconception explains comes back with its name, for answers and for functions."""
    assert findings(students["grace"]) == {
        "same": ["both-sides-together"],
        "change": ["padding-once"],
        "output_size": ["rounds-up"],
    }
    assert findings(students["rosalind"]) == {"layers": ["first-layer-forgotten"]}
    assert set(findings(students["alan"])) == {"valid", "same", "strided", "full", "change", "layers"}
    assert outcomes(students["alan"])["output_size"] == "wrong"


def test_a_mistake_costs_once(students: Mapping[str, Student]) -> None:
    """Emmy's second answer follows from her wrong first one: it is marked as right for it, and says so."""
    emmy = students["emmy"]
    assert [name for name, outcome in outcomes(emmy).items() if outcome == "wrong"] == ["same"]
    assert emmy["score"] == emmy["max_score"] - 1
    (strided,) = [part for part in emmy["parts"] if part["part"] == "strided"]
    assert strided["score"] == strided["max_score"]
    assert "same" in strided["message"]


@pytest.mark.parametrize(("name", "words"), [("sofia", "line 13"), ("joerg", "UTF-8")])
def test_unreadable_files_are_explained(students: Mapping[str, Student], name: str, words: str) -> None:
    """A file that cannot be read earns nothing, and its author learns where to look."""
    student = students[name]
    assert student["score"] == 0
    assert words in json.dumps(student)


def test_the_attack_earns_nothing(students: Mapping[str, Student]) -> None:
    """Reading around, killing the parent and forging results must not change any mark but the attacker's own."""
    mallory = students["mallory"]
    got = outcomes(mallory)
    assert got.pop("output_size") in ("wrong", "crashed", "not-allowed", "timeout")
    assert set(got.values()) == {"correct"}
    assert "root:" not in json.dumps(mallory)


def test_the_endless_loop_ends(students: Mapping[str, Student]) -> None:
    """A loop that never ends costs its own function, and the answers beside it keep their marks."""
    got = outcomes(students["kurt"])
    assert got.pop("output_size") == "timeout"
    assert set(got.values()) == {"correct"}


def test_slips_of_form_are_explained(students: Mapping[str, Student]) -> None:
    """A text for a shape, a gap and a misspelt function: each gets a sentence that helps."""
    linus = {part["part"]: part for part in students["linus"]["parts"]}
    assert (linus["valid"]["outcome"], linus["full"]["outcome"]) == ("wrong", "missing")
    assert "tuple" in linus["valid"]["message"]
    assert linus["output_size"]["outcome"] == "missing"
    assert "ouput_size" in linus["output_size"]["message"]


def test_the_roster_has_five_students() -> None:
    """The demo hands out to the roster: it must be one."""
    assert len(read_roster(EXAMPLES / "roster.csv")) == 5
