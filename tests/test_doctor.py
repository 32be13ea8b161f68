"""The doctor tells the truth about this machine, and how to mend it."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner

from grader import doctor
from grader.cli.doctor import doctor as command
from grader.cli.doctor import to_text
from grader.doctor import Item, Requirement
from grader.report import formats
from grader.sandbox.probe import TierReport


def test_this_machine_can_grade() -> None:
    """The tests run here, so the doctor must not frighten anyone: status 0, and the versions are the real ones."""
    result = CliRunner().invoke(command, ["--format", "json"])
    document = json.loads(result.output)
    assert result.exit_code == 0
    assert document["can_grade"] is True
    rows = {(row["group"], row["name"]): row for row in document["items"]}
    assert rows["packages", "numpy"]["found"] == metadata.version("numpy")
    assert {group for group, _ in rows} == {"python", "packages", "isolation", "device", "formats"}
    assert {name for group, name in rows if group == "formats"} == {"md", "table", *formats.FORMATS}


def test_text_names_every_item() -> None:
    """The text is what people paste into a question: nothing of the JSON may be missing there."""
    output = CliRunner().invoke(command).output
    for item in doctor.examine():
        assert item.name in output
        assert item.found in output
        assert item.present or item.fix in output
    assert output.endswith("Ready to grade.\n")


def test_missing_core_package_means_nothing_can_be_graded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a package of the core the exit status is 3, and the command that helps is printed."""
    versions = {"click": None, "rich": "1.0"}
    known = doctor.installed
    monkeypatch.setattr(doctor, "installed", lambda name: versions.get(name, known(name)))
    result = CliRunner().invoke(command)
    assert result.exit_code == 3
    assert "→ pip install 'click>=8.1'" in result.output
    assert "1.0, older than 13.7" in result.output
    assert result.output.endswith("Nothing can be graded without: click, rich.\n")


def test_missing_extra_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A course on NumPy needs no PyTorch: its absence is told, and grading goes on."""
    monkeypatch.setattr(doctor, "installed", lambda name: None)
    item = doctor.package(Requirement("torch", (2, 4), "torch"))
    assert (item.status, item.fix) == ("missing", "pip install 'convgrader[torch]'")
    assert doctor.can_grade([item])


def test_every_missing_item_has_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A diagnosis without a remedy is a complaint: on the barest machine every line still says what to do."""
    monkeypatch.setattr(doctor, "installed", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    items = doctor.examine()
    assert not doctor.can_grade(items)
    assert all(item.fix for item in items if not item.present)
    assert "None" not in to_text(items)


def test_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run from a folder without being installed, there is no metadata: say so instead of failing."""

    def absent(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", absent)
    (item,) = doctor.packages()
    assert "without being installed" in item.found


def test_isolation_is_tried_not_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no walls hold nothing may be graded, and the reasons of every tier are told."""
    tiers = (
        TierReport("full", works=False, problem="no namespaces"),
        TierReport("landlock", works=False, problem="old"),
    )
    monkeypatch.setattr("grader.sandbox.probe.survey", lambda: tiers)
    items = list(doctor.isolation())
    assert [(item.name, item.present) for item in items] == [("sandbox", False), ("full", False), ("landlock", False)]
    assert [item.found for item in items[1:]] == ["no namespaces", "old"]
    assert not doctor.can_grade(items)


def test_a_lower_tier_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without namespaces grading goes on behind fewer walls, and whoever runs the course must know."""
    tiers = (
        TierReport("full", works=False, problem="no namespaces"),
        TierReport("landlock", works=True, walls=("seccomp",)),
    )
    monkeypatch.setattr("grader.sandbox.probe.survey", lambda: tiers)
    sandbox, full, landlock = doctor.isolation()
    assert "'landlock'" in sandbox.found
    assert (full.present, full.found) == (False, "no namespaces")
    assert "user namespaces" in full.fix
    assert landlock.found == "seccomp"
    assert doctor.can_grade([sandbox, full, landlock])


@pytest.mark.parametrize(("version", "good"), [((3, 10, 14), False), ((3, 11, 0), True), ((3, 14, 1), True)])
def test_python_version(version: tuple[int, ...], good: bool) -> None:
    """3.9 is older than 3.11, and 3.14 is newer: compare numbers, not text."""
    assert doctor.python(version).present is good


def test_versions_compare_as_numbers() -> None:
    """8.10 is newer than 8.9; a text comparison would refuse it."""
    assert doctor.numbers("8.10.1") > doctor.numbers("8.9")
    assert doctor.numbers("unknown") == ()


def test_gpu_is_read_from_the_driver(tmp_path: Path) -> None:
    """The card's name comes from the driver's files, so that torch need not be imported to know it."""
    folder = tmp_path / "proc/driver/nvidia/gpus/0000:01:00.0"
    folder.mkdir(parents=True)
    (folder / "information").write_text("Model: \t\t NVIDIA H200\nIRQ:   	 151\n")
    (item,) = doctor.device(tmp_path)
    assert item == Item("device", "GPU", present=True, found="NVIDIA H200")
    (item,) = doctor.device(tmp_path / "elsewhere")
    assert item.found == "none: everything runs on the CPU"


def test_nothing_heavy_is_imported() -> None:
    """The doctor answers at once, and also where torch is broken: it never imports what it reports on."""
    heavy = {"torch", "scipy", "sympy", "hypothesis", "jinja2", "rich", "markdown_it", "latex2mathml"}
    code = f"import sys, grader.cli.doctor as d; d.examine(); print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == ""
