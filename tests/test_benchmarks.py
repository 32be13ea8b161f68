"""What the benchmarks compare is what they say: right submissions are right for everybody, and time is counted once."""

from __future__ import annotations

import ast
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import functions, large, sandbox, targets, trained
from benchmarks.classes import CLASS, STYLES, Contest, Phases, Row, Spent, Style, hand_in, promised
from tests.corpus.snippets import files, snippets


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
    lines = [target.line() for target in promised([slow, fast, wrong])]
    assert "| NumPy, right, all its calls, against unittest | 5× | 4.0× | **no** |" in lines
    assert "| NumPy, right, without its own compute, against unittest | 5× | 8.0× | yes |" in lines
    alone = [target.line() for target in promised([fast])]
    assert "| NumPy, right, all its calls, against unittest | 5× | 9.0× | yes |" in alone
    assert sum("not measured" in line for line in lines) == 8


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
    page.write_text(f"# Page\n\n{trained.TITLE_GPU}\n\nkept\n")
    large.put(page, trained.TITLE, f"{trained.TITLE}\n\nnew")
    assert page.read_text() == f"# Page\n\n{trained.TITLE_GPU}\n\nkept\n\n{trained.TITLE}\n\nnew\n"


def test_the_page_shows_the_targets_of_all_sections(tmp_path: Path) -> None:
    """A section that is measured again brings its lines with it, and leaves none of the old ones."""
    page = tmp_path / "page.md"
    met, missed = targets.Target("speed", "5×", "6.0×", met=True), targets.Target("memory", "50 MiB", "51 MiB")
    kept, again = "\n".join(targets.kept([met])), "\n".join(targets.kept([missed, targets.Target("torch", "25×")]))
    page.write_text(f"# Page\n\n{targets.TITLE}\n\nold\n\n## Other\n{kept}\n\n{large.TITLE}\n{kept}\n")
    large.put(page, large.TITLE, f"{large.TITLE}\n\nnew\n{again}")
    table, _, rest = page.read_text().partition("\n## Other\n")
    assert table.splitlines()[2:] == [
        targets.TITLE,
        "",
        "| target | wanted | measured | met |",
        "|---|---:|---:|---|",
        "| speed | 5× | 6.0× | yes |",
        "| memory | 50 MiB | 51 MiB | **no** |",
        "| torch | 25× | not measured |  |",
    ]
    assert rest.endswith(f"{large.TITLE}\n\nnew\n{again}\n")
    assert targets.refreshed("# Page\n\nwithout\n") == "# Page\n\nwithout\n"


def test_what_is_promised_of_speed_is_the_slowest() -> None:
    """All that a grader takes counts against the others; what it takes beyond the student's own compute, by itself."""
    slow, fast, wrong = row(STYLES[0], 1.0, 4.0, 0.9), row(STYLES[1], 1.0, 9.0, 0.99), row(STYLES[3], 2.0, 0.1, 0.1)
    for each, alone in ((slow, 1.0), (fast, 1.0), (wrong, 2.0)):
        each.spent["ours alone"] = [Spent(alone, 0.1)]
    lines = [target.line() for target in promised([slow, fast, wrong])]
    assert lines[0].endswith("against unittest | 5× | 4.0× | **no** |")
    assert lines[-2].endswith("own compute | 60 ms | 100 ms | **no** |")
    assert lines[-1].endswith("in it | 1500 ms | 2000 ms | **no** |")
    better = [target.line() for target in promised([fast])]
    assert better[0].endswith("| 9.0× | yes |")
    assert better[-2].endswith("| 10 ms | yes |")
    assert better[-1].endswith("| not measured |  |")


@pytest.mark.parametrize(
    ("limit", "students", "seconds", "growth", "said"),
    [
        (30.0, 500, 31.0, 0, ["500 right submissions of one function on two cores | 30 s | 31.0 s | **no**"]),
        (None, 5000, 9.0, 51 << 20, ["growth of the grader over 5,000 submissions | 50 MiB | 51.0 MiB | **no**"]),
        (None, 2000, 60.0, 0, ["10,000 submissions, by the rate of 2,000 | – | 5.0 min | yes"]),
        (None, 3, 9.0, 0, []),
    ],
)
def test_what_is_promised_of_large_classes(
    limit: float | None, students: int, seconds: float, growth: int, said: list[str]
) -> None:
    found = large.Large(students, seconds, growth)
    assert [target.line() for target in large.promised(found, limit)] == [f"| {line} |" for line in said]
    failed = large.Large(students, seconds, growth, "it broke")
    assert not any(target.met for target in large.promised(failed, limit))


