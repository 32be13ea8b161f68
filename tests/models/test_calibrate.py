"""Measuring references: what is kept of many trainings, and that a seed's training can be made again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from exercises.cnn_two_conv import EXERCISE, TOPIC, plans
from grader.course import load_course
from grader.model import Labelled, read_measured
from grader.models import calibrate
from grader.models.calibrate import Run

KEY = plans()[0].key


def run(number: int, right: int) -> Run:
    return Run(KEY, number, right, 300, 1.0, {"test error": [1 - right / 300, number / 10]})


def test_the_curves_that_are_kept_are_of_a_middling_training() -> None:
    """A reference that was lucky with its first seed would make every student's curve look bad."""
    runs = [run(4, 280), run(0, 255), run(3, 281), run(2, 280), run(1, 299)]
    assert calibrate.middling(runs) == run(2, 280)
    assert calibrate.middling(runs[:2]) == run(0, 255)


def test_what_is_kept_is_read_back(tmp_path: Path) -> None:
    """Counts in the order of their seeds, whichever training ended first."""
    runs = [run(2, 270), run(0, 290), run(1, 280)]
    found = calibrate.document(load_course(), TOPIC, runs)
    file = tmp_path / "measured.json"
    file.write_text(json.dumps(found), encoding="utf-8")
    measured = read_measured(file, KEY)
    assert measured.counts == (290, 280, 270)
    assert measured.of == 300
    assert measured.curves == {"test error": (1 - 280 / 300, 0.1)}
    assert set(found["data"]) == {plan.key for plan in plans()}
    assert read_measured(file, "another").counts == ()


def test_a_seeds_training_can_be_made_again() -> None:
    """The counts are a claim that anybody can check, one by one."""
    data = plans()[0].data()
    few = Labelled(data.x[:120], data.y[:120], data.held_x[:40], data.held_y[:40])
    plan = replace(plans()[0], data=lambda: few, epochs=2)
    part = next(part for part in EXERCISE.models if part.name == "train")
    first, again, other = (calibrate.train(part, plan, number) for number in (7, 7, 8))
    assert replace(first, seconds=0) == replace(again, seconds=0)
    assert first.curves != other.curves
    assert first.of == 40
    assert [len(curve) for curve in first.curves.values()] == [2, 2]
    assert first.curves["test accuracy"][-1] == round(first.right / 40, 4)


def test_curves_show_errors_or_accuracies() -> None:
    """One is the other turned round; a plot that mixes them up praises the worst."""
    held, learned = np.array([[True, False, False, False]]), np.array([[True, True, True, False]])
    shown = {name: replace(plans()[0], drawn=name).curves(held, learned) for name in ("error", "accuracy")}
    assert shown["error"] == {"test error": [0.75], "training error": [0.25]}
    assert shown["accuracy"] == {"test accuracy": [0.25], "training accuracy": [0.75]}
