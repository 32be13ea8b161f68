"""Mutants of the solvers and of the comparison code: how many do the tests notice?

    python benchmarks/mutation.py [--mutants 40] [--file FILE] [--known FILE] [--output FILE]

Works in a copy of the tree. A mutant has one change: a comparison turned, + and - exchanged, a whole number one
higher, `and` for `or`, True for False, a condition denied, or a result None. The sample is the same every time for
the same sources. The quick tests of a file come first; only what they do not notice meets the thorough ones. With
--known, what was noticed before is remembered in a file and not run again while the source is the same.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import hashlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import hypothesis
import jinja2
import numpy as np
import pytest
import sympy
import torch

IMPORTED = (hypothesis, jinja2, np, sympy, torch)  # once, and not for every mutant
ROOT = Path(__file__).resolve().parent.parent
SLOWER = 5  # times as long as the unchanged file's tests, and then an endless loop is taken for what it is
ENDS = ("noticed", "too slow", "survived")
CORPUS = ("tests/test_corpus.py", "-k", "first and (conv1d or one_hot or output_size)")
WALLS = (
    (
        "tests/sandbox/test_numbers.py",
        "tests/sandbox/test_contain.py",
        "tests/sandbox/test_host.py",
        "tests/sandbox/test_script.py",
    ),
    ("tests/sandbox",),
    ("tests/attacks/test_attacks.py",),
)
JUDGED = (("tests/test_comparison.py", "tests/test_judge.py"), CORPUS)
# file -> stages of tests, the quick ones first; the file's own doctests belong to the first stage
TESTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "grader/functions/judge.py": JUDGED,
    "grader/functions/cases.py": JUDGED,
    "grader/functions/checks.py": JUDGED,
    "grader/functions/witness.py": JUDGED,
    "grader/functions/runner.py": JUDGED[:1],
    "grader/sandbox/contain.py": WALLS,
    "grader/sandbox/worker.py": WALLS,
    "grader/sandbox/host.py": WALLS,
    "grader/sandbox/protocol.py": (("tests/sandbox/test_protocol.py",), *WALLS[:2]),
    "grader/submission.py": (("tests/test_submission.py",), ("tests/test_check.py",)),
    "grader/answers.py": (("tests/test_answers.py", "tests/test_marking.py"),),
    "grader/marking.py": (("tests/test_marking.py",),),
    "grader/surds.py": (("tests/test_surds.py",), ("tests/test_answers.py", "tests/test_expressions.py")),
    "grader/expressions.py": (("tests/test_expressions.py",),),
    "grader/draw.py": (("tests/test_draw.py",), ("tests/test_variant.py", "tests/test_fuzz.py")),
    "solutions/activations.py": (("tests/test_convolution.py", "tests/test_pooling.py"),),
    "solutions/convolution.py": (("tests/test_conv1d.py", "tests/test_convolution.py"),),
    "solutions/counting.py": (("tests/test_counting.py",), ("tests/test_architecture_topic.py",)),
    "solutions/data.py": (("tests/test_datasets.py",), ("tests/test_data_contracts.py",)),
    "solutions/datasets.py": (("tests/test_datasets.py",),),
    "solutions/feature_maps.py": (("tests/test_feature_maps.py",),),
    "solutions/filters.py": (("tests/test_kernels.py",),),
    "solutions/gradients.py": (("tests/test_gradients.py",), ("tests/test_backprop.py",)),
    "solutions/networks.py": (("tests/test_architecture_topic.py",),),
    "solutions/optimizers.py": (("tests/test_optimizers_solvers.py",), ("tests/test_optimizers_topic.py",)),
    "solutions/pictures.py": (("tests/test_kernels.py",),),
    "solutions/planes.py": (("tests/test_flipping.py",), ("tests/test_backprop.py", "tests/test_paper_maps.py")),
    "solutions/pooling.py": (("tests/test_pooling.py",),),
    "solutions/receptive.py": (("tests/test_receptive.py",),),
    "solutions/sequences.py": (("tests/test_conv1d.py",),),
    "solutions/shapes.py": (("tests/test_sizes.py",), ("tests/test_counting.py",)),
    "solutions/shifts.py": (("tests/test_shifted_digits.py",),),
    "solutions/subgradients.py": (("tests/test_gradients.py",),),
    "solutions/windows.py": (("tests/test_convolution.py",), ("tests/test_pooling.py",)),
}
TURNED = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
EXCHANGED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult}


@dataclass(frozen=True)
class Mutant:
    """One change of one file: the node, counted as `ast.walk` does, and the change in words."""

    file: str
    line: int
    change: str
    node: int

    def source(self, text: str) -> str:
        """Return the changed file."""
        tree = ast.parse(text)
        changed(list(ast.walk(tree))[self.node])
        return ast.unparse(tree)


def mutants(file: str, text: str) -> Iterator[Mutant]:
    """Yield every mutant of a file."""
    tree = ast.parse(text)
    frozen = [node.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "frozen"]
    for index, node in enumerate(ast.walk(tree)):
        if not isinstance(node, ast.expr | ast.stmt) or node in frozen:  # frozen=False changes nothing that runs
            continue
        other = copy.deepcopy(node)
        if changed(other):
            change = f"`{_first_line(node)}` → `{_first_line(other)}`"
            yield Mutant(file, node.lineno, change, index)


def _first_line(node: ast.AST) -> str:
    return ast.unparse(node).splitlines()[0]


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
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        node.value = not node.value
    elif isinstance(node, ast.If) and _first_line(node) != "if TYPE_CHECKING:":
        node.test = ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.Return) and node.value is not None and ast.unparse(node) != "return None":
        node.value = ast.Constant(None)
    else:
        return False
    return True


def sample(file: str, text: str, number: int) -> list[Mutant]:
    """Return as many mutants of a file, spread over it, always the same for the same source."""
    order = sorted(mutants(file, text), key=lambda m: hashlib.sha256(f"{m.line}{m.change}".encode()).digest())
    return order[:number]


@dataclass
class Bench:
    """A copy of the tree, and what is known of mutants noticed before, by the digest of their source."""

    folder: Path
    known_file: Path | None
    known: set[str] = field(default_factory=set)
    writes: int = 0
    found_limits: dict[str, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.known_file and self.known_file.exists():
            self.known = set(json.loads(self.known_file.read_text(encoding="ascii")))

    def outcome(self, mutant: Mutant) -> str:
        """Run the stages of tests on a mutant, until one notices it; return one of ENDS."""
        target = self.folder / mutant.file
        original = target.read_text(encoding="utf-8")
        source = mutant.source(original)
        key = hashlib.sha256(f"{mutant.file}\n{source}".encode()).hexdigest()
        if key in self.known:
            return "noticed"
        limits = self.limits(mutant.file)
        self.write(target, source)
        try:
            end = next((end for end in self.stages(mutant.file, limits) if end != "survived"), "survived")
        finally:
            self.write(target, original)
        if end == "noticed" and self.known_file:
            self.known.add(key)
            self.known_file.write_text(json.dumps(sorted(self.known)), encoding="ascii")
        return end

    def write(self, target: Path, source: str) -> None:
        """Write a file with a time of its own, so that Python compiles it anew."""
        target.write_text(source, encoding="utf-8")
        self.writes += 1
        os.utime(target, (self.writes, self.writes))

    def stages(self, file: str, limits: list[float]) -> Iterator[str]:
        for number, limit in enumerate(limits):
            yield self.tested(file, number, limit)

    def tested(self, file: str, stage: int, limit: float = 600) -> str:
        """Run one stage of the tests of a file, as it is now in the copy, in a fork that has imported what is slow."""
        tests = (file, *TESTS[file][stage]) if stage == 0 else TESTS[file][stage]
        output = self.folder.parent / "output"
        output.unlink(missing_ok=True)
        pid = os.fork()
        if not pid:
            try:
                self.child(output, tests)
            finally:
                os._exit(3)
        until = time.monotonic() + limit
        while not (ended := os.waitpid(pid, os.WNOHANG))[0] and time.monotonic() < until:
            time.sleep(0.02)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        if not ended[0]:
            os.waitpid(pid, 0)
            return "too slow"
        code = os.waitstatus_to_exitcode(ended[1])
        if code not in (0, 1, 2):  # 2: the module cannot even be imported
            sys.exit(f"{file}: pytest ended with {code}:\n{output.read_text()[-2000:]}")
        return "noticed" if code else "survived"

    def child(self, output: Path, tests: Sequence[str]) -> NoReturn:
        """Become the process that runs the tests, with the copy's modules and none of ours."""
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
        for stream in (1, 2):
            os.dup2(os.open(output, os.O_CREAT | os.O_APPEND | os.O_WRONLY), stream)
        os.chdir(self.folder)
        sys.path[0] = str(self.folder)
        os.environ |= {"PYTHONPATH": str(self.folder), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        os._exit(pytest.main(["-q", "-x", *tests]))

    def limits(self, file: str) -> list[float]:
        """Return how long each stage may take, seconds; the tests must pass without a change."""
        if file in self.found_limits:
            return self.found_limits[file]
        found = self.found_limits.setdefault(file, [])
        for stage in range(len(TESTS[file])):
            started = time.monotonic()
            if self.tested(file, stage) != "survived":
                said = (self.folder.parent / "output").read_text(encoding="utf-8")[-2000:]
                sys.exit(f"{said}\n{file}: its tests fail without any change: mend them first.")
            found.append(SLOWER * (time.monotonic() - started))
        return found


def table(rows: dict[str, tuple[int, Counter[str]]], survivors: list[str]) -> str:
    """Return the results as Markdown."""
    lines = ["| file | mutants | run | noticed | too slow | survived |", "|---|---:|---:|---:|---:|---:|"]
    for file, (every, ends) in rows.items():
        lines.append(f"| `{file}` | {every} | {ends.total()} | {' | '.join(str(ends[end]) for end in ENDS)} |")
    total = sum((ends for _, ends in rows.values()), Counter[str]())
    every = sum(number for number, _ in rows.values())
    lines.append(f"| all | {every} | {total.total()} | {' | '.join(str(total[end]) for end in ENDS)} |")
    return "\n".join([*lines, "", *survivors])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--mutants", type=int, default=40, help="of each file of grader/")
    parser.add_argument("--solutions", type=int, default=8, help="of each file of solutions/")
    parser.add_argument("--file", action="append", choices=sorted(TESTS), help="only mutants of this file")
    parser.add_argument("--known", type=Path, help="file that remembers what was noticed")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    rows: dict[str, tuple[int, Counter[str]]] = {}
    survivors: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "tree"
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".venv", ".git", "__pycache__", "dist"))
        bench = Bench(folder, options.known)
        for file in options.file or list(TESTS):
            text = (folder / file).read_text(encoding="utf-8")
            ends = Counter[str]()
            number = options.solutions if file.startswith("solutions/") else options.mutants
            for mutant in sample(file, text, number):
                end = bench.outcome(mutant)
                ends[end] += 1
                if end != "noticed":
                    survivors.append(f"- {mutant.file}:{mutant.line}: {mutant.change} ({end})")
                print(f"{end}: {mutant.file}:{mutant.line}: {mutant.change}", flush=True)  # noqa: T201 - a script
            rows[file] = (len(list(mutants(file, text))), ends)
            if options.output:
                options.output.write_text(table(rows, survivors) + "\n", encoding="utf-8")
    print(table(rows, survivors))  # noqa: T201 - a script


if __name__ == "__main__":
    main()
