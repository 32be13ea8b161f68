"""`--sandbox`: what was asked for is what is done, and where it cannot be done nothing is graded."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from grader.cli.check import check
from grader.cli.main import cli
from grader.errors import InputError, SandboxError
from grader.report import document, junit
from grader.sandbox import docker, host, tiers
from tests.sandbox import ordinary

ROOT = Path(__file__).parents[2]
TOY = ROOT / "tests" / "toy"
RIGHT = "def add(a, b):\n    return a + b\n"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    path = tmp_path / "ada.py"
    path.write_text(RIGHT)
    return path


def grade(*words: object) -> tuple[int, str, str]:
    """Return the exit status, stdout and stderr of `grader check` in a process of its own."""
    line = [sys.executable, "-m", "grader", "check", "--course", str(TOY), *map(str, words)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("tier", ["auto", "full", "bwrap", "landlock"])
def test_a_contained_run_has_no_warning(tier: str, work: Path) -> None:
    """A warning that is always there is read by nobody."""
    status, out, err = grade(work, "--sandbox", tier, "--format", "json")
    assert (status, json.loads(out)["warnings"]) == (0, [])
    assert "warning" not in err


def test_no_sandbox_is_said_everywhere(work: Path, tmp_path: Path) -> None:
    """Whoever reads any report of such a run must know what its marks are worth."""
    status, out, err = grade(work, "--sandbox", "none", "--format", "json", "-o", tmp_path / "report")
    assert status == 0
    assert json.loads(out)["warnings"] == [tiers.UNSAFE]
    assert f"warning: {tiers.UNSAFE}" in err
    pages = [tmp_path / "report" / name for name in ("index.html", "students/ada.html", "gradebook.csv")]
    assert [page.name for page in pages if "--sandbox none" not in page.read_text()] == []
    assert "--sandbox none" in junit.dumps(document.from_json(json.loads(out)))
    assert "--sandbox none" in " ".join(grade(work, "--sandbox", "none")[1].split())  # again, out of the journal


def test_a_result_without_walls_is_not_lent_to_a_run_with_them(work: Path) -> None:
    """What was forged without a sandbox must not come back out of the journal as contained."""
    assert "graded before" not in grade(work, "--sandbox", "none")[2]
    assert "graded before" not in grade(work, "--sandbox", "full")[2]
    assert "graded before" in grade(work, "--sandbox", "full")[2]


@pytest.mark.parametrize("tier", ["auto", "full", "bwrap", "landlock"])
def test_without_a_working_tier_nothing_is_graded(
    tier: str, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No silent fallback: no report, and the way out."""
    broken = tmp_path / "worker.py"
    broken.write_text("raise OSError('the kernel has no Landlock')")
    monkeypatch.setattr(host, "WORKER", broken)
    with pytest.raises(InputError, match=r"no student's code can be run safely here.*no Landlock") as caught:
        CliRunner().invoke(
            cli,
            ["check", str(work), "--course", str(TOY), "--sandbox", tier],
            standalone_mode=False,
            catch_exceptions=False,
        )
    assert caught.value.exit_code == 2
    assert "grader doctor" in caught.value.hint


