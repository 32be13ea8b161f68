"""Reports for machines and terminals: the promised document, nothing lost, nothing that acts."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from rich.console import Console

from grader.cli.report import report
from grader.errors import InputError
from grader.outcome import Finding, Gradebook, Outcome, StudentResult
from grader.report import csv as gradebook_csv
from grader.report import document, files, formats, junit, table
from grader.report.text import SIGNS, neutral
from tests import report_samples as samples
from tests.report_samples import part

PART_FIELDS: dict[str, type | tuple[type, ...]] = {
    "topic": str,
    "part": str,
    "kind": str,
    "outcome": str,
    "score": float,
    "max_score": float,
    "message": str,
    "misconceptions": list,
    "regimes": dict,
    "counterexample": (dict, type(None)),
}


def on_terminal(gradebook: Gradebook, width: int = 80, encoding: str = "utf-8", *, details: bool = False) -> str:
    """Return what a terminal of a width receives, colours included."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    Console(file=file, width=width, force_terminal=True, legacy_windows=False).print(
        table.render(gradebook, details=details)
    )
    file.flush()
    return raw.getvalue().decode(encoding)


def plain_terminal(gradebook: Gradebook, width: int = 80, *, details: bool = False) -> str:
    file = io.StringIO()
    Console(file=file, width=width).print(table.render(gradebook, details=details))
    return file.getvalue()


def one(*parts: Any, **more: Any) -> Gradebook:
    return Gradebook("c", (StudentResult("ada", parts, **more),))


# The document ----------------------------------------------------------------------------------------------


def test_the_document_has_the_promised_fields_and_kinds() -> None:
    """Other programs read this document: a field renamed or of another kind breaks them."""
    top = document.to_json(samples.gradebook())
    assert {"grader", "course", "students"} <= set(top)
    for student in top["students"]:
        assert isinstance(student["student"], str)
        assert type(student["score"]) is type(student["max_score"]) is float
        for item in student["parts"]:
            for field, kind in PART_FIELDS.items():
                assert isinstance(item[field], kind), field
            assert item["outcome"] in set(Outcome)


def test_the_example_of_a_part_is_written_as_designed() -> None:
    """The values, not only their kinds: names of misconceptions, [passed, cases], the four of a counterexample."""
    item = document.to_json(samples.gradebook())["students"][1]["parts"][2]
    assert (item["topic"], item["part"], item["kind"], item["outcome"]) == (
        "convolution",
        "conv2d",
        "function",
        "partial",
    )
    assert item["misconceptions"] == ["kernel-flipped"]
    assert item["regimes"]["the stride does not divide"] == [0, 31]
    example = item["counterexample"]
    assert example["arguments"]["stride"] == 2
    assert example["got"] == [[[[-1.0, 1.0], [4.0, "nan"]]]]
    assert example["want"] == [[[[-1.0, 1.0], [-7.0, 13.0]]]]
    assert example["at"] == [0, 0, 1, 0]


@pytest.mark.parametrize("gradebook", [samples.gradebook(), samples.hostile()], ids=["all outcomes", "hostile"])
def test_the_document_comes_back_whole(gradebook: Gradebook, tmp_path: Path) -> None:
    """`grader report` writes from the document alone: what it loses is lost."""
    text = document.dumps(gradebook)
    again = document.read(files.write_text(tmp_path / "report.json", text))
    assert document.dumps(again) == text
    assert [s.student for s in again.students] == [s.student for s in gradebook.students]
    assert [p.score for s in again.students for p in s.parts] == [p.score for s in gradebook.students for p in s.parts]


def test_numbers_that_json_cannot_hold_are_words() -> None:
    """NaN in a JSON file is a syntax error for most readers."""
    example = replace(samples.SIZE, got=[float("nan"), float("inf"), 10**400], want=(-float("inf"), Fraction(1, 2)))
    text = document.dumps(one(part("f", Outcome.WRONG, 0, "wrong", counterexample=example)))
    read = json.loads(text, parse_constant=lambda name: pytest.fail(name))["students"][0]["parts"][0]["counterexample"]
    assert read["got"] == ["nan", "inf", "a whole number of 1,329 bits"]
    assert read["want"] == ["-inf", 0.5]


