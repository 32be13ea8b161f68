"""Calls that every process inherits: they count exactly as calls that are sent, and answers are read once."""

from __future__ import annotations

import ctypes
import importlib.util
import mmap
import os
import random
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.contract import Call, Limits
from grader.functions.arrays import LAYOUTS, laid_out
from grader.functions.local import LocalSession
from grader.functions.runner import RESTARTS, Runner
from grader.outcome import Outcome
from grader.sandbox import host, script
from grader.sandbox.host import Sandbox
from grader.sandbox.replies import Died, Raised, Reply, Returned
from grader.sandbox.script import Script

LIMITS = Limits(call_seconds=1.0, total_seconds=5.0, memory=256 << 20)
SOURCE = b"""import os, sys, time
import numpy as np

BUFFER = np.zeros(3)
SEEN = []

def kind(*args, **kwargs):
    shown = [(type(a).__name__, getattr(a, "strides", None)) for a in args]
    flags = [a.flags.writeable for a in args if isinstance(a, np.ndarray)]
    return repr((shown, flags, [np.asarray(a).tolist() for a in args], sorted(kwargs)))

def spoil(x, steps, flag=None):
    if x.flags.writeable:
        x[...] = 7
    steps.append(9)
    return x[:1] if flag else 1

def buffer(n):
    BUFFER[0] = n
    return BUFFER if n % 2 else BUFFER.copy()

def boxed(x, n):
    own, other = x * 2, BUFFER.copy()
    boxes = [(own, other), ([own], (other, x)), (own, x[1:]), {"own": own, "x": [x]}]
    return [*boxes, (own, own), (own, BUFFER), [x[:0], n]][n]

def ends(n):
    if n in (3, 7, 8):
        os._exit(1)
    return n

def dies(n):
    os._exit(1)

def flatten(x):
    x.shape = -1
    if x[0] < 0:
        raise ValueError
    return x.sum()

def late(n):
    time.sleep(3 if n == 2 else 0)
    return n

def fails(n):
    raise ValueError(str(n))

def noise(n):
    return SEEN.append(0) or os.urandom(8).hex()

def double(x):
    return x * 2

BY_ID = {}

def recall(x):
    return BY_ID.setdefault(id(x), float(x.sum()))

def twice(n):
    answer = b'{"id":%d,"ok":true,"changed":[],"shares":[],"earlier":[],"tree":1}' % n
    os.write(3, 2 * (len(answer).to_bytes(8, "little") + (1).to_bytes(8, "little") + answer + b"5"))
    return n

def hunt(x):
    import gc
    frame, found = sys._getframe(), None
    while frame is not None and found is None:
        found, frame = frame.f_locals.get("script"), frame.f_back
    todo, seen, inputs = [found], {}, []
    while todo:
        item = todo.pop()
        if id(item) not in seen and type(item).__name__ in ("list", "tuple", "dict", "Prepared", "ndarray"):
            seen[id(item)] = item
            inputs += [float(item.flat[0])] if type(item).__name__ == "ndarray" else []
            todo += gc.get_referents(item)
    return sorted(set(inputs))
"""


def numbers(function: str, count: int = 10) -> Script:
    return Script(function, [(Call((n,)), 100) for n in range(count)])


def mixed(function: str) -> Script:
    """Return calls whose arguments are stored in every way, and of every type."""
    x = np.arange(6.0).reshape(2, 3)
    calls = [Call((laid_out(x, layout), [1, 2])) for layout in LAYOUTS]
    calls += [Call((np.float32(2), (np.int64(1), 2), None)), Call((x[:0], [x, {"a": [1]}]), {"flag": True})]
    return Script(function, [(call, 100) for call in calls])


def boxes() -> Script:
    """Return calls whose results are arrays in tuples, lists and dicts: of their own, given, and handed out before."""
    x = np.arange(6.0).reshape(2, 3)
    return Script("boxed", [(Call((array, n)), 100) for array in (x, x.astype("int8"), x.T) for n in range(7)])


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


def replies(sandbox: Sandbox, asked: Script, known: tuple[Script, ...], start: int = 0) -> list[Reply]:
    with sandbox.open(SOURCE, "given.py", LIMITS, b"seed", known) as session:
        session.load()
        return list(session.perform(asked, start))


