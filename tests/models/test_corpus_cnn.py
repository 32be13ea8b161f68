"""Whole networks as students hand them in: wrong ones are refused and told why, right ones in any style earn all.

A file of `wrong/TOPIC/` begins with `# FUNCTION: what is wrong` and `# wanted: the mistake's name, or words of what the
student is told`; a file of `right/TOPIC/` with `# how it goes about it`. They are answers to the first configuration of
their topic, and are trained on fewer digits than students' are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from grader.contract import Limits
from grader.course import load_course
from grader.functions.runner import Runner
from grader.model import AnyModelPart, Labelled, Measured, Plan
from grader.models.judge import judge_model
from grader.outcome import Outcome, PartResult
from grader.sandbox.host import Sandbox

FOLDER = Path(__file__).parent
TOPICS = ("cnn_one_hidden", "cnn_two_conv")
LEARNED, HELD = 200, 60
BAR = 12  # of HELD: twice what chance gives; how a bar is found is tested elsewhere
HEADING = re.compile(r"# (\w+): .+\n# wanted: (.+)\n")


@dataclass(frozen=True)
class HandedIn:
    """A file of the corpus; `part` and `wanted` are empty where all of it is right."""

    topic: str
    name: str
    source: str
    part: str = ""
    wanted: str = ""


def corpus(kind: str) -> list[HandedIn]:
    found = []
    for topic in TOPICS:
        for path in sorted((FOLDER / kind / topic).glob("*.txt")):
            source = path.read_text(encoding="utf-8")
            heading = HEADING.match(source)
            assert (heading is None) == (kind == "right"), path
            found.append(HandedIn(topic, path.stem, source, *(heading.groups() if heading else ())))
    return found


WRONG, RIGHT = corpus("wrong"), corpus("right")


@cache
def model_parts(topic: str) -> dict[str, AnyModelPart]:
    return {part.name: part for part in load_course().exercise(topic).models}


def short(plan: Plan) -> Plan:
    """Return a plan with fewer digits and a bar of its own."""
    data = plan.data()
    few = Labelled(data.x[:LEARNED], data.y[:LEARNED], data.held_x[:HELD], data.held_y[:HELD])
    return replace(plan, data=lambda: few, measured=Measured((BAR,) * 50, HELD))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(frozenset({"numpy", "torch"})) as opened:
        yield opened


def whole(one: HandedIn) -> str:
    """Return the module; what it does not define is that of its topic's first right one."""
    right = next(other for other in RIGHT if other.topic == one.topic)
    return one.source if one is right else f"{right.source}\n{one.source}"


def judged(
    sandbox: Sandbox, one: HandedIn, names: list[str], *, trusted: bool, device: str = "cpu"
) -> list[PartResult]:
    source = whole(one).encode()
    parts = [model_parts(one.topic)[name] for name in names]
    plans = [short(part.plans()[0]) for part in parts]
    limits = Limits(20, 100, plans[0].memory) if device == "cpu" else Limits(60, 300, -1)
    runner = Runner(lambda: sandbox.open(source, f"{one.topic}.py", limits, b"1"))
    try:
        return [
            judge_model(part, plan, runner, one.topic, b"corpus", trusted=trusted, device=device)
            for part, plan in zip(parts, plans, strict=True)
        ]
    finally:
        runner.close()


def test_the_corpus_is_large() -> None:
    """A file that is no longer found would promise less than the docs say."""
    assert len(WRONG) >= 21
    assert len(RIGHT) >= 9
    assert {(one.topic, one.part) for one in WRONG} >= {(topic, "build_model") for topic in TOPICS}


@pytest.mark.parametrize("one", WRONG, ids=lambda one: f"{one.topic}-{one.name}")
def test_wrong_ones_are_refused_and_told_why(sandbox: Sandbox, one: HandedIn) -> None:
    (result,) = judged(sandbox, one, [one.part], trusted=False)
    assert result.score < result.max_score
    assert one.wanted in [finding.name for finding in result.misconceptions] or one.wanted in result.message, (
        result.message,
        result.misconceptions,
    )


@pytest.mark.parametrize("one", RIGHT, ids=lambda one: f"{one.topic}-{one.name}")
def test_right_ones_of_any_style_earn_all(sandbox: Sandbox, one: HandedIn) -> None:
    for result in judged(sandbox, one, list(model_parts(one.topic)), trusted=True):
        assert result.outcome is Outcome.CORRECT, (result.part, result.message, result.misconceptions)
