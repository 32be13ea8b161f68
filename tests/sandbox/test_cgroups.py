"""A control group holds a worker's processes together where the kernel lets us make one, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from grader.contract import Call, Limits
from grader.outcome import Outcome
from grader.sandbox import cgroups
from grader.sandbox.host import Sandbox
from grader.sandbox.replies import Died, Returned

HOG = (
    b"def hold(size):\n    kept = bytearray(size)\n    kept[::4096] = b'x' * len(kept[::4096])\n    return len(kept)\n"
)


@pytest.fixture
def works() -> None:
    group = cgroups.make()
    if group is None:
        pytest.skip("no control group can be made here")
    group.remove()


@pytest.mark.usefixtures("works")
def test_every_process_of_a_worker_is_inside_and_nothing_is_left() -> None:
    with Sandbox() as sandbox:
        assert "control group" in sandbox.walls
        zygote = sandbox._zygote
        assert zygote is not None
        assert zygote.group is not None
        with sandbox.open(HOG, "hog.py", Limits(), b"") as session:
            session.load()
            for folder in zygote.group.folders:
                inside = (folder / "cgroup.procs").read_text().split()
                assert str(sandbox.worker_pid) in inside
                assert len(inside) >= 2
        folders = zygote.group.folders
    assert not any(folder.exists() for folder in folders)


@pytest.mark.usefixtures("works")
def test_memory_without_a_limit_of_its_own_ends_at_the_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """A negative limit is for models on a GPU: what they take is bounded by the group, and told as memory."""
    monkeypatch.setattr(cgroups, "MEMORY", 300 << 20)
    with Sandbox() as sandbox:
        with sandbox.open(HOG, "hog.py", Limits(memory=-1), b"") as session:
            session.load()
            small = session.call("hold", Call((50 << 20,)), reply_bytes=8)
            assert isinstance(small, Returned)
            large = session.call("hold", Call((600 << 20,)), reply_bytes=8)
            assert isinstance(large, Died)
            assert large.outcome is Outcome.OUT_OF_MEMORY
        with sandbox.open(HOG, "hog.py", Limits(), b"") as session:  # the next one is not touched
            session.load()
            assert isinstance(session.call("hold", Call((1 << 20,)), reply_bytes=8), Returned)
            assert not session.died


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="ascii")
    return root


def test_version_2_makes_a_leaf_for_the_grader_first(tmp_path: Path) -> None:
    """Only groups without processes may have groups with limits inside: a plain folder shows what is written where."""
    mount = tree(tmp_path / "fs", {"u/s/cgroup.controllers": "cpu memory pids", "u/s/cgroup.subtree_control": ""})
    own = tmp_path / "own"
    own.write_text("0::/u/s\n", encoding="ascii")
    group = cgroups.make(mount, own)
    assert group is not None
    (folder,) = group.folders
    assert folder.parent == mount / "u/s"
    assert (mount / "u/s" / cgroups.KEEPER / "cgroup.procs").read_text() == str(os.getpid())
    assert (mount / "u/s/cgroup.subtree_control").read_text() == "+memory +pids"
    wanted = {"memory.max": str(cgroups.MEMORY), "memory.swap.max": "0", "pids.max": str(cgroups.PROCESSES)}
    assert {file.name: file.read_text() for file in folder.iterdir()} == wanted
    (mount / "u/s/cgroup.subtree_control").write_text("memory pids", encoding="ascii")
    own.write_text(f"0::/u/s/{cgroups.KEEPER}\n", encoding="ascii")  # where the grader is now
    again = cgroups.make(mount, own)
    assert again is not None
    assert again.folders[0].parent == mount / "u/s"
    (folder / "memory.events").write_text("oom 3\noom_kill 2\n", encoding="ascii")
    assert group.killed() == 2


@pytest.mark.parametrize("places", ["", "0::/nowhere\n", "4:cpu:/\n", "3:memory:/a\n2:pids:/b\n"])
def test_where_none_can_be_made_there_is_none(tmp_path: Path, places: str) -> None:
    own = tmp_path / "own"
    own.write_text(places, encoding="ascii")
    assert cgroups.make(tmp_path / "fs", own) is None


def test_groups_of_killed_runs_are_removed(tmp_path: Path) -> None:
    process = os.fork()
    if process == 0:
        os._exit(0)
    os.waitpid(process, 0)
    mount = tree(tmp_path, {"memory/a/x": "", "pids/b/x": ""})
    (tmp_path / "own").write_text("3:memory:/a\n2:pids:/b\n", encoding="ascii")
    (mount / f"memory/a/{cgroups.NAME}-{process}-0").mkdir()
    (mount / f"memory/a/{cgroups.NAME}-{os.getppid()}-0").mkdir()
    assert cgroups.make(mount, tmp_path / "own") is not None
    assert not (mount / f"memory/a/{cgroups.NAME}-{process}-0").exists()
    assert (mount / f"memory/a/{cgroups.NAME}-{os.getppid()}-0").exists()


def test_a_kill_from_elsewhere_is_not_told_as_memory() -> None:
    with (
        Sandbox() as sandbox,
        sandbox.open(b"import os\ndef f(n):\n    os.kill(os.getpid(), n)\n", "f.py", Limits(), b"") as session,
    ):
        session.load()
        died = session.call("f", Call((int(signal.SIGKILL),)), reply_bytes=8)
        assert isinstance(died, Died)
        assert died.outcome is Outcome.CRASHED
