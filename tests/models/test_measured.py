"""Bars of accuracy rest on what was measured: on these very data, for these very plans, often enough."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exercises import _models
from grader.course import load_course
from grader.model import ModelTask
from grader.models import accuracy, data

TRAINED = [
    name
    for name, exercise in load_course().exercises.items()
    if any(part.task is ModelTask.TRAIN for part in exercise.models)
]


@pytest.fixture(params=TRAINED)
def topic(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def plans(topic: str) -> list[Any]:
    return data.plans_of(load_course(), topic)


def test_what_was_measured_belongs_to_the_data_and_the_plans(topic: str) -> None:
    """Counts of other digits, or of plans that nobody draws any more, would make a bar that means nothing."""
    entry = json.loads(data.place(load_course(), topic).read_text(encoding="utf-8"))
    assert entry["data"] == {plan.key: data.fingerprint(plan.data()) for plan in plans(topic)}
    assert set(entry["plans"]) == set(entry["data"])


def test_the_bar_is_far_above_chance_and_its_error_rate_as_promised(topic: str) -> None:
    for plan in plans(topic):
        counts = plan.measured.counts
        assert accuracy.error_rate(len(counts)) < 1e-3
        assert plan.measured.of == len(plan.data().held_y)
        assert min(counts) > 0.75 * plan.measured.of  # by chance it is a tenth
        assert {name: len(curve) for name, curve in plan.measured.curves.items()} == {
            f"test {plan.drawn}": plan.epochs,
            f"training {plan.drawn}": plan.epochs,
        }


def test_no_example_is_learned_and_held_out(topic: str) -> None:
    """What is read at the end is in no training, not even as a double."""
    for plan in plans(topic):
        data = plan.data()
        assert not {row.tobytes() for row in data.x} & {row.tobytes() for row in data.held_x}


def test_sheets_say_how_many_digits_there_are() -> None:
    digits = _models.digits()
    assert (len(digits.y), len(digits.held_y)) == (_models.LEARNED, _models.HELD_OUT)