def plain(value: Any) -> Any:
    """Return a value with lists for its arrays."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(plain(item) for item in value)
    return (value.dtype.str, value.tolist()) if isinstance(value, np.ndarray) else value


def said(found: list[Reply]) -> list[Any]:
    """Return what replies say, without how long they took."""
    return [(plain(r.value), r.changed, r.shares, r.earlier) if isinstance(r, Returned) else r for r in found]


@pytest.mark.parametrize("asked", [mixed("kind"), mixed("spoil"), boxes(), numbers("buffer"), numbers("fails")])
def test_inherited_calls_are_like_sent_ones(asked: Script, sandbox: Sandbox) -> None:
    """Layouts, types, what is modified, shared and handed out again: nothing may differ, for the first nor the next."""
    sent = said(replies(sandbox, asked, ()))
    assert not any(asked.answers)
    assert len(sent) == len(asked.calls)
    assert said(replies(sandbox, asked, (asked,))) == sent
    assert said(replies(sandbox, asked, (asked,))) == sent
    assert said(replies(sandbox, asked, (asked,), 2)[:1]) == sent[2:3] or asked.function in ("buffer", "boxed")


def test_arrays_inside_a_result_are_seen_to_be_given_or_handed_out_before(sandbox: Sandbox) -> None:
    found = said(replies(sandbox, boxes(), (boxes(),)))
    assert [shares for _, _, shares, _ in found[:7]] == [(), (0,), (0,), (0,), (), (), ()]
    assert [earlier for _, _, _, earlier in found[5::7]] == [(), (5,), (5, 12)], found


def test_who_remembers_by_id_is_wrong_on_the_same_calls_each_time(sandbox: Sandbox) -> None:
    """An array has the memory of the earlier one of its form, and no other: marks must not depend on the allocator."""
    small, large = np.arange(3.0), np.arange(50.0)
    calls = [Call((x + n,)) for n in range(4) for x in (small, large)]
    wanted = [3.0, 1225.0] * 4
    for known in ((), (Script("recall", [(call, 8) for call in calls]),)):
        found = replies(sandbox, Script("recall", [(call, 8) for call in calls]), known)
        assert [reply.value for reply in found if isinstance(reply, Returned)] == wanted
    by_id: dict[int, float] = {}
    local = LocalSession({"recall": lambda x: by_id.setdefault(id(x), float(x.sum()))})
    found = list(local.calls("recall", [(call, 8) for call in calls]))
    assert [reply.value for reply in found if isinstance(reply, Returned)] == wanted


def test_an_argument_that_was_given_another_form_comes_back_as_it_was(sandbox: Sandbox) -> None:
    """Its memory is used for the next array of its first form: that one must not arrive in the other form."""
    calls = [Call((np.arange(6.0).reshape(2, 3) + n,)) for n in (-1, 0, 2, -3, 1)]
    asked = Script("flatten", [(call, 8) for call in calls])
    for known in ((), (asked,)):
        found = replies(sandbox, asked, known)
        assert [reply.value if isinstance(reply, Returned) else "" for reply in found] == ["", 15.0, 27.0, "", 21.0]
        assert [reply.changed for reply in found if isinstance(reply, Returned)] == [(0,)] * 3


def test_the_same_bytes_are_read_once(sandbox: Sandbox) -> None:
    """A class is graded at the speed of comparing bytes; another answer is another reply."""
    asked = numbers("double")
    first, second = replies(sandbox, asked, (asked,)), replies(sandbox, asked, (asked,))
    assert [one is other for one, other in zip(first, second, strict=True)] == [True] * 10
    assert [len(known) for known in asked.answers] == [1] * 10
    array = Script("double", [(Call((np.ones(3),)), 100)])
    (reply,) = replies(sandbox, array, (array,))
    assert isinstance(reply, Returned)
    with pytest.raises(ValueError, match="read-only"):
        reply.value[0] = 5


def test_the_same_answers_together_are_judged_once(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a class answers alike is judged as a whole once; who differs in one answer is judged for himself."""
    asked = mixed("kind")
    one, two = (replies(sandbox, asked, (asked,)) for _ in range(2))
    found = [asked.together(given, lambda: object()) for given in (one, two, one[1:], two[1:], [*one[:-1], one[0]])]
    assert found[0] is found[1]
    assert found[2] is found[3]
    assert len(set(map(id, found))) == 3
    foreign = [*one[:-1], Returned(1)]
    assert asked.together(foreign, lambda: 1) != asked.together(foreign, lambda: 2)
    monkeypatch.setattr(script, "ANSWERS", len(asked.joint))
    assert asked.together(one[2:], lambda: 1) != asked.together(one[2:], lambda: 2)


