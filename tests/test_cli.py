"""The commands as a person meets them: what they print, where they write, how they exit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from grader.course import load_course
from grader.exercise import Level
from grader.variant import Seeded, draw_variant

TOY = Path(__file__).parent / "toy"
GOOD = "def add(a, b):\n    return a + b\n"


def grader(
    *arguments: str | Path, cwd: Path | None = None, settings: Mapping[str, str] = MappingProxyType({})
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "grader", *map(str, arguments)]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=cwd or TOY.parent,
        env={**os.environ, **settings},
        timeout=120,
        check=False,
    )


def hand_in(folder: Path, **students: str) -> Path:
    for student, code in students.items():
        (folder / student).mkdir(parents=True)
        (folder / student / "add.py").write_text(code)
    return folder


def test_check_prints_the_document_and_exits_by_the_marks(tmp_path: Path) -> None:
    """Scripts rely on the document and on the exit status: 0 all correct, 1 something wrong."""
    good = grader("check", hand_in(tmp_path / "a", ada=GOOD), "--course", TOY, "--format", "json")
    assert good.returncode == 0, good.stderr
    document = json.loads(good.stdout)
    assert document["students"][0]["parts"][0]["outcome"] == "correct"
    mixed = grader("check", hand_in(tmp_path / "b", ada=GOOD, bob=GOOD.replace("+", "-")), "--course", TOY)
    assert mixed.returncode == 1
    assert "bob" in mixed.stdout


def test_check_writes_a_report_that_stands_alone(tmp_path: Path) -> None:
    """`-o` writes the document and pages that need nothing beside them."""
    result = grader("check", hand_in(tmp_path / "class", ada=GOOD), "--course", TOY, "-o", tmp_path / "out/report")
    assert result.returncode == 0, result.stderr
    assert json.loads((tmp_path / "out/report/report.json").read_text())["course"] == "toy"
    for page in ("index.html", "students/ada.html"):
        text = (tmp_path / "out/report" / page).read_text()
        assert "<link" not in text
        assert "src=" not in text


def test_names_of_any_bytes_are_graded_and_reported_in_any_locale(tmp_path: Path) -> None:
    """One folder that an old program unpacked stops nobody, and the report has the same bytes on every machine."""
    bare = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    names = ["ada", "zoë", os.fsdecode(b"J\xf6rg"), os.fsdecode(b"J\xe9rg")]
    course = hand_in(tmp_path / "class", **dict.fromkeys(names, GOOD))
    for output, settings in (("usual", dict[str, str]()), ("bare", bare)):
        result = grader("check", course, "--course", TOY, "-o", tmp_path / output, "--fresh", settings=settings)
        assert result.returncode == 0, result.stderr
    usual, other = (
        {path.relative_to(tmp_path / top): path.read_bytes().decode("utf-8") for path in (tmp_path / top).rglob("*.*")}
        for top in ("usual", "bare")
    )
    assert usual == other
    assert {path.stem for path in usual if path.parts[0] == "students"} == {"ada", "zoë", "J_xf6rg", "J_xe9rg"}
    students = json.loads(usual[Path("report.json")])["students"]
    assert [student["student"] for student in students] == [r"J\xe9rg", r"J\xf6rg", "ada", "zoë"]


def test_check_says_when_something_could_not_be_graded(tmp_path: Path) -> None:
    """Exit status 3: an instructor's script must not file such a run as done."""
    from grader.variant import Keyed

    variant = draw_variant(load_course(TOY).exercise("sums"), Level.INTRO, Keyed(b"k" * 32, "ada"))
    (tmp_path / "class/ada").mkdir(parents=True)
    (tmp_path / "class/ada/sums.py").write_text(f"VARIANT = {variant.id!r}\nanswers = {{'total': 3}}\n{GOOD}")
    result = grader("check", tmp_path / "class", "--course", TOY)
    assert result.returncode == 3
    assert "not graded" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "nowhere"], "nowhere: no such file or folder"),
        (["check", "{empty}"], "nothing to grade"),
        (["check", "{class}", "--topic", "sum"], "no topic named 'sum'\n  Did you mean 'sums'?"),
        (["check", "{class}", "-o", "/proc/report"], "cannot write a report there"),
        (
            ["topics", "--docs", "/proc/pages"],
            "/proc/pages: cannot write pages there: No such file or directory\n  Choose",
        ),
        (["audit", "--draws", "10", "-o", "/proc/pages/audit.html"], "/proc/pages: cannot write a page there"),
        (["check", "{class}", "--key-file", "nokey"], "Name the file that `grader generate` made for --students."),
        (
            ["check", "{class}", "--allow", "nopackage"],
            "submissions may import 'nopackage', which is not installed here\n"
            "  Install it for the Python that runs `grader`, or leave it out of --allow.",
        ),
        (
            ["check", "{class}", "--format", "junit"],
            "prints a table or json\n  Grade with -o FOLDER, then run `grader report FOLDER --format junit`.",
        ),
        (["check", "{class}", "--format", "tabel"], "prints a table or json\n  Did you mean 'table'?"),
        (["check", "{class}", "--seed", "minus"], "not a valid int"),
        (["check"], "Missing argument"),
        (["chek", "{class}"], "Did you mean 'check'?"),
        (["try", "nowhere.py"], "no such file"),
    ],
)
def test_bad_usage_is_two_lines_and_exit_2(tmp_path: Path, arguments: list[str], message: str) -> None:
    """Place, problem and fix, and never a traceback."""
    places = {"{empty}": tmp_path / "empty", "{class}": hand_in(tmp_path / "class", ada=GOOD)}
    places["{empty}"].mkdir()
    words = [str(places.get(word, word)) for word in arguments]
    course = [] if words[0] == "chek" else ["--course", str(TOY)]
    result = grader(*words, *course)
    assert result.returncode == 2, result.stdout + result.stderr
    assert message in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder_is_noticed_before_grading(tmp_path: Path) -> None:
    """Not after an hour of grading."""
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    result = grader("check", hand_in(tmp_path / "class", ada=GOOD), "--course", TOY, "-o", locked / "report")
    assert result.returncode == 2
    assert "cannot write a report there: Permission denied" in result.stderr


