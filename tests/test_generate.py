"""`grader generate` and `grader topics`, with good and with bad input."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from grader.check import Grading, Settings
from grader.cli.main import cli
from grader.course import load_course
from grader.coursekey import read_key
from grader.errors import GraderError, InputError
from grader.submission import find_submissions

ROSTER = 'student,name\nada,Ada Lovelace\n"zoë",<script>alert(1)</script>\n'
TOPIC = "padding"
TOY = Path(__file__).parent / "toy"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, as an instructor does."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def grader(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def generate(*arguments: str) -> str:
    """Run the command, which must work, and return what it printed."""
    result = grader("generate", *arguments)
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.output


def refused(*arguments: str) -> str:
    """Run the command, which must fail as bad usage, and return the message and its hint."""
    result = grader("generate", *arguments)
    if isinstance(result.exception, GraderError):
        assert result.exception.exit_code == 2
        return f"{result.exception.message}\n{result.exception.hint}"
    assert result.exit_code == 2, result.output
    return result.output


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def variant_of(path: Path) -> str:
    found = re.search(r'^VARIANT = "(.*)"$', path.read_text(encoding="utf-8"), re.MULTILINE)
    assert found
    return found[1]


# One sheet, and several ------------------------------------------------------------------------------------


def test_a_topic_is_all_it_needs(folder: Path) -> None:
    """The first thing that anybody tries must work, and say what to do next."""
    output = generate("--topic", TOPIC)
    assert files(folder) == {"padding.md", "padding.html", "padding.py"}
    assert "Next: work on padding.html, fill in padding.py, and run: grader try padding.py" in output


def test_a_fresh_seed_is_printed_and_repeats(folder: Path) -> None:
    """A sheet that somebody liked can be drawn again."""
    first = generate("--topic", TOPIC, "-o", "first")
    seed = re.search(r"--seed (\d+)", first)
    assert seed
    generate("--topic", TOPIC, "--seed", seed[1], "-o", "again")
    for name in files(folder / "first"):
        assert (folder / "first" / name).read_bytes() == (folder / "again" / name).read_bytes()
    generate("--topic", TOPIC, "-o", "other")
    assert variant_of(folder / "other" / "padding.py") != variant_of(folder / "first" / "padding.py")


def test_count_numbers_the_variants_of_a_seed(folder: Path) -> None:
    """`--count 3` gives three different sheets that do not overwrite each other."""
    generate("--topic", TOPIC, "--seed", "1", "--count", "3", "--format", "md")
    assert files(folder) == {f"padding{n}.{kind}" for n in ("", "-2", "-3") for kind in ("md", "py")}
    assert "s1n3" in variant_of(folder / "padding-3.py")


def test_topics_level_and_formats_are_taken(folder: Path) -> None:
    """What was asked for is written, once, and nothing else."""
    second = "output_size"
    generate(
        "--topic", TOPIC, "--topic", second, "--topic", TOPIC, "--level", "intro", "--format", "html", "--seed", "0"
    )
    assert files(folder) == {"padding.html", "padding.py", "output_size.html", "output_size.py"}
    assert "-intro-" in variant_of(folder / "padding.py")


def test_keys_are_written_only_when_asked_for_and_apart(folder: Path) -> None:
    """A key beside the sheet is handed out with it one day."""
    output = generate("--topic", TOPIC, "--seed", "1", "--format", "md", "--with-key", "-o", "out")
    assert files(folder / "out") == {"padding.md", "padding.py", "keys/padding.md"}
    assert "Workings" in (folder / "out/keys/padding.md").read_text(encoding="utf-8")
    assert "Workings" not in (folder / "out/padding.md").read_text(encoding="utf-8")
    assert "The keys are in out/keys/: keep that folder" in output


def test_the_next_command_can_be_pasted(folder: Path) -> None:
    """Folders of courses have spaces in their names."""
    assert "grader try 'week 4/padding.py'" in generate("--topic", TOPIC, "-o", "week 4")
    assert (folder / "week 4/padding.py").exists()


def test_the_next_command_names_the_course_where_it_is_elsewhere(folder: Path) -> None:
    """Pasted as it stands it would ask the built-in course for a topic that it does not have."""
    toy = str(TOY)
    output = generate("--course", toy, "--topic", "sums", "-o", "out")
    assert f"grader try --course {toy} out/sums.py" in output
    assert f"grader generate --course {toy} --topic sums" in grader("topics", "--course", toy).output
    (folder / "roster.csv").write_text(ROSTER, encoding="utf-8")
    ready = generate("--course", toy, "--topic", "sums", "--students", "roster.csv", "--key-file", "course.key")
    assert f"grader check --course {toy} FOLDER" in ready
    shutil.copytree(TOY / "exercises", folder / "exercises")
    assert "grader try out/sums.py" in generate("--topic", "sums", "-o", "out", "--force")


# A class ---------------------------------------------------------------------------------------------------


def roster(folder: Path, text: str = ROSTER) -> tuple[str, ...]:
    (folder / "roster.csv").write_text(text, encoding="utf-8")
    return ("--topic", TOPIC, "--students", "roster.csv", "--key-file", "course.key")


def test_each_student_gets_a_folder_and_a_variant(folder: Path) -> None:
    """The layout handed out is the layout handed in; keys lie in a folder of their own."""
    output = generate(*roster(folder), "--format", "md,html", "--with-key", "-o", "out")
    own = {f"{name}/padding.{kind}" for name in ("ada", "zoë") for kind in ("md", "html", "py")}
    keys = {f"keys/{name}/padding.{kind}" for name in ("ada", "zoë") for kind in ("md", "html")}
    assert files(folder / "out") == own | keys
    assert variant_of(folder / "out/ada/padding.py") != variant_of(folder / "out/zoë/padding.py")
    assert "Ada Lovelace" in (folder / "out/ada/padding.md").read_text(encoding="utf-8")
    assert "<script" not in (folder / "out/zoë/padding.html").read_text(encoding="utf-8")
    assert "grader check FOLDER --key-file course.key" in output


def test_names_are_written_in_utf8_whatever_the_locale(folder: Path) -> None:
    """A server often has none: a name that is not plain English must not end in a traceback there."""
    bare = {**environment(), "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "grader", "generate", *roster(folder), "--with-key", "-o", "out"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=bare)
    assert done.returncode == 0, done.stderr
    generate(*roster(folder), "--with-key", "-o", "other")
    assert files(folder / "out") == files(folder / "other")
    assert "keys/zoë/padding.md" in files(folder / "out")


def test_the_key_file_is_created_for_its_owner_and_used_again(folder: Path) -> None:
    """The same key derives the same variants next term; nobody else may read it."""
    created = generate(*roster(folder), "-o", "first")
    assert "created the course key course.key" in created
    assert (folder / "course.key").stat().st_mode & 0o777 == 0o600
    again = generate(*roster(folder), "-o", "second")
    assert "created" not in again
    assert "warning" not in again
    assert variant_of(folder / "first/ada/padding.py") == variant_of(folder / "second/ada/padding.py")


def test_a_key_that_others_can_read_is_warned_about(folder: Path) -> None:
    """A key on a shared disk is everybody's key."""
    (folder / "course.key").write_text("0123456789abcdef" * 2)
    (folder / "course.key").chmod(0o644)
    assert "others can read the course key course.key. Run: chmod 600 course.key" in generate(*roster(folder))


