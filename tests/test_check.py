"""Grading whole submissions through the sandbox: good work, bad input, and everything in between."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from grader.check import NAMELESS, Grading, Settings, Task, _ctrl_c, _importable
from grader.course import load_course
from grader.errors import InputError
from grader.exercise import Level
from grader.outcome import Gradebook, Outcome, PartResult, StudentResult
from grader.report.document import status
from grader.report.summary import share_of
from grader.sandbox.host import Sandbox
from grader.submission import Module, Submission, find_submissions, read_module
from grader.tryout import without_key
from grader.variant import AnyVariant, Keyed, Seeded, draw_variant

TOY = Path(__file__).parent / "toy"
KEY = b"k" * 32
GOOD = "def add(a, b):\n    return a + b\n"

Hand = Callable[..., StudentResult]


@pytest.fixture(scope="module")
def variant() -> AnyVariant:
    return draw_variant(load_course(TOY).exercise("sums"), Level.STANDARD, Seeded(5))


@pytest.fixture
def hand_in(tmp_path: Path) -> Hand:
    """Grade one student's files, given by name, with the toy course."""

    def grade(files: dict[str, str | bytes], settings: Settings = Settings(call_seconds=0.5)) -> StudentResult:  # noqa: B008 - frozen
        return run(tmp_path, {"ada": files}, settings).students[0]

    return grade


def run(
    folder: Path,
    students: dict[str, dict[str, str | bytes]],
    settings: Settings,
    progress: Callable[..., None] = lambda *_: None,
) -> Gradebook:
    for student, files in students.items():
        for name, text in files.items():
            path = folder / "class" / student / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode() if isinstance(text, str) else text)
    course = load_course(TOY)
    found = find_submissions([folder / "class"], {*course.topics, *course.contracts})
    return Grading(course, settings).grade(found, progress)


def filled(variant: AnyVariant, code: str = GOOD, **answers: object) -> str:
    """Return a stub filled in rightly, but for the answers given."""
    letter = "ABC"[variant.options["parity"].index(variant.key["parity"])]
    right = {"total": variant.key["total"], "mean": float(variant.key["mean"]), "parity": letter}
    return f"VARIANT = {variant.id!r}\nanswers = { ({**right, **answers})!r}\n{code}"


def part(result: StudentResult, name: str) -> PartResult:
    return next(p for p in result.parts if p.part == name)


def test_right_work_earns_everything(hand_in: Hand, variant: AnyVariant) -> None:
    """Answers and function right: full marks, and nothing to say."""
    result = hand_in({"sums.py": filled(variant)})
    assert (result.score, result.max_score, result.problems) == (Fraction(10), Fraction(10), ())
    assert {p.outcome for p in result.parts} == {Outcome.CORRECT}


def test_a_wrong_answer_is_diagnosed(hand_in: Hand, variant: AnyVariant) -> None:
    """The wrong number names the mistake."""
    result = hand_in({"sums.py": filled(variant, total=variant.p.a - variant.p.b)})
    assert [f.name for f in part(result, "total").misconceptions] == ["difference"]


def test_answers_without_their_variant_are_not_passed_over(tmp_path: Path, variant: AnyVariant) -> None:
    """A stub that lost the line is graded on its function, as any module without it; that this is a part is said."""
    lost = filled(variant).partition("\n")[2]
    files: dict[str, dict[str, str | bytes]] = {
        "ada": {"sums.py": lost},
        "bob": {"homework.py": lost},
        "cy": {"add.py": GOOD},
    }
    stub, other, function = run(tmp_path, files, Settings(call_seconds=0.5)).students
    for student, file in ((stub, "sums.py"), (other, "homework.py")):
        assert [(p.part, p.outcome) for p in student.parts] == [("add", Outcome.CORRECT)]
        assert student.problems == (f"{file}: {NAMELESS}",)
    assert (function.score, function.problems) == (Fraction(1), ())


def test_an_error_is_carried_forward_less_the_penalty(hand_in: Hand, variant: AnyVariant) -> None:
    """One mistake costs its own marks, and only the stated share of the marks of what builds on it."""
    result = hand_in({"sums.py": filled(variant, total=100_001, mean=50_000.5)})
    assert part(result, "total").score == 0
    assert part(result, "mean").score == 3
    assert "your own answer to 'total', less 1/4" in part(result, "mean").message