def test_what_is_remembered_is_bounded(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A class that returns noise must not fill the memory, and is still read right."""
    monkeypatch.setattr(script, "ANSWERS", 3)
    asked = numbers("noise", 4)
    rounds = [said(replies(sandbox, asked, (asked,))) for _ in range(5)]
    assert [len(known) for known in asked.answers] == [3] * 4
    assert len({value for found in rounds for value, *_ in found}) == 20
    kept = next(iter(asked.answers[0].values()))
    other = Returned("another")
    asked.judged(kept, "kept")
    asked.judged(other, "not kept")
    assert list(asked.judgements.values()) == ["kept"]


def test_earlier_results_are_no_matter_of_bytes(sandbox: Sandbox) -> None:
    """The same numbers mean something else in a process in which other calls were made before."""
    asked = numbers("buffer")
    found = replies(sandbox, asked, (asked,))
    assert [r.earlier for r in found if isinstance(r, Returned)][1::2] == [(), (1,), (1, 3), (1, 3, 5), (1, 3, 5, 7)]
    assert [len(known) for known in asked.answers] == [1, 1, 1, 0, 1, 0, 1, 0, 1, 0]


def test_a_death_costs_one_call(sandbox: Sandbox) -> None:
    """The next process goes on after the call that ended the one before."""
    asked = numbers("ends", 12)
    runner = Runner(lambda: sandbox.open(SOURCE, "given.py", LIMITS, b"seed", (asked,)))
    found = list(runner.perform(asked))
    runner.close()
    assert RESTARTS == 2
    assert [r.value if isinstance(r, Returned) else "died" for r in found] == [
        0, 1, 2, "died", 4, 5, 6, "died", "died", "died", "died", "died",
    ]  # fmt: skip


def test_every_call_has_its_deadline(sandbox: Sandbox) -> None:
    """That calls are made without being asked for one by one gives none of them more time."""
    asked = numbers("late")
    found = replies(sandbox, asked, (asked,))
    assert len(found) == 3
    assert found[2] == Died(Outcome.TIMEOUT, "One call took longer than 1 s.")


def test_answers_that_take_long_to_read_take_the_students_time(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred thousand numbers for each of a thousand calls would be minutes of the grader's own work."""
    read = host._reply

    def slowly(*arguments: Any) -> Any:
        time.sleep(0.1)
        return read(*arguments)

    monkeypatch.setattr(host, "_reply", slowly)
    asked = numbers("double", 40)
    with sandbox.open(SOURCE, "given.py", Limits(1.0, 1.0, LIMITS.memory), b"seed", (asked,)) as session:
        session.load()
        found = list(session.perform(asked))
    assert len(found) < 15
    assert found[-1] == Died(Outcome.TIMEOUT, "The calls together took longer than 1 s.")


def test_answers_that_were_not_asked_for_are_refused(sandbox: Sandbox) -> None:
    """An answer too many is an answer to another question, or one that nobody waits for."""
    asked = numbers("twice", 1)
    for _ in range(2):
        (reply,) = replies(sandbox, asked, (asked,))
        assert isinstance(reply, Died), reply
        assert "broke the rules" in reply.message
    asked = numbers("twice", 3)
    assert isinstance(replies(sandbox, asked, (asked,))[1], Died)


def test_a_large_script_is_sent_call_by_call(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no process can inherit is asked for all the same; so is what the zygote learnt after the fork."""
    asked = numbers("double")
    with sandbox.open(SOURCE, "given.py", LIMITS, b"seed") as session:
        session.load()
        with sandbox.open(SOURCE, "given.py", LIMITS, b"seed", (asked,)) as other:
            other.load()
            assert said(list(session.perform(asked))) == said(list(other.perform(asked)))
    monkeypatch.setattr(host, "SCRIPT_LIMIT", 100)
    large = numbers("double")
    assert said(replies(sandbox, large, (large,))) == said(replies(sandbox, asked, (asked,)))
    assert not any(large.answers)
    assert any(asked.answers)


def test_a_new_zygote_learns_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.sandbox.host.SESSIONS_PER_ZYGOTE", 12)
    asked = numbers("double")
    with Sandbox() as sandbox:
        workers = {sandbox.worker_pid}
        for _ in range(14):
            assert [r.value for r in replies(sandbox, asked, (asked,)) if isinstance(r, Returned)] == [*range(0, 20, 2)]
            workers.add(sandbox.worker_pid)
        assert len(workers) == 2


def test_only_inputs_are_inherited(sandbox: Sandbox) -> None:
    """A process that hunts through the calls it inherits finds arguments, those to come too, and no results."""
    asked = Script("hunt", [(Call((np.array([value]),)), 100) for value in (3.0, 5.0, 7.0)])
    for reply in replies(sandbox, asked, (asked,)):
        assert isinstance(reply, Returned)
        assert reply.value == [3.0, 5.0, 7.0]


def test_a_missing_function_raises_for_every_call(sandbox: Sandbox) -> None:
    asked = numbers("nothing", 3)
    found = replies(sandbox, asked, (asked,))
    assert [r.type for r in found if isinstance(r, Raised)] == ["NameError"] * 3


def the_worker() -> Any:
    path = Path(host.__file__).with_name("worker.py")
    spec = importlib.util.spec_from_file_location("worker_under_test", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_overlaps_are_found_as_by_looking_at_all() -> None:
    """Looking between the nearest neighbours only must find what looking at every pair finds."""
    worker, rng = the_worker(), random.Random(5)
    for room in (40, 400, 4000):
        kept, all_held = worker.Kept(), dict[int, list[tuple[int, int]]]()
        for number in range(300):
            starts = [rng.randrange(room) for _ in range(rng.choice((0, 1, 1, 1, 2)))]
            held = [(start, start + rng.randrange(1, 9)) for start in starts]
            pairs = {n for n, others in all_held.items() for a, b in held for c, d in others if a < d and c < b}
            assert kept.meeting(held) == sorted(pairs)
            if number >= 20:
                kept.forget(number - 20)
                all_held.pop(number - 20)
            if not pairs or rng.random() < 0.001 or room == 40:
                kept.add(number, held)
                all_held[number] = held
            else:
                kept.add(number, [])
                all_held[number] = []


def test_addresses_are_read_right() -> None:
    """The quick way to tell where an array is agrees with NumPy's own."""
    worker = the_worker()
    x = np.arange(24.0).reshape(2, 3, 4)
    for array in (x, x[1:], x[:, ::-1], x.T, np.asfortranarray(x), np.array(5), np.frombuffer(b"12345678")):
        assert worker.fast_address(array) == worker.slow_address(array)


def huge_bytes(address: int) -> int:
    """Return how much of the mapping that an address lies in is held in large pages."""
    inside = False
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8", errors="replace").splitlines():
        first = line.split()[0]
        if "-" in first and not first.endswith(":"):
            start, end = (int(number, 16) for number in first.split("-"))
            inside = start <= address < end
        elif inside and first == "AnonHugePages:":
            return int(line.split()[1]) << 10
    raise AssertionError(hex(address))


def test_what_was_written_is_gathered_and_what_was_not_is_not_taken() -> None:
    """A fork copies less of the page tables then; elsewhere than on Linux 6.1 and later nothing changes."""
    large, worker = 32 << 20, the_worker()
    written, untouched = mmap.mmap(-1, large, mmap.MAP_PRIVATE), mmap.mmap(-1, large, mmap.MAP_PRIVATE)
    written[:] = bytes(range(256)) * (large >> 8)
    untouched[0] = 1
    process = os.open("/proc/self", os.O_RDONLY | os.O_DIRECTORY)
    worker.gather(process)
    os.close(process)
    assert 0 < present_bytes(untouched) <= worker.HUGE
    assert present_bytes(written) == large
    assert written[:] == bytes(range(256)) * (large >> 8)
    place = ctypes.addressof(ctypes.c_char.from_buffer(written))
    first = ctypes.c_void_p(-(-place // worker.HUGE) * worker.HUGE)
    if ctypes.CDLL(None).madvise(first, ctypes.c_size_t(worker.HUGE), worker.MADV_COLLAPSE) == 0:
        assert huge_bytes(place) >= large - 2 * worker.HUGE


def present_bytes(memory: mmap.mmap) -> int:
    """Return how much of a mapping this process has pages for."""
    page, place = resource.getpagesize(), ctypes.addressof(ctypes.c_char.from_buffer(memory))
    with open("/proc/self/pagemap", "rb") as file:
        file.seek(place // page * 8)
        entries = file.read(len(memory) // page * 8)
    return page * sum(byte >> 7 for byte in entries[7::8])


def test_without_a_list_of_its_memory_it_goes_on(tmp_path: Path) -> None:
    nothing = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    the_worker().gather(nothing)
    os.close(nothing)
