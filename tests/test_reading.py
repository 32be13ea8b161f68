"""Answers that are not all read or judged: one of them raises, or the key to the numbers is elsewhere."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from grader.check import Grading, Settings, Task, _needs_process, _raw_answers
from grader.course import Course, load_course
from grader.exercise import Level
from grader.outcome import Gradebook, Outcome, PartResult, StudentResult
from grader.sandbox.replies import Died
from grader.submission import Submission, read_module
from grader.tryout import FORM_ONLY, UNKEYED, status, without_key
from grader.variant import AnyVariant, Keyed, Seeded, Source, draw_variant, parse_id

KEYED = Keyed(b"k" * 32, "ada")
GOOD = "def add(a, b):\n    return a + b\n"


@pytest.fixture(scope="module")
def course() -> Course:
    return load_course(Path(__file__).parent / "toy")


def drawn(course: Course, source: Source = KEYED) -> AnyVariant:
    return draw_variant(course.exercise("sums"), Level.STANDARD, source)


def filled(variant: AnyVariant, code: str = GOOD, **answers: str) -> str:
    """Return a stub filled in rightly, but for the answers given, as Python writes them."""
    letter = "ABC"[variant.options["parity"].index(variant.key["parity"])]
    right = {"total": str(variant.key["total"]), "mean": repr(str(variant.key["mean"])), "parity": repr(letter)}
    lines = (f"    {name!r}: {text},\n" for name, text in (right | answers).items())
    return f"VARIANT = {variant.id!r}\nanswers = {{\n{''.join(lines)}}}\n{code}"


def graded(course: Course, text: str, *, public: bool = False) -> Gradebook:
    submission = Submission("ada", (read_module("sums.py", text.encode()),))
    return Grading(course, Settings(public=public, jobs=1, call_seconds=0.5)).grade([submission])


def parts(book: Gradebook) -> dict[str, PartResult]:
    return {part.part: part for part in book.students[0].parts}


# Where the module does not run ------------------------------------------------------------------------------


def test_one_answer_that_raises_costs_itself(course: Course) -> None:
    """Quotes forgotten at one letter: the other answers stand in the file, and why this one was not read is said."""
    book = graded(course, filled(drawn(course, Seeded(5)), parity="D"))
    found, why = parts(book), "sums.py: line 5: the module raises NameError when it is loaded: name 'D' is not defined"
    assert (found["total"].score, found["mean"].score) == (Fraction(2), Fraction(4))
    assert found["parity"].outcome is Outcome.MISSING
    assert found["parity"].message == f"the answer could not be read: {why}: put text in quotes"
    assert book.students[0].problems == (f"the answer to 'parity' could not be read: {why}: put text in quotes",)
    assert found["add"].outcome is Outcome.CRASHED


def test_answers_that_all_hang_on_a_module_that_raises(course: Course) -> None:
    """No part says that there is no answer to it: nobody could know."""
    book = graded(course, filled(drawn(course, Seeded(5)), f"answers['total'] = missing\n{GOOD}"))
    for name in ("total", "mean", "parity"):
        assert parts(book)[name].message.startswith("the answer could not be read: sums.py: line 7: the module raises")
    assert book.students[0].problems[0].startswith("answers could not be read: ")
    assert "quotes" not in book.students[0].problems[0]


def test_a_sandbox_that_fails_costs_no_answer() -> None:
    """What the machine did is not the student's fault, for answers as for functions."""

    class Vanished:
        def value(self, name: str) -> Died:  # noqa: ARG002 - as a runner has it
            return Died(Outcome.UNGRADABLE, "the worker vanished")

    module = read_module("p.py", b"answers = {'a': 3, 'b': 2 * 3}")
    raw, lost, _ = _raw_answers(module, Vanished(), ["a", "b"])  # type: ignore[arg-type]  # a stand-in
    assert raw == {"a": 3}
    assert {name: verdict.outcome for name, verdict in lost.items()} == {"b": Outcome.UNGRADABLE}


def test_what_is_no_data_is_named_in_a_message(course: Course) -> None:
    """And not as our own class of it."""
    found = parts(graded(course, filled(drawn(course, Seeded(5)), total="print", mean="[print]")))
    assert found["total"].message == "expected a number, got a function"
    assert found["mean"].message == "expected a number, got the list [a function]"


# At home, without the key -----------------------------------------------------------------------------------


def at_home(course: Course, text: str) -> tuple[Gradebook, int]:
    book = without_key(graded(course, text, public=True))
    return book, status(book)


def test_at_home_the_form_of_an_answer_is_told_without_the_key(course: Course) -> None:
    """In the words of the course's own check: what is missing or cannot be read needs no key to be seen."""
    book, exits = at_home(course, filled(drawn(course), total="None", mean="'about nine'", parity="'B'"))
    found = parts(book)
    assert exits == 1
    assert found["total"].message == "no answer to 'total'"
    assert found["mean"].message == "expected a number, got the text 'about nine'"
    assert (found["parity"].outcome, found["parity"].message) == (Outcome.UNGRADABLE, FORM_ONLY)
    assert (book.students[0].score, book.students[0].max_score) == (Fraction(3), Fraction(9))


def test_at_home_an_answer_that_raises_is_told(course: Course) -> None:
    book, exits = at_home(course, filled(drawn(course), parity="D"))
    assert exits == 1
    assert "name 'D' is not defined: put text in quotes" in parts(book)["parity"].message
    assert parts(book)["total"].message == FORM_ONLY


def test_at_home_computed_answers_are_read_too(course: Course) -> None:
    """An exercise without a function has nothing else to run the file for."""
    book, _ = at_home(course, filled(drawn(course), total="2 + 2", mean="[1 + 1]"))
    assert parts(book)["total"].got == "4"
    assert parts(book)["mean"].message == "expected a number, got the list [2]"
    paper = replace(course.exercise("sums"), functions=())
    task = Task(read_module("sums.py", b"answers = {'total': 2 + 2}"), "sums", paper, ungradable=UNKEYED)
    assert _needs_process(task)
    assert not _needs_process(replace(task, ungradable="of another version"))


def test_at_home_nothing_tells_a_right_answer_from_a_wrong_one(course: Course) -> None:
    """Nor is it a fault that the key is elsewhere: no student can mend that."""
    right, exits = at_home(course, filled(drawn(course)))
    wrong, too = at_home(course, filled(drawn(course), total="-5"))
    assert (exits, too) == (0, 0)
    assert replace(parts(right)["total"], got="") == replace(parts(wrong)["total"], got="")


def test_at_home_a_real_failure_is_told_as_one(course: Course) -> None:
    """A file of an older version of the topic is nothing that the course will judge."""
    newer = replace(course.exercise("sums"), version=2)
    ident = parse_id(drawn(course).id)
    variant, reason = Grading(course, Settings(public=True))._variant(Submission("ada", ()), newer, ident)
    assert (variant, reason) == (None, f"VARIANT {ident.text!r} is of version 1; this course has 2")
    failed = PartResult("sums", "total", "answer", Outcome.UNGRADABLE, Fraction(0), Fraction(1), reason)
    book = without_key(Gradebook("toy", (StudentResult("ada", (failed,)),)))
    assert book.students[0].parts == (failed,)
    assert status(book) == 3
