"""Measuring how often the reference is right: many trainings of every configuration, each with a seed of its own.

The counts are what the bar of accuracy rests on (see `grader.models.accuracy`); they are kept in the course, in
`exercises/measured/TOPIC.json`, and read back by `grader.model.read_measured`.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import statistics
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.course import Course, load_course
from grader.draw import Draw
from grader.errors import InputError
from grader.model import AnyModelPart, Labelled, ModelTask, Plan

NEW = 1_000_000  # the number of the first seed that no bar was made with


@dataclass(frozen=True)
class Run:
    """One training of the reference."""

    key: str
    number: int
    right: int
    of: int
    seconds: float
    curves: dict[str, list[float]]


def training_parts(course: Course, topic: str) -> list[AnyModelPart]:
    """Return the parts of a topic that train.

    Raises:
        InputError: there are none.
    """
    found = [part for part in course.exercise(topic).models if part.task is ModelTask.TRAIN]
    if not found:
        raise InputError(f"topic {topic!r} trains no model", hint="Calibrate a topic that asks for a training.")
    return found


def place(course: Course, topic: str) -> Path:
    return course.folder / "exercises" / "measured" / f"{topic}.json"


def calibrate(course: Course, topic: str, runs: int, jobs: int = 0, *, first: int = 0) -> Iterator[Run]:
    """Train the reference `runs` times with every plan of a topic, from seed number `first`; yield each as it ends."""
    work = [
        (str(course.folder), topic, part.name, plan.key, number)
        for part in training_parts(course, topic)
        for plan in part.plans()
        for number in range(first, first + runs)
    ]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs or os.cpu_count() or 1, mp_context=context) as pool:
        for future in as_completed([pool.submit(train_once, *one) for one in work]):
            yield future.result()


def train_once(folder: str, topic: str, name: str, key: str, number: int) -> Run:
    """Train the reference once with the seed of this number, and count what it reads rightly."""
    course = load_course(Path(folder))
    part = next(part for part in training_parts(course, topic) if part.name == name)
    plan = next(plan for plan in part.plans() if plan.key == key)
    return train(part, plan, number)


def train(part: AnyModelPart, plan: Plan, number: int) -> Run:
    import torch

    from grader.models import harness, reference

    torch.set_num_threads(1)
    data = plan.data()
    how = {
        "builder": part.builder,
        "practice": list(plan.practice),
        "last": plan.last,
        "loss": plan.loss,
        "epoch": plan.learned(len(data.y)),
    }
    names = {**reference.names(plan), part.builder: plan.build}
    seed = Draw("calibration", plan.key, number).below(2**31)
    probe = min(len(data.y), len(data.held_y))
    found = harness.learn(names, how, "train", data.x, data.y, seed, data.held_x, probe)
    curves = {
        "test error": (found["on_held"] != data.held_y).mean(1),
        "training error": (found["on_learned"] != data.y[:probe]).mean(1),
    }
    return Run(
        plan.key,
        number,
        int((found["classes"] == data.held_y).sum()),
        len(data.held_y),
        float(found["seconds"]),
        {label: [round(float(error), 4) for error in errors] for label, errors in curves.items()},
    )


def document(course: Course, topic: str, runs: list[Run]) -> dict[str, Any]:
    """Return what is kept: for each plan the counts in the order of their seeds, and the curves of a middling one."""
    import torch

    plans: dict[str, Any] = {}
    for key in sorted({run.key for run in runs}):
        own = sorted((run for run in runs if run.key == key), key=lambda run: run.number)
        plans[key] = {
            "counts": [run.right for run in own],
            "of": own[0].of,
            "curves": middling(own).curves,
        }
    data = {}
    for part in training_parts(course, topic):
        for plan in part.plans():
            data[plan.key] = fingerprint(plan.data())
    return {"topic": topic, "torch": str(torch.__version__), "data": data, "plans": plans}


def fingerprint(data: Labelled) -> str:
    """Return what tells these very examples and classes from all others."""
    arrays = (data.x, data.y, data.held_x, data.held_y)
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()[:16]


def middling(runs: list[Run]) -> Run:
    """Return the training whose count is the median, and the first of those: a lucky or unlucky one misleads."""
    median = statistics.median_low(run.right for run in runs)
    return min((run for run in runs if run.right == median), key=lambda run: run.number)


def bars(course: Course, topic: str) -> dict[str, int]:
    """Return the lowest count of right examples that passes, for every plan that was measured."""
    plans = [plan for part in training_parts(course, topic) for plan in part.plans()]
    return {plan.key: min(plan.measured.counts) for plan in plans if plan.measured.counts}


def write(course: Course, topic: str, runs: list[Run]) -> Path:
    """Write the counts into the course; return the file."""
    file = place(course, topic)
    file.parent.mkdir(exist_ok=True)
    text = json.dumps(document(course, topic, runs), indent=1, sort_keys=True)
    file.write_text(text + "\n", encoding="utf-8")
    return file
