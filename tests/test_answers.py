"""Kinds of answers: each is tested against what it must refuse."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from grader.answers import (
    Answer,
    AnswerError,
    Choice,
    Expression,
    Integer,
    Matrix,
    MultipleChoice,
    Number,
    Shape,
    read_number,
    shape_of,
    write_number,
)
from grader.outcome import Outcome
from grader.surds import root

MAP = ((1, 2, 3), (4, 5, 6), (7, 8, 9))


@pytest.mark.parametrize("raw", [1234, "1234", "1,234", "1 234", "1\u202f234", "1\u00a0234.0", "1_234"])
def test_thousands_may_stand_apart(raw: object) -> None:
    """A number is not a product because its writer groups its digits."""
    assert Integer().read(raw) == 1234


@pytest.mark.parametrize("raw", [55, 55.0, "55", " 55 ", "+55", Fraction(55), "55.0", "110/2"])
def test_whole_numbers_are_read_however_they_are_written(raw: object) -> None:
    """A right answer must not be refused for the way in which it was typed."""
    assert Integer().read(raw) == 55


@pytest.mark.parametrize(
    ("kind", "raw", "message"),
    [
        (Integer("pixels"), True, "expected a number, got the truth value True"),
        (Integer("pixels"), 5.5, "expected a whole number, in pixels, got 5.5, which is not whole"),
        (Integer(), "five", "expected a number, got the text 'five'"),
        (Integer(), "3,5", "write 3.5"),
        (Integer("pixels"), "55 pixels", "write 55 alone, without a unit"),
        (Integer(), "12 34", "expected a number, got the text '12 34'"),
        (Number(), "1 1/2", "expected a number, got the text '1 1/2'"),
        (Number(), "75 %", "write 0.75"),
        (Number(), "1.2.3 %", "expected a number, got the text '1.2.3 %'$"),
        (Number(2), "((10^12)^12)^3*sqrt(2)", "hundreds of digits"),
        pytest.param(Expression(("x", "y")), 1 << 70_000, "hundreds of digits", id="huge"),
        (Expression(("x", "y")), float("inf"), "got inf"),
        (Shape(("height", "width")), "22 × 31", r"write \(22, 31\)"),
        (Matrix(), "[[1, 2]]", "write it without quotation marks"),
        (Integer(), float("nan"), "expected a number, got nan"),
        (Integer(), float("inf"), "expected a number, got inf"),
        pytest.param(Integer(), 1 << 50_000, "hundreds of digits", id="huge"),
        (Integer(), "9" * 5000, "a text of 5000 characters"),
        (Integer(), [5], r"expected a number, got the list \[5\]"),
        (Integer(), {"a": 1}, "got the dict"),
        (Integer(), 3 + 4j, "expected a number"),
        (Number(2), "1/0", "expected a number"),
        (Number(), "sqrt(-1)", "expected a number"),
        (Number(), "2^99", "expected a number"),
        (Expression(("x", "y")), "x + z", "unknown name 'z'; the names are x, y"),
        (Expression(("X11", "dh11")), "x11*dh11", r"unknown name 'x11'; did you mean 'X11'\?$"),
        (Expression(("x", "y")), None, "got nothing"),
        (Number(2), "__import__('os')", "expected a number"),
        (Shape(("height", "width")), (3, 4, 5), r"expected a tuple of whole numbers \(height, width\)"),
        (Shape(("height", "width")), 3, "expected a tuple"),
        (Shape(("height", "width")), "34", "expected a tuple"),
        (Matrix(), [[1, 2], "ab"], "expected a list of rows"),
        (Matrix(), 3, "expected a list of rows"),
        (Choice(("a", "b")), "C", "expected one of the letters A, B"),
        (Choice(("a", "b")), 1, "expected one of the letters A, B"),
        (MultipleChoice(("a", "b")), 1, "expected letters"),
    ],
)
def test_an_answer_of_another_kind_is_refused_with_what_is_expected(kind: Answer, raw: object, message: str) -> None:
    """A student who typed the wrong kind of thing is told the right kind, and nothing crashes."""
    with pytest.raises(AnswerError, match=message) as caught:
        kind.read(raw)
    assert str(caught.value).startswith("expected ")  # by which a report knows such an answer


@pytest.mark.parametrize(
    ("kind", "raw", "key", "outcome", "share"),
    [
        (Integer(), 0, 0, Outcome.CORRECT, 1),
        (Integer(), 0, 1, Outcome.WRONG, 0),
        (Number(), "0.1", Fraction(1, 10), Outcome.CORRECT, 1),
        (Number(), 0.1, Fraction(1, 10), Outcome.CORRECT, 1),
        (Number(), 0.33, Fraction(1, 3), Outcome.WRONG, 0),
        (Number(), "1/3", Fraction(1, 3), Outcome.CORRECT, 1),
        (Number(2), 0.94, 0.9370266439, Outcome.CORRECT, 1),
        (Number(2), 0.9370266, 0.9370266439, Outcome.CORRECT, 1),
        (Number(2), 0.93, 0.9370266439, Outcome.WRONG, 0),
        (Number(2), 0.12, Fraction("0.125"), Outcome.CORRECT, 1),
        (Number(2), 0.13, Fraction("0.125"), Outcome.CORRECT, 1),
        (Number(), "sqrt(18)", 3 * root(2), Outcome.CORRECT, 1),
        (Number(), "3√2", root(18), Outcome.CORRECT, 1),
        (Number(), 4.2426, root(18), Outcome.WRONG, 0),
        (Number(2), 4.24, root(18), Outcome.CORRECT, 1),
        (Number(), "sqrt(9)", Fraction(3), Outcome.CORRECT, 1),
        (Matrix(), [["√26", "1 + 1"]], ((root(26), 2),), Outcome.CORRECT, 1),
        (Expression(("x", "y")), "y x", "x*y", Outcome.CORRECT, 1),
        (Expression(("x", "y")), "x + y", "x*y", Outcome.WRONG, 0),
        (Expression(("x", "y")), "1/(x - x)", "x*y", Outcome.WRONG, 0),
        (Expression(("x", "y")), "1/(1 + sqrt(2))", "x*y", Outcome.UNGRADABLE, 0),
        (Shape(("c", "h")), (3, 4), (3, 4), Outcome.CORRECT, 1),
        (Shape(("c", "h")), [4, 3], (3, 4), Outcome.WRONG, 0),
        (Matrix(), [[1, 2], [3, 4]], ((1, 2), (3, 4)), Outcome.CORRECT, 1),
        (Matrix(), [[1, 2, 3, 4]], ((1, 2), (3, 4)), Outcome.WRONG, 0),
        (Matrix(), [[1], [3, 4]], ((1, 2), (3, 4)), Outcome.WRONG, 0),
        (Matrix(), [], ((1, 2), (3, 4)), Outcome.WRONG, 0),
        (Matrix(), [[1, 2], [3, 5]], ((1, 2), (3, 4)), Outcome.WRONG, 0),
        (Matrix(), [[1, 2, 3], [4, 5, 6], [7, 8, 0]], MAP, Outcome.PARTIAL, Fraction(1, 2)),
        (Matrix(), [[1, 2, 3], [4, 5, 6], [7, 0, 0]], MAP, Outcome.WRONG, 0),
        (Choice(("x", "y")), "b", "y", Outcome.CORRECT, 1),
        (Choice(("x", "y")), "(A)", "y", Outcome.WRONG, 0),
        (MultipleChoice(("x", "y", "z")), "ac", frozenset("xz"), Outcome.CORRECT, 1),
        (MultipleChoice(("x", "y", "z")), ["A"], frozenset("xz"), Outcome.PARTIAL, Fraction(1, 2)),
        (MultipleChoice(("x", "y", "z")), "none", frozenset("xz"), Outcome.WRONG, 0),
        (MultipleChoice(("x", "y", "z")), "None", frozenset(), Outcome.CORRECT, 1),
        (MultipleChoice(("x", "y", "z")), [], frozenset(), Outcome.CORRECT, 1),
    ],
)
def test_answers_earn_what_they_should(kind: Answer, raw: object, key: Any, outcome: Outcome, share: Any) -> None:
    """Right is right in every notation, nearly right is what the rule says, and wrong earns nothing."""
    verdict = kind.compare(kind.read(raw), key)
    assert (verdict.outcome, verdict.share) == (outcome, Fraction(share))


@pytest.mark.parametrize(
    ("kind", "raw", "key", "rounded"),
    [
        (Number(), "0.67", Fraction(2, 3), True),
        (Number(), "0.66", Fraction(2, 3), True),
        (Number(), 18**0.5, root(18), True),
        (Number(), "0.6", Fraction(5, 8), False),
        (Number(), 1, Fraction(2, 3), False),
        (Number(2), 0.6, Fraction(2, 3), False),
        (Matrix(), [[0.33, 1], [1, 1]], ((Fraction(1, 3), 1), (1, 1)), True),
        (Matrix(), [[0.33, 2], [1, 1]], ((Fraction(1, 3), 1), (1, 1)), False),
        (Matrix(), [[0.33, 2, 3], [4, 5, 6], [7, 8, 9]], ((Fraction(1, 3), *MAP[0][1:]), *MAP[1:]), True),
    ],
)
def test_a_number_that_was_only_rounded_is_told_so(kind: Answer, raw: object, key: Any, rounded: bool) -> None:
    """Who has the right number, but not exactly, learns that and how it is written; the marks stay as they are."""
    verdict = kind.compare(kind.read(raw), key)
    assert ("is rounded: the exact number is asked for" in verdict.message) == rounded
    assert verdict.share == (Fraction(1, 2) if isinstance(raw, list) and len(raw) == 3 else 0)


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (Matrix(depth=1), [[1, 2]], (1, 2)),
        (Matrix(), [[[1, 2], [3, 4]]], ((1, 2), (3, 4))),
        (Matrix(depth=3), [[[[1, 2], [3, 4]]]], (((1, 2), (3, 4)),)),
        (Matrix(depth=3), [[1, 2], [3, 4]], (((1, 2), (3, 4)),)),
        (Matrix(), [[1, 2]], ((1, 2),)),
    ],
)
def test_a_list_more_or_less_around_the_numbers_does_not_matter(kind: Answer, raw: object, value: Any) -> None:
    """A row in a list of its own, and one map without the list of maps, are the same numbers."""
    assert kind.read(raw) == value


def test_a_slip_is_named_by_its_place_and_not_by_its_value() -> None:
    """The student learns where to look; the key stays hidden."""
    verdict = Matrix().compare(((1, 2, 3), (4, 0, 6), (7, 8, 9)), MAP)
    assert verdict.message == "one slip of 9 numbers: row 2, column 2 is not right"


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (Fraction(-1, 8), None, "-0.125"),
        (Fraction(-1, 3), None, "-1/3"),
        (-0.004, 2, "0"),
        (0.125, 2, "0.13"),
        (1e-3, 4, "0.001"),
    ],
)
def test_numbers_are_written_as_a_person_would(value: Any, places: int | None, text: str) -> None:
    """No machine residue: no -0.0, no 0.30000000000000004."""
    assert write_number(value, places) == text


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        (Number(), "an exact number (integer, decimal or fraction)"),
        (Number(roots=True), "an exact number, with roots as a text such as '3*sqrt(2)'"),
        (Number(1), "a number, rounded to 1 decimal"),
        (Number(2, unit="pixels"), "a number, rounded to 2 decimals, in pixels"),
        (Expression(("x", "b", "w")), "a formula in x, b, w, as a text such as 'x*w'"),
    ],
)
def test_a_sheet_says_how_an_answer_is_written(kind: Answer, rule: str) -> None:
    assert kind.rule == rule


@pytest.mark.parametrize(
    ("kind", "value", "shown", "tex"),
    [
        (Shape(("height",)), (5,), "(5,)", "(5)"),
        (Shape(("height", "width")), (3, 4), "(3, 4)", "(3, 4)"),
        (Number(unit="pixels"), Fraction(1), "1 pixel", r"1\ \text{pixel}"),
        (Number(2, unit="pixels"), Fraction(1, 3), "0.33 pixels", r"0.33\ \text{pixels}"),
        (Number(), Fraction(1, 3), "1/3", r"\frac{1}{3}"),
        (Matrix(), ((1, 2), (3, Fraction(1, 2))), "[[1, 2], [3, 0.5]]", None),
        (Matrix(depth=1), (1, 2), "[1, 2]", r"\begin{pmatrix} 1 & 2 \end{pmatrix}"),
    ],
)
def test_an_answer_is_shown_as_it_would_be_typed_and_set(kind: Answer, value: Any, shown: str, tex: str | None) -> None:
    assert kind.show(value) == shown
    assert tex is None or kind.tex(value) == tex


def test_a_matrix_is_the_same_where_every_entry_is() -> None:
    """Drawing asks this of every misconception; where answers are rounded, of the rounded ones."""
    exact, rounded = Matrix(), Matrix(1)
    assert exact.same(((1, 2),), ((1, 2),)) is True
    assert exact.same(((1, 2),), ((1, 3),)) is False
    assert rounded.same(((Fraction(1, 3),),), ((Fraction("0.3"),),)) is True
    assert rounded.same(((Fraction(1, 3),),), ((Fraction("0.5"),),)) is False


def test_where_the_options_are_not_known_any_letter_is_read() -> None:
    """At home, without the course key, the form of an answer is told all the same."""
    assert (Choice().read("(d)"), Choice().show("D")) == ("D", "D")
    with pytest.raises(AnswerError, match="expected a letter, got the text 'bananas'"):
        Choice().read("bananas")
    several = MultipleChoice()
    assert [several.show(several.read(raw)) for raw in ("ca", "none", ["B"])] == ["AC", "none", "B"]
    with pytest.raises(AnswerError, match="expected a letter, got the text '1'"):
        several.read("1")


@pytest.mark.parametrize(
    ("kind", "raw", "key"),
    [
        (Integer("layers"), 10**400, 3),
        (Number(), "1/" + "7" * 300, 3),
        (Shape(("height",)), (10**400,), (3,)),
        (Expression(("x",)), "x" + " + x" * 60, "x"),
    ],
)
def test_of_a_very_long_answer_a_message_repeats_the_start(kind: Answer, raw: object, key: Any) -> None:
    """Hundreds of digits hide what is said about them."""
    value = kind.read(raw)
    message = kind.compare(value, key).message
    assert message.startswith(kind.show(value)[:50])
    assert len(message) < 200
    assert "… is not right" in message


@pytest.mark.parametrize(("raw", "kind"), [("1/" + "7" * 300, Integer()), ("1," + "5" * 300, Number())])
def test_of_a_very_long_answer_that_is_refused_too(raw: object, kind: Answer) -> None:
    with pytest.raises(AnswerError, match="…") as caught:
        kind.read(raw)
    assert len(str(caught.value)) < 250


def test_a_matrix_is_repeated_as_far_as_one_reads_it() -> None:
    """Its reader looks for the wrong entry, which a message names."""
    rows = ((1234,) * 20,) * 10
    assert Matrix().quote(rows) == Matrix().show(rows)
    assert len(Matrix().quote(rows * 10)) == 1600


def test_how_long_a_number_may_be() -> None:
    assert read_number((1 << 4 * 400) - 1)
    with pytest.raises(AnswerError, match="hundreds of digits"):
        read_number(1 << 4 * 400)


def test_the_shape_of_nested_tuples() -> None:
    assert shape_of(3) == ()
    assert shape_of(()) == (0,)
    assert shape_of(((1, 2), (3, 4), (5, 6))) == (3, 2)
    assert shape_of(((1, 2), (3,))) is None


def test_numbers_that_are_equal_are_each_written_in_their_own_way() -> None:
    """What has been written once is remembered, by the kind of number too: a radical keeps its fractions."""
    surd = root(9) / 4
    assert surd == Fraction(3, 4)
    for _ in range(2):
        assert [write_number(value) for value in (Fraction(3, 4), surd, 0.75)] == ["0.75", "3/4", "0.75"]
