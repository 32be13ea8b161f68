"""Measuring how often the reference is right: many trainings of every configuration, each with a seed of its own.

The counts are what the bar of accuracy rests on (see `grader.models.accuracy`); they are kept in the course, in
`exercises/measured/TOPIC.json`, and read back by `grader.model.read_measured`; those on other data than the topic's own
are kept beside these (see `grader.models.data`).
"""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grader.course import Course, load_course
from grader.draw import Draw
from grader.errors import InputError
from grader.model import AnyModelPart, Labelled, Plan
from grader.models.data import OtherData, fingerprint, place, plans_of, recipe, training_parts

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


def calibrate(
    course: Course, topic: str, runs: int, jobs: int = 0, *, first: int = 0, other: OtherData | None = None
) -> Iterator[Run]:
    """Train the reference `runs` times with every plan of a topic, from seed number `first`; yield each as it ends."""
    work = [
        (str(course.folder), topic, part.name, plan.key, number)
        for part in training_parts(course, topic)
        for plan in part.plans()
        for number in range(first, first + runs)
    ]
    given = {plan.key: plan.data() for plan in _plans(course, topic, other)} if other else {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs or os.cpu_count() or 1, context, _take, (given,)) as pool:
        for future in as_completed([pool.submit(train_once, *one) for one in work]):
            yield future.result()


_GIVEN: dict[str, Labelled] = {}  # by the keys of plans: the data of a process that trains on others than the topic's


def _take(given: Mapping[str, Labelled]) -> None:
    _GIVEN.update(given)


def _plans(course: Course, topic: str, other: OtherData | None) -> list[Plan]:
    plans = plans_of(course, topic)
    return [other.plans[topic, plan.key] for plan in plans] if other else plans


def train_once(folder: str, topic: str, name: str, key: str, number: int) -> Run:
    """Train the reference once with the seed of this number, and count what it reads rightly."""
    course = load_course(Path(folder))
    part = next(part for part in training_parts(course, topic) if part.name == name)
    plan = next(plan for plan in part.plans() if plan.key == key)
    return train(part, replace(plan, data=lambda: _GIVEN[key]) if key in _GIVEN else plan, number)


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
    return Run(
        plan.key,
        number,
        int((found["classes"] == data.held_y).sum()),
        len(data.held_y),
        float(found["seconds"]),
        plan.curves(found["on_held"] == data.held_y, found["on_learned"] == data.y[:probe]),
    )


def document(course: Course, topic: str, runs: list[Run], other: OtherData | None = None) -> dict[str, Any]:
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
    data = {plan.key: fingerprint(plan.data()) for plan in _plans(course, topic, other)}
    found = {"topic": topic, "torch": str(torch.__version__), "data": data, "plans": plans}
    if other:
        found |= {"dataset": other.name, "training": {plan.key: recipe(plan) for plan in plans_of(course, topic)}}
    return found


def middling(runs: list[Run]) -> Run:
    """Return the training whose count is the median, and the first of those: a lucky or unlucky one misleads."""
    median = statistics.median_low(run.right for run in runs)
    return min((run for run in runs if run.right == median), key=lambda run: run.number)


def bars(course: Course, topic: str, other: OtherData | None = None) -> dict[str, int]:
    """Return the lowest count of right examples that passes, for every plan.

    Raises:
        InputError: one of them was never measured, so that it has none.
    """
    plans = _plans(course, topic, other)
    for plan in plans:
        if not plan.measured.counts:
            raise InputError(f"no bar to verify: {plan.measured.lack}", hint="Run it without --verify first.")
    return {plan.key: min(plan.measured.counts) for plan in plans}


def write(course: Course, topic: str, runs: list[Run], other: OtherData | None = None) -> Path:
    """Write the counts into the course, or beside the other data; return the file."""
    file = place(course, topic, *((other.name, other.root) if other else ()))
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document(course, topic, runs, other), indent=1, sort_keys=True)
    file.write_text(text + "\n", encoding="utf-8")
    return file