def test_count_gives_every_student_attempts(folder: Path) -> None:
    """Attempt 2 has other numbers and a folder of its own: side by side, neither would be graded."""
    output = generate(*roster(folder), "--count", "2", "--format", "md", "--with-key", "-o", "out")
    assert "attempt-1/STUDENT/ has sheets and stubs" in output
    assert "up to out/attempt-2/: hand out one, collect it and grade it by itself" in output
    attempts = [
        f"attempt-{n}/{name}/padding{end}.{kind}"
        for n, end in ((1, ""), (2, "-2"))
        for name in ("ada", "zoë")
        for kind in ("md", "py")
    ]
    keys = {f"keys/{name}" for name in attempts if name.endswith(".md")}
    assert files(folder / "out") == {*attempts, *keys}
    first, second = (variant_of(folder / f"out/attempt-{n}/ada/padding{end}.py") for n, end in ((1, ""), (2, "-2")))
    assert re.search(r"a1-\w{4}$", first)
    assert re.search(r"a2-\w{4}$", second)
    for number in (1, 2):
        found = find_submissions([folder / "out" / f"attempt-{number}"], {TOPIC})
        grading = Grading(load_course(), Settings(key=read_key(folder / "course.key")))
        assert [grading.plan(submission)[1] for submission in found] == [[], []]


