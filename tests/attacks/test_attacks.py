"""Hostile modules earn nothing, reach nothing and leave nothing, in every tier."""

from __future__ import annotations

import builtins
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from grader.contract import Call, Limits
from grader.sandbox.host import Sandbox, Session
from grader.sandbox.replies import Died, Junk, Raised, Reply, Returned
from tests.attacks.corpus import ATTACKS, Attack

LIMITS = Limits(call_seconds=0.5, total_seconds=3.0, memory=128 << 20)
X = np.arange(6.0)


@dataclass
class Canaries:
    """What must not be touched: a secret file, a writable file, a listener."""

    secret: Path
    writable: Path
    listener: socket.socket

    def unharmed(self) -> bool:
        try:
            self.listener.accept()[0].close()
        except BlockingIOError:
            return (
                self.writable.read_text() == "planted"
                and sorted(self.writable.parent.iterdir()) == [self.secret, self.writable]
                and not Path("/tmp/left-behind").exists()
            )
        return False


@contextmanager
def planted(folder: Path) -> Iterator[Canaries]:
    """Plant canaries in an empty folder that everybody may enter, so that only the sandbox stands before them."""
    folder.chmod(0o777)
    secret, writable = folder / "secret", folder / "writable"
    secret.write_text("a planted secret")
    writable.write_text("planted")
    for path in (secret, writable):
        path.chmod(0o666)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield Canaries(secret, writable, listener)


@pytest.fixture(scope="module")
def canaries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canaries]:
    folder = tmp_path_factory.mktemp("canaries")
    for parent in (folder.parent, folder.parent.parent):
        parent.chmod(0o777)
    with planted(folder) as made:
        yield made


@pytest.fixture(scope="module", params=["full", "bwrap", "landlock"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with Sandbox(tier=request.param) as made:
        yield made


def source_of(attack: Attack, canaries: Canaries) -> bytes:
    text = attack.source.replace("SECRET", str(canaries.secret)).replace("WRITABLE", str(canaries.writable))
    return text.replace("PORT", str(canaries.listener.getsockname()[1])).encode()


def run(session: Session) -> Reply:
    loaded = session.load()
    if not isinstance(loaded, Returned):
        return loaded
    return session.call("double", Call((X,)), reply_bytes=X.nbytes)


def seen(reply: Reply) -> set[str]:
    """Return the words of an expectation that this reply would meet."""
    if isinstance(reply, Died):
        return {reply.outcome.value}
    if isinstance(reply, Raised):
        return {base.__name__ for base in getattr(builtins, reply.type).__mro__}
    if type(reply.value) is Junk:
        return {"junk"}
    same = type(reply.value) is np.ndarray and reply.value.shape == X.shape and bool(np.all(reply.value == 2 * X))
    return {"right" if same else "wrong"}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_attack_gets_nothing(attack: Attack, sandbox: Sandbox, canaries: Canaries) -> None:
    """The reply is the expected one, in time, and no canary was touched."""
    start = time.monotonic()
    with sandbox.open(source_of(attack, canaries), "attack.py", LIMITS, b"seed") as session:
        reply = run(session)
        printed = session.output()
    assert seen(reply) & set(attack.expected), reply
    assert time.monotonic() - start < 2.5
    assert len(printed) <= 1 << 16
    assert canaries.unharmed()
    if isinstance(reply, Raised):
        assert len(reply.message) <= 2000


def test_the_corpus_is_large_enough() -> None:
    """The promise is eighty; names must tell them apart."""
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 80


def test_the_next_student_is_not_touched(sandbox: Sandbox, canaries: Canaries) -> None:
    """After everything above, on the same zygote, a right submission is still right and alone."""
    (control,) = [attack for attack in ATTACKS if attack.name == "control"]
    with sandbox.open(source_of(control, canaries), "control.py", LIMITS, b"seed") as session:
        assert seen(run(session)) == {"right"}
    assert children_of(sandbox) == 0


def children_of(sandbox: Sandbox) -> int:
    """Return how many processes the zygote has."""
    assert sandbox.worker_pid
    count = 0
    todo = [sandbox.worker_pid]
    while todo:
        pid = todo.pop()
        below = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        todo += below
        count += len(below)
    return count - ("namespaces" in sandbox.walls)  # there the zygote is itself a child of the process that waits
