"""A gradebook with every outcome in it, and one of students who mean harm."""

from __future__ import annotations

import math
from dataclasses import asdict
from fractions import Fraction
from functools import cache
from typing import Any

from grader.contract import Pane, Window
from grader.outcome import Counterexample, Finding, Gradebook, Outcome, PartResult, StudentResult

FLIPPED = Finding(
    "kernel-flipped", "This is the true convolution. A layer does not flip its kernel: it **correlates**."
)
ONCE = Finding("padding-once", r"You padded one side only: both sides add $p$, so $2p$ in $\frac{i + 2p - k}{s} + 1$.")

CONV_WINDOW = Window(
    panes=(
        Pane(
            label="channel 0",
            plane=(
                (0, 0, 0, 0, 0),
                (0, 1.0, 2.0, 3.0, 0),
                (0, 4.0, 5.0, 6.0, 0),
                (0, 7.0, 8.5, 9.0, 0),
                (0, 0, 0, 0, 0),
            ),
            rows=(2, 4),
            columns=(0, 2),
            padding=(1, 1),
            weights=((1.0, 0.0), (2.0, -1.0)),
        ),
    ),
    sentence="y[0, 0, 1, 0] = 0·1 + 4·0 + 0·2 + 7·(-1) = -7 (the products of the window)",
)
CONV = Counterexample(
    arguments={
        "x": [[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.5, 9.0]]]],
        "w": [[[[1.0, 0.0], [2.0, -1.0]]]],
        "stride": 2,
        "padding": 1,
    },
    got=[[[[-1.0, 1.0], [4.0, "nan"]]]],
    want=[[[[-1.0, 1.0], [-7.0, 13.0]]]],
    at=(0, 0, 1, 0),
    regime="the stride does not divide",
    call="conv2d(np.array([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.5, 9.0]]]]), "
    "np.array([[[[1.0, 0.0], [2.0, -1.0]]]]), stride=2, padding=1)",
    window=asdict(CONV_WINDOW),
    sentence="got 4.0, want -7.0 at [0, 0, 1, 0]",
)
POOL = Counterexample(
    arguments={"x": [[[[-3.0, -1.0, -2.0], [-4.0, -5.0, -6.0]]]], "kernel_size": 2},
    got=[[[[0.0]]]],
    want=[[[[-1.0]]]],
    at=(0, 0, 0, 0),
    regime="all numbers of a window are negative",
    call="max_pool2d(np.array([[[[-3.0, -1.0, -2.0], [-4.0, -5.0, -6.0]]]]), 2)",
    window=asdict(
        Window(
            panes=(Pane("channel 0", ((-3.0, -1.0, -2.0), (-4.0, -5.0, -6.0)), (0, 2), (0, 2)),),
            sentence="The largest of -3, -1, -4 and -5 is -1.",
        )
    ),
)
SIZE = Counterexample(
    arguments={"input_size": 7, "kernel_size": 3, "stride": 2, "padding": 1},
    got=3,
    want=4,
    call="output_size(7, 3, stride=2, padding=1)",
    regime="there is padding",
)


def part(
    name: str,
    outcome: Outcome = Outcome.CORRECT,
    score: Fraction | int = 0,
    message: str = "",
    topic: str = "padding",
    **more: Any,
) -> PartResult:
    """Return a part of one mark; a correct one has earned it."""
    earned = Fraction(1) if outcome is Outcome.CORRECT else Fraction(score)
    kind = more.pop("kind", "answer")
    return PartResult(topic, name, kind, outcome, earned, Fraction(1), message, **more)