@pytest.mark.parametrize("number", [0, 1, 3])
def test_students_are_written_one_at_a_time_as_in_one_document(number: int) -> None:
    """A class of thousands must not be in memory as text; whoever reads the file sees no seam."""
    students = tuple(StudentResult(f"s{n}", (part("m", message="[]\n  x"), part("n"))) for n in range(number))
    gradebook = Gradebook("a [] course", students, warnings=("a warning []",))
    found = list(document.pieces(gradebook))
    assert "".join(found) == json.dumps(document.to_json(gradebook), ensure_ascii=False, indent=1) + "\n"
    assert number < 2 or max(map(len, found)) < 0.6 * len("".join(found))


def test_what_is_inert_is_not_copied() -> None:
    """A copy of every result of a large class for its pages would be as much memory again; hostile text is replaced."""
    harmless, hostile = one(part("m", message="plain")), one(part("m", message="a\x1b[31mb"), part("n"))
    assert neutral(harmless) is harmless
    shown = neutral(hostile)
    assert "\x1b" not in shown.students[0].parts[0].message
    assert shown.students[0].parts[1] is hostile.students[0].parts[1]
    assert hostile.students[0].parts[0].message == "a\x1b[31mb"


def test_the_same_gradebook_gives_the_same_bytes() -> None:
    """Reports are compared and kept under version control; the time that a run took is not in them."""
    first, second = samples.gradebook(), replace(samples.gradebook(), seconds=99.0)
    for dumps in (document.dumps, gradebook_csv.dumps, junit.dumps):
        assert dumps(first) == dumps(second)


def _with(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    text: dict[str, Any] = json.loads(document.dumps(samples.gradebook()))
    node: Any = text
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return text


GRACE = ("students", 1, "parts", 2)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("students",), None, r"^report: students must be a list"),
        (("students", 0), 7, r"^report.students\[0\]: expected an object"),
        (("students", 0, "score"), 2, r"score is 2, but its parts add up to 3"),
        (("students", 0, "parts"), [], r"score is 3, but its parts add up to 0"),
        ((*GRACE, "outcome"), "great", r"parts\[2\]: outcome 'great' is not one of correct"),
        ((*GRACE, "score"), 1.5, r"score=3/2 must be from 0 to max_score=1"),
        ((*GRACE, "score"), "1", r"score must be a number"),
        ((*GRACE, "score"), True, r"score must be a number"),
        ((*GRACE, "regimes"), {"r": [2, 1]}, r"'r' must be \[passed, cases\]"),
        ((*GRACE, "counterexample", "window", "panes", 0, "rows"), [0, 99], r"rows must be two whole numbers from 0"),
        ((*GRACE, "counterexample", "window", "panes", 0, "plane"), [[1], []], r"plane must be rows of equal length"),
        ((*GRACE, "counterexample", "at"), ["0"], r"at must be a list of whole numbers"),
    ],
)
def test_a_document_that_is_not_one_is_refused_with_its_place(path: tuple[Any, ...], value: Any, message: str) -> None:
    """A report from a broken document would show marks that nobody gave."""
    with pytest.raises(InputError, match=message):
        document.from_json(_with(path, value))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("[1]", "expected an object"),
        ("{}", "the field 'students' is missing"),
        ('{"students": [NaN]}', "NaN is not a JSON number"),
        ('{"course": "c", "students": [{"student": "a", "score": 0, "max_score": 0, "parts": []}]}', "no verdict"),
    ],
)
def test_a_file_that_is_no_report_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """Someone will give the wrong file; the last one would be a student without any verdict."""
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(InputError, match=message):
        document.read(tmp_path / "x.json")


def test_fields_that_are_not_known_are_passed_over() -> None:
    """The document may grow: a later version's file still opens."""
    assert document.from_json(_with(("later",), {"x": 1})).course == "Convolutional networks"