def test_a_function_is_measured_by_ways_that_are_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """A way that is refused early would be graded very fast; one that needs PyTorch would not be graded at all."""
    assert all(0 < len(functions.plain(name)) <= functions.WAYS for name in files("right"))
    assert not any("torch" in way.source for name in files("right") for way in functions.plain(name))
    right, wrong = snippets("right", "count_parameters")[0], snippets("wrong", "count_parameters")[0]
    found = {}
    for way in (right, wrong):
        monkeypatch.setattr(functions, "plain", lambda function, way=way: [way])
        found[way] = functions.measured("count_parameters", 1)
    assert found[right].problem == ""
    assert 0 < found[right].ways[0].own < 60
    assert found[right].calls > 100
    assert found[wrong].problem.startswith(f"{wrong.name}: ")
    assert not found[wrong].met
    assert f"**no**: {wrong.name}" in found[wrong].line()


def test_what_is_promised_of_every_function_is_the_slowest() -> None:
    """A class has its ways in turn; the time until the first is graded counts once; a wrong way meets nothing."""
    ways = functions.Way("loops", 0.09, 0.15, 0.1), functions.Way("view", 0.03, 0.05, 0.002)
    slow = functions.Found("slow", 9, 1.0, ways)
    assert slow.clock() == pytest.approx(1 + 499 * 0.06)
    assert slow.line() == "| slow | 9 | 100 ms | 51 ms | 30.9 s | **no** | loops | 45.9 s |"
    fast = functions.Found("fast", 8, 0.02, ways[1:])
    assert fast.line() == "| fast | 8 | 50 ms | 2.0 ms | 15.0 s | yes | view | 15.0 s |"
    assert functions.promised([fast, slow]).measured == "1 of 2 functions; the slowest, slow, 30.9 s"
    assert not functions.promised([fast, slow]).met
    assert functions.promised([fast]).met
    assert not functions.promised([functions.Found("fast", 8, 0.02, ways[1:], "view: refused")]).met


def test_what_is_promised_of_one_process_is_measured() -> None:
    """A process that never returned must have been ended, and a limit that is missed must show."""
    assert all(0 < seconds < 30 for seconds in (*sandbox.reaped(2), *sandbox.starts(frozenset(), sandbox.SOURCE, 2)))
    assert sandbox.limited("start", 0.025, 0.0251).line() == "| start | 25 ms | 25.10 ms | **no** |"
    assert sandbox.limited("start", 0.025, 0.025).met


@pytest.mark.parametrize("topic", trained.TOPICS)
def test_trained_submissions_are_those_of_their_variants(topic: str) -> None:
    """Twenty copies for one variant would be refused, and measured at nothing."""
    sources = [trained.submission(topic, number) for number in range(1, 7)]
    assert len(set(sources)) == 6
    for source in sources:
        names = {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
        assert names >= {"train", "train_step" if topic == "training_loop" else "build_model"}


def test_the_page_names_every_style() -> None:
    """The table in the repository was made by this code, not by an older one."""
    page = (Path(__file__).parents[1] / "docs/benchmarks.md").read_text(encoding="utf-8")
    assert [style.name for style in STYLES if f"| {style.name} |" not in page] == []


def test_a_gpu_that_is_not_there_is_not_measured() -> None:
    """A table of what failed would look like one that was measured; an hour holds nothing of what went wrong."""
    result = CliRunner().invoke(trained.main, ["--device", "cuda:99"])
    assert result.exit_code == 2
    assert "--device cuda:99" in result.output
    assert trained.Took("topic", "check, 2 jobs", 36.0).hour(20) == "2000"
    assert (
        trained.Took("topic", "check, 2 jobs", 36.0, "refused").hour(20)
        == trained.Took("t", "try", 1.0).hour(20)
        == "–"
    )