def gradebook() -> Gradebook:
    """Return eight students with every outcome between them."""
    function: dict[str, Any] = {"topic": "convolution", "kind": "function"}
    regimes = {"the stride is 1": (12, 12), "the kernel is not square": (9, 9), "the stride does not divide": (0, 31)}
    students = (
        StudentResult(
            "ada", (part("output"), part("same"), part("conv2d", **function)), variants=("padding-v1-intro-s1n1-ABCD",)
        ),
        StudentResult(
            "grace",
            (
                part("output", Outcome.WRONG, 0, "12 pixels is not right", got="12", line=7, misconceptions=(ONCE,)),
                part("same", Outcome.MISSING, 0, "Nothing was handed in."),
                part(
                    "conv2d",
                    Outcome.PARTIAL,
                    Fraction(2, 3),
                    "right on 21 of 52 cases; wrong on 31 of 31 cases where the stride does not divide",
                    regimes=regimes,
                    counterexample=CONV,
                    misconceptions=(FLIPPED,),
                    **function,
                ),
            ),
        ),
        StudentResult(
            "linus",
            (
                part("output"),
                part("same", Outcome.NOT_ALLOWED, 0, "scipy is not allowed here", line=3),
                part("conv2d", Outcome.TIMEOUT, 0, "no result within 10 seconds", **function),
                part(
                    "max_pool2d",
                    Outcome.WRONG,
                    0,
                    "wrong on all negative windows",
                    counterexample=POOL,
                    topic="pooling",
                    kind="function",
                ),
            ),
        ),
        StudentResult(
            "barbara", (part("conv2d", Outcome.CRASHED, 0, "IndexError: index 3 is out of bounds", **function),)
        ),
        StudentResult(
            "edsger", (part("conv2d", Outcome.OUT_OF_MEMORY, 0, "more than 1 GB was asked for", **function),)
        ),
        StudentResult(
            "alan",
            (part("output"), part("conv2d", Outcome.UNGRADABLE, 0, "the worker could not be started", **function)),
        ),
        StudentResult("donald", (), problems=("donald/padding.py: not Python: line 3: '(' was never closed",)),
        StudentResult(
            "Zoë", (part("size", Outcome.WRONG, 0, "wrong", counterexample=SIZE, kind="function", topic="output_size"),)
        ),
    )
    return Gradebook("Convolutional networks", students, warnings=("the roster names 2 students more",), seconds=1.5)


EVIL = (
    "<script>alert(1)</script>",
    '"><img src=http://evil.example/x onerror=alert(1)>',
    "javascript:alert(1)",
    '=HYPERLINK("http://evil.example")',
    "@SUM(1+1)|cmd",
    "\x1b[31mred\x1b]0;title\x07",
    "abc\u202egnp.exe",
    "nul\x00byte",
    "../../etc/passwd",
    "[bold red]markup[/bold red] :smile:",
    "{{ 7 * 7 }}{% raw %}",
    "]]>&amp;</svg></style><style>*{display:none}",
    "\ud800half",
    "\ufffe\u2028line",
    "",
)


def hostile() -> Gradebook:
    """Return a gradebook whose students put their texts wherever a student can put text."""
    return Gradebook("Course", tuple(_hostile(text) for text in EVIL))


def _hostile(text: str) -> StudentResult:
    example = Counterexample(
        arguments={"x": [[1.0, text]], text: text},
        got=[[text, 2.0]],
        want=[[1.0, 2.0]],
        at=(0, 0),
        regime=text,
        call=f"f({text!r})" + text,
        window=asdict(Window((Pane(text, ((text, 1.0), (2.0, text)), (0, 1), (0, 1), (0, 0), ((text,),)),), text)),
        sentence=text,
    )
    bad = part(
        "f",
        Outcome.WRONG,
        0,
        text or "-",
        got=text,
        topic="t" + text,
        regimes={"r" + text: (0, 3)},
        counterexample=example,
    )
    rec = {
        "curves": {text: [0.5, 0.25], "error, " + text: [0.5]},
        "reference": {text: [0.5], "error": [float("nan")]},
        "confusion": [[3, 1], [0, 4]],
        "classes": [text, "ok" + text],
        "filters": {"name": text, "values": [[[0.5]]]},
        "input": [[0, 255]],
        "maps": {text: [[[7]]]},
        "accuracy": {"right": 7, "of": 8},
    }
    model = part("m" + text, kind="model", topic=text, record=rec)
    return StudentResult(text, (bad, part("g"), model), problems=(text,), variants=(text,))


CLASSES = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
NAMES = (
    "Ada Alan Anita Barbara Dennis Donald Edsger Fei-Fei Geoffrey Grace "
    "Ivan Jürgen Kunihiko Leslie Linus Margaret Radia Tim Yann Zoë"
)


def trained(students: int = 20) -> Gradebook:
    """Return a class that trained a model: most are near the reference, every seventh is far from it.

    The data are made up and smooth; nothing is drawn, so that they are the same everywhere.
    """
    names = NAMES.split()
    parts = [part_trained(n) for n in range(students)]
    named = [names[n] if n < len(names) else f"{names[n % len(names)]} {n}" for n in range(students)]
    return Gradebook(
        "Convolutional networks",
        tuple(StudentResult(name, (part("size"), one)) for name, one in zip(named, parts, strict=True)),
    )