@pytest.mark.parametrize(
    ("gradebook", "status"),
    [
        (one(part("a")), 0),
        (one(part("a"), part("b", Outcome.PARTIAL, Fraction(1, 2), "half")), 1),
        (one(part("a"), problems=("x.py: not Python",)), 1),
        (one(problems=("x.py: not Python",)), 1),
        (one(part("a", Outcome.UNGRADABLE, 0, "no worker"), part("b", Outcome.WRONG, 0, "no")), 3),
        (replace(one(part("a")), interrupted=True), 3),
        (Gradebook("c", ()), 3),
    ],
)
def test_the_exit_status_says_the_worst(gradebook: Gradebook, status: int) -> None:
    """Scripts act on it; a run that graded nobody is not a success."""
    assert document.status(gradebook) == status


def test_a_student_without_verdicts_cannot_be_in_a_report() -> None:
    """No verdict is not a pass."""
    with pytest.raises(ValueError, match="no verdict"):
        Gradebook("c", (StudentResult("ada", ()),))


# The terminal ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_table_fits_the_terminal(width: int) -> None:
    """A wrapped table cannot be read; every student and total must be there at 80 columns."""
    lines = plain_terminal(samples.gradebook(), width).splitlines()
    assert max(map(len, lines)) <= width
    for student in samples.gradebook().students:
        assert any(line.startswith(student.student) for line in lines)
    assert any(line.startswith("grace") and line.rstrip().endswith("0.67 of 3") for line in lines)


def test_many_topics_are_shown_below_each_other() -> None:
    """Twelve topics do not fit into 80 columns side by side; none may fall off the edge."""
    topics = [f"topic_number_{n}" for n in range(12)]
    shown = plain_terminal(one(*(part("p", topic=topic) for topic in topics)))
    assert all(topic in shown for topic in topics)


def test_outcomes_are_told_by_signs_and_words() -> None:
    """Colour alone says nothing in a log, on paper or to the colour-blind."""
    shown = plain_terminal(samples.gradebook())
    for sign, word in (("✓", "correct"), ("◐", "partly right"), ("✗", "wrong"), ("–", "missing"), ("?", "not graded")):
        assert f"{sign} {word}" in shown
    assert len(set(SIGNS.values())) == len(Outcome)
    assert len({table.PLAIN_SIGNS.get(sign, sign) for sign in SIGNS.values()}) == len(Outcome)


def test_zero_is_shown_as_zero() -> None:
    """A zero that looks like a gap is taken for not graded."""
    rows = plain_terminal(samples.gradebook()).splitlines()
    assert next(row for row in rows if row.startswith("edsger")).split() == ["edsger", "M", "0", "0", "of", "1"]


def test_what_could_not_be_graded_is_listed_apart_and_costs_nothing() -> None:
    """It is the instructor's work to do, and not the student's loss."""
    shown = plain_terminal(samples.gradebook())
    head, _, tail = shown.partition("through no fault of the student")
    assert "alan: convolution, conv2d: the worker could not be started" in tail
    assert next(row for row in head.splitlines() if row.startswith("alan")).endswith("1 of 1")


def test_what_parts_have_in_common_is_said_once() -> None:
    """A file with a mistyped VARIANT has one problem, however many parts its topic has."""
    why = "VARIANT was mistyped"
    missing = [replace(samples.gradebook().students[0].parts[0], part=name, message=why) for name in ("a", "b", "c")]
    missing = [replace(part, outcome=Outcome.MISSING, score=Fraction(0), misconceptions=()) for part in missing]
    assert plain_terminal(one(*missing), details=True).count(why) == 1
    shown = plain_terminal(one(*(replace(part, outcome=Outcome.UNGRADABLE) for part in missing)))
    assert f"{missing[0].topic}, a, b, c: {why}" in shown


def test_what_details_tell_is_not_listed_again() -> None:
    """`grader try` tells why a part is not graded; a list of the same below it reads as if something were wrong."""
    left = part("size", Outcome.UNGRADABLE, 0, "your course judges the value")
    shown = plain_terminal(one(left), details=True)
    assert "? padding, size: not graded, which costs no marks" in shown
    assert shown.count("your course judges the value") == 1
    assert "no fault of the student" not in shown