def test_ctrl_c_reports_what_was_graded(tmp_path: Path, own_cache: Path) -> None:
    """An hour's work is not lost to one key: the students graded until then are reported."""
    slow = "import time\ndef add(a, b):\n    time.sleep(1000)\n"
    folder = hand_in(tmp_path / "class", ada=GOOD, zoe=slow)
    command = [sys.executable, "-m", "grader", "check", folder, "--course", TOY, "--jobs", "1", "--call-seconds", "300"]
    process = subprocess.Popen(
        [*map(str, command), "-o", str(tmp_path / "report")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 120
    while not any('"ada"' in path.read_text() for path in own_cache.rglob("*.jsonl")) and time.monotonic() < until:
        time.sleep(0.1)  # the journal tells that ada is graded
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)  # on a busy machine; far less than the 300 s of a call
    assert process.returncode == 130, errors
    assert "ada" in output
    assert "zoe" not in output
    assert "interrupted" in errors
    assert [s["student"] for s in json.loads((tmp_path / "report/report.json").read_text())["students"]] == ["ada"]


@pytest.mark.parametrize("start", [["-m", "grader"], ["-c", "SCRIPT"]], ids=["module", "script"])
@pytest.mark.parametrize(("imported", "words"), [("click", ["--help"]), ("numpy", ["check", "ada.py"])])
def test_ctrl_c_while_starting_is_one_word(tmp_path: Path, imported: str, words: list[str], start: list[str]) -> None:
    """Who pressed Enter too soon and takes it back must not see forty lines of Python."""
    entry = tomllib.loads((TOY.parent.parent / "pyproject.toml").read_text())["project"]["scripts"]["grader"]
    module, _, function = entry.partition(":")
    script = f"import sys; from {module} import {function}; sys.exit({function}())"
    (tmp_path / "ada.py").write_text("def output_size():\n    return 1\n")
    (tmp_path / f"{imported}.py").write_text(
        "import signal\nsignal.raise_signal(signal.SIGINT)\n"
    )  # what is imported first
    command = [sys.executable, *(script if word == "SCRIPT" else word for word in start), *words]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout) == (130, "")
    assert result.stderr.splitlines()[-1] == "interrupted"
    assert "Traceback" not in result.stderr


def test_try_says_right_or_wrong_and_nothing_more(tmp_path: Path) -> None:
    """A student at home learns which answers are wrong, and never the key."""
    variant = draw_variant(load_course(TOY).exercise("sums"), Level.INTRO, Seeded(3))
    file = tmp_path / "sums.py"
    file.write_text(f"VARIANT = {variant.id!r}\nanswers = {{'total': {variant.p.a - variant.p.b}}}\n{GOOD}")
    result = grader("try", file, "--course", TOY)
    assert result.returncode == 1
    assert "You subtracted" not in result.stdout
    assert "public cases" in result.stderr