def test_a_wall_that_leaks_is_no_wall(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox out of which the probe can break is refused like none."""
    monkeypatch.setattr("grader.sandbox.probe.breaches", lambda sandbox: ("connect",))
    with pytest.raises(InputError, match="a process could open a network socket"):
        CliRunner().invoke(
            cli, ["check", str(work), "--course", str(TOY)], standalone_mode=False, catch_exceptions=False
        )


def test_only_auto_takes_a_lesser_tier_and_says_so(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where namespaces cannot be made, `full` refuses; `auto` takes bubblewrap's, or behind Landlock says so."""
    refused = {tiers.FULL}

    class Refused(host._Zygote):
        def __init__(self, folder: Path, packages: frozenset[str], tier: str) -> None:
            if tier in refused:
                raise SandboxError("unshare: Operation not permitted")
            super().__init__(folder, packages, tier)

    monkeypatch.setattr(host, "_Zygote", Refused)
    words = ["check", str(work), "--course", str(TOY), "--sandbox"]
    result = CliRunner().invoke(cli, [*words, "auto", "--fresh"], standalone_mode=False, catch_exceptions=False)
    assert "note" not in result.stderr  # as strong
    refused.add(tiers.BWRAP)
    result = CliRunner().invoke(cli, [*words, "auto", "--fresh"], standalone_mode=False, catch_exceptions=False)
    assert tiers.LESSER in result.stderr
    with pytest.raises(InputError, match="full: unshare: Operation not permitted"):
        CliRunner().invoke(cli, [*words, "full", "--fresh"], standalone_mode=False, catch_exceptions=False)


def test_without_bubblewrap_its_tier_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not replaced by the namespaces that the grader makes itself; what is missing is named."""
    folder = Path(shutil.copytree(host.WORKER.parents[1], tmp_path / "grader"))
    walls = folder / "sandbox" / "contain.py"
    walls.write_text(walls.read_text().replace('"/usr/bin/bwrap", "/usr/local/bin/bwrap"', '"/not/there",'))
    monkeypatch.setattr(host, "WORKER", folder / "sandbox" / "worker.py")
    with pytest.raises(SandboxError, match=r"bwrap: .*bubblewrap is not installed: sudo apt-get install bubblewrap"):
        host.Sandbox(tier="bwrap")
    with host.Sandbox() as sandbox:
        assert sandbox.tier == "full"


def test_answers_alone_need_no_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs nobody's code can be graded anywhere."""
    monkeypatch.setattr(host, "WORKER", Path("/nowhere"))
    (tmp_path / "ada.py").write_text("x = 1\n")
    result = CliRunner().invoke(cli, ["check", str(tmp_path / "ada.py"), "--course", str(TOY)], standalone_mode=False)
    assert "no known function" in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("word", "message"),
    [("bubblewrap", "not known"), ("", "not known"), ("ful", "'ful' is not")],
)
def test_other_words_are_refused(word: str, message: str) -> None:
    """A tier that does not exist must not mean another one."""
    with pytest.raises(InputError, match=message):
        tiers.named(word)


# ---- the container ----


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a `docker` first on the path that writes down its words and ends with STATUS."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "docker"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/words\nexit ${{STATUS:-0}}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return tmp_path / "words"


def test_the_command_line_is_exactly_this(tmp_path: Path) -> None:
    """Each word is a wall: a lost one would not be noticed by grading."""
    line = docker.command(
        "docker", [docker.Mount(tmp_path, "/in")], ["--fresh"], jobs=2, user=(1000, 1001), terminal=False
    )
    assert " ".join(line) == (
        "docker run --rm --interactive --network none --read-only --cap-drop ALL "
        "--security-opt no-new-privileges --pids-limit 192 --memory 5g --memory-swap 5g "
        "--tmpfs /tmp:rw,nosuid,nodev,size=256m,mode=1777 --user 1000:1001 --workdir /tmp "
        "--env HOME=/tmp --env XDG_CACHE_HOME=/cache "
        f"--mount type=bind,source={tmp_path.resolve()},target=/in,readonly "
        f"{docker.IMAGE} check --sandbox landlock --jobs 2 --fresh"
    )


def test_root_keeps_only_what_stops_it_being_root() -> None:
    """Inside, root must be able to become somebody else, and nothing more."""
    line = docker.command("docker", [], [], jobs=1, user=(0, 0), terminal=True)
    assert [line[i + 1] for i, word in enumerate(line) if word == "--cap-add"] == [*docker.FOR_ROOT]
    assert line[line.index("--cap-drop") + 1] == "ALL"
    assert "--tty" in line


def test_check_runs_the_engine(engine: Path, work: Path, tmp_path: Path) -> None:
    """Files are mounted to be read only, the report to be written, and every option reaches the inside."""
    key = tmp_path / "key"
    key.write_text("k")
    status, _, err = grade(
        *(work, "--sandbox", "docker", "--jobs", 1, "--topic", "sums", "--topic", "other", "--call-seconds", 2),
        *("--key-file", key, "--fresh", "--format", "json", "-o", tmp_path / "report", "--allow", "scipy"),
    )
    words = engine.read_text().splitlines()
    assert status == 0, err
    mounted = [words[i + 1] for i, word in enumerate(words) if word == "--mount"]
    place = f"/submissions/0/{tmp_path.name}/ada.py"
    assert f"type=bind,source={work},target={place},readonly" in mounted
    assert f"type=bind,source={key},target=/course.key,readonly" in mounted
    assert f"type=bind,source={TOY},target=/courses/toy,readonly" in mounted
    assert {mount.rpartition("target=")[2] for mount in mounted if "readonly" not in mount} == {"/report", "/cache"}
    inside = words[words.index(docker.IMAGE) + 1 :]
    assert " ".join(inside) == (
        "check --sandbox landlock --jobs 1 --course /courses/toy --key-file /course.key --output /report "
        "--topic sums --topic other --call-seconds 2.0 --fresh --format json --allow scipy --feedback full "
        f"--device cpu -- {place}"
    )
    assert "run --rm" in err  # so that it can be looked at