def test_an_error_outside_the_condition_is_not_carried(hand_in: Hand, variant: AnyVariant) -> None:
    """The stated condition counts."""
    assert part(hand_in({"sums.py": filled(variant, total=-2, mean=-1)}), "mean").score == 0


def test_zero_is_an_answer_and_none_is_not(hand_in: Hand, variant: AnyVariant) -> None:
    """0 was handed in and is wrong; None was not handed in."""
    result = hand_in({"sums.py": filled(variant, total=0, mean=None)})
    assert part(result, "total").outcome is Outcome.WRONG
    assert part(result, "mean").outcome is Outcome.MISSING


def test_computed_answers_are_read_from_the_process(hand_in: Hand, variant: AnyVariant) -> None:
    """Students who let Python compute are right as well."""
    code = f"import numpy as np\n{GOOD}answers['total'] = np.int64({variant.p.a}) + {variant.p.b}\n"
    assert part(hand_in({"sums.py": filled(variant, code, total=None)}), "total").outcome is Outcome.CORRECT


def test_answers_survive_a_function_that_crashes_the_module(hand_in: Hand, variant: AnyVariant) -> None:
    """Paper work is not lost to a typo below it."""
    result = hand_in({"sums.py": filled(variant, "import os\nraise ValueError('boom')\n" + GOOD)})
    assert part(result, "total").outcome is Outcome.CORRECT
    assert part(result, "add").outcome is Outcome.CRASHED
    assert "line 4: the module raises ValueError" in part(result, "add").message


@pytest.mark.parametrize(
    ("code", "outcome", "message"),
    [
        ("def ad(a, b):\n    return a + b", Outcome.MISSING, "no function named 'add'. Did you mean 'ad'?"),
        ("add = 3", Outcome.WRONG, "raises TypeError"),
        ("def add(a):\n    return a", Outcome.WRONG, "TypeError"),
        ("def add(a, b):\n    raise NotImplementedError", Outcome.MISSING, "still the stub"),
        ("def add(a, b):\n    return None", Outcome.WRONG, "returned None"),
        ("def add(a, b):\n    return [[1], [1, 2]]", Outcome.WRONG, "a list"),
        ("def add(a, b):\n    return str(a + b)", Outcome.WRONG, "returned a text"),
        ("def add(a, b):\n    return float('nan')", Outcome.WRONG, "the float nan"),
        ("def add(a, b):\n    return a + b + 0j", Outcome.WRONG, "complex"),
        ("def add(a, b):\n    return True", Outcome.WRONG, "the bool True"),
        ("import numpy as np\ndef add(a, b):\n    return np.array([a, None], dtype=object)", Outcome.WRONG, "returned"),
        ("import numpy as np\ndef add(a, b):\n    return np.zeros(10**8, np.int8)", Outcome.WRONG, ""),
        ("def add(a, b):\n    return object()", Outcome.WRONG, "returned"),
        ("def add(a, b):\n    yield a + b", Outcome.WRONG, "returned"),
        ("def add(a, b):\n    while True: pass", Outcome.TIMEOUT, "0.5 s"),
        ("def add(a, b):\n    return add(a, b)", Outcome.WRONG, "RecursionError"),
        ("def add(a, b):\n    return [0] * 10**12", Outcome.OUT_OF_MEMORY, "memory"),
        ("def add(a, b):\n    exit(0)", Outcome.WRONG, "SystemExit"),
        ("import os\ndef add(a, b):\n    os._exit(0)", Outcome.CRASHED, ""),
        ("def add(a, b):\n    input()\n    return a + b", Outcome.WRONG, "EOFError"),
        ("import sys\ndef add(a, b):\n    return a + b\nsys.exit(0)", Outcome.CRASHED, "SystemExit"),
        ("import scipy\n" + GOOD, Outcome.NOT_ALLOWED, "imports 'scipy', which is not allowed"),
        ("def add(a, b):\n    import scipy\n    return a + b", Outcome.NOT_ALLOWED, "'scipy' in line 4"),
    ],
)
def test_a_function_that_fails_is_told_how(
    hand_in: Hand, variant: AnyVariant, code: str, outcome: Outcome, message: str
) -> None:
    """Whatever a function does, it is this function's outcome: the answers keep their marks."""
    result = hand_in({"sums.py": filled(variant, code)})
    found = part(result, "add")
    assert (found.outcome, found.score) == (outcome, Fraction(0)), found.message
    assert message in found.message
    assert part(result, "total").outcome is Outcome.CORRECT