def test_try_without_the_key_says_that_only_the_form_is_checked(tmp_path: Path) -> None:
    """Exit status 0 is no promise then: a plain sentence stands beside it."""
    from grader.variant import Keyed

    variant = draw_variant(load_course(TOY).exercise("sums"), Level.INTRO, Keyed(b"k" * 32, "ada"))
    file = tmp_path / "sums.py"
    file.write_text(f"VARIANT = {variant.id!r}\nanswers = {{'total': 1, 'mean': 2, 'parity': 'A'}}\n{GOOD}")
    result = grader("try", file, "--course", TOY)
    assert result.returncode == 0, result.stdout
    assert "The answers are judged by your course: here only their form is checked." in result.stderr
    told = " ".join(result.stdout.split())
    assert "? sums, total: not graded, which costs no marks the form is right; your course judges the value ?" in told
    assert told.count("the form is right") == 1
    assert all(f"? sums, {part}: not graded, which costs no marks" in told for part in ("mean", "parity"))


def test_a_students_own_file_can_be_tried_without_walls(tmp_path: Path) -> None:
    """A GPU needs that, at home too: it is done as asked, with the warning; a container is not offered for one file."""
    file = tmp_path / "plus.py"
    file.write_text(GOOD)
    result = grader("try", file, "--course", TOY, "--sandbox", "none")
    assert result.stderr.startswith("warning: Graded with --sandbox none")
    assert "✓" in result.stdout
    result = grader("try", file, "--course", TOY, "--sandbox", "docker")
    assert result.returncode == 2
    assert "Use one of auto, full, bwrap, landlock, none." in result.stderr


def test_a_course_in_the_current_folder_is_used(tmp_path: Path) -> None:
    """An instructor who stands in the course's folder needs no option."""
    result = grader("check", hand_in(tmp_path / "class", ada=GOOD), "--format", "json", cwd=TOY)
    assert json.loads(result.stdout)["course"] == "toy"


def test_an_authors_mistake_shows_when_the_course_is_loaded(tmp_path: Path) -> None:
    """With its file and line, and never while a student is graded."""
    (tmp_path / "exercises").mkdir()
    (tmp_path / "exercises/broken.py").write_text(
        "from grader.authoring import Exercise\n\nEXERCISE = Exercise(nme='x')\n"
    )
    result = grader("topics", "--course", tmp_path)
    assert result.returncode == 2
    assert f"{tmp_path}/exercises/broken.py:3: TypeError" in result.stderr


def test_the_report_folder_is_not_a_student(tmp_path: Path) -> None:
    """`cd class; grader check . -o report` must not grade the report of the run before."""
    folder = hand_in(tmp_path / "class", ada=GOOD)
    for _ in range(2):
        result = grader("check", ".", "--course", TOY, "-o", "report", "--format", "json", cwd=folder)
        assert [s["student"] for s in json.loads(result.stdout)["students"]] == ["ada"]


def test_regrade_says_whose_marks_changed(tmp_path: Path) -> None:
    """An instructor who mends something must see at once who gains and who loses."""
    folder = hand_in(tmp_path / "class", ada=GOOD, bob=GOOD.replace("+", "-"))
    assert grader("check", folder, "--course", TOY, "-o", tmp_path / "old").returncode == 1
    (folder / "bob/add.py").write_text(GOOD)
    result = grader("regrade", tmp_path / "old/report.json", folder, "--course", TOY, "-o", tmp_path / "new")
    assert result.returncode == 0, result.stderr
    assert "1 marks changed" not in result.stdout
    assert "bob: add, add: wrong (0 of 1) before, correct (1 of 1) now" in result.stdout
    assert "ada: add" not in result.stdout
    (folder / "ada/add.py").rename(folder / "ada.txt")
    alone = grader("regrade", tmp_path / "new", folder / "bob", "--course", TOY, "-o", tmp_path / "third")
    assert "No mark changed.\nNot graded this time, with marks in the earlier report: ada\n" in alone.stdout
    again = grader("regrade", tmp_path / "old", folder, "--course", TOY, "-o", tmp_path / "old")
    assert again.returncode == 2
    assert "which would be lost: name another one" in again.stderr


def test_a_command_that_grades_nothing_makes_no_folder(tmp_path: Path) -> None:
    """An empty report would look like one of nobody."""
    result = grader("check", tmp_path / "nowhere", "--course", TOY, "-o", tmp_path / "report")
    assert result.returncode == 2
    assert not (tmp_path / "report").exists()
