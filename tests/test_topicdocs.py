"""The pages about topics are what the topics say of themselves, no more and no less."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from grader.cli.main import cli
from grader.course import load_course
from grader.topicdocs import INDEX, pages

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "topics"
TOPICS = load_course(ROOT).topics


@cache
def made() -> dict[str, str]:
    return pages(load_course(ROOT))


@pytest.mark.parametrize("name", [*(f"{topic}.md" for topic in TOPICS), INDEX])
def test_a_page_is_up_to_date(name: str) -> None:
    """A page that tells of yesterday's questions is worse than none: `make docs` writes it again."""
    assert (FOLDER / name).read_text(encoding="utf-8") == made()[name], "run: make docs"


def test_there_are_no_pages_of_topics_that_are_gone() -> None:
    """A page without a topic leads to commands that fail."""
    assert {path.name for path in FOLDER.iterdir()} == set(made())


def test_every_function_that_is_marked_stands_on_a_sheet() -> None:
    """What can be handed in is asked for somewhere; a contract that no sheet shows is found by nobody."""
    course = load_course(ROOT)
    asked = {part.name for topic in TOPICS for part in course.exercise(topic).functions}
    assert set(course.contracts) - asked == set()


@pytest.mark.parametrize("topic", TOPICS)
def test_a_page_says_what_can_go_wrong_and_what_it_counts(topic: str) -> None:
    """An instructor chooses topics by this page: every part, mistake, function and kind of input is on it."""
    exercise, text = load_course(ROOT).exercise(topic), made()[f"{topic}.md"]
    for part in exercise.parts:
        assert f"| `{part.name}` |" in text
        assert all(f"- `{mistake.name}`: " in text for mistake in part.misconceptions)
    for function in exercise.functions:
        assert f"def {function.name}(" in text
        assert all(regime.name in text for regime in function.contract.regimes)
    assert f"{topic}-v{exercise.version}-standard-s1n1-" in text


@pytest.mark.parametrize("name", [*(f"{topic}.md" for topic in TOPICS), INDEX])
def test_tables_and_links_hold_together(name: str) -> None:
    """A cell too many hides the last one, and a link to nothing is a dead end."""
    text = made()[name]
    for table in re.findall(r"(?:^\|.*\|\n)+", re.sub(r"```.*?```|\$[^$]*\$", "", text, flags=re.DOTALL), re.MULTILINE):
        lines = [len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()]
        assert len(set(lines)) == 1, table
    links = re.findall(r"\]\((\w+\.md)\)", text)
    assert links
    assert set(links) <= set(made())


def test_the_command_writes_them(tmp_path: Path) -> None:
    """`make docs` is this command; a course of one's own has pages as well."""
    result = CliRunner().invoke(cli, ["topics", "--course", str(ROOT), "--docs", str(tmp_path / "pages")])
    assert result.exit_code == 0, result.output
    assert {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "pages").iterdir()} == made()
