"""What the grader learns from a student's process, and how sure it can be of it."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.contract import Call, Limits
from grader.errors import InputError, SandboxError
from grader.functions.runner import Runner
from grader.outcome import Outcome
from grader.sandbox import probe, protocol
from grader.sandbox.host import Sandbox, Session, _reply, place_of
from grader.sandbox.replies import Died, Junk, Raised, Reply, Returned

LIMITS = Limits(call_seconds=1.0, total_seconds=5.0, memory=256 << 20)
SOURCE = b"""import dataclasses, functools, random, typing
import numpy as np
from math import sqrt

VARIANT = "padding-1"
answers = {"output": 5, "same": None, "shape": "3 x 3"}
KEPT = np.zeros(3)
BOX = [1]

@dataclasses.dataclass
class Thing:
    size: "typing.Optional[int]" = None

def same(x):
    return x

def view(x):
    return x[1:]

def copy(x, *, scale=1):
    return x * scale

def spoil(x, names):
    x[0] = 9
    names.append(1)

def kept():
    KEPT[0] += 1
    return KEPT

def box():
    return BOX

@functools.lru_cache
def cached(n):
    return n

def fails(x):
    print("dividing")
    return helper(x)

def helper(x):
    return 1 / x

def kind(*args, **kwargs):
    return [type(item).__name__ for item in args], {key: type(item).__name__ for key, item in kwargs.items()}

def lack():
    import scipy.signal

def dice():
    return random.random(), float(np.random.rand())

def tree():
    return {"a": [1, (2.5, None)], "b": (i for i in ())}

def sleepy(seconds=0.4):
    import time
    time.sleep(seconds)

def _hidden():
    pass

if __name__ == "__main__":
    raise SystemExit
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


@pytest.fixture
def session(sandbox: Sandbox) -> Iterator[Session]:
    with sandbox.open(SOURCE, "padding.py", LIMITS, b"seed") as opened:
        assert isinstance(opened.load(), Returned)
        yield opened


def call(session: Session, name: str, *args: Any, **kwargs: Any) -> Reply:
    return session.call(name, Call(args, kwargs), reply_bytes=1000)


def returned(reply: Reply) -> Returned:
    assert isinstance(reply, Returned), reply
    return reply


def test_loading_names_the_functions(sandbox: Sandbox) -> None:
    """A misspelt function is found by its name; what was imported or hidden is none of the student's."""
    with sandbox.open(SOURCE, "padding.py", LIMITS, b"seed") as session:
        names = returned(session.load()).value
    assert {"same", "cached", "fails"} <= set(names)
    assert not {"sqrt", "Thing", "_hidden", "np"} & set(names)


def test_a_name_of_any_length_is_no_matter(sandbox: Sandbox) -> None:
    """A zip holds names of 64 KB; the zygote, told of such a one, would end, and the student lose no mark."""
    worker = sandbox.worker_pid
    with sandbox.open(b"def f():\n    raise ValueError\n", "\N{SNOWMAN}" * 21_000 + ".py", LIMITS, b"seed") as session:
        assert returned(session.load()).value == ("f",)
        failed = call(session, "f")
    assert isinstance(failed, Raised)
    assert failed.line == 2
    assert sandbox.worker_pid == worker


def test_globals_are_read_as_plain_data(session: Session) -> None:
    """The answers of a submission are read without running it in the grader."""
    assert returned(session.value("answers")).value == {"output": 5, "same": None, "shape": "3 x 3"}
    assert returned(session.value("VARIANT")).value == "padding-1"
    missing = session.value("nothing")
    assert isinstance(missing, Raised)
    assert missing.type == "NameError"


def test_arguments_keep_their_types(session: Session) -> None:
    """np.int64(2), a tuple and a list are different arguments."""
    reply = returned(call(session, "kind", np.int64(2), 2, (1,), [1], "a", None, np.ones(2), [{"a": 1}], flag=True))
    names, named = reply.value
    assert names == ["int64", "int", "tuple", "list", "str", "NoneType", "ndarray", "list"]
    assert named == {"flag": "bool"}