@pytest.mark.parametrize(
    "code",
    [
        "import numpy as np\ndef add(a, b):\n    return np.int64(a + b)",
        "import numpy as np\ndef add(a, b):\n    return np.array(a + b)",
        "def add(a, b):\n    print('adding', a, b)\n    return a + b",
        "import sys\ndef add(a, b):\n    print('x' * 10**5, file=sys.stderr)\n    return a + b",
        "import time\ndef add(a, b):\n    time.sleep(0.01)\n    return a + b",
        "class A:\n    def __call__(self, a, b):\n        return a + b\nadd = A()",
        "add = lambda a, b: a + b",
        "def add(*args):\n    return sum(args)",
        "try:\n    import torch\nexcept ImportError:\n    torch = None\ndef add(a, b):\n    return a + b",
        "if __name__ == '__main__':\n    import scipy\ndef add(a, b):\n    return a + b",
    ],
)
def test_odd_but_right_functions_pass(hand_in: Hand, variant: AnyVariant, code: str) -> None:
    """No right function is refused for its style."""
    assert part(hand_in({"sums.py": filled(variant, code)}), "add").outcome is Outcome.CORRECT


def test_an_edited_variant_is_an_error_and_costs_the_topic(hand_in: Hand, variant: AnyVariant) -> None:
    """An id changed by hand must not become another, easier question."""
    result = hand_in({"sums.py": filled(variant).replace("s5n1", "s6n1")})
    assert result.score == 0
    assert result.max_score == 10
    assert "was mistyped or edited" in result.problems[0]


def test_two_modules_for_one_topic_are_refused(hand_in: Hand, variant: AnyVariant) -> None:
    """The better of two attempts must not be picked by the grader."""
    result = hand_in({"sums.py": filled(variant), "again/sums.py": filled(variant) + "# better"})
    assert result.score == 0
    assert "handed in 2 times" in result.problems[0]