def test_several_hints_are_told_as_alternatives() -> None:
    """Two mistakes may give one answer: who reads both as true of the same work believes neither."""
    hints = (Finding("eps-inside", "You added it under the root."), Finding("eps-forgotten", "You left it out."))
    gradebook = one(part("step", Outcome.WRONG, 0, "not right", misconceptions=hints))
    shown = plain_terminal(gradebook, details=True)
    assert "Hint: You added it under the root.\n    Or: You left it out." in shown
    both = one(part("train", Outcome.WRONG, 0, "not right", kind="model", misconceptions=hints))
    assert "Or: " not in plain_terminal(both, details=True)  # each was found by a check of its own


def test_a_class_without_parts_has_no_legend() -> None:
    """Signs that nobody got need no explanation, and no empty lines."""
    assert "\n\n\n" not in plain_terminal(one(problems=("nothing of it was asked for in this run",)))


def test_details_say_what_to_do() -> None:
    """`grader try` shows one student: the hint, the regimes and the case are what helps."""
    shown = " ".join(plain_terminal(Gradebook("c", samples.gradebook().students[1:2]), details=True).split())
    assert "line 7: 12 pixels is not right" in shown
    assert "Hint: You padded one side only" in shown
    assert "wrong on 31 of 31 cases where the stride does not divide" in shown
    assert "1 student" not in shown
    assert "stride=2, padding=1)" in shown
    assert "want [[[[-1.0, 1.0], [-7.0, 13.0]]]]" in shown


def test_the_line_is_named_once(tmp_path: Path) -> None:
    """Line 16 of line 16 reads as if something else were meant; another line in the message takes nothing away."""
    said = ("padding.py: line 16: the module raises", "it raises KeyError in line 16", "5 rows", "as line 160 has it")
    parts = [part(f"p{n}", Outcome.CRASHED, 0, text, line=16) for n, text in enumerate(said)]
    formats.write(one(*parts), tmp_path, ["html"])
    page = (tmp_path / "students/ada.html").read_text(encoding="utf-8")
    for shown in (plain_terminal(one(*parts), details=True), page.replace("Line 16: ", "line 16: ")):
        assert all(text in shown for text in (*said, "line 16: 5 rows", "line 16: as line 160"))
        assert shown.count("line 16") - shown.count("line 160") == len(said)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_student_text_cannot_act_on_the_terminal(encoding: str) -> None:
    """A name may hold colour codes, markup, a window title or a right-to-left override."""
    shown = on_terminal(samples.hostile(), encoding=encoding, details=True)
    assert "\x1b[31m" not in shown.replace("\x1b[31m✗", "").replace("\x1b[31mx\x1b", "")
    assert not set(shown) & {"\x07", "\x00", "\u202e", "\u2028"}
    assert "\x1b]" not in shown
    assert "[bold red]markup[/bold red] :smile:" in shown
    assert r"\x1b[31mred" in shown


# CSV and JUnit ---------------------------------------------------------------------------------------------


def rows(gradebook: Gradebook) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(gradebook_csv.dumps(gradebook))))


def test_the_spreadsheet_tells_zero_missing_and_not_graded_apart() -> None:
    """Three different things for whoever enters the marks."""
    cells = {row["student"]: row["convolution.conv2d"] for row in rows(samples.gradebook())}
    assert (cells["edsger"], cells["donald"], cells["alan"], cells["grace"]) == ("0", "", "ungradable", "0.666667")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\n=1", " =1+1", "\uff1d1"])
def test_no_cell_is_a_formula(text: str) -> None:
    """A spreadsheet runs such a cell on the instructor's machine."""
    book = Gradebook("c", (StudentResult(text, (part("p", topic=text),), problems=(text,)),))
    read = list(csv.reader(io.StringIO(gradebook_csv.dumps(book))))
    assert all(read[1][column].startswith("'") for column in (0, -1))
    assert read[0][3].startswith("'")


def test_junit_counts_what_it_holds() -> None:
    """CI shows the counts and not the cases."""
    root = ElementTree.fromstring(junit.dumps(samples.gradebook()))
    assert {name: root.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "16",
        "failures": "10",
        "errors": "1",
    }
    assert len(list(root.iter("failure"))) == 10
    failed = [case.get("name") for case in root.iter("testcase") if case.find("error") is not None]
    assert failed == ["conv2d"]