def test_results_come_back(session: Session) -> None:
    """A right result must arrive bit by bit, whatever the layout of the argument was."""
    x = np.asfortranarray(np.random.default_rng(1).normal(size=(3, 4)))[::-1]
    reply = returned(call(session, "copy", x, scale=2.0))
    assert np.array_equal(reply.value, x * 2.0)
    assert (reply.changed, reply.shares, reply.earlier) == ((), (), ())
    assert 0 < reply.seconds < 1


def test_changed_arguments_are_named(session: Session) -> None:
    """A function that writes into its input is told so; the grader's own copy is untouched."""
    x, names = np.zeros(3), ["a"]
    assert returned(call(session, "spoil", x, names)).changed == (0, 1)
    assert returned(call(session, "spoil", x, names=names)).changed == (0, "names")
    assert not x.any()
    assert names == ["a"]


def test_shared_memory_is_named(session: Session) -> None:
    """A result that is the input, or part of it, changes later with it."""
    assert returned(call(session, "same", np.zeros(3))).shares == (0,)
    assert returned(call(session, "view", np.zeros((3, 3))[::-1])).shares == (0,)
    assert returned(call(session, "same", x=[1, 2])).shares == ("x",)
    assert returned(call(session, "copy", np.zeros(3))).shares == ()


def test_results_that_change_later_are_found(session: Session) -> None:
    """A buffer that is handed out twice makes the first result wrong after the fact."""
    assert returned(call(session, "copy", np.zeros(3))).earlier == ()
    assert returned(call(session, "kept")).value[0] == 1
    assert returned(call(session, "kept")).earlier == (1,)
    assert returned(session.reread([1])[0]).value[0] == 2
    assert returned(call(session, "box")).earlier == ()
    assert returned(call(session, "box")).earlier == (3,)
    with pytest.raises(ValueError, match="number=5 must be from 0 to 4"):
        session.reread([1, 5])


def test_exceptions_name_the_students_own_line(session: Session) -> None:
    """The line is the last one of the student's file, not one of a library."""
    reply = call(session, "fails", 0)
    assert reply == Raised("ZeroDivisionError", "division by zero", SOURCE.split(b"\n").index(b"    return 1 / x") + 1)
    assert session.output() == "dividing\n"
    assert returned(call(session, "fails", 2)).value == 0.5


def test_missing_modules_are_named(session: Session) -> None:
    """Only the allowed packages exist inside."""
    reply = call(session, "lack")
    assert isinstance(reply, Raised)
    assert (reply.type, reply.missing) == ("ModuleNotFoundError", "scipy")


def test_a_missing_function_is_an_exception(session: Session) -> None:
    """It must not look like a crash of the sandbox."""
    reply = call(session, "nothing")
    assert isinstance(reply, Raised)
    assert reply.type == "NameError"


def test_the_seed_rules_random_numbers(sandbox: Sandbox) -> None:
    """Equal seeds repeat a run exactly; other seeds make remembered numbers worthless."""

    def roll(seed: bytes) -> Any:
        with sandbox.open(SOURCE, "padding.py", LIMITS, seed) as session:
            session.load()
            return returned(call(session, "dice")).value

    assert roll(b"one") == roll(b"one") != roll(b"two")


def test_junk_inside_plain_data_is_marked(session: Session) -> None:
    """The plain part of a result stays readable."""
    assert returned(call(session, "tree")).value == {"a": [1, (2.5, None)], "b": Junk("a generator")}


def test_all_calls_together_have_a_deadline(sandbox: Sandbox) -> None:
    """Many slow calls must not take the sum of their limits."""
    with sandbox.open(SOURCE, "padding.py", Limits(1.0, 1.0), b"seed") as session:
        session.load()
        replies = [call(session, "sleepy") for _ in range(4)]
    assert isinstance(replies[0], Returned)
    last = replies[-1]
    assert isinstance(last, Died)
    assert last.outcome is Outcome.TIMEOUT
    assert last.message == "The calls together took longer than 1 s."
    assert last is replies[-2]  # after a death every reply is that death


