"""The lines along which the project is cut: who may import whom, and what the trusted side never does."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OURS = {"grader", "exercises", "solutions", "benchmarks", "tests"}
HEAVY = {
    "numpy",
    "torch",
    "matplotlib",
    "sympy",
    "hypothesis",
    "jinja2",
    "rich",
    "markdown_it",
    "latex2mathml",
    "scipy",
}
UNTRUSTED = [ROOT / "grader/sandbox" / name for name in ("worker.py", "contain.py", "protocol.py")]
# Words of the courses' field; "window", "kernel", "stride" and "padding" are not only theirs (a page has padding).
FIELD = re.compile(
    r"convolution|\bcnn|\bconv[12]d|cross.?correlat|pooling|_pool[12]d|dilation|im2col|feature.?map"
    r"|alexnet|lenet|sigmoid|relu\b|softmax|adam_step|sgd_step",
    re.IGNORECASE,
)
# A generator of one's own, seeded, is not global.
RANDOMNESS = re.compile(r"(np\.|numpy\.)?random\.(?!default_rng(\([^)]|$))[\w.()]+|(\w+\.)*(Random|default_rng)\(\)")


def modules(*folders: str) -> list[Path]:
    found = [
        path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")) if "builtin" not in path.parts
    ]
    assert found, f"nothing to look at in {folders}"
    return found


def imports(path: Path) -> set[str]:
    """Return the full names of all that a module imports, inside functions too; relative ones resolved."""
    found: set[str] = set()
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return found


def ours(path: Path) -> set[str]:
    return {name for name in imports(path) if name.split(".")[0] in OURS}


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", modules("solutions"), ids=label)
def test_solutions_know_nothing_of_the_grader(path: Path) -> None:
    """A reference solver is a library function: usable, and testable, without the rest."""
    stray = {name for name in ours(path) if not within(name, "solutions")}
    assert not stray, f"{label(path)} imports {stray}"


@pytest.mark.parametrize("path", modules("exercises"), ids=label)
def test_exercises_use_the_small_vocabulary(path: Path) -> None:
    """An author needs to know one module of the grader, and its insides stay free to change."""
    stray = {name for name in ours(path) if not within(name, "exercises", "solutions", "grader.authoring")}
    assert not stray, f"{label(path)} imports {stray}"


@pytest.mark.parametrize("path", modules("grader"), ids=label)
def test_the_engine_reaches_courses_through_the_loader_alone(path: Path) -> None:
    """Every course has the same rights: an engine that imports the built-in one would not run another."""
    stray = {name for name in ours(path) if not within(name, "grader")}
    assert not stray, f"{label(path)} imports {stray}"


@pytest.mark.parametrize("path", UNTRUSTED, ids=label)
def test_the_students_side_imports_nothing_trusted(path: Path) -> None:
    """The student's process must not hold references or verdicts: so it must not be able to import them."""
    stray = {name for name in ours(path) if not within(name, *("grader.sandbox." + p.stem for p in UNTRUSTED))}
    assert not stray, f"{label(path)} imports {stray}"


@pytest.mark.parametrize("path", [*modules("grader"), *sorted((ROOT / "templates").rglob("*.*"))], ids=label)
def test_the_engine_knows_nothing_of_the_field(path: Path) -> None:
    """A course on sorting must be possible without a change here: the field's words belong to the content."""
    for number, text in spoken(path):
        match = FIELD.search(text)
        assert match is None, f"{label(path)}:{number}: the engine speaks of {match and match[0]!r}"


def spoken(path: Path) -> Iterator[tuple[int, str]]:
    """Yield names and strings of a module with their lines, without comments and docstrings; all of another file."""
    source = path.read_text()
    if path.suffix != ".py":
        yield from enumerate(source.splitlines(), 1)
        return
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield line, node.value
        for field in ("id", "attr", "name", "arg"):
            if isinstance(name := getattr(node, field, None), str):
                yield line, name