def test_nothing_is_written_when_the_roster_is_wrong(folder: Path) -> None:
    """Half a class with sheets is worse than none: first everything is checked."""
    assert "line 3" in refused(*roster(folder, "student\nada\n../zoe\n"), "-o", "out")
    assert files(folder) == {"roster.csv"}


def test_no_student_is_called_like_the_folder_of_keys(folder: Path) -> None:
    """That student would be handed everybody's key."""
    assert "no student can be called 'Keys'" in refused(*roster(folder, "student\nKeys\n"))


# A student's work ------------------------------------------------------------------------------------------


def test_a_stub_with_work_in_it_is_never_overwritten(folder: Path) -> None:
    """The one thing in the folder that cannot be made again."""
    generate("--topic", TOPIC, "--seed", "1", "--count", "2")
    work = (folder / "padding-2.py").read_text() + "# an evening's work\n"
    (folder / "padding-2.py").write_text(work)
    (folder / "padding.md").unlink()
    message = refused("--topic", TOPIC, "--seed", "1", "--count", "2")
    assert message.startswith("padding-2.py: a stub is there that may hold somebody's work, so nothing was written")
    assert (folder / "padding-2.py").read_text() == work
    assert not (folder / "padding.md").exists()
    generate("--topic", TOPIC, "--seed", "1", "--count", "2", "--force")
    assert "evening" not in (folder / "padding-2.py").read_text()


def test_an_untouched_stub_is_no_obstacle(folder: Path) -> None:
    """Running the same command twice is not an error."""
    generate("--topic", TOPIC, "--seed", "1")
    (folder / "padding.md").unlink()
    generate("--topic", TOPIC, "--seed", "1")
    assert (folder / "padding.md").exists()


# Bad usage -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "no topic given: add --topic. The topics are: .*padding"),
        (("--topic", "paddin"), "no topic named 'paddin'\nDid you mean 'padding'?"),
        (("--topic", "../x"), "no topic named '../x'\nThe topics are: "),
        (("--topic", TOPIC, "--seed", "-1"), "-1 is not a whole number from 0 on"),
        (("--topic", TOPIC, "--seed", "1.5"), "1.5 is not a whole number from 0 on"),
        (("--topic", TOPIC, "--seed", "٣"), "٣ is not a whole number from 0 on"),
        (("--topic", TOPIC, "--seed", "1" * 21), "is too large: a seed has at most 20 digits"),
        (("--topic", TOPIC, "--seed", "9" * 1_000_000), r"99… \(1,000,000 characters\) is too large"),
        (("--topic", TOPIC, "--level", "hard"), "'hard' is not one of"),
        (("--topic", TOPIC, "--count", "0"), "0 is not in the range"),
        (("--topic", TOPIC, "--count", "x"), "'x' is not a valid integer"),
        (("--topic", TOPIC, "--format", "htm"), "no format named 'htm'. Did you mean 'html'?"),
        (("--topic", TOPIC, "--format", ","), "no format named ''. The formats are: md, html."),
        (("--topic", TOPIC, "--students", "r.csv"), "--students needs --key-file"),
        (("--topic", TOPIC, "--key-file", "k"), "--key-file needs --students"),
        (("--topic", TOPIC, "--students", "r", "--key-file", "k", "--seed", "1"), "--seed and --students exclude"),
        (("--topic", TOPIC, "--students", "no.csv", "--key-file", "k"), "no.csv: it cannot be read"),
    ],
)
def test_bad_usage_is_explained(folder: Path, arguments: tuple[str, ...], message: str) -> None:
    """Exit status 2, a sentence that says what to change, and nothing written."""
    output = " ".join(refused(*arguments).split())
    assert re.search(" ".join(message.replace("?", r"\?").split()), output), output
    assert files(folder) == set()


