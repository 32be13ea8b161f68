"""The record of a trained model in a document: comes back whole, and nothing that is not one comes in."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from grader.errors import InputError
from grader.feedback import Feedback, limit
from grader.outcome import Gradebook, Outcome, PartResult, StudentResult
from grader.report import document, files, record
from tests import report_samples as samples


def book(rec: dict[str, Any]) -> Gradebook:
    return Gradebook("c", (StudentResult("ada", (samples.part("m", kind="model", record=rec),)),))


def test_the_record_comes_back_whole(tmp_path: Path) -> None:
    """`grader report` draws from the document alone: what it loses is a picture lost."""
    before = samples.trained(3)
    text = document.dumps(before)
    after = document.read(files.write_text(tmp_path / "report.json", text))
    assert [p.record for s in after.students for p in s.parts] == [p.record for s in before.students for p in s.parts]
    assert document.dumps(after) == text


def test_a_record_takes_one_line() -> None:
    """A number a line makes a document of 300 students that no editor opens."""
    text = document.dumps(samples.trained(2))
    assert text.count("\n") < 120
    assert sum('"model": {"curves":' in line for line in text.splitlines()) == 2


def test_text_that_looks_like_the_line_of_a_record_stays_text() -> None:
    """Such a line is told by its indentation: a text can have any, and an argument may be called model as well."""
    line = '\n     "model": 0\n'
    case = replace(samples.SIZE, arguments={"model": 0}, got={"model": 0})
    more: dict[str, Any] = {"record": samples.record(), "got": line, "counterexample": case}
    one = samples.part("m" + line, Outcome.WRONG, 0, line, kind="model", **more)
    two = Gradebook(line, (StudentResult("a" + line, (one,), problems=(line,)),), warnings=(line,))
    assert json.loads(document.dumps(two)) == json.loads(json.dumps(document.to_json(two)))


def test_a_document_without_records_is_as_before() -> None:
    """Documents written before there were records still open, and those of other kinds do not change."""
    text = document.dumps(samples.gradebook())
    assert '"model"' not in text
    assert all(not p.record for s in document.from_json(json.loads(text)).students for p in s.parts)


def test_an_empty_record_is_none() -> None:
    """A training that was never begun leaves nothing to show."""
    assert "model" not in document.to_json(book({}))["students"][0]["parts"][0]
    given: dict[str, Any] = document.to_json(book(samples.record()))
    given["students"][0]["parts"][0]["model"] = {}
    assert document.from_json(given).students[0].parts[0].record == {}


def test_a_training_that_diverged_comes_back() -> None:
    """NaN is what a too large learning rate leaves; JSON has no word for it."""
    rec = {
        "curves": {"test error": [0.9, float("nan")]},
        "filters": {"name": "w", "values": [[[float("inf"), float("nan")]]]},
    }
    after = document.from_json(json.loads(document.dumps(book(rec)))).students[0].parts[0].record
    assert after["curves"]["test error"] == [0.9, "nan"]
    assert after["filters"]["values"] == [[["inf", "nan"]]]
    assert str(record.value_of(after["curves"]["test error"][1])) == "nan"


def test_only_a_model_has_a_record() -> None:
    """An answer with pictures of a training is a mistake of the code that made it."""
    with pytest.raises(ValueError, match="kind='answer' has no record"):
        PartResult("t", "p", "answer", Outcome.CORRECT, Fraction(1), Fraction(1), "", record={"classes": ["a"]})


EVIL = "<script>alert(1)</script>"


@pytest.mark.parametrize(
    ("rec", "message"),
    [
        ([], r"model: expected an object"),
        (None, r"model: expected an object"),
        ({"curves": []}, r"model: curves must be an object"),
        ({"curves": {"e": []}}, r"model: curves\['e'\] must be a list of 1 to 5000 shares"),
        ({"curves": {"e": [0.5, 1.5]}}, r"curves\['e'\] must hold numbers from 0 to 1"),
        ({"curves": {"e": [0.5, "nan", EVIL]}}, r"curves\['e'\] must hold numbers"),
        ({"curves": {"e": [True]}}, r"curves\['e'\] must hold numbers"),
        ({"curves": {str(n): [0.1] for n in range(13)}}, r"at most 12 names"),
        ({"reference": {"x" * 201: [0.1]}}, r"names of at most 200"),
        ({"confusion": [[1]]}, r"confusion must be a table of 2 to 200 rows"),
        ({"confusion": [[1, 2], [3]]}, r"confusion must be square: 2 rows of 2"),
        ({"confusion": [[1, 2, 3], [3, 4, 5]]}, r"confusion must be square"),
        ({"confusion": [[1, -2], [3, 4]]}, r"confusion must hold whole numbers from 0"),
        ({"confusion": [[1, EVIL], [3, 4]]}, r"confusion must hold whole numbers from 0"),
        ({"confusion": [[1, [2]], [3, 4]]}, r"confusion must hold whole numbers from 0"),
        ({"confusion": [[1, 2], [3, 4]], "classes": ["a"]}, r"classes must be 2 names"),
        ({"classes": [1]}, r"classes must be a list of texts"),
        ({"filters": {"values": [[[1]]]}}, r"filters must have a name"),
        ({"filters": {"name": "w"}}, r"filters.values must be F x H x W numbers"),
        ({"filters": {"name": "w", "values": [[[1, 2], [3]]]}}, r"filters.values must be F x H x W numbers"),
        ({"filters": {"name": "w", "values": [[[None]]]}}, r"filters.values must hold numbers"),
        ({"filters": {"name": "w", "values": [[[10**400]]]}}, r"filters.values must hold numbers"),
        ({"input": [[0, 256]]}, r"input must hold whole numbers from 0 to 255"),
        ({"input": [[]]}, r"input must be H x W numbers"),
        ({"input": 7}, r"input must be H x W numbers"),
        ({"maps": {"m": [[0, 1]]}}, r"maps\['m'\] must be F x H x W"),
        ({"maps": {"m": [[[0.5]]]}}, r"maps\['m'\] must hold whole numbers"),
        ({"maps": {"m": [[[0] * 1000] * 201]}}, r"at most 200,000 in all"),
        ({"accuracy": 1}, r"accuracy must be an object"),
        ({"accuracy": {"right": 1}}, r"accuracy.of must be a whole number from 1"),
        ({"accuracy": {"of": 5}}, r"accuracy.right must be a whole number from 0 to 5"),
        ({"accuracy": {"right": 6, "of": 5}}, r"accuracy.right must be a whole number from 0 to 5"),
        ({"accuracy": {"right": 5, "of": 5, "threshold": None}}, r"accuracy.threshold must be a whole number"),
        ({"accuracy": {"right": 5, "of": 5, "interval": [0.9, 0.1]}}, r"accuracy.interval must begin with the lower"),
        ({"accuracy": {"right": 5, "of": 5, "interval": [0.9]}}, r"accuracy.interval must be \[low, high\]"),
        ({"accuracy": {"right": 5, "of": 5, "error_rate": 2}}, r"accuracy.error_rate must be a number from 0 to 1"),
        ({"accuracy": {"right": 5, "of": 5, "seeds": EVIL}}, r"accuracy.seeds must be a whole number"),
    ],
)
def test_a_record_that_is_not_one_is_refused_with_its_place(rec: Any, message: str) -> None:
    """A document is edited by hand or comes from someone else: it must give a clear error, never a broken picture."""
    given: dict[str, Any] = document.to_json(book(samples.record()))
    given["students"][0]["parts"][0]["model"] = rec
    with pytest.raises(InputError, match=message) as caught:
        document.from_json(given)
    assert "students[0].parts[0].model" in str(caught.value)


def test_a_record_of_another_kind_is_refused() -> None:
    """The same rule holds for a document as for a part that is made here."""
    given: dict[str, Any] = document.to_json(book(samples.record()))
    given["students"][0]["parts"][0]["kind"] = "answer"
    with pytest.raises(InputError, match="only a model has one"):
        document.from_json(given)


def test_what_is_not_known_is_passed_over() -> None:
    """A later version may add to the record; what is not checked is not kept."""
    assert record.check({"later": [EVIL], "classes": ["a"]}) == {"classes": ["a"]}


def test_what_could_not_be_read_again_is_not_kept() -> None:
    """A layer of the student's can be as large as they like: a report that cannot be opened again would be lost."""
    given = samples.record() | {"maps": {"m": [[[0] * 1000] * 201]}, "input": [[-(2**63)]]}
    kept = record.usable(given)
    assert set(given) - set(kept) == {"maps", "input"}
    assert record.check(kept) == kept
    assert "classes" not in record.usable({"confusion": [[1, 2], [3, 4]], "classes": ["a"], "later": 1})


COUNTS = {"curves", "reference", "confusion", "classes", "filters", "accuracy"}


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        (Feedback.FULL, COUNTS | {"input", "maps"}),
        (Feedback.INPUT, COUNTS | {"input"}),
        (Feedback.VERDICT, COUNTS),
        (Feedback.NONE, set()),
    ],
)
def test_each_level_of_feedback_shows_what_it_promises(level: Feedback, shown: set[str]) -> None:
    """Counts over the held-out data say where it fails; the example is a hidden case, its maps what was got there."""
    given = book(samples.record())
    part = limit(given, level).students[0].parts[0]
    assert set(part.record) == shown
    assert (part.outcome, part.score) == (Outcome.CORRECT, Fraction(1))
    lost = replace(given.students[0].parts[0], outcome=Outcome.UNGRADABLE, score=Fraction(0))
    assert set(limit(Gradebook("c", (StudentResult("a", (lost,)),)), level).students[0].parts[0].record) == shown