def test_what_fails_of_ours_says_the_way_out(
    hand_in: Hand, variant: AnyVariant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever grades without a package that a topic needs is told what to install, in the student's row too."""
    error = InputError("submissions may import 'x', which is not installed here", hint="Install it.")
    monkeypatch.setattr(Grading, "_grade_task", lambda *_: (_ for _ in ()).throw(error))
    result = hand_in({"sums.py": filled(variant)})
    assert {part.outcome for part in result.parts} == {Outcome.UNGRADABLE}
    assert result.parts[0].message.endswith("which is not installed here. Install it.")


def test_a_copy_of_a_module_is_no_second_attempt(hand_in: Hand, variant: AnyVariant) -> None:
    """A browser calls the second download `sums (1).py`: there is nothing to pick."""
    result = hand_in({"sums.py": filled(variant), "sums (1).py": filled(variant), "again/sums.py": filled(variant)})
    assert result.score == 10
    assert not result.problems


ONE_HOT = "import numpy as np\ndef one_hot(labels, num_classes):\n    return np.eye(num_classes)[np.asarray(labels)]\n"


@pytest.mark.parametrize(
    ("code", "graded"),
    [
        ("def output_size(h, k, s, p):\n    return (h + 2 * p - k) // s + 1\n", False),
        ("def output_size(h, k, *, stride=1):\n    return h\n", False),
        ("def output_size(*sizes):\n    return sizes[0]\n", False),
        ("def output_size(h, h):\n    return h\n", False),
        (f"def output_size(h, k={'1+' * 600}1):\n    return h\n", False),
        ("def output_size(n, k, stride=1, padding=0, dilation=1):\n    return n\n", True),
        ("def output_size(i, k, /, **options):\n    return i\n", True),
        ("def output_size(*sizes, **options):\n    return sizes[0]\n", True),
        ("output_size = lambda h: h\n", True),
        ("def output_size(h):\n    return h\noutput_size = print\n", True),
        ("import functools\n@functools.cache\ndef output_size(h):\n    return h\n", True),
    ],
)
def test_a_helper_that_bears_the_name_of_another_contract_is_not_graded(code: str, graded: bool) -> None:
    """It costs no mark where it cannot be meant: the file is called after a function, and it takes other arguments."""
    course = load_course()

    def functions(file: str, source: str) -> list[str]:
        module = read_module(file, source.encode())
        tasks, _ = Grading(course).plan(Submission("ada", (module,)))
        return [contract.name for task in tasks for contract, _ in task.functions]

    both = ["one_hot", "output_size"]
    assert functions("one_hot.py", ONE_HOT + code) == (both if graded else both[:1])
    assert functions("ada.py", ONE_HOT + code) == both
    assert functions("one_hot.py", code) == both[1:]
    assert functions("output_size.py", ONE_HOT + code) == both


def test_the_report_says_which_helper_was_not_graded(tmp_path: Path) -> None:
    """Who did mean the other function must learn why it has no mark."""
    (tmp_path / "one_hot.py").write_text(ONE_HOT + "def output_size(h, k, s, p):\n    return h\n")
    course = load_course()
    found = find_submissions([tmp_path], {*course.topics, *course.contracts})
    (result,) = Grading(course, Settings(public=True)).grade(found).students
    assert (result.score, result.max_score, result.problems) == (Fraction(1), Fraction(1), ())
    said = " Not graded: 'output_size', which here takes other arguments than asked for."
    assert result.parts[0].message.endswith(said)
    assert result.parts[0].summary.endswith(said)


def test_a_module_without_variant_is_graded_on_its_functions(hand_in: Hand) -> None:
    """`ada/add.py` with a function and nothing else: one part, one mark."""
    result = hand_in({"add.py": GOOD})
    assert [(p.topic, p.part, p.score, p.max_score) for p in result.parts] == [("add", "add", Fraction(1), Fraction(1))]


def test_an_unknown_answer_is_pointed_out(hand_in: Hand, variant: AnyVariant) -> None:
    """A renamed part would silently be missing."""
    result = hand_in({"sums.py": filled(variant, totl=3)})
    assert result.problems == ("sums.py: answers has no part 'totl'. Did you mean 'total'?",)


def test_what_is_said_of_a_file_has_an_end(hand_in: Hand, variant: AnyVariant) -> None:
    """A file of thousands of names, or of one of 60 KB, must not fill a report."""
    many: dict[str, Any] = {f"part{number:04}": 1 for number in range(1000)} | {"x" * 50_000: 1}
    result = hand_in({"sums.py": filled(variant, **many)})
    assert len(result.problems) == 21
    assert result.problems[-1] == "sums.py: answers has 981 more names that are no part's"
    (problem,) = hand_in({"sums.py": f"VARIANT = {'A' * 60_000!r}\n"}).problems
    assert len(problem) < 200


def test_only_the_students_own_keyed_variant_counts(tmp_path: Path) -> None:
    """With a course key, neither a practice variant nor a neighbour's is graded."""
    exercise = load_course(TOY).exercise("sums")
    ada = draw_variant(exercise, Level.STANDARD, Keyed(KEY, "ada"))
    practice = draw_variant(exercise, Level.STANDARD, Seeded(5))
    files: dict[str, dict[str, str | bytes]] = {
        "ada": {"sums.py": filled(ada)},
        "bob": {"sums.py": filled(ada)},
        "eve": {"sums.py": filled(practice)},
    }
    scores = {s.student: s for s in run(tmp_path, files, Settings(key=KEY)).students}
    assert {name: s.score for name, s in scores.items()} == {
        "ada": Fraction(10),
        "bob": Fraction(0),
        "eve": Fraction(0),
    }
    assert "was not handed out to 'bob'" in scores["bob"].problems[0]
    assert "is for practice" in scores["eve"].problems[0]


def test_a_level_asked_for_holds_with_a_course_key(tmp_path: Path) -> None:
    """Who practised on an easy sheet of the same key must not hand that in for the harder one."""
    exercise = load_course(TOY).exercise("sums")
    sheets = {
        "ada": filled(draw_variant(exercise, Level.STANDARD, Keyed(KEY, "ada"))),
        "bob": filled(draw_variant(exercise, Level.INTRO, Keyed(KEY, "bob"))),
    }
    book = run(tmp_path, {n: {"sums.py": text} for n, text in sheets.items()}, Settings(key=KEY, level=Level.STANDARD))
    ada, bob = book.students
    assert ada.score == 10
    assert ada.problems == ()
    assert bob.score == 0
    assert "of another level than 'standard'. Copy the one on the sheet of that level." in bob.problems[0]


def test_the_wrong_key_is_noticed(tmp_path: Path) -> None:
    """When nobody's variant fits the key, it is the instructor's slip, and not thirty students'."""
    exercise = load_course(TOY).exercise("sums")
    files: dict[str, dict[str, str | bytes]] = {
        name: {"sums.py": filled(draw_variant(exercise, Level.STANDARD, Keyed(KEY, name)))} for name in ("ada", "bob")
    }
    assert "is --key-file the right one?" in run(tmp_path / "a", files, Settings(key=b"x" * 32)).warnings[0]
    assert run(tmp_path / "b", files, Settings(key=KEY)).warnings == ()


def test_without_the_key_a_keyed_variant_is_ungradable(hand_in: Hand) -> None:
    """The instructor forgot an option: that must not cost the student a mark."""
    keyed = draw_variant(load_course(TOY).exercise("sums"), Level.STANDARD, Keyed(KEY, "ada"))
    result = hand_in({"sums.py": filled(keyed)})
    assert part(result, "total").outcome is Outcome.UNGRADABLE
    assert (result.score, result.max_score) == (Fraction(3), Fraction(3))


def test_a_name_that_is_not_utf8_costs_nothing(tmp_path: Path, variant: AnyVariant) -> None:
    """An old program packed the class: whose variant it is cannot be told, but what depends on no name is graded."""
    name = os.fsdecode(b"J\xf6rg")
    keyed = draw_variant(load_course(TOY).exercise("sums"), Level.STANDARD, Keyed(KEY, "Jörg"))
    (joerg,) = run(tmp_path / "a", {name: {"sums.py": filled(keyed)}}, Settings(key=KEY)).students
    assert (joerg.student, joerg.problems) == (r"J\xf6rg", ())
    assert joerg.score == joerg.max_score == 3
    assert "the student's name is not UTF-8" in part(joerg, "total").message
    assert part(joerg, "add").outcome is Outcome.CORRECT
    (joerg,) = run(tmp_path / "b", {name: {"sums.py": filled(variant)}}, Settings()).students
    assert joerg.score == 10


def test_what_could_not_be_read_is_ungradable() -> None:
    """Permissions are the machine's fault: exit 3 and no mark lost, whatever the file would have answered."""
    course = load_course(TOY)
    unread = (Module("sums.py", unread="sums.py: no"), Module("b.py", unread="b.py: no"))
    submissions = [
        Submission("ada", (*unread, read_module("add.py", GOOD.encode()))),
        Submission("ben", (), unread=("the folder: no",)),
    ]
    book = Grading(course, Settings()).grade(submissions)
    ada, ben = book.students
    assert ada.score == ada.max_score == 1
    assert {part.message for part in ada.parts if part.topic == "sums"} == {"sums.py: no"}
    assert {part.outcome for part in ada.parts if part.topic == "sums"} == {Outcome.UNGRADABLE}
    assert {(part.part, part.message) for part in (ada.parts[-1], *ben.parts)} == {
        ("files", "b.py: no"),
        ("files", "the folder: no"),
    }
    assert (ada.problems, ben.problems) == ((), ())
    assert (share_of(ben), status(book)) == (None, 3)


def test_the_order_and_the_number_of_jobs_change_nothing(tmp_path: Path, variant: AnyVariant) -> None:
    """The same submission gets the same mark and the same words, whoever is graded beside it."""
    wrong = filled(variant, "def add(a, b):\n    return a - b")
    alone = run(tmp_path / "one", {"bob": {"sums.py": wrong}}, Settings(jobs=1)).students[0]
    crowd: dict[str, dict[str, str | bytes]] = {f"s{i}": {"sums.py": filled(variant)} for i in range(3)}
    among = run(tmp_path / "two", crowd | {"bob": {"sums.py": wrong}}, Settings(jobs=2))
    assert next(s for s in among.students if s.student == "bob") == alone


def test_a_failure_of_ours_is_ungradable_and_stops_nobody(
    tmp_path: Path, variant: AnyVariant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug in the grader must neither cost marks nor end the run."""
    import grader.check

    monkeypatch.setattr(grader.check, "mark_answers", lambda *_: 1 / 0)
    book = run(tmp_path, {"ada": {"sums.py": filled(variant)}, "bob": {"add.py": GOOD}}, Settings())
    ada, bob = book.students
    assert {p.outcome for p in ada.parts} == {Outcome.UNGRADABLE}
    assert bob.parts[0].outcome is Outcome.CORRECT


def test_a_ctrl_c_that_something_swallows_is_kept(tmp_path: Path, variant: AnyVariant) -> None:
    """Raised in a callback of the garbage collector it is printed and lost, and the run would go on for an hour."""

    def swallow(*_: object) -> None:
        with pytest.raises(KeyboardInterrupt, match=r"^$"):
            signal.raise_signal(signal.SIGINT)

    stuck = "def add(a, b):\n    while True: pass\n"
    students: dict[str, dict[str, str | bytes]] = {"ada": {"sums.py": filled(variant)}, "zoe": {"add.py": stuck}}
    gradebook = run(tmp_path, students, Settings(jobs=1, call_seconds=300), swallow)
    assert gradebook.interrupted
    assert [student.student for student in gradebook.students] == ["ada"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_ctrl_c_does_not_cut_the_end_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pressed twice, as people do, it would leave a process and a folder behind; seconds later it counts again."""
    close, folders = Sandbox.close, []

    def pressed_again(sandbox: Sandbox) -> None:
        folders.append(sandbox.folder)
        signal.raise_signal(signal.SIGINT)
        close(sandbox)

    monkeypatch.setattr(Sandbox, "close", pressed_again)
    students: dict[str, dict[str, str | bytes]] = {"ada": {"add.py": GOOD}, "zoe": {"add.py": GOOD}}
    book = run(tmp_path, students, Settings(jobs=1), lambda *_: signal.raise_signal(signal.SIGINT))
    assert book.interrupted
    assert folders
    assert not any(folder.exists() for folder in folders)


def test_a_student_costs_no_more_in_a_large_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not more for each that is still waiting: of a class of thousands that would be minutes."""

    def graded(_: Grading, submission: Submission, *__: object) -> StudentResult:
        time.sleep(0.001)
        return StudentResult(submission.student, (), ("nothing was looked at",))

    monkeypatch.setattr(Grading, "_student", graded)
    grading = Grading(load_course(TOY), Settings(jobs=2))

    def each(students: int) -> float:
        began = time.thread_time()
        grading.grade([Submission(f"s{number}", ()) for number in range(students)])
        return (time.thread_time() - began) / students

    assert each(1500) < 3 * min(each(150) for _ in range(3))


def test_ctrl_c_counts_again_where_the_end_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    with _ctrl_c() as pressed:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert pressed.is_set()
        signal.raise_signal(signal.SIGINT)
        monkeypatch.setattr("grader.check.ENDING", 0.0)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_trying_at_home_never_shows_the_key(tmp_path: Path, variant: AnyVariant) -> None:
    """Right or wrong is all that a student sees of an answer at home."""
    wrong = variant.p.a - variant.p.b
    book = without_key(run(tmp_path, {"ada": {"sums.py": filled(variant, total=wrong)}}, Settings(public=True)))
    total = part(book.students[0], "total")
    assert total.message == f"{wrong} is not right"
    assert not total.misconceptions


def test_the_document_of_a_run_is_valid_json(tmp_path: Path, variant: AnyVariant) -> None:
    """Outside tools read it: no NaN token, the promised fields."""
    from grader.report.document import to_json

    book = run(tmp_path, {"ada": {"sums.py": filled(variant, "def add(a, b):\n    return float('nan')")}}, Settings())
    text = json.dumps(to_json(book), allow_nan=False)
    assert json.loads(text)["students"][0]["parts"][0]["topic"] == "sums"


@pytest.mark.parametrize(
    ("allowed", "source", "wanted"),
    [
        (set(), b"from torch.optim import SGD", {"numpy"}),
        ({"torch"}, b"import torch", {"numpy", "torch"}),
        ({"torch"}, b"import torch\nmake = torch.optim.SGD", {"numpy", "torch", "torch._dynamo"}),
    ],
)
def test_what_optimizers_import_is_there_before_a_student_waits_for_it(
    allowed: set[str], source: bytes, wanted: set[str]
) -> None:
    """It takes longer than grading a submission: in every process that makes one, or, for nobody, in each sandbox."""
    tasks = [Task(read_module("sgd_step.py", text), "") for text in (b"import numpy", source)]
    assert _importable(frozenset(allowed), tasks) == wanted
