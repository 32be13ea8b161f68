"""Finding and reading submissions: whatever is handed in becomes a module or a sentence, never a crash."""

from __future__ import annotations

import errno
import json
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.errors import InputError
from grader.submission import Submission, find_submissions, read_module

KNOWN = {"padding", "conv2d"}


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def students(found: list[Submission]) -> dict[str, list[str]]:
    return {s.student: [m.path for m in s.modules] for s in found}


def test_a_class_is_folders_of_students_and_single_files(tmp_path: Path) -> None:
    """The layout that the design promises: a folder a student, or one file called after the student."""
    write(tmp_path, {"ada/padding.py": "x=1", "ada/conv2d.py": "x=1", "linus.py": "x=1", "ada/.git/hook.py": "x=1"})
    assert students(find_submissions([tmp_path], KNOWN)) == {"ada": ["conv2d.py", "padding.py"], "linus": ["linus.py"]}


def test_a_folder_of_topics_is_one_student(tmp_path: Path) -> None:
    """`grader check submissions/ada` grades ada, and not two students called padding and conv2d."""
    write(tmp_path, {"ada/padding.py": "x=1", "ada/conv2d.py": "x=1"})
    assert students(find_submissions([tmp_path / "ada"], KNOWN)) == {"ada": ["conv2d.py", "padding.py"]}


def test_one_file_belongs_to_its_folder_or_to_itself(tmp_path: Path) -> None:
    """A file called after a topic is the work of the folder's student; any other is a student's."""
    write(tmp_path, {"ada/padding.py": "x=1", "linus.py": "x=1"})
    found = find_submissions([tmp_path / "ada/padding.py", tmp_path / "linus.py"], KNOWN)
    assert sorted(students(found)) == ["ada", "linus"]


@pytest.mark.parametrize("top", ["", "export-2026/"])
def test_a_zip_as_moodle_exports_it(tmp_path: Path, top: str) -> None:
    """An instructor drops the platform's zip as it is; the platform's suffix is not part of the name."""
    path = tmp_path / "class.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{top}Ada Lovelace_4711_assignsubmission_file_/padding.py", "x = 1")
        archive.writestr(f"{top}Grace Hopper_4712_assignsubmission_file_/padding.py", "x = 1")
        archive.writestr(f"{top}__MACOSX/Ada/._padding.py", "junk")
    assert students(find_submissions([path], KNOWN)) == {"Ada Lovelace": ["padding.py"], "Grace Hopper": ["padding.py"]}


