"""Judging functions that build, train, step and evaluate models, by what can be computed again on this side.

A student's process says what its model is made of, what it returns for given weights, and which weights it has after
each step. All of that is compared with the reference, given the same weights, the same batches and the same labels,
in this process. The labels of the held-out examples stay here.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from grader.draw import Draw
from grader.functions.runner import Runner
from grader.model import AnyModelPart, ModelTask, Plan
from grader.models.build import BuildExam
from grader.models.exam import Exam, Stopped, Student
from grader.models.step import EvaluateExam, StepExam
from grader.models.train import TrainExam
from grader.outcome import Outcome, PartResult
from grader.report.record import usable


def judge_model(
    part: AnyModelPart,
    plan: Plan,
    runner: Runner,
    topic: str,
    secret: bytes,
    *,
    device: str = "cpu",
    share: float = 1.0,
    quick: bool = False,
    trusted: bool = True,
    weights: tuple[str, bytes] | None = None,
) -> PartResult:
    """Grade one function of a loaded module. `trusted` is false once another part of the model has failed.

    `device` is where the student's process computes, and `share` how much of a GPU's memory it may hold.

    An accuracy is tried with further seeds only for what is right otherwise: the error rate is a promise to right
    submissions.
    """
    runner.grant()
    how = {
        "builder": part.builder,
        "practice": list(plan.practice),
        "last": plan.last,
        "loss": plan.loss,
        "double": True,
    }
    student = Student(runner, {} if device == "cpu" else {"device": device, "share": share})
    exam = _EXAMS[part.task](part, plan, student, how, Draw("model", plan.key, part.name, secret))
    exam.quick, exam.trusted, exam.weights = quick, trusted, weights
    try:
        exam.run()
    except Stopped as stop:
        exam.look.add(exam.stage, exam.groups[exam.stage], f"{part.name}(): {stop.message}", stop.findings)
        exam.look.outcome, exam.look.line = stop.outcome, stop.line
    exam.look.notes += student.notes
    return _result(part, topic, exam)


_EXAMS: Mapping[ModelTask, type[Exam]] = {
    ModelTask.BUILD: BuildExam,
    ModelTask.TRAIN: TrainExam,
    ModelTask.STEP: StepExam,
    ModelTask.EVALUATE: EvaluateExam,
}


def _result(part: AnyModelPart, topic: str, exam: Exam) -> PartResult:
    look = exam.look
    share = look.share
    failed = [seen for seen in look.seen if not seen.passed]
    if look.outcome is Outcome.UNGRADABLE:
        outcome = Outcome.UNGRADABLE
    elif share == 1:
        outcome = Outcome.CORRECT
    elif share > 0:
        outcome = Outcome.PARTIAL
    else:
        outcome = look.outcome or Outcome.WRONG
    findings = tuple({f.name: f for seen in failed for f in seen.findings}.values())
    sentences = [seen.message for seen in failed if seen.message and not seen.message.startswith("not compared")]
    total = sum(look.groups.values())
    lines = [
        f"{group} {100 * weight / total:.0f} %{'' if look.passes(group) else ' (not earned)'}"
        for group, weight in look.groups.items()
    ]
    return PartResult(
        topic=topic,
        part=part.name,
        kind="model",
        outcome=outcome,
        score=share * Fraction(part.marks),
        max_score=Fraction(part.marks),
        message="; ".join(dict.fromkeys(text.rstrip(".") for text in (*sentences, *look.notes))),
        summary="; ".join(f"not so: {seen.name}" for seen in failed),
        credit=f"Each group counts when all of it is right: {', '.join(lines)}." if outcome is Outcome.PARTIAL else "",
        misconceptions=findings,
        regimes={seen.name: (int(seen.passed), 1) for seen in look.seen},
        record=usable(look.record),
        line=look.line,
    )
