"""Training loops as students hand them in: wrong ones are refused and told why, right ones in any style earn all.

A file of `wrong/training_loop/` begins with `# FUNCTION, PLAN: what is wrong` and `# wanted: the mistake's name, or
words of what the student is told`; one of `right/training_loop/` with `# PLAN: how it goes about it`, and has all three
functions. They are trained on fewer digits than students' are, against a bar of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from exercises.training_loop import EXERCISE, SETUPS, TOPIC, plan
from grader.contract import Limits
from grader.functions.runner import Runner
from grader.model import Labelled, Measured, Plan
from grader.models.judge import judge_model
from grader.outcome import Outcome, PartResult
from grader.sandbox.host import Sandbox

FOLDER = Path(__file__).parent
LEARNED, HELD = 240, 60
BAR = 12  # of HELD: twice what chance gives; how a bar is found is tested elsewhere
PARTS = {part.name: part for part in EXERCISE.models}
WRONG_HEADING = re.compile(r"# (\w+), (\w+): .+\n# wanted: (.+)\n")
RIGHT_HEADING = re.compile(r"# (\w+): .+\n")


@dataclass(frozen=True)
class HandedIn:
    """A file of the corpus; `part` and `wanted` are empty where all of it is right."""

    name: str
    source: str
    key: str
    part: str = ""
    wanted: str = ""


def wrong() -> Iterator[HandedIn]:
    for path in sorted((FOLDER / "wrong" / TOPIC).glob("*.txt")):
        source = path.read_text(encoding="utf-8")
        heading = WRONG_HEADING.match(source)
        assert heading, path
        part, key, wanted = heading.groups()
        yield HandedIn(path.stem, source, key, part, wanted)


def right() -> Iterator[HandedIn]:
    for path in sorted((FOLDER / "right" / TOPIC).glob("*.txt")):
        source = path.read_text(encoding="utf-8")
        heading = RIGHT_HEADING.match(source)
        assert heading, path
        yield HandedIn(path.stem, source, heading[1])


WRONG, RIGHT = list(wrong()), list(right())


def short(key: str) -> Plan:
    """Return a plan with fewer digits and a bar of its own."""
    whole = plan(key)
    data = whole.data()
    few = Labelled(data.x[:LEARNED], data.y[:LEARNED], data.held_x[:HELD], data.held_y[:HELD])
    return replace(whole, data=lambda: few, measured=Measured((BAR,) * 50, HELD))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(frozenset({"numpy", "torch"})) as opened:
        yield opened


def judged(sandbox: Sandbox, one: HandedIn, names: list[str], *, device: str = "cpu") -> list[PartResult]:
    found = short(one.key)
    limits = Limits(20, 100, found.memory) if device == "cpu" else Limits(60, 300, -1)
    runner = Runner(lambda: sandbox.open(one.source.encode(), f"{TOPIC}.py", limits, b"1"))
    try:
        return [
            judge_model(PARTS[name], found, runner, TOPIC, b"corpus", trusted=False, device=device) for name in names
        ]
    finally:
        runner.close()


def test_the_corpus_is_large() -> None:
    """A file that is no longer found would promise less than the docs say."""
    assert len(WRONG) >= 30
    assert len(RIGHT) >= 6
    assert {one.key for one in WRONG} == {one.key for one in RIGHT} == {setup.key for setup in SETUPS}
    assert {one.part for one in WRONG} == set(PARTS)


@pytest.mark.parametrize("one", WRONG, ids=lambda one: one.name)
def test_wrong_ones_are_refused_and_told_why(sandbox: Sandbox, one: HandedIn) -> None:
    (result,) = judged(sandbox, one, [one.part])
    assert result.score < result.max_score
    names = [finding.name for finding in result.misconceptions]
    assert one.wanted in names or one.wanted in result.message, (names, result.message)


@pytest.mark.parametrize("one", RIGHT, ids=lambda one: one.name)
def test_right_ones_of_any_style_earn_all(sandbox: Sandbox, one: HandedIn) -> None:
    for result in judged(sandbox, one, list(PARTS)):
        assert result.outcome is Outcome.CORRECT, (result.part, result.message, result.misconceptions)
