"""Hypothesis as the grader uses it: what it draws depends on nothing but the labels, and it leaves no files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from grader.contract import Call, Regime
from grader.draw import Draw
from grader.functions.fuzz import examples, shrink

DRAWN = """
import importlib, sys
sys.path.insert(0, {folder!r})
for name in {modules!r}:
    importlib.import_module(name)
from grader.contract import Call, Regime
from grader.functions.fuzz import examples
regime = Regime("numbers", lambda rng: Call(tuple(rng.below(10**9) for _ in range(20))))
for call in examples(regime, 20, "label"):
    print(*call.args)
"""


def numbers(rng: Draw) -> Call:
    return Call(tuple(rng.below(10**9) for _ in range(20)))


def drawn(folder: Path, modules: list[str], current: Path) -> str:
    """Return the cases that another Python draws after it has imported modules of a folder."""
    root = str(Path(__file__).resolve().parent.parent)
    program = f"import sys; sys.path.insert(0, {root!r})" + DRAWN.format(folder=str(folder), modules=modules)
    done = subprocess.run([sys.executable, "-c", program], cwd=current, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    return done.stdout


def test_cases_do_not_depend_on_which_modules_lie_outside_site_packages(tmp_path: Path) -> None:
    """Hypothesis reads their source for numbers to draw: an editable grader would draw other cases than a wheel."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "current").mkdir()
    constants = ", ".join(str(1000 * n + 7) for n in range(1, 500))
    (tmp_path / "lib" / "constants_of_mine.py").write_text(f"NUMBERS = [{constants}]\n")
    cases = drawn(tmp_path / "lib", [], tmp_path / "current")
    assert len(cases.split()) == 400
    assert cases == drawn(tmp_path / "lib", ["constants_of_mine"], tmp_path / "current")
    assert not list((tmp_path / "current").iterdir())


def test_the_simplest_call_is_left_out() -> None:
    """Hypothesis tries it first, under every seed: as the only example, it would be the same for all keys."""
    drawn = [examples(Regime("numbers", numbers), 1, "key", n) for n in range(20)]
    assert all(len(calls) == 1 for calls in drawn)
    assert Call((0,) * 20) not in [call for calls in drawn for call in calls]
    assert len({call.args for calls in drawn for call in calls}) == 20


def test_where_there_is_one_call_it_is_found() -> None:
    assert examples(Regime("one", lambda _: Call((1,))), 3, "label") == [Call((1,))]


def test_few_arrays_are_drawn_plain() -> None:
    """Plain numbers are for counterexamples: on 1, 2, 3, 4 wrong functions are right more often."""
    regime = Regime("plain or not", lambda rng: Call(tuple(rng.plain() for _ in range(40))))
    plain = [sum(call.args) for n in range(20) for call in examples(regime, 1, n)]
    assert 0 < sum(plain) < 20 * 40 / 4


def test_the_same_labels_draw_the_same_and_others_others() -> None:
    regime = Regime("numbers", numbers)
    assert examples(regime, 5, "a", 1) == examples(regime, 5, "a", 1)
    assert examples(regime, 5, "a", 1) != examples(regime, 5, "a", 2)


def test_a_failing_call_is_shrunk_to_the_smallest_one() -> None:
    regime = Regime("numbers", lambda rng: Call((rng.below(1000), rng.below(1000))))
    found = shrink(regime, lambda call: bool(call.args[0] >= 37), 400, "label")
    assert found == Call((37, 0))


def test_what_never_fails_gives_no_counterexample() -> None:
    assert shrink(Regime("numbers", numbers), lambda call: False, 50, "label") is None


def test_the_budget_of_trials_is_kept() -> None:
    """It counts trials and not seconds: the counterexample is the same on every machine."""
    trials: list[Call] = []

    def fails(call: Call) -> bool:
        trials.append(call)
        return bool(call.args[0] >= 37)

    shrink(Regime("numbers", lambda rng: Call((rng.below(10**9),))), fails, 10, "label")
    assert 1 <= len(trials) <= 10


def test_grading_leaves_nothing_in_the_current_folder(tmp_path: Path) -> None:
    """Cases are drawn, a failure is shrunk, and a student's process runs; yet the folder stays as it was."""
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "output_size.py").write_text(
        "def output_size(input_size, kernel_size, stride=1, padding=0, dilation=1):\n    return input_size\n"
    )
    (tmp_path / "current").mkdir()
    command = [sys.executable, "-m", "grader", "check", str(tmp_path / "ada"), "--sandbox", "none", "--format", "json"]
    done = subprocess.run(command, cwd=tmp_path / "current", capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert '"counterexample": {' in done.stdout
    assert not list((tmp_path / "current").iterdir())
