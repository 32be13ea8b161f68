"""What can go wrong for the person at the keyboard, each with its exit status and the way out.

GraderError               exit status 2: something to correct before the command can work
├── CourseError           an author's mistake, found when the course is loaded
├── InputError            an option, a file or a folder that the command was given
│   └── VariantError      a VARIANT id that is mistyped, edited or somebody else's
└── GradingError          exit status 3: the grader or the machine failed, not the student
    └── SandboxError      no worker could be started, or a worker broke its own rules
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class GraderError(Exception):
    """A problem with its place and its fix; printed as two lines, never as a traceback."""

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class CourseError(GraderError):
    """An author's mistake; raised while a course is loaded, never while a student is graded."""


class InputError(GraderError):
    """An option, a file or a folder that cannot be used as given."""


class VariantError(InputError):
    """A VARIANT id that names no variant, or not the one handed out."""


class GradingError(GraderError):
    """The grader or the machine failed; the student is marked `ungradable`, never zero."""

    exit_code = 3


class SandboxError(GradingError):
    """No worker process could be started or kept."""


def did_you_mean(word: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """Return a sentence that offers the nearest known word, or `otherwise`.

    >>> did_you_mean("paddin", ["padding", "pooling"])
    "Did you mean 'padding'?"
    """
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"Did you mean {near[0]!r}?" if near else otherwise