def test_every_option_of_check_is_carried(engine: Path, work: Path, tmp_path: Path) -> None:
    """An option added to `check` one day must not be lost on the way inside."""
    values = {"topics": "sums", "form": "json", "output": str(tmp_path / "o"), "key_file": str(work), "seed": "3"}
    values |= {
        "level": "intro",
        "allow": "scipy",
        "jobs": "1",
        "call_seconds": "2",
        "feedback": "full",
        "tier": "docker",
        "device": "cpu",
        "dataset": "mnist",
        "data_root": str(tmp_path),
    }
    values |= {"course": str(TOY)}
    words: list[str] = []
    options = [param for param in check.params if param.param_type_name == "option" and param.name != "help"]
    for option in options:
        words.append(option.opts[0])
        if not getattr(option, "is_flag", False):
            assert option.name in values, f"say here how {option.name!r} reaches the container"
            words.append(values[option.name])
    status, _, err = grade(work, *words)
    assert status == 0, err
    inside = engine.read_text().splitlines()
    inside = inside[inside.index(docker.IMAGE) :]
    long = {opt for option in options for opt in option.opts if opt.startswith("--")}
    assert {word for word in inside if word.startswith("--") and word != "--"} == long
    assert inside[inside.index("--data-root") + 1] == f"/data{tmp_path.resolve()}", "what is mounted there"
    assert f"type=bind,source={tmp_path.resolve()},target=/data{tmp_path.resolve()},readonly" in engine.read_text()


@pytest.mark.parametrize("status", ["0", "1", "3"])
def test_the_containers_status_is_ours(engine: Path, work: Path, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A class that is wrong, or could not be graded, must not look right from outside."""
    monkeypatch.setenv("STATUS", status)
    assert grade(work, "--sandbox", "docker")[0] == int(status)
    assert engine.exists()


def test_an_engine_that_ran_nothing_is_an_error(engine: Path, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker ends with 125 where the image is missing: the way out is to build it."""
    monkeypatch.setenv("STATUS", "125")
    status, out, err = grade(work, "--sandbox", "docker")
    assert (status, out) == (2, "")
    assert f"build -t {docker.IMAGE} -f Containerfile" in err
    assert engine.exists()


def test_without_an_engine_nothing_is_graded(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not another tier instead."""
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(InputError, match="neither docker nor podman was found"):
        docker.run(docker.mounts_of([work]), [], jobs=1)


def test_podman_is_taken_where_docker_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both take the same words."""
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/podman" if name == "podman" else None)
    assert docker.engine() == "/usr/bin/podman"


def test_paths_that_would_add_a_mount_option_are_refused(tmp_path: Path) -> None:
    """A comma ends a field of --mount: a folder's name must not make its mount writable."""
    with pytest.raises(InputError, match="with a comma"):
        _ = docker.Mount(tmp_path / "a,readonly=false", "/in").words
    with pytest.raises(InputError, match="no such file"):
        docker.mounts_of([tmp_path / "nothing"])


CAPABILITIES = ",".join(["-all", *(f"+{name.lower()}" for name in docker.FOR_ROOT)])
NOTHING = ["--bounding-set", "-all"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can take the place of another user")
@pytest.mark.parametrize(
    "reduced", [["--bounding-set", CAPABILITIES], ["--reuid", "4242", "--regid", "4242", "--clear-groups", *NOTHING]]
)
def test_the_landlock_tier_holds_with_a_containers_privileges(reduced: list[str]) -> None:
    """What the engine leaves of root, and an ordinary user, are enough to build the walls inside."""
    program = "from grader.sandbox.host import Sandbox\nwith Sandbox(tier='landlock') as s: print(*s.walls)"
    done = ordinary.run_reduced([*reduced, "--no-new-privs"], ["-c", program])
    assert {"landlock", "seccomp"} <= set(done.stdout.split()), done.stderr