def part_trained(n: int) -> PartResult:
    """Return the trained part of student n."""
    rec = record(n)
    right, threshold = rec["accuracy"]["right"], rec["accuracy"]["threshold"]
    good = right >= threshold
    message = "" if good else f"too many digits are misread: {threshold} are wanted"
    outcome = Outcome.CORRECT if good else Outcome.WRONG
    return part("accuracy", outcome, 0, message, topic="one hidden layer", kind="model", record=rec)


def record(n: int = 0) -> dict[str, Any]:
    """Return a whole record, of another training for each n."""
    lost = 12 + 5 * (n % 4) + (90 if n % 7 == 3 else 0)
    confusion = [[36 if row == column else 0 for column in range(10)] for row in range(10)]
    for error in range(lost):
        row = (8, 9, 3, 5, 8)[error % 5] if error % 2 else (error * 7) % 10
        column = {8: 1, 9: 4, 3: 8, 5: 9}.get(row, (row + 3 + error) % 10)
        if confusion[row][row] > 3 and row != column:
            confusion[row][row] -= 1
            confusion[row][column] += 1
    right = sum(confusion[k][k] for k in range(10))
    end = 1 - right / 360
    return {
        "curves": {
            "test error": _curve(end, 4 + n % 5, n),
            "training error": _curve(end * 0.4, 3 + n % 5, n + 1),
            "test error, with momentum": _curve(end * 0.9, 2 + n % 3, n + 2),
            "training error, with momentum": _curve(end * 0.3, 2 + n % 3, n + 3),
        },
        "reference": {
            "test error": _curve(0.039, 5, 40),
            "training error": _curve(0.018, 4, 41),
            "test error, with momentum": _curve(0.031, 2.5, 42),
            "training error, with momentum": _curve(0.009, 2, 43),
        },
        "confusion": confusion,
        "classes": CLASSES,
        "filters": {"name": "conv1.weight", "values": [_filter(k + n) for k in range(25)]},
        "input": EIGHT,
        "maps": {
            "convolution": [_map(k + n, 20, 1) for k in range(25)],
            "pooling": [_map(k + n, 5, 4) for k in range(25)],
        },
        "accuracy": {
            "right": right,
            "of": 360,
            "interval": [max(0.0, right / 360 - 0.025), min(1.0, right / 360 + 0.02)],
            "threshold": 327,
            "seeds": 1 + n % 3,
            "error_rate": 0.0007,
            "confidence": 0.99,
        },
    }


def _curve(end: float, speed: float, wiggle: int, epochs: int = 20) -> list[float]:
    shares = [
        end + (0.88 - end) * math.exp(-epoch / speed) + 0.012 * math.sin(1.7 * epoch + wiggle) * (0.3 + end)
        for epoch in range(epochs)
    ]
    return [round(min(1.0, max(0.0, share)), 4) for share in shares]


def _filter(k: int, side: int = 9) -> list[list[float]]:
    """Return an edge, turned by k, that fades towards the sides."""
    angle, middle = k * 0.61, (side - 1) / 2
    return [
        [
            round(
                0.3
                * math.sin(((x - middle) * math.cos(angle) + (y - middle) * math.sin(angle)) * (0.5 + k % 3 * 0.3))
                * math.exp(-((x - middle) ** 2 + (y - middle) ** 2) / 14),
                4,
            )
            for x in range(side)
        ]
        for y in range(side)
    ]


def _eight(y: float, x: float) -> int:
    rings = [abs(math.hypot((x - 13.5) * 1.15, y - middle) - size) for middle, size in ((9, 4.4), (18.5, 5.2))]
    return max(0, min(255, round(255 * (1.9 - min(rings) / 1.5))))


EIGHT = [[_eight(y, x) for x in range(28)] for y in range(28)]


@cache
def _map(k: int, side: int, step: int) -> list[list[int]]:
    """Return the example seen through filter k, at every `step`-th place; every eleventh map is dark throughout."""
    if k % 11 == 7:
        return [[0] * side for _ in range(side)]
    weights = _filter(k)
    return [
        [
            max(
                0,
                min(
                    255,
                    round(
                        0.4 * sum(weights[u][v] * EIGHT[y * step + u][x * step + v] for u in range(9) for v in range(9))
                    ),
                ),
            )
            for x in range(side)
        ]
        for y in range(side)
    ]