def zipped(path: Path, old: bytes, new: bytes, flag: int = 0) -> Path:
    """Write a zip of two students with some of its bytes changed, names in flagged UTF-8 or without a flag."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1234/padding.py", "x = 1\n" * 9)
        archive.writestr("ada/padding.py", "x = 1")
    data = bytearray(path.read_bytes().replace(old, new))
    for header, place in ((b"PK\3\4", 7), (b"PK\1\2", 9)):
        for found in re.finditer(header, bytes(data)):
            data[found.start() + place] |= flag
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(("name", "shown"), [("Böb".encode(), "Böb"), (b"J\x94rg", "Jörg"), (b"J\xf6rg", "J÷rg")])
def test_names_in_a_zip_are_utf8_or_as_the_format_has_it(tmp_path: Path, name: bytes, shown: str) -> None:
    """A class packed again with macOS must not turn every accent into somebody unknown."""
    assert {s.student for s in find_submissions([zipped(tmp_path / "a.zip", b"1234", name)], KNOWN)} == {shown, "ada"}


def test_a_zip_whose_names_are_not_what_it_says(tmp_path: Path) -> None:
    """A traceback tells an instructor nothing."""
    with pytest.raises(InputError, match=r"a\.zip: not a readable zip: 'utf-8' codec"):
        find_submissions([zipped(tmp_path / "a.zip", b"1234", b"J\xf6rg", flag=8)], KNOWN)


def test_a_damaged_file_in_a_zip_stops_nobody_else(tmp_path: Path) -> None:
    """One file lost on its way is one sentence."""
    path = zipped(tmp_path / "a.zip", b"1234/padding.py\xab", b"1234/padding.py\xff")
    lost, ada = find_submissions([path], KNOWN)
    assert [problem.partition(": Error -3 ")[0] for problem in lost.problems] == ["padding.py: cannot be unpacked"]
    assert [module.path for module in ada.modules] == ["padding.py"]


def test_a_student_without_files_is_told_so(tmp_path: Path) -> None:
    """An empty folder is a student with nothing handed in, not a student left out."""
    (tmp_path / "eve").mkdir()
    write(tmp_path, {"ada/padding.py": "x=1"})
    eve = find_submissions([tmp_path], KNOWN)[1]
    assert eve.problems == ("no .py or .ipynb file was handed in",)


def test_work_that_is_packed_once_more_is_not_passed_over(tmp_path: Path) -> None:
    """Left out in silence, a student would be in no report."""
    write(tmp_path / "class", {"ada/padding.py": "x=1", "eve/mine.zip": "PK", "ned.zip": "PK", "readme.txt": "-"})
    write(tmp_path / "class", {"ada.zip": "the same, which somebody unpacked and left there"})
    ada, eve, ned = find_submissions([tmp_path / "class"], KNOWN)
    assert (ada.student, ada.problems) == ("ada", ())
    assert eve.problems == ("mine.zip: a student's zip is not unpacked: put its files into the student's folder",)
    assert ned.student == "ned"
    assert ned.problems[0].startswith("ned.zip: a zip beside the students' folders is not unpacked")
    path = tmp_path / "class.zip"
    for top in ("", "hw1/"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"{top}Ada_1_assignsubmission_file_/padding.py", "x=1")
            archive.writestr(f"{top}Eve_2_assignsubmission_file_/mine.zip", "PK")
            archive.writestr(f"{top}Ned_3_assignsubmission_file_/work.docx", "PK")
            archive.writestr(f"{top}pictures/plot.png", "-")
            archive.writestr(f"{top}__MACOSX/Zoe_4_assignsubmission_file_/x.zip", "-")
        found = {student.student: student.problems for student in find_submissions([path], KNOWN)}
        assert found == {
            "Ada": (),
            "Eve": ("mine.zip: a student's zip is not unpacked: put its files into the student's folder",),
            "Ned": ("no .py or .ipynb file was handed in",),
        }


def test_a_name_that_is_not_utf8_is_shown_and_is_nobody_elses(tmp_path: Path) -> None:
    """Folders unpacked by an old program: each is a student of its own, under a name that any file can hold."""
    names = (b"J\xf6rg", b"J\xe9rg", rb"J\xf6rg", rb"J\x5cxf6rg", "Jörg".encode(), b"Bo\xdf_47_assignsubmission_file_")
    for name in names:
        folder = os.path.join(os.fsencode(tmp_path), name)
        os.mkdir(folder)
        Path(os.fsdecode(os.path.join(folder, b"h\xf6lp.py"))).write_text("x = 1")
    found = find_submissions([tmp_path], KNOWN)
    shown = {r"J\xf6rg", r"J\xe9rg", r"J\x5cxf6rg", r"J\x5cx5cxf6rg", "Jörg", r"Bo\xdf"}
    assert {student.student for student in found} == shown
    assert {student.student for student in found if student.misnamed} == {r"J\xf6rg", r"J\xe9rg", r"Bo\xdf"}
    assert {module.path for student in found for module in student.modules} == {r"h\xf6lp.py"}


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Take the grader's leave to read what has this name; a test's user may be root, whom no mode stops."""

    def guarded(function: Callable[..., object], name: str) -> Callable[..., object]:
        def call(path: str | Path = ".") -> object:
            if Path(path).name == name:
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return function(path)

        return call

    def close(name: str) -> None:
        for owner, function in ((os, "scandir"), (os, "listdir"), (Path, "read_bytes")):
            monkeypatch.setattr(owner, function, guarded(getattr(owner, function), name))

    return close


@pytest.mark.parametrize(
    ("name", "modules", "kept"),
    [
        ("padding.py", ["conv2d.py"], "padding.py: the grader may not read it. Allow it"),
        ("sub", ["conv2d.py", "padding.py"], "sub/: the grader may not read it. Allow it"),
        ("ben", [], "the folder: the grader may not read it. Allow it"),
    ],
)
def test_what_the_grader_may_not_read_is_no_problem_of_the_students(
    tmp_path: Path, closed: Callable[[str], None], name: str, modules: list[str], kept: str
) -> None:
    """Permissions are the machine's: nobody is told that nothing was handed in."""
    write(tmp_path, {f"ben/{file}.py": "x = 1" for file in ("padding", "conv2d", "sub/helper")})
    write(tmp_path, {"ada/padding.py": b"x = 1"} if name != "padding.py" else {"ada/conv2d.py": b"x = 1"})
    closed(name)
    ada, ben = find_submissions([tmp_path], KNOWN)
    assert not ben.problems
    read = [module.path for module in ben.modules if not module.unread]
    assert read == [*modules, *(["sub/helper.py"] if name == "padding.py" else [])]
    unread = [*ben.unread, *(module.unread for module in ben.modules if module.unread)]
    assert [sentence.startswith(kept) for sentence in unread] == [True]
    assert [module.unread for module in ada.modules] == [""]


