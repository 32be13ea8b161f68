"""SECURITY.md says nothing that a test does not show."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

from grader.cli.check import check
from grader.sandbox import docker, tiers
from tests.attacks.corpus import ATTACKS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
SANDBOX = (ROOT / "docs/sandbox.md").read_text(encoding="utf-8")
PROMISED = PAGE.partition("## What is promised")[2].partition("## What is not promised")[0]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


@functools.cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_test_named_exists() -> None:
    """A promise whose test was renamed away is held by nobody."""
    named = NAMED.findall(PAGE)
    assert len(named) > 25
    assert [pair for pair in named if pair[1] not in names_in(pair[0])] == []


def test_every_promise_names_its_test() -> None:
    """A sentence without a test is a hope."""
    promises = re.findall(r"^- (.*?)(?=^- |^$)", PROMISED, re.MULTILINE | re.DOTALL)
    assert len(promises) > 15
    assert [promise for promise in promises if not NAMED.search(promise)] == []


def test_the_figures_are_those_of_the_code() -> None:
    """The size of the corpus, the tiers, the image: written down once more, so they must agree."""
    assert f"holds {len(ATTACKS)} of them" in " ".join(PAGE.split())
    assert re.findall(r"^\| `(\w+)`", SANDBOX, re.MULTILINE) == ["full", "bwrap", "landlock", "docker", "none", "auto"]
    assert set(re.findall(r"^\| `(\w+)`", SANDBOX, re.MULTILINE)) == set(tiers.TIERS)
    assert docker.BUILD.format(engine="docker", image=docker.IMAGE) in SANDBOX
    assert all(name in SANDBOX for name in docker.FOR_ROOT)


def test_the_help_says_what_is_offered() -> None:
    """Whoever reads only `grader check --help` must find every tier."""
    (option,) = [param for param in check.params if param.name == "tier"]
    text = str(getattr(option, "help", ""))
    assert all(re.search(rf"\b{tier}\b", text) for tier in tiers.TIERS)


def test_the_image_copies_what_exists() -> None:
    """A recipe that cannot be run here must at least name files that are there."""
    recipe = (ROOT / "Containerfile").read_text(encoding="utf-8")
    copied = [word for line in re.findall(r"^COPY (.*)$", recipe, re.MULTILINE) for word in line.split()[:-1]]
    assert {"pyproject.toml", "grader", "exercises", "solutions", "templates"} <= set(copied)
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert 'ENTRYPOINT ["grader"]' in recipe
