"""The vocabulary for authors of exercises: everything that a course imports from the grader."""

from grader.answers import (
    Choice,
    Expression,
    Integer,
    Matrix,
    MultipleChoice,
    Number,
    Shape,
    count,
    tex_number,
    write_number,
)
from grader.contract import Call, Check, Contract, Limits, Pane, Regime, Showcase, Twin, Window
from grader.draw import Draw
from grader.errors import InputError
from grader.exercise import Carry, Exercise, FunctionPart, Level, Misconception, Part
from grader.functions.arrays import LAYOUTS, has_layout, integers, laid_out, reals
from grader.functions.checks import Close, Exact
from grader.images import Image, Plate
from grader.markup import grid
from grader.model import (
    EvaluationTwin,
    Labelled,
    Measured,
    ModelPart,
    ModelTask,
    ModelTwin,
    Plan,
    StepTwin,
    read_measured,
)
from grader.outcome import Verdict, correct, partial, wrong
from grader.surds import Surd, root

__all__ = [
    "LAYOUTS",
    "Call",
    "Carry",
    "Check",
    "Choice",
    "Close",
    "Contract",
    "Draw",
    "EvaluationTwin",
    "Exact",
    "Exercise",
    "Expression",
    "FunctionPart",
    "Image",
    "InputError",
    "Integer",
    "Labelled",
    "Level",
    "Limits",
    "Matrix",
    "Measured",
    "Misconception",
    "ModelPart",
    "ModelTask",
    "ModelTwin",
    "MultipleChoice",
    "Number",
    "Pane",
    "Part",
    "Plan",
    "Plate",
    "Regime",
    "Shape",
    "Showcase",
    "StepTwin",
    "Surd",
    "Twin",
    "Verdict",
    "Window",
    "correct",
    "count",
    "grid",
    "has_layout",
    "integers",
    "laid_out",
    "partial",
    "read_measured",
    "reals",
    "root",
    "tex_number",
    "write_number",
    "wrong",
]
