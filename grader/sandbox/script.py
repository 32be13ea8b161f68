"""The calls of a function that every student's process makes alike, and the answers that are already understood.

An answer is a student's bytes. What they mean depends on the bytes alone, and what is right does not depend on who
sends them: the same bytes in answer to the same call are read once a run, and judged once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from grader.contract import Call
from grader.sandbox.replies import Reply

ANSWERS = 32  # different answers to one call that are remembered; no class needs that many
ANSWER_BYTES = 1 << 16  # a longer one is not
ALL_BYTES = 1 << 22  # of all that are remembered


class Script:
    """Calls of one function, each with the bytes of its right result. Two scripts are equal if they are the same."""

    def __init__(self, function: str, calls: Sequence[tuple[Call, int]]) -> None:
        self.function = function
        self.calls = tuple(calls)
        self.answers: list[dict[bytes, Reply]] = [{} for _ in self.calls]  # whole frames, and what they say
        self.judgements: dict[int, Any] = {}  # by the identity of a reply that is remembered
        self.joint: dict[tuple[int, ...], Any] = {}  # of several of them together
        self.counts: dict[str, tuple[int, int]] | None = None  # what the judge counts where nothing is amiss
        self._room = ALL_BYTES
        self._lock = threading.Lock()
        self._remembered: set[int] = set()

    def remember(self, number: int, answer: bytes, reply: Reply) -> Reply:
        """Keep what an answer to call `number` says, as long as there is room; return what is known of it now."""
        with self._lock:
            known = self.answers[number]
            if answer in known:
                return known[answer]
            if len(known) < ANSWERS and len(answer) <= min(ANSWER_BYTES, self._room):
                self._room -= len(answer)
                known[answer] = reply
                self._remembered.add(id(reply))
        return reply

    def judged(self, reply: Reply, judgement: Any) -> None:
        """Keep what the judge found of a reply that is remembered; any other may be gone before its like comes."""
        if id(reply) in self._remembered:
            self.judgements[id(reply)] = judgement

    def together(self, replies: Sequence[Reply], judge: Callable[[], Any]) -> Any:
        """Return what the judge finds of these replies together: found once, if all of them are remembered."""
        key = tuple(map(id, replies))
        if key in self.joint:
            return self.joint[key]
        found = judge()
        if len(self.joint) < ANSWERS and self._remembered.issuperset(key):
            self.joint[key] = found
        return found
