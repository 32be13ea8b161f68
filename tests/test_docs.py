"""What the README and the docs say is so: commands parse, links lead somewhere, the example is a course."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from grader.audit import audit
from grader.cli.main import cli
from grader.course import Course, load_course
from grader.exercise import Level
from grader.selftest import selftest
from grader.sheet import render_key, render_sheet, render_stub
from grader.variant import Seeded, draw_variant, parse_id

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)")
PICTURE_BYTES = 200_000


def label(value: object) -> str | None:
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else None


def shell_lines(page: Path) -> Iterator[list[str]]:
    """Yield the commands of the page's `sh` blocks, as words without comments."""
    for language, body in FENCE.findall(page.read_text()):
        if language == "sh":
            yield from (words for line in body.splitlines() if (words := shlex.split(line, comments=True)))


def commands(program: str) -> list[tuple[Path, list[str]]]:
    return [(page, words[1:]) for page in PAGES for words in shell_lines(page) if words[0] == program]


def parse(words: list[str]) -> dict[str, object]:
    """Parse the words after `grader` as the command line would, without looking at files or running anything."""
    outer = click.Context(cli)
    _, rest, _ = cli.make_parser(outer).parse_args(list(words))
    _, command, args = cli.resolve_command(outer, rest)
    assert command is not None
    inner = click.Context(command, parent=outer)
    options, extra, _ = command.make_parser(inner).parse_args(args)
    assert not extra, f"left over: {extra}"
    for parameter in command.params:
        if isinstance(parameter.type, click.Choice) and parameter.name in options:
            parameter.type_cast_value(inner, options[parameter.name])
    return options


@pytest.mark.parametrize(("page", "words"), commands("grader"), ids=label)
def test_grader_commands_parse(page: Path, words: list[str]) -> None:
    """A command that a reader copies must be one: known command, known options, known choices, known topics."""
    options = parse(words)
    topics = options.get("topic") or options.get("topics") or ()
    known = {*load_course(ROOT).topics, "dense"}
    assert set(topics if isinstance(topics, list | tuple) else [topics]) <= known, label(page)


@pytest.mark.parametrize(("page", "words"), commands("make"), ids=label)
def test_make_targets_exist(page: Path, words: list[str]) -> None:
    """The first command that a newcomer types is `make demo`: it had better be there."""
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {word for word in words if "=" not in word} <= targets, label(page)


def test_there_are_commands_to_check() -> None:
    """Were the blocks' language misspelt, the tests above would check nothing and pass."""
    assert len(commands("grader")) >= 6
    assert commands("make")


def test_wrong_commands_are_refused() -> None:
    """The parser of these tests must notice what a reader would stumble over."""
    for words in (["generate", "--topics", "padding"], ["chekc", "x"], ["generate", "--level", "easy"]):
        with pytest.raises(click.UsageError, match=r"[Nn]o such option|no command named|is not one of"):
            parse(words)


@pytest.mark.parametrize("page", PAGES, ids=label)
def test_links_lead_somewhere(page: Path) -> None:
    """A dead link on the first screen is the first impression."""
    for target, _ in LINK.findall(page.read_text()):
        if "://" not in target:
            assert (page.parent / target).is_file(), f"{label(page)} links to {target}, which is not there"


@pytest.mark.parametrize("page", PAGES, ids=label)
def test_modules_and_files_named_exist(page: Path) -> None:
    """A page that names a file of the project keeps up with it."""
    text = FENCE.sub("", page.read_text())
    for name in re.findall(r"`((?:grader|benchmarks)(?:\.\w+)+)`", text):
        assert find_spec(name) is not None, f"{label(page)} names the module {name}, which is not there"
    for name in re.findall(r"`((?:grader|exercises|solutions|templates|tests|docs|examples)/[\w./-]*)`", text):
        if "NAME" not in name and name != "exercises/dense.py":
            assert (ROOT / name).exists(), f"{label(page)} names {name}, which is not there"


@pytest.mark.parametrize("page", PAGES, ids=label)
def test_variant_ids_are_ones(page: Path) -> None:
    """An id in a page is copied by somebody: its check code must be right."""
    for text in re.findall(r"\b[a-z][a-z0-9_]*-v\d+-[a-z]+-[sk]\w+-\w+", page.read_text()):
        assert parse_id(text).text == text


def test_readme_fits_one_screen_and_shows_a_picture() -> None:
    """An instructor decides on one screen: what it does, how to start, what it looks like."""
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 60
    pictures = [ROOT / target for target, _ in LINK.findall(text) if target.endswith(".png")]
    assert pictures
    for picture in pictures:
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert picture.stat().st_size <= PICTURE_BYTES


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """Return the course that the authoring guide's examples make, each saved where its first line says."""
    for body in (f[1] for f in FENCE.findall((ROOT / "docs/authoring.md").read_text()) if f[0] == "python"):
        first = re.match(r"# (exercises/[\w/]+\.py)\n", body)
        assert first is not None, "the example's first line names its file"
        path = tmp_path / first[1]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body)
    return load_course(tmp_path)


@pytest.mark.parametrize("level", list(Level))
def test_the_example_is_a_course(course: Course, level: Level) -> None:
    """Authors begin by copying the example: it must load, draw, render and tell right from wrong, as it stands."""
    (topic,) = course.topics
    exercise = course.exercise(topic)
    variant = draw_variant(exercise, level, Seeded(7))
    assert exercise.cost(variant.p) == exercise.costs[level]
    for part in exercise.parts:
        assert part.answer.same(variant.key[part.name], part.solve(variant.p))
        assert part.misconceptions
        for wrong in part.distractors(variant.p).values():
            assert not part.answer.same(wrong, variant.key[part.name])
    sheet, key, stub = render_sheet(variant), render_key(variant), render_stub(variant)
    assert str(variant.p.units) in sheet
    for part in exercise.parts:
        assert part.workings(variant.p) in key
        assert f'"{part.name}": None' in stub
    assert variant.id in stub
    assert "{{" not in sheet + key + stub


def test_the_examples_pass_the_selftest(course: Course) -> None:
    """The contract, too: its reference earns everything, and its wrong twins are refused and named."""
    trials = {trial.name.split(" (")[0]: trial.broken for trial in selftest(course)}
    assert trials == {"topic dense": (), "function relu": ()}


def test_the_example_passes_the_audit(course: Course) -> None:
    """The guide tells authors to run it: were its own example refused, they would doubt the guide or the audit."""
    found = list(audit(course, draws=300, jobs=1))
    assert [level.broken for level in found] == [()] * len(Level)
