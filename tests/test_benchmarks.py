"""What the benchmarks compare is what they say: right submissions are right for everybody, and time is counted once."""

from __future__ import annotations

import ast
import time
from pathlib import Path

import pytest

from benchmarks import large, trained
from benchmarks.classes import CLASS, STYLES, Contest, Phases, Row, Spent, Style, hand_in, verdicts


@pytest.fixture(scope="module")
def contest(tmp_path_factory: pytest.TempPathFactory) -> Contest:
    return Contest(tmp_path_factory.mktemp("contest"), with_otter=False)


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_the_others_see_what_is_right_too(style: Style, contest: Contest) -> None:
    """A rival that fails every submission, or none, would be measured at nothing."""
    spent, problem = contest.theirs("unittest", style)
    assert problem == ""
    assert 0 < spent.computed < 60
    assert 0 < spent.clock < 60


def test_a_verdict_that_is_not_the_expected_one_is_no_measurement(contest: Contest) -> None:
    """A wrong submission called right must show as a problem, with either of the others."""
    lying = Style("wrong called right", STYLES[3].source)
    assert contest.theirs("unittest", lying)[1]
    assert "failed" in contest.theirs("pytest", lying)[1]


def test_time_is_counted_once() -> None:
    """A phase inside another one must not be counted in both."""

    class Work:
        def outer(self) -> None:
            time.sleep(0.02)
            self.inner()

        def inner(self) -> None:
            time.sleep(0.05)

    seen, undo = Phases(), []  # type: ignore[var-annotated]  # filled by watch
    original = Work.outer
    seen.watch(Work, "outer", "out", undo)
    seen.watch(Work, "inner", "in", undo)
    Work().outer()
    assert 0.02 <= seen.seconds["out"] < 0.05 <= seen.seconds["in"]
    for put_back in undo:
        put_back()
    assert Work.outer is original


def row(style: Style, ours: float, unittest: float, own: float) -> Row:
    return Row(style, {"ours": [Spent(ours, 0.1)], "unittest": [Spent(unittest, 0.1)]}, own=own)


def test_a_missed_target_is_said() -> None:
    """The slowest right style decides; what was not measured is not met; a student's compute is no grader's."""
    slow, fast = row(STYLES[0], 1.0, 4.0, 0.5), row(STYLES[1], 1.0, 9.0, 0.1)
    wrong = row(STYLES[3], 1.0, 0.1, 0.1)
    lines = list(verdicts([slow, fast, wrong]))
    assert "| NumPy, right, against unittest | 5× | 4.0× | **no** | 8.0× | yes |" in lines
    assert "| NumPy, right, against unittest | 5× | 9.0× | yes | 10.0× | yes |" in list(verdicts([fast]))
    assert sum("not measured" in line for line in lines) == 3


def test_a_class_is_divided_by_its_size() -> None:
    """What one submission more costs is what a class costs beyond its first, shared by the others."""
    found = Row(STYLES[0], {"ours": [Spent(0.05, 0.1)], "ours alone": [Spent(1.04, 0.1)]})
    assert found.further() == pytest.approx((CLASS * 0.05 - 1.04) / (CLASS - 1))


def test_no_two_files_are_alike(tmp_path: Path) -> None:
    """A class of copies would measure how well copies are found."""
    hand_in(tmp_path / "class", 9, [STYLES[0].source, STYLES[1].source])
    assert len({path.read_bytes() for path in tmp_path.rglob("conv2d.py")}) == 9


@pytest.mark.parametrize(("sizes", "status"), [(["3"], "conv2d"), (["cheap:3"], "one_hot")])
def test_large_classes_are_right(sizes: list[str], status: str) -> None:
    """A class that is refused early would be graded very fast."""
    last = large.section(sizes).splitlines()[-1]
    assert last.startswith("| 3, cheap |" if status == "one_hot" else "| 3 |")
    assert last.endswith(" MiB |")


def test_a_section_of_the_page_is_replaced(tmp_path: Path) -> None:
    """A long measurement must leave the rest of the page as it is, wherever its section stands."""
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\nkept\n\n{large.TITLE}\n\nold\n")
    large.put(page, large.TITLE, f"{large.TITLE}\n\nnew")
    assert page.read_text() == f"# Page\n\nkept\n\n{large.TITLE}\n\nnew\n"
    large.put(page, trained.TITLE, f"{trained.TITLE}\n\none\n\n### two")
    large.put(page, large.TITLE, f"{large.TITLE}\n\nnewer")
    assert page.read_text() == f"# Page\n\nkept\n\n{large.TITLE}\n\nnewer\n\n{trained.TITLE}\n\none\n\n### two\n"


@pytest.mark.parametrize("topic", trained.TOPICS)
def test_trained_submissions_are_those_of_their_variants(topic: str) -> None:
    """Twenty copies for one variant would be refused, and measured at nothing."""
    sources = [trained.submission(topic, number) for number in range(1, 7)]
    assert len(set(sources)) == 6
    for source in sources:
        names = {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
        assert {"build_model", "train"} <= names


def test_the_page_names_every_style() -> None:
    """The table in the repository was made by this code, not by an older one."""
    page = (Path(__file__).parents[1] / "docs/benchmarks.md").read_text(encoding="utf-8")
    assert [style.name for style in STYLES if f"| {style.name} |" not in page] == []