@pytest.mark.parametrize("place", ["taken", "taken/below"])
def test_a_folder_that_cannot_be_written(folder: Path, place: str) -> None:
    """A file in the way is named, with the option that helps."""
    (folder / "taken").write_text("a file")
    message = refused("--topic", TOPIC, "-o", place)
    assert "cannot be written" in message
    assert "-o DIR" in message


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_folder_that_is_read_only(folder: Path) -> None:
    """The usual case on a shared machine."""
    (folder / "locked").mkdir(mode=0o500)
    assert "cannot be written: Permission denied" in refused("--topic", TOPIC, "-o", "locked")


def test_a_bad_key_file_is_explained(folder: Path) -> None:
    """An empty key would give everybody variants that anybody can derive."""
    (folder / "course.key").write_text("short\n")
    message = refused(*roster(folder))
    assert "a course key has 16 to 4096 bytes, this file has 5" in message
    assert "it is created" in message


def test_errors_reach_the_terminal_as_two_lines() -> None:
    """Nobody at a keyboard reads a traceback."""
    command = [sys.executable, "-m", "grader", "generate", "--topic", "paddin"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    assert done.returncode == 2
    assert done.stderr == "error: no topic named 'paddin'\n  Did you mean 'padding'?\n"


# Topics, and what a command loads --------------------------------------------------------------------------


def test_topics_are_listed_with_what_they_ask() -> None:
    """An instructor chooses from the list: parts, marks, functions, levels and their cost."""
    output = grader("topics").output
    for text in ("padding", "output_size()", "intro", "standard", "challenge", "Next: grader generate --topic"):
        assert text in output


def test_topics_as_json_agree_with_the_exercises() -> None:
    """A script that sets up a course reads this."""
    from grader.course import load_course

    document = json.loads(grader("topics", "--format", "json").output)
    exercises = load_course().exercises
    assert [topic["name"] for topic in document["topics"]] == list(exercises)
    for topic in document["topics"]:
        marks = [part["marks"] for part in (*topic["parts"], *topic["functions"], *topic["models"])]
        assert sum(marks) == pytest.approx(topic["max_score"]) == float(exercises[topic["name"]].max_score)
        assert set(topic["levels"]) == {"intro", "standard", "challenge"}


def test_a_course_without_topics_says_so(folder: Path) -> None:
    """An instructor who starts a course of their own begins with none."""
    (folder / "exercises").mkdir()
    assert "has no topics yet" in grader("topics").output
    with pytest.raises(InputError, match="no topic named 'padding'"):
        CliRunner().invoke(cli, ["generate", "--topic", TOPIC], standalone_mode=False, catch_exceptions=False)


def test_generate_loads_nothing_heavy() -> None:
    """Under 0.7 s for the whole process: none of these may be on the way."""
    code = (
        "import sys; from grader.cli.main import cli; cli(['generate', '--topic', 'padding'], standalone_mode=False); "
        "print(*{'torch', 'sympy', 'scipy', 'hypothesis', 'rich', 'grader.sandbox.host'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment())
    assert done.stdout.splitlines()[-1] == ""


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
