"""The grader of models graded: the reference of every plan earns its marks, every wrong twin is refused and named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from grader.contract import Call
from grader.functions.local import LocalSession
from grader.functions.runner import Runner
from grader.model import AnyModelPart, ModelTask, Plan
from grader.models import harness, reference
from grader.models.judge import judge_model
from grader.outcome import PartResult
from grader.sandbox.replies import Raised, Reply, Returned


class ModelSession(LocalSession):
    """A session in this process that also does what can be done with models; for a course's own functions only."""

    def call(self, function: str, call: Call, *, reply_bytes: int) -> Reply:
        if not function.startswith("@"):
            return super().call(function, call, reply_bytes=reply_bytes)
        try:
            return Returned(harness.OPERATIONS[function[1:]](self.functions, *call.args))
        except Exception as error:  # a wrong twin may fail in any way
            return Raised(type(error).__name__ if type(error).__module__ == "builtins" else "Exception", str(error))


def judged(part: AnyModelPart, plan: Plan, functions: Mapping[str, Callable[..., Any]]) -> PartResult:
    """Judge a course's own functions in this process; accuracy is not judged."""
    own = {**reference.names(plan), part.builder: plan.build, part.name: functions[part.name]}
    return judge_model(part, plan, Runner(lambda: ModelSession(own)), "selftest", b"selftest", quick=True)


def right(part: AnyModelPart, plan: Plan) -> Callable[..., Any]:
    """Return the reference of a part."""
    if part.task is ModelTask.BUILD:
        return plan.build
    if part.task is ModelTask.TRAIN:
        train: Callable[..., Any] = reference.trainer(plan)
        return train
    if part.task is ModelTask.STEP:
        return plan.step
    assert plan.evaluate is not None
    return plan.evaluate


def wrong(part: AnyModelPart, plan: Plan) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the twins of a part: their names and functions."""
    if part.task is ModelTask.BUILD:
        yield from ((twin.name, twin.build) for twin in plan.wrong_models)
    elif part.task is ModelTask.TRAIN:
        yield from ((twin.name, reference.trainer(plan, twin.step, twin.start)) for twin in plan.wrong_steps)
    elif part.task is ModelTask.STEP:
        yield from ((twin.name, twin.step) for twin in plan.wrong_steps if twin.step)
    else:
        yield from ((twin.name, twin.function) for twin in plan.wrong_evaluations)


def broken(part: AnyModelPart, plan: Plan) -> Iterator[str]:
    """Yield what does not hold for one part and plan."""
    place = f"{part.name} ({plan.key})"
    result = judged(part, plan, {part.name: right(part, plan)})
    if result.score < result.max_score:
        yield f"{place}: the reference earns {result.score} of {result.max_score}: {result.message}"
    for name, function in wrong(part, plan):
        result = judged(part, plan, {part.name: function})
        if result.score == result.max_score:
            yield f"{place}: the wrong twin {name!r} earns full marks"
        elif name not in [finding.name for finding in result.misconceptions]:
            yield f"{place}: the wrong twin {name!r} is refused, but not named: {result.message}"
