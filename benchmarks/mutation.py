"""Mutants of the solvers and of the comparison code: how many do the quick tests notice?

    python benchmarks/mutation.py [--mutants 60] [--file FILE] [--output FILE]

Works in a copy of the tree. A mutant has one change: a comparison turned, + and - exchanged, a whole number one
higher, `and` for `or`, a condition denied, or a result None. The sample is the same every time.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 120  # for the tests of one mutant; an endless loop is noticed, too
TESTS = {
    "solutions/convolution.py": ("solutions/convolution.py", "tests/test_convolution.py", "tests/test_conv1d.py"),
    "solutions/pooling.py": ("solutions/pooling.py", "tests/test_pooling.py"),
    "solutions/windows.py": ("solutions/windows.py", "tests/test_convolution.py", "tests/test_pooling.py"),
    "solutions/shapes.py": ("solutions/shapes.py", "tests/test_sizes.py"),
    "solutions/counting.py": ("solutions/counting.py", "tests/test_counting.py"),
    "solutions/optimizers.py": ("solutions/optimizers.py", "tests/test_optimizers_solvers.py"),
    "solutions/data.py": ("solutions/data.py", "tests/test_data_contracts.py"),
    "grader/functions/checks.py": (
        "grader/functions/checks.py",
        "tests/test_judge.py",
        "tests/test_optimizers_contracts.py",
    ),
    "grader/functions/judge.py": ("tests/test_judge.py",),
    "grader/functions/cases.py": ("tests/test_judge.py",),
    "grader/answers.py": ("grader/answers.py", "tests/test_answers.py"),
    "grader/marking.py": ("tests/test_check.py",),
}
TURNED = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
EXCHANGED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult}


@dataclass(frozen=True)
class Mutant:
    """One change of one file."""

    file: str
    line: int
    change: str
    source: str


def mutants(file: str) -> Iterator[Mutant]:
    """Yield every mutant of a file."""
    text = (ROOT / file).read_text(encoding="utf-8")
    for index, _ in enumerate(ast.walk(ast.parse(text))):
        tree = ast.parse(text)
        node = list(ast.walk(tree))[index]
        before = ast.unparse(node) if isinstance(node, ast.expr | ast.stmt) else ""
        if changed(node):
            change = f"`{before.splitlines()[0]}` → `{ast.unparse(node).splitlines()[0]}`"
            yield Mutant(file, getattr(node, "lineno", 0), change, ast.unparse(tree))


def changed(node: ast.AST) -> bool:
    """Change a node in place; False where there is nothing to change."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in TURNED:
        node.ops[0] = TURNED[type(node.ops[0])]()
    elif isinstance(node, ast.BinOp) and type(node.op) in EXCHANGED:
        node.op = EXCHANGED[type(node.op)]()
    elif isinstance(node, ast.BoolOp):
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        node.value += 1
    elif isinstance(node, ast.If):
        node.test = ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.Return) and node.value is not None:
        node.value = ast.Constant(None)
    else:
        return False
    return True


def sample(number: int, files: list[str]) -> list[Mutant]:
    """Return as many mutants, spread over the files, always the same for the same sources."""
    share = -(-number // len(files))
    found: list[Mutant] = []
    for file in files:
        order = sorted(mutants(file), key=lambda m: hashlib.sha256(f"{m.line}{m.change}".encode()).digest())
        found += order[:share]
    return found[:number]


def outcome(mutant: Mutant, folder: Path) -> str:
    """Run the tests of the mutant's file on it: "noticed", "survived" or "too slow"."""
    target = folder / mutant.file
    original = target.read_text(encoding="utf-8")
    target.write_text(mutant.source, encoding="utf-8")
    try:
        return tested(mutant.file, folder)
    finally:
        target.write_text(original, encoding="utf-8")


def tested(file: str, folder: Path) -> str:
    command = [sys.executable, "-m", "pytest", "-q", "-x", *TESTS[file]]
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=SECONDS)  # noqa: S603 - our own tests
    except subprocess.TimeoutExpired:
        return "too slow"
    return "noticed" if done.returncode else "survived"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--mutants", type=int, default=60)
    parser.add_argument("--file", action="append", choices=sorted(TESTS), help="only mutants of this file")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    chosen = sample(options.mutants, options.file or list(TESTS))
    ends = Counter[str]()
    lines = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "tree"
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".venv", ".git", "__pycache__", "dist"))
        broken = [file for file in sorted({m.file for m in chosen}) if tested(file, folder) != "survived"]
        if broken:
            sys.exit(f"The tests fail without any change, for {', '.join(broken)}: mend them first.")
        for mutant in chosen:
            end = outcome(mutant, folder)
            ends[end] += 1
            if end != "noticed":
                lines.append(f"- {mutant.file}:{mutant.line}: {mutant.change} ({end})")
            print(f"{end}: {mutant.file}:{mutant.line}: {mutant.change}", flush=True)  # noqa: T201 - a script
    text = "\n".join([f"{ends['noticed']} of {len(chosen)} mutants were noticed; these were not:", "", *lines])
    print(text)  # noqa: T201 - a script
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
