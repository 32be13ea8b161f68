"""What the benchmarks compare is what they say: right submissions are right for everybody, and time is counted once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from benchmarks.classes import STYLES, Contest, Phases, Row, Style, verdicts


@pytest.fixture(scope="module")
def contest(tmp_path_factory: pytest.TempPathFactory) -> Contest:
    return Contest(tmp_path_factory.mktemp("contest"), with_otter=False)


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_the_others_see_what_is_right_too(style: Style, contest: Contest) -> None:
    """A rival that fails every submission, or none, would be measured at nothing."""
    seconds, problem = contest.theirs("unittest", style)
    assert problem == ""
    assert 0 < seconds < 60


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


def test_a_missed_target_is_said() -> None:
    """The slowest right style decides; what was not measured is not met."""
    slow = Row(STYLES[0], {"ours": [1.0], "unittest": [4.0]})
    fast = Row(STYLES[1], {"ours": [1.0], "unittest": [9.0]})
    lines = list(verdicts([slow, fast]))
    assert "| NumPy, right, against unittest | 5× | 4.0× | **no** |" in lines
    assert next(iter(verdicts([fast]))).endswith("| yes |")
    assert sum("not measured" in line for line in lines) == 3


def test_the_page_names_every_style() -> None:
    """The table in the repository was made by this code, not by an older one."""
    page = (Path(__file__).parents[1] / "docs/benchmarks.md").read_text(encoding="utf-8")
    assert [style.name for style in STYLES if f"| {style.name} |" not in page] == []
