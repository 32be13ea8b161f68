"""A gradebook with every outcome in it, and one of students who mean harm."""

from __future__ import annotations

from dataclasses import asdict
from fractions import Fraction
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
    return StudentResult(text, (bad, part("g")), problems=(text,), variants=(text,))