@pytest.mark.parametrize("dumps", [document.dumps, gradebook_csv.dumps, junit.dumps])
def test_hostile_text_is_inert_in_files(dumps: Any) -> None:
    """These files are shown with `cat`, opened in editors and parsed by programs."""
    text: str = dumps(samples.hostile())
    assert not set(text) & {"\x1b", "\x00", "\x07", "\u202e", "\ud800", "\ufffe", "\u2028"}
    assert text.encode("utf-8")


def test_junit_of_hostile_text_is_xml() -> None:
    """One character that XML forbids makes the whole file unreadable."""
    root = ElementTree.fromstring(junit.dumps(samples.hostile()))
    assert {element.tag for element in root.iter()} == {"testsuites", "testsuite", "testcase", "failure"}


# Files and the command -------------------------------------------------------------------------------------


def test_names_of_files_are_safe_and_none_twice() -> None:
    """A student called ../../index must not overwrite the page of the class."""
    names = [
        "../../index",
        "a/b",
        "a\\b",
        "A_B",
        "con",
        "..",
        "",
        "x" * 500,
        "Zoë",
        "Zoe\u0308",
        "李雷",
        "\x00",
        ".hidden",
    ]
    safe = list(files.safe_names(names))
    assert len({name.casefold() for name in safe}) == len(names)
    for name in safe:
        assert Path(name).name == name
        assert not set(name) & set('/\\:*?"<>|\x00')
        assert not name.startswith((".", "-"))
        assert len(name.encode()) < 200
    assert "李雷" in safe
    assert "con" not in safe


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """Half a report over a good one would lose both."""
    path = files.write_text(tmp_path / "report.json", "older")
    os.link(path, tmp_path / "open elsewhere")
    files.write_text(path, "old")
    assert (tmp_path / "open elsewhere").read_text() == "older"
    (tmp_path / "open elsewhere").unlink()
    with pytest.raises(UnicodeEncodeError, match="surrogates"):
        files.write_text(path, "new\ud800")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]


def test_a_folder_that_cannot_be_made_is_an_error_with_its_name(tmp_path: Path) -> None:
    """The instructor mistyped -o; a traceback would not say so."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/report/report\.json: cannot be written: Not a directory"):
        formats.write(samples.gradebook(), tmp_path / "file" / "report", ["json"])


def test_the_command_writes_the_report_again_in_every_format(tmp_path: Path) -> None:
    """A course that grades for an hour must not grade again to get a spreadsheet."""
    (source,) = formats.write(samples.gradebook(), tmp_path, ["json"])
    result = CliRunner().invoke(report, [str(source), "-o", str(tmp_path / "out"), "--format", "html,csv,junit,json"])
    assert result.exit_code == 0, result.output
    assert "8 students, 12 files" in result.output
    assert (tmp_path / "out/report.json").read_bytes() == source.read_bytes()
    assert (tmp_path / "out/students/Zoë.html").exists()


def test_the_folder_of_a_report_is_as_good_as_the_file_in_it(tmp_path: Path) -> None:
    """`check -o report` was typed a moment ago: `report report` must not be refused for a file name."""
    formats.write(samples.gradebook(), tmp_path / "report", ["json"])
    result = CliRunner().invoke(report, [str(tmp_path / "report"), "--format", "csv"])
    assert result.exit_code == 0, result.output
    assert "8 students, 1 file in" in result.output
    assert (tmp_path / "report/gradebook.csv").exists()
    nothing = CliRunner().invoke(report, [str(tmp_path), "--format", "csv"])
    assert isinstance(nothing.exception, InputError)
    assert f"{tmp_path / 'report.json'}: cannot be read: No such file" in nothing.exception.message
    assert "Give the folder" in nothing.exception.hint


def test_an_unknown_format_is_an_error_that_offers_the_nearest(tmp_path: Path) -> None:
    """Nothing may be written before the whole command is understood."""
    (source,) = formats.write(samples.gradebook(), tmp_path, ["json"])
    result = CliRunner().invoke(report, [str(source), "--format", "html,cvs"])
    assert isinstance(result.exception, InputError)
    assert "Did you mean 'csv'?" in result.exception.hint
    assert not (tmp_path / "index.html").exists()
