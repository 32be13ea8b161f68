"""Calling a student's function: a session that is opened again when the process died, a few times."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from grader.contract import Call
from grader.outcome import Outcome
from grader.sandbox.replies import Died, Raised, Reply, Returned
from grader.sandbox.script import Script

RESTARTS = 2


class Session(Protocol):
    """The part of `grader.sandbox.host.Session` that grading needs."""

    def load(self) -> Reply: ...

    def value(self, name: str) -> Reply: ...

    def call(self, function: str, call: Call, *, reply_bytes: int) -> Reply: ...

    def calls(self, function: str, todo: Iterable[tuple[Call, int]]) -> Iterator[Reply]: ...

    def perform(self, script: Script, start: int = 0) -> Iterator[Reply]: ...

    def reread(self, numbers: Sequence[int]) -> list[Reply]: ...

    def output(self) -> str: ...

    def kill(self) -> None: ...


class Runner:
    """One student's module, loaded; calls number from 0 in each process, as `reread` wants them."""

    def __init__(self, open_session: Callable[[], Session]) -> None:
        self._open = open_session
        self._session: Session | None = None
        self._restarts = 0
        self.calls = 0
        self.loaded = self._start()

    @property
    def exhausted(self) -> bool:
        """Is the process gone for good?"""
        return self._session is None

    def value(self, name: str) -> Reply:
        return self._session.value(name) if self._session else self.loaded

    def call(self, function: str, call: Call, reply_bytes: int) -> Reply:
        """Call the function; a death costs this call only, as long as restarts are left."""
        if self._session is None:
            return Died(Outcome.CRASHED, "not run: the process had died too often")
        reply = self._session.call(function, call, reply_bytes=reply_bytes)
        self.calls += 1
        if isinstance(reply, Died):
            self._restart()
        return reply

    def run(self, function: str, todo: Sequence[tuple[Call, int]]) -> Iterator[Reply]:
        """Yield a reply for each (call, reply_bytes); a death costs one call, then a new process goes on."""
        return self._until_done(lambda session, done: session.calls(function, todo[done:]), len(todo))

    def perform(self, script: Script) -> Iterator[Reply]:
        """Yield a reply for each call of a script; a death costs one call, then a new process goes on."""
        return self._until_done(lambda session, done: session.perform(script, done), len(script.calls))

    def alone(self, function: str, call: Call, reply_bytes: int) -> Reply:
        """Call the function as the first and only call of another process."""
        session = self._open()
        try:
            loaded = session.load()
            return session.call(function, call, reply_bytes=reply_bytes) if isinstance(loaded, Returned) else loaded
        finally:
            session.kill()

    def reread(self, numbers: Sequence[int]) -> list[Reply]:
        """Return the results of earlier calls of this process as they are now."""
        if self._session is None:
            return [Died(Outcome.CRASHED, "not run: the process had died")] * len(numbers)
        return self._session.reread(numbers)

    def grant(self) -> None:
        """Give the next function its own restarts."""
        self._restarts = 0
        if self._session is None and isinstance(self.loaded, Returned):
            self._start()

    def close(self) -> None:
        if self._session is not None:
            self._session.kill()
            self._session = None

    def _until_done(self, ask: Callable[[Session, int], Iterator[Reply]], total: int) -> Iterator[Reply]:
        """Take replies from one process after another, the first `done` of which are there already."""
        done = 0
        while done < total:
            if self._session is None:
                done += 1
                yield Died(Outcome.CRASHED, "not run: the process had died too often")
                continue
            for reply in ask(self._session, done):
                done += 1
                self.calls += 1
                if isinstance(reply, Died):
                    self._restart()
                yield reply

    def _restart(self) -> None:
        self.close()
        if self._restarts < RESTARTS:
            self._restarts += 1
            self._start()

    def _start(self) -> Reply:
        self._session = self._open()
        self.calls = 0
        reply = self._session.load()
        if isinstance(reply, Died | Raised):
            self.close()
        return reply
