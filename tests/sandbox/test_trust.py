"""Nothing that a student's process sends is ever run, and that process knows nothing of the grader."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "grader"
UNTRUSTED = {"worker.py"}
INSIDE = ("worker.py", "protocol.py", "contain.py", "../models/harness.py")
BANNED_MODULES = {"pickle", "dill", "marshal", "shelve", "joblib", "cloudpickle"}
BANNED_CALLS = {"eval", "exec", "np.load", "numpy.load", "torch.load"}


def imports(tree: ast.AST) -> set[str]:
    """Return the top-level names of all modules that are imported anywhere."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or "").split(".")[0])
    return found


def problems(source: str) -> set[str]:
    """Return what of a trusted file would run bytes from outside."""
    tree = ast.parse(source)
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return imports(tree) & BANNED_MODULES | calls & BANNED_CALLS


@pytest.mark.parametrize("source", ["import pickle", "eval('1')", "import numpy as np\nnp.load('x')", "exec('1')"])
def test_the_ban_sees_what_it_bans(source: str) -> None:
    """A ban that finds nothing anywhere would pass always."""
    assert problems(source)


def test_trusted_code_runs_no_bytes() -> None:
    """No pickle, eval, exec or np.load outside the worker."""
    files = [path for path in ROOT.rglob("*.py") if path.name not in UNTRUSTED]
    assert len(files) > 10
    assert {path.name: found for path in files if (found := problems(path.read_text(encoding="utf-8")))} == {}


@pytest.mark.parametrize("name", INSIDE)
def test_the_inside_imports_nothing_of_ours(name: str) -> None:
    """What is not loaded in the student's process cannot be found there."""
    names = imports(ast.parse((ROOT / "sandbox" / name).read_text(encoding="utf-8")))
    assert not {found for found in names if found.startswith((".", "grader", "solutions", "exercises"))}