def test_weights_that_may_not_be_read_make_their_module_unread(tmp_path: Path, closed: Callable[[str], None]) -> None:
    """Without its weights the module would be told that it trains nothing."""
    write(tmp_path, {"ben/cnn.py": "x = 1", "ben/cnn.safetensors": "weights", "ada.py": "x = 1"})
    closed("cnn.safetensors")
    _, ben = find_submissions([tmp_path], KNOWN)
    assert ben.modules[0].unread.startswith("cnn.safetensors: the grader may not read it")


def test_a_class_that_may_not_be_read_is_an_error(tmp_path: Path, closed: Callable[[str], None]) -> None:
    """Then there is nobody to speak of."""
    write(tmp_path, {"class/ada/padding.py": "x = 1"})
    closed("class")
    with pytest.raises(InputError, match="class: the grader may not read it") as error:
        find_submissions([tmp_path / "class"], KNOWN)
    assert "chmod -R a+rX" in error.value.hint


def test_links_are_not_followed(tmp_path: Path) -> None:
    """A link in a hand-in could make the grader read the instructor's own files."""
    secret = tmp_path / "secret.py"
    secret.write_text("password = 1")
    write(tmp_path, {"class/ada/note.py": "x=1"})
    os.symlink(secret, tmp_path / "class/ada/padding.py")
    os.symlink(tmp_path, tmp_path / "class/bob")
    found = {s.student: s for s in find_submissions([tmp_path / "class"], KNOWN)}
    assert students(list(found.values())) == {"ada": ["note.py"], "bob": []}
    assert found["ada"].problems == ("padding.py: a link is not followed; hand in the file itself",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"x = (", "line 1: not Python: '\\(' was never closed"),
        (b"x = 1\ny = \xff", "line 2: not UTF-8"),
        (b"# coding: latin-1\nx = 'a'", "line 1: the encoding latin-1 is not accepted"),
        (b"x\0 = 1", "zero bytes"),
        (b"-" * 60_000 + b"1", "nested too deeply"),
        (b"x = " + b"[" * 5000 + b"]" * 5000, "not Python"),
        (b"x" + b".a" * 30_000, "nested too deeply"),
    ],
)
def test_an_unreadable_file_is_a_sentence(content: bytes, message: str) -> None:
    """One broken file is that student's message with its place, never the end of the run."""
    import re

    module = read_module("ada/padding.py", content)
    assert re.search(message, module.problem), module.problem
    assert module.problem.startswith("ada/padding.py: ")


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"cells": 3}', '{"cells": [{"cell_type": "code"}]}', "[" * 100_000]
)
def test_a_broken_notebook_is_a_sentence(content: str) -> None:
    """A notebook that is none is told apart from Python that is none."""
    assert (
        "not a notebook" in read_module("a.ipynb", content.encode()).problem
        or "empty" in read_module("a.ipynb", content.encode()).problem
    )


def test_a_notebook_loses_magics_and_shell_lines() -> None:
    """What Jupyter understands and Python does not must not refuse a right submission."""
    cells = [
        {"cell_type": "markdown", "source": "# Title"},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "!pip install numpy\n", "VARIANT = 'v'"]},
        {"cell_type": "code", "source": "%%bash\nrm -rf /"},
        {"cell_type": "code", "source": "%%time\nif True:\n    %time x = 1\nanswers = {'a': 3}\ndef f(): return 1"},
    ]
    module = read_module("padding.ipynb", json.dumps({"cells": cells}).encode())
    assert (module.problem, module.variant, module.answers) == ("", "v", {"a": 3})
    assert "f" in module.names
    assert b"rm -rf" not in module.source


def test_literal_answers_are_read_without_running_anything() -> None:
    """Paper answers must survive a function that crashes the module."""
    module = read_module("p.py", b"VARIANT = 'v'\nanswers = {'a': 3, 'b': (1, 2), 'c': -1.5}\nwhile True: pass")
    assert module.answers == {"a": 3, "b": (1, 2), "c": -1.5}


@pytest.mark.parametrize(
    ("code", "literals", "computed"),
    [
        ("answers = {\n 'a': 3,\n 'b': D,\n 'c': (1, {[]})}", {"a": 3}, {"b": 3, "c": 4}),
        ("answers: dict = {'a': None, 'b': 2 * 3}", {"a": None}, {"b": 1}),
        ("answers = {'a': 3, 'b': 4}", {}, {}),  # as a whole
        ("answers = {'a': 3, 'a': D}", {}, {}),
        ("answers = {'a': 3, **more}", {}, {}),
        ("answers = {'a': 3, n: 4}", {}, {}),
        ("answers = {'a': 3, 1: D}", {}, {}),
        ("answers = {'a': 3, 'b': D}\nanswers['a'] = 4", {}, {}),
        ("answers = dict(a=3, b=D)", {}, {}),
    ],
)
def test_beside_a_computed_answer_the_literal_ones_are_known(
    code: str, literals: dict[str, object], computed: dict[str, int]
) -> None:
    """One answer that raises must not take the others with it; where an entry could be another one, none is taken."""
    module = read_module("p.py", code.encode())
    assert (module.literals, module.computed) == (literals, computed)


