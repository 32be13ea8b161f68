"""Baselines as students hand them in: wrong ones are refused and told why, right ones in any style earn all.

A file of `wrong/baselines/` begins with `# FUNCTION: what is wrong` and `# wanted: the mistake's name, or words of what
the student is told`; a file of `right/baselines/` with `# how it goes about it`, and has all functions. They answer the
first configuration, and are trained on fewer digits than students' are, against a bar of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from exercises._baseline_models import TOPIC
from exercises.baselines import EXERCISE
from grader.contract import Limits
from grader.functions.runner import Runner
from grader.model import Labelled, Measured, Plan
from grader.models.judge import judge_model
from grader.outcome import Outcome, PartResult
from grader.sandbox.host import Sandbox

FOLDER = Path(__file__).parent
PARTS = {part.name: part for part in EXERCISE.models}
LEARNED, HELD = 240, 60
BAR = 12  # of HELD: twice what chance gives; how a bar is found is tested elsewhere
HEADING = re.compile(r"# (\w+): .+\n# wanted: (.+)\n")


@dataclass(frozen=True)
class HandedIn:
    """A file of the corpus; `part` and `wanted` are empty where all of it is right."""

    name: str
    source: str
    part: str = ""
    wanted: str = ""


def corpus(kind: str) -> Iterator[HandedIn]:
    for path in sorted((FOLDER / kind / TOPIC).glob("*.txt")):
        source = path.read_text(encoding="utf-8")
        heading = HEADING.match(source)
        assert (heading is None) == (kind == "right"), path
        yield HandedIn(path.stem, source, *(heading.groups() if heading else ()))


WRONG, RIGHT = tuple(corpus("wrong")), tuple(corpus("right"))


def short(plan: Plan) -> Plan:
    """Return a plan with fewer digits and a bar of its own."""
    data = plan.data()
    few = Labelled(data.x[:LEARNED], data.y[:LEARNED], data.held_x[:HELD], data.held_y[:HELD])
    return replace(plan, data=lambda: few, measured=Measured((BAR,) * 50, HELD))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(frozenset({"numpy", "torch"})) as opened:
        yield opened


def judged(sandbox: Sandbox, source: str, names: list[str], *, trusted: bool, device: str = "cpu") -> list[PartResult]:
    plans = {name: short(PARTS[name].plans()[0]) for name in names}
    limits = Limits(20, 100, plans[names[0]].memory) if device == "cpu" else Limits(60, 300, -1)
    runner = Runner(lambda: sandbox.open(source.encode(), f"{TOPIC}.py", limits, b"1"))
    try:
        return [
            judge_model(PARTS[n], plan, runner, TOPIC, b"corpus", trusted=trusted, device=device)
            for n, plan in plans.items()
        ]
    finally:
        runner.close()


def test_the_corpus_is_large() -> None:
    """A file that is no longer found would promise less than the docs say."""
    assert len(WRONG) >= 10
    assert len(RIGHT) >= 4
    assert {one.part for one in WRONG} == set(PARTS)


@pytest.mark.parametrize("one", WRONG, ids=lambda one: one.name)
def test_wrong_ones_are_refused_and_told_why(sandbox: Sandbox, one: HandedIn) -> None:
    """What a submission does not define is that of a right one."""
    (result,) = judged(sandbox, f"{RIGHT[-1].source}\n{one.source}", [one.part], trusted=False)
    assert result.score < result.max_score
    assert one.wanted in [finding.name for finding in result.misconceptions] or one.wanted in result.message, (
        result.message,
        result.misconceptions,
    )


@pytest.mark.parametrize("one", RIGHT, ids=lambda one: one.name)
def test_right_ones_of_any_style_earn_all(sandbox: Sandbox, one: HandedIn) -> None:
    """Patches and products, masks of one's own, ReLU before pooling: what comes to the same is the same."""
    for result in judged(sandbox, one.source, list(PARTS), trusted=True):
        assert result.outcome is Outcome.CORRECT, (result.part, result.message, result.misconceptions)