def test_a_late_call_is_ended_in_time(sandbox: Sandbox) -> None:
    """The deadline is the grader's own clock, and nothing of the process is left."""
    with sandbox.open(b"def f():\n    while True: pass\n", "f.py", Limits(call_seconds=0.3), b"") as session:
        session.load()
        start = time.monotonic()
        reply = call(session, "f")
        assert time.monotonic() - start < 1.3
    assert reply == Died(Outcome.TIMEOUT, "One call took longer than 0.3 s.")


def test_a_dead_zygote_is_replaced() -> None:
    """A machine that kills our worker must not cost the next student anything."""
    with Sandbox() as sandbox:
        before = sandbox.worker_pid
        with sandbox.open(SOURCE, "padding.py", LIMITS, b"seed") as session:
            session.load()
            os.kill(before, 9)
            time.sleep(0.1)
            reply = call(session, "copy", 1)
            assert isinstance(reply, Died)
            assert reply.outcome is Outcome.UNGRADABLE  # not the student's fault
        with sandbox.open(SOURCE, "padding.py", LIMITS, b"seed") as session:
            assert isinstance(session.load(), Returned)
        assert sandbox.worker_pid != before


def test_nothing_is_left_after_closing() -> None:
    """No process, no descriptor, no folder."""
    descriptors = len(os.listdir("/proc/self/fd"))
    sandbox = Sandbox()
    pid, folder = sandbox.worker_pid, sandbox.folder
    sessions = [sandbox.open(SOURCE, "padding.py", LIMITS, b"seed") for _ in range(3)]
    assert all(isinstance(session.load(), Returned) for session in sessions)
    sandbox.close()
    assert not Path(f"/proc/{pid}").exists()
    assert not folder.exists()
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_who_still_works_with_a_closed_sandbox_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C closes it while another thread waits for a student: nothing may be opened again, to run on for hours."""
    sandbox = Sandbox()
    waiting = threading.Event()
    original = Session.call

    def noted(self: Session, *args: Any, **kwargs: Any) -> Reply:
        waiting.set()
        return original(self, *args, **kwargs)

    monkeypatch.setattr(Session, "call", noted)
    runner = Runner(lambda: sandbox.open(SOURCE, "given.py", Limits(call_seconds=100, total_seconds=100), b"seed"))
    ended: list[Any] = []

    def work() -> None:
        try:
            ended.append(runner.call("sleepy", Call((90,)), 100))
        except SandboxError as error:
            ended.append(error.message)

    thread = threading.Thread(target=work)
    thread.start()
    waiting.wait(20)
    time.sleep(0.1)
    sandbox.close()
    thread.join(20)
    assert ended == ["the sandbox is closed"]
    assert sandbox.worker_pid == 0
    with pytest.raises(SandboxError, match="is closed"):
        sandbox.open(SOURCE, "given.py", Limits(), b"seed")


def test_unknown_packages_are_refused() -> None:
    """A course that allows a package which is not installed must hear of it before grading."""
    with pytest.raises(InputError, match="no_such_package"):
        Sandbox(frozenset({"no_such_package"}))


def test_who_lacks_pytorch_is_told_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A student's sheet asks for a model: the way out is to install PyTorch, and no option that was never given."""
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sysconfig, "get_path", lambda name: "/nowhere")
    for package, more in (("torch", {}), ("torch._dynamo", {"otherwise": ", or leave it out of --allow"})):
        with pytest.raises(InputError, match=f"import '{package}', which is not installed") as caught:
            place_of(package, **more)
        assert caught.value.hint == f'Install it with pip install "convgrader[models]"{more.get("otherwise", "")}.'
    with pytest.raises(InputError) as caught:
        place_of("scipy")
    assert caught.value.hint == "Install it for the Python that runs `grader`."