def calls(path: Path) -> Iterator[tuple[int, str]]:
    """Yield what a module calls, as dotted text, with the line; "f()" where it is called without arguments."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)
            if not node.args and not node.keywords:
                yield node.lineno, ast.unparse(node)


@pytest.mark.parametrize(
    "path", [p for p in modules("grader", "exercises", "solutions") if p not in UNTRUSTED], ids=label
)
def test_no_global_randomness(path: Path) -> None:
    """The same labels must give the same variant and the same cases everywhere: global generators do not.

    The worker seeds them for students' code; it draws nothing itself.
    """
    stray = [f"{line}: {name}" for line, name in calls(path) if RANDOMNESS.fullmatch(name)]
    stray += [name for name in imports(path) if within(name, "random", "numpy.random") and name != "random.Random"]
    assert not stray, f"{label(path)}: {stray}"


@pytest.mark.parametrize(
    "path", [p for p in modules("grader", "exercises", "solutions") if p not in UNTRUSTED], ids=label
)
def test_trusted_code_runs_no_data(path: Path) -> None:
    """What a student writes is data here: nothing may unpickle it, evaluate it or load it as an archive."""
    assert not {name for name in imports(path) if within(name, "pickle", "dill", "shelve", "marshal", "cloudpickle")}
    forbidden = {"eval", "exec", "compile", "np.load", "numpy.load", "torch.load", "np.fromfile", "__import__"}
    stray = [f"{line}: {name}" for line, name in calls(path) if name in forbidden]
    assert not stray, f"{label(path)}: {stray}"


@pytest.mark.parametrize("path", modules("grader", "exercises", "solutions", "tests", "benchmarks"), ids=label)
def test_every_exemption_carries_its_reason(path: Path) -> None:
    """A silenced warning without a reason is a warning lost: the next reader cannot tell whether it still holds."""
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if token.type == tokenize.COMMENT and re.search(r"#\s*(noqa|type:\s*ignore)", token.string):
            good = re.fullmatch(
                r"# (noqa: [A-Z]+\d+(, [A-Z]+\d+)*|type: ignore\[[\w, -]+\])( - |  ?# | \().{5,}", token.string
            )
            assert good, f"{label(path)}:{token.start[0]}: {token.string}: write which rule, then ' - ' and why"


@pytest.mark.parametrize("words", [["--help"], ["--version"], []], ids=["help", "version", "nothing"])
def test_help_is_light(words: list[str]) -> None:
    """`grader --help` answers at once: nothing heavy is imported on the way."""
    code = (
        "import sys\nfrom grader.cli.main import main\n"
        f"sys.argv = ['grader', *{words!r}]\n"
        "try:\n    main()\nfinally:\n"
        "    print('LOADED', *sorted({name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    loaded = set(done.stdout.partition("LOADED")[2].split())
    assert "click" in loaded, done.stderr
    assert not loaded & HEAVY, f"imported on the way: {loaded & HEAVY}"


# These helpers guard the rest, so they are held to what they must find.
def test_the_helpers_find_what_they_look_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A guard that sees nothing passes everything: relative imports, imports in functions and calls are seen."""
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    path = tmp_path / "grader/sandbox/sample.py"
    path.parent.mkdir(parents=True)
    path.write_text(
        '"""conv2d"""\nfrom ..course import Course\n'
        'def f(dilation):\n    import exercises.padding\n    random.choice("conv2d")\n'
    )
    assert imports(path) == {"grader.course.Course", "exercises.padding"}
    assert list(calls(path)) == [(5, "random.choice")]
    assert RANDOMNESS.fullmatch("random.choice")
    for name in ("np.random.rand", "numpy.random.seed", "np.random.default_rng()", "Random()"):
        assert RANDOMNESS.fullmatch(name)
    for name in ("np.random.default_rng", "np.random.default_rng(seed).random", "Random", "rng.random"):
        assert not RANDOMNESS.fullmatch(name)
    assert [text for _, text in spoken(path) if FIELD.search(text)] == ["dilation", "conv2d"]
