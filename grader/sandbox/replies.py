"""What the trusted side learns from a student's process: one of three kinds of reply, all plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from grader.outcome import Outcome


@dataclass(frozen=True)
class Junk:
    """A result that is no plain data: `kind` names its type in a few words ("a ragged list", "a generator")."""

    kind: str

    def __repr__(self) -> str:
        return self.kind  # as a message names it, also inside a list


@dataclass(frozen=True)
class Returned:
    """The function returned. `value` is None, bool, int, float, complex, str, bytes, Fraction, list, tuple, dict
    (of these), a base NumPy array, or Junk. A NumPy scalar arrives as a 0-d array.

    `changed` names the arguments that the call modified, `shares` those whose memory the result shares;
    positional arguments are named by their index. `earlier` holds the numbers of earlier calls whose results
    share memory with this one.
    """

    value: Any
    changed: tuple[int | str, ...] = ()
    shares: tuple[int | str, ...] = ()
    earlier: tuple[int, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Raised:
    """The function, or the module while it was loaded, raised an exception.

    `type` is the exception's name when it is one of Python's, else its nearest built-in base. `line` is the last
    line of the student's own file in the traceback. `message` is the student's text: hostile, cut at 2,000 characters.
    `missing` is the name of the module when an import failed.
    """

    type: str
    message: str = ""
    line: int | None = None
    missing: str = ""


@dataclass(frozen=True)
class Died:
    """The process is gone: TIMEOUT, OUT_OF_MEMORY, CRASHED (also for a broken protocol), or UNGRADABLE when it
    was the sandbox's own fault. `message` is ours."""

    outcome: Outcome
    message: str


Reply = Returned | Raised | Died