def test_the_probe_finds_missing_walls() -> None:
    """A probe that cannot fail would prove nothing: without walls it must succeed in breaking out."""
    with Sandbox(tier="none") as sandbox:
        assert {"fork", "connect", "kill"} <= set(probe.breaches(sandbox))


def test_the_survey_names_every_tier() -> None:
    """`grader doctor` prints what was really tried."""
    reports = {report.tier: report for report in probe.survey()}
    assert list(reports) == ["full", "bwrap", "landlock"]
    for report in reports.values():
        assert report.works != bool(report.problem)
        assert not report.works or {"landlock", "seccomp", "limits"} <= set(report.walls)


def test_the_zygote_is_renewed_without_leaks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A class of thousands runs on fresh workers and grows by no descriptor."""
    monkeypatch.setattr("grader.sandbox.host.SESSIONS_PER_ZYGOTE", 15)
    with Sandbox() as sandbox:
        descriptors, workers = len(os.listdir("/proc/self/fd")), set()
        for number in range(40):
            workers.add(sandbox.worker_pid)
            with sandbox.open(b"def f(x):\n    return x * 2\n", "f.py", LIMITS, b"") as session:
                session.load()
                assert returned(call(session, "f", number)).value == 2 * number
        assert len(workers) == 3
        assert len(os.listdir("/proc/self/fd")) == descriptors


EARLY = b"""
import os, threading, time

def f():
    def later():
        time.sleep(0.05)
        head = b'{"id":3,"ok":true,"tree":4,"changed":[],"shares":[],"earlier":[]}'
        os.write(3, len(head).to_bytes(8, "little") + (4).to_bytes(8, "little") + head + b"null")
    threading.Thread(target=later).start()
"""


def test_answers_before_the_question_are_refused(sandbox: Sandbox) -> None:
    """An answer that was ready before its question cannot be an answer to it, even with the right number."""
    with sandbox.open(EARLY, "early.py", LIMITS, b"seed") as session:
        session.load()
        assert isinstance(call(session, "f"), Returned)
        time.sleep(0.3)
        reply = call(session, "f")
    assert isinstance(reply, Died)
    assert "answered before it was asked" in reply.message


ODD: tuple[Any, ...] = (
    None, True, -1, 2**31, 2**70, 1.5, "", "x", "ValueError\x1b[2J", "é" * 300, [], [[]], [{}], ["x", []], [-1],
    [2**40], {}, {"a": []}, [None], [True], ["0 0"], ["x" * 300],
)  # fmt: skip
RIGHT: dict[str, dict[str, Any]] = {
    "returned": {"id": 3, "ok": True, "tree": 4, "changed": [0, "x"], "shares": [], "earlier": [1]},
    "raised": {
        "id": 3, "ok": False, "tree": 0, "type": "ValueError", "message": "m", "line": 1, "missing": "a.b",
    },
}  # fmt: skip


@pytest.mark.parametrize("form", RIGHT)
def test_an_answer_of_another_form_is_a_protocol_error(form: str) -> None:
    """Any other exception would be a failure of ours, and the part that deserves a zero would be ungradable."""
    body = {"returned": b"null", "raised": b""}[form]
    _reply(RIGHT[form], body, 3, 0.0)
    refused = set()
    for field in RIGHT[form]:
        for value in ODD:
            header = {**RIGHT[form], field: value}
            try:
                protocol.read_header(json.dumps(header).encode())
                reply = _reply(header, body, 3, 0.0)
            except protocol.ProtocolError:
                refused.add((field, repr(value)))
            else:  # what is taken is harmless: names of Python's, and text
                assert isinstance(reply, Returned | Raised)
                if isinstance(reply, Raised):
                    assert (reply.type, reply.missing in ("", "x", "a.b", "?")) == ("ValueError", True)
        assert any(name == field for name, _ in refused) or field == "missing"
    assert {field for field, value in refused if value == "[[]]"} == RIGHT[form].keys() - {"missing"}