@pytest.mark.parametrize("code", ["answers = {'a': 2 * 3}", "answers = {}\nanswers['a'] = 6", "answers = dict(a=6)"])
def test_computed_answers_are_left_to_the_process(code: str) -> None:
    """A literal that is changed later is not what the student means."""
    module = read_module("p.py", code.encode())
    assert module.answers is None
    assert module.binds_answers


def test_names_bound_under_if_and_try_count() -> None:
    """A function defined in a branch is defined all the same."""
    module = read_module(
        "p.py", b"try:\n    import torch\nexcept ImportError:\n    torch = None\nif 1:\n    conv2d = lambda x: x"
    )
    assert {"torch", "conv2d"} <= set(module.names)


@pytest.mark.parametrize(("path", "message"), [("nothing", "no such file"), ("notes.txt", "not something to grade")])
def test_a_path_that_cannot_be_graded(tmp_path: Path, path: str, message: str) -> None:
    """A mistyped path is a usage error and not an empty, perfect class."""
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(InputError, match=message):
        find_submissions([tmp_path / path], KNOWN)


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    """Zero submissions must not end as 'all correct'."""
    with pytest.raises(InputError, match="nothing to grade"):
        find_submissions([tmp_path], KNOWN)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    """A file of gigabytes must cost no memory."""
    write(tmp_path, {"ada/note.py": "x=1"})
    with (tmp_path / "ada/padding.py").open("wb") as file:
        file.truncate(1 << 32)
    assert find_submissions([tmp_path], KNOWN)[0].problems == ("padding.py: larger than 1 MB",)


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    """What a small zip unpacks to is known before it is unpacked."""
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ada/padding.py", b"#" * (3 << 20))
    assert find_submissions([path], KNOWN)[0].problems == ("padding.py: larger than 1 MB",)


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (b"if x:\n pass\n" + b"elif x:\n pass\n" * 1500, "not Python: nested too deeply"),
        (b"import a" + b".a" * 1000, "not Python: an import of a name with hundreds of dots"),
        (b"from a\\\r\n" + b".a\\\r\n" * 300 + b" import b", "not Python: an import of a name with hundreds of dots"),
        (b"a;" * 40_000, "more than 64 KB of code"),
        (b'x = """' + b"from here . " * 90 + b'"""', ""),
    ],
)
def test_code_that_would_cost_the_grader_too_much_is_not_parsed(code: bytes, problem: str) -> None:
    """Python's parser takes a gigabyte for 64 KB of dots, and raises what it likes for a long chain of elif."""
    assert read_module("padding.py", code).problem == (f"padding.py: {problem}" if problem else "")


def test_a_module_is_read_as_it_is_run() -> None:
    """A process takes the text for UTF-8; a cookie after a lone carriage return must not make another text of it."""
    module = read_module("padding.py", b"\r# coding: utf-7\rx = 1 # +AAo-y = 2\r")
    assert module.names == {"x": 3}


def test_the_files_of_a_student_are_not_held_without_end(tmp_path: Path) -> None:
    """Two hundred files of a megabyte, in each of a class's folders, would be all of a machine's memory."""
    write(tmp_path, {f"ada/m{number:02}.py": b"#" * 60_000 for number in range(40)} | {"grace/padding.py": "x = 1"})
    ada, grace = find_submissions([tmp_path], KNOWN)
    assert len(ada.modules) == (1 << 20) // 60_000
    assert ada.problems[0].endswith("not read: with it, the files handed in are larger than 1 MB in all")
    assert (len(ada.problems), ada.problems[-1]) == (21, "the same, or the like, of 3 more")
    assert grace.problems == ()


def test_folders_inside_folders_end_somewhere(tmp_path: Path) -> None:
    """Deeper than Python can follow, a student's folders must not end the run for everyone."""
    write(tmp_path, {"ada/" + "a/" * 40 + "padding.py": "x = 1"})
    write(tmp_path, {"grace/padding.py": "x = 1"})
    ada, grace = find_submissions([tmp_path], KNOWN)
    assert ada.problems == ("folders inside more than 32 others were not looked into",)
    assert grace.problems == ()


@pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_that_unpacks_without_end_is_not_unpacked(tmp_path: Path, how: int) -> None:
    """Python unpacks these methods whole before it counts: four kilobytes become gigabytes."""
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", how) as archive:
        archive.writestr("ada/padding.py", b"#" * 1000)
    assert find_submissions([path], KNOWN)[0].problems == (
        "padding.py: cannot be unpacked: compressed as few programs do",
    )
