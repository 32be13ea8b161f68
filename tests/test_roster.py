"""Rosters as people export them, and the names that cannot become folders."""

from pathlib import Path

import pytest

from grader.coursekey import create_key, is_private, read_key
from grader.errors import InputError
from grader.roster import Student, folder_problem, read_roster


def roster(tmp_path: Path, text: str, encoding: str = "utf-8") -> tuple[Student, ...]:
    path = tmp_path / "roster.csv"
    path.write_bytes(text.encode(encoding))
    return read_roster(path)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("student,name\nada,Ada Lovelace\nzoë,Zoë\n", "utf-8"),
        ("student;name\r\nada;Ada Lovelace\r\nzoë;Zoë\r\n", "utf-8-sig"),
        ('"name"\t"student"\n"Ada Lovelace"\t"ada"\n\nZoë\tzoë', "utf-8-sig"),
        (" Student , Name ,mail\n ada ,Ada Lovelace,a@x\nzoë,Zoë\n", "utf-8"),
        ('name,student\n"Ada Lovelace","ada"\nZoë,zoe\u0308\n', "utf-8"),
    ],
)
def test_rosters_as_spreadsheets_write_them(tmp_path: Path, text: str, encoding: str) -> None:
    """Excel, Numbers and learning platforms differ in separators, quotes, order, BOM and Unicode form."""
    assert roster(tmp_path, text, encoding) == (Student("ada", "Ada Lovelace"), Student("zoë", "Zoë"))


def test_a_name_is_the_id_where_there_is_none(tmp_path: Path) -> None:
    """The `name` column is optional, and so is its content."""
    assert roster(tmp_path, "student\nada\n") == (Student("ada", "ada"),)
    assert roster(tmp_path, "student,name\nada,\n") == (Student("ada", "ada"),)


def test_a_name_with_a_separator_in_quotes(tmp_path: Path) -> None:
    """`"Lovelace, Ada"` is one cell."""
    assert roster(tmp_path, 'student,name\nada,"Lovelace, Ada"\n')[0].name == "Lovelace, Ada"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column named 'student'"),
        ("name,mail\nada,a\n", "no column named 'student'"),
        ("student,name\n", "no students below the header"),
        ("student,name\nada,A\n,B\n", "line 3: the student's name is empty"),
        ("student\nada\nADA\n", "line 3: the student 'ADA' is on line 2 already"),
        ("student\nzoë\nzoe\u0308\n", "line 3: the student 'zoë' is on line 2 already"),
        ("student\nstraße\nSTRASSE\n", "line 3: the student 'STRASSE' is on line 2 already"),
        ("student\n../ada\n", "line 2: the student's name '../ada' has a path separator"),
        ("student\na\\b\n", "has a path separator"),
        ("student\n..\n", "means a folder"),
        ("student\n.git\n", "starts with a dot"),
        ("student\n-rf\n", "starts with a dash"),
        ('student\n"a\nimport os"\n', "line 3: .* has a control character"),
        ("student\na\x00b\n", "has a control character"),
        ("student\nevil\u202egnp.exe\n", "has a control character"),
        ("student\n\u200d\n", "is empty"),
        (f"student\n{'é' * 101}\n", "is longer than 200 bytes"),
        ("student,name\nada,Lovelace, Ada\n", "line 2: 3 cells, where the header has 2"),
        ('student\n"ada\n', "line 2: "),
    ],
)
def test_what_cannot_be_a_roster_is_said_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    """A roster of 300 with one bad line is fixed in a minute only when the message names the line."""
    with pytest.raises(InputError, match=message):
        roster(tmp_path, text)


@pytest.mark.parametrize(("second", "hint"), [("ada", "Name every student once"), ("Ada", "Names must differ in more")])
def test_a_student_named_twice_is_told_from_two_names_alike(tmp_path: Path, second: str, hint: str) -> None:
    """A line pasted twice needs deleting; two people whose folders would be one need other names."""
    with pytest.raises(InputError, match="on line 2 already") as caught:
        roster(tmp_path, f"student\nada\n{second}\n")
    assert caught.value.hint.startswith(hint)


def test_a_misspelt_column_is_offered(tmp_path: Path) -> None:
    """`students` is what people write."""
    with pytest.raises(InputError, match="no column") as caught:
        roster(tmp_path, "students,name\nada,A\n")
    assert caught.value.hint == "Rename 'students' to 'student'."


def test_files_that_are_no_text(tmp_path: Path) -> None:
    """A spreadsheet saved in another encoding, or none at all, is not a traceback."""
    with pytest.raises(InputError, match="it is not UTF-8"):
        roster(tmp_path, "student\nzoë\n", "latin-1")
    with pytest.raises(InputError, match="it cannot be read: No such file") as caught:
        read_roster(tmp_path / "none.csv")
    assert "a header with a column 'student', and below it one student a line" in caught.value.hint
    with pytest.raises(InputError, match="no column") as caught:
        roster(tmp_path, "")
    assert "a header with a column 'student'" in caught.value.hint
    with pytest.raises(InputError, match="it cannot be read: Is a directory"):
        read_roster(tmp_path)


@pytest.mark.parametrize(
    "name",
    ["ada", "Zoë Müller", "李小龙", "O'Brien", "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627", "s123_a.b", "<b>", 'a"b'],
)
def test_people_have_these_names(name: str) -> None:
    """Names are Unicode; what a file system takes is no reason to refuse somebody."""
    assert folder_problem(name) == ""


def test_a_course_key_is_created_for_its_owner_only(tmp_path: Path) -> None:
    """Who reads the key can derive everybody's variant and its answers."""
    path = tmp_path / "key"
    key = create_key(path)
    assert len(bytes.fromhex(key.decode())) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert is_private(path)
    assert read_key(path) == key
    path.chmod(0o640)
    assert not is_private(path)


def test_a_course_key_is_never_replaced(tmp_path: Path) -> None:
    """A lost key is a lost class: no variant could be derived again."""
    path = tmp_path / "key"
    path.write_text("the old key of the course")
    with pytest.raises(InputError, match="cannot be written: File exists"):
        create_key(path)
    assert read_key(path) == b"the old key of the course"


@pytest.mark.parametrize(("content", "message"), [(b"", "has 0"), (b" short \n", "has 5"), (b"x" * 5000, "more than")])
def test_a_key_of_the_wrong_length(tmp_path: Path, content: bytes, message: str) -> None:
    """An empty or guessable key would protect nothing."""
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_key(path)
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_key(tmp_path)
